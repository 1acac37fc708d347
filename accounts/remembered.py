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
from datetime import datetime, timedelta
from functools import wraps

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.models import ApiKey, Remembered

KEPT_FOR = timedelta(days=30)
HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
LONGEST = 100
KEPT_HEADERS = ["ETag", "Location"]


def answer(handler):
    """Make an unsafe call of the API safe to repeat."""

    @wraps(handler)
    def remembering(view, request, *args, **kwargs):
        name = _name(request)
        body = _digest(request)
        with transaction.atomic():
            _alone(request.auth, name)
            known = Remembered.objects.filter(
                api_key=request.auth, idempotency_key=name
            ).first()
            if known:
                return _again(known, body)
            response = handler(view, request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            else:
                _keep(request.auth, name, body, response)
        return response

    remembering.remembered = True  # read by tests/test_architecture.py
    return remembering


def order_key(request) -> str:
    """The idempotency key of the order that a call places: one for each key and call."""
    digest = hashlib.sha256(_name(request).encode()).hexdigest()[:40]
    return f"api:{request.auth.pk}:{digest}"


def forget(*, at: datetime) -> int:
    """Forget answers older than thirty days; returns how many."""
    gone, _rows = Remembered.objects.filter(at__lt=at - KEPT_FOR).delete()
    return gone


def _name(request) -> str:
    name = request.headers.get(HEADER, "").strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise ValidationError(
            f"Send {HEADER}: up to {LONGEST} characters that name this call, the same"
            " when you repeat it.",
            code="no_key",
        )
    return name


def _digest(request) -> str:
    asked = [request.method, request.get_full_path(), request.data]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _alone(key: ApiKey, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"remembered {key.pk} {name}"],
        )
        if not cursor.fetchone()[0]:
            raise ValidationError(
                "A call with this key is running. Ask again in a moment.",
                code="in_progress",
            )


def _again(known: Remembered, body: str) -> Response:
    if known.body_digest != body:
        raise ValidationError(
            "This key was used for another call. Use a new one.", code="key_reused"
        )
    return Response(
        known.content, known.status, headers=known.headers | {REPLAYED: "true"}
    )


def _keep(key: ApiKey, name: str, body: str, response: Response) -> None:
    content = None
    if response.data is not None:
        content = json.loads(JSONRenderer().render(response.data))
    Remembered.objects.create(
        api_key=key,
        idempotency_key=name,
        body_digest=body,
        status=response.status_code,
        content=content,
        headers={
            header: response.headers[header]
            for header in KEPT_HEADERS
            if header in response.headers
        },
    )
