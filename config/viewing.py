"""An account's console as its customer sees it: read-only pages for staff.

Whose half hour it is, and that it is written down, is the rule of support.viewings. Here
each request of it becomes one of the customer, and three things hold together: only GET
and HEAD are answered, in a transaction that PostgreSQL lets nobody write in, and only for
pages that are not the customer's own secrets.
"""

from django.contrib import messages
from django.db import InternalError, connection, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _

from support import viewings

SESSION = "viewing"
LEAVE = "support:leave-viewing"
ROOMS = {"accounts", "marketplace", "myapps", "support"}
SECRET = {
    "accounts:profile",
    "accounts:account-sign-in",
    "accounts:identity-provider",
    "accounts:api-keys",
    "accounts:add-api-key",
    "accounts:rotate-api-key",
    "accounts:revoke-api-key",
    "accounts:directory",
    "accounts:add-directory-key",
    "myapps:install-link",
    "myapps:calendar",
    "myapps:calendar-feed",
}
"""What is a person's own, or holds a key: no viewing shows it."""

READ_ONLY = "25006"


class ViewingMiddleware:
    """While staff view an account, answer their requests as its customer's, to read."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        pk = request.session.get(SESSION)
        if pk is None:
            return self.get_response(request)
        at = timezone.now()
        viewing = viewings.standing(pk, by=request.user, at=at)
        if viewing is None:
            return _over(request)
        name = _name(request)
        if request.method == "POST" and name in {LEAVE, "logout"}:
            viewings.end(viewing, at=at)
            del request.session[SESSION]
            return self.get_response(request)
        request.viewing, request.user = viewing, viewing.seen_as
        if request.method not in {"GET", "HEAD"}:
            return _refused(request, _("Nothing can be changed in this view."))
        if name and not _is_shown(name):
            return _refused(
                request, _("Sign-in, profile and keys are the customer's own.")
            )
        viewings.record(viewing, request.get_full_path(), at=at)
        return self._read(request)

    def _read(self, request):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            answer = self.get_response(request)
            transaction.set_rollback(True)
        if getattr(request, "would_write", False):
            return _refused(request, _("This page writes something when it is opened."))
        return answer

    def process_exception(self, request, error):
        if getattr(request, "viewing", None) and _is_write(error):
            request.would_write = True
            return HttpResponse(status=403)  # said when the transaction is over
        return None


def _over(request):
    """The half hour is over, or somebody may not view any more: nothing is carried out."""
    del request.session[SESSION]
    messages.info(
        request, _("The view as the customer is over. This is your own again.")
    )
    return redirect("home")


def _name(request) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""  # answered with 404, as the customer would be


def _is_shown(name: str) -> bool:
    room, _colon, _page = name.rpartition(":")
    return name in {"home", "search"} or (room in ROOMS and name not in SECRET)


def _refused(request, why: str):
    return render(request, "support/viewing_refused.html", {"why": why}, status=403)


def _is_write(error) -> bool:
    return (
        isinstance(error, InternalError)
        and getattr(error.__cause__, "sqlstate", None) == READ_ONLY
    )
