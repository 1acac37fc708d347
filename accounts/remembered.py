"""Answers remembered for an idempotency key: the same call twice acts once (3.18).

    @remembered.answer
    def create(self, request): …

The same key and body get the same answer again; the same key with another body is
refused (code key_reused, 422), one that is still running too (in_progress, 409), and a
call without a key (no_key, 400). Only what succeeded is remembered, in the transaction
of its effect.
"""

import hashlib
import json
from functools import wraps

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts import answers

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
LONGEST = 100
KEPT_HEADERS = ["ETag", "Location"]


def answer(handler):
    """Make an unsafe call of the API safe to repeat."""

    @wraps(handler)
    def remembering(view, request, *args, **kwargs):
        name, body = _name(request), _digest(request)
        with transaction.atomic():
            known = answers.given(request.auth, name, body=body)
            if known:
                headers = known.headers | {REPLAYED: "true"}
                return Response(known.content, known.status, headers=headers)
            response = handler(view, request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            else:
                answers.keep(request.auth, name, body=body, **_said(response))
        return response

    remembering.remembered = True  # read by tests/api/test_doors.py
    return remembering


def order_key(request) -> str:
    """The idempotency key of the order that a call places: one for each program and
    call, whichever of its keys it uses.
    """
    named = f"{request.auth.name}\n{_name(request)}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:40]
    return f"api:{request.auth.user_id}:{digest}"


def _name(request) -> str:
    name = request.headers.get(HEADER, "").strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise ValidationError(
            _(
                "Send %(header)s: up to %(most)s characters that name this call, the"
                " same when you repeat it."
            )
            % {"header": HEADER, "most": LONGEST},
            code="no_key",
        )
    return name


def _digest(request) -> str:
    asked = [request.method, request.get_full_path(), request.data]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _said(response: Response) -> dict:
    """An answer as it can be kept."""
    content = None
    if response.data is not None:
        content = json.loads(JSONRenderer().render(response.data))
    headers = {
        name: response.headers[name]
        for name in KEPT_HEADERS
        if name in response.headers
    }
    return {"status": response.status_code, "content": content, "headers": headers}
