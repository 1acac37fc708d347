"""What every API answer has in common: how it refuses, and how it turns pages."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.people import Row, Unlisted
from billing.effect_api import EffectSerializer
from billing.orders import EffectChanged
from config import busy
from config.api_problems import CLAUSES, ROWS, STATUSES

PROBLEM = "application/problem+json"


def refusal_handler(error, context):
    """Say no in one voice: a rule's refusal becomes problem details (RFC 9457)."""
    if isinstance(error, EffectChanged):
        return refused(error, effect=EffectSerializer(error.effect).data)
    if isinstance(error, Unlisted):
        return refused(error, errors=[_row(row) for row in error.rows])
    if isinstance(error, ValidationError):
        return refused(error)
    if isinstance(error, OperationalError) and busy.sent_back(error):
        return problem(409, "Somebody else was changing this. Try again.", "busy")
    if isinstance(error, DataError):
        return problem(422, "A value is out of the range that can be kept.", "range")
    if isinstance(error, RecursionError):
        return problem(400, "The JSON is nested too deeply.", "parse_error")
    response = exception_handler(error, context)
    if response is None:
        return None
    title, code, errors = _said(error, response)
    answer = problem(response.status_code, title, code, errors=errors)
    for header in ("WWW-Authenticate", "Retry-After", "Allow"):
        if header in response.headers:
            answer.headers[header] = response.headers[header]
    return answer


def refused(error: ValidationError, **more) -> Response:
    """A rule's refusal, with its code, its clause and the status that goes with it."""
    errors = []
    if hasattr(error, "error_dict"):
        errors = [
            {"field": "" if name == "__all__" else name, "message": message}
            for name, messages in error.message_dict.items()
            for message in messages
        ]
    code = getattr(error, "code", None) or _first_code(error)
    return problem(
        STATUSES.get(code, 422),
        " ".join(error.messages),
        code,
        **{"errors": errors} | more,
    )


def _row(row: Row) -> dict:
    """What is wrong with one row of a list: its number counts from 0."""
    return {
        "field": f"{row.field}.{row.row}",
        "row": row.row,
        "value": str(row.given),
        "code": row.code,
        "message": ROWS[row.code],
    }


def problem(status_code: int, title: str, code: str | None, **more) -> Response:
    """Problem details: a title for people, a code for programs, the clause if any."""
    body = {"type": "about:blank", "title": str(title), "status": status_code}
    body |= {"code": code or "refused"}
    if code in CLAUSES:
        body["clause"] = CLAUSES[code]
    body |= {name: value for name, value in more.items() if value}
    return Response(body, status_code, content_type=PROBLEM)


def not_found(request, exception=None):
    """An address of the API that does not exist, told as every other refusal."""
    raise Http404


def _said(error, response) -> tuple[str, str, list]:
    if isinstance(error, exceptions.ValidationError):
        return (
            "Some fields need another value.",
            "invalid",
            list(_fields(error.get_full_details())),
        )
    if isinstance(error, Http404):
        return "Nothing is here, or it is not yours.", "not_found", []
    if isinstance(error, PermissionDenied):
        return "You may not do this.", "authority", []
    codes = error.get_codes()
    return str(error.detail), codes if isinstance(codes, str) else "invalid", []


def _fields(details, path=""):
    """One entry for each message, with the field it is about: users.3.email."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        yield {
            "field": path.removesuffix(".non_field_errors"),
            "message": str(details["message"]),
            "code": details["code"],
        }
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _fields(inner, f"{path}.{name}" if path else str(name))
    else:
        many = any(isinstance(one, dict) and "message" not in one for one in details)
        for row, inner in enumerate(details):
            yield from _fields(inner, f"{path}.{row}".lstrip(".") if many else path)


def _first_code(error: ValidationError) -> str | None:
    return next(
        (one.code for one in getattr(error, "error_list", []) if one.code), None
    )


class Pages(CursorPagination):
    """Pages by a cursor: nothing is skipped or shown twice while rows come in. A view
    says its `ordering`; newest first where it does not.
    """

    page_size, max_page_size = 50, 500
    page_size_query_param = "page_size"
    ordering = "-id"

    def paginate_queryset(self, queryset, request, view=None):
        """One page. A cursor that stands nowhere is refused as one that is unreadable."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError, DataError):
            if self.cursor is None:
                raise
            raise exceptions.NotFound(self.invalid_cursor_message) from None

    def get_ordering(self, request, queryset, view):
        wanted = getattr(view, "ordering", self.ordering)
        return (wanted,) if isinstance(wanted, str) else tuple(wanted)
