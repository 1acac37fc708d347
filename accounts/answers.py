"""The answers that were given to API calls, by their idempotency key (3.18)."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Remembered

KEPT_FOR = timedelta(days=30)


def given(key: ApiKey, name: str, *, body: str) -> Remembered | None:
    """The answer that a call of this name was given, if it asked for the same. A key
    and the one it is changed over to are one program.

    Nobody else runs a call of the name until the transaction ends. Refuses a name that
    asked for something else (code key_reused) and one whose call is running this moment
    (in_progress).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"remembered {key.user_id} {key.audience} {key.name!r} {name}"],
        )
        if not cursor.fetchone()[0]:
            raise ValidationError(
                _("A call with this key is running. Ask again in a moment."),
                code="in_progress",
            )
    known = Remembered.objects.filter(
        api_key__user=key.user_id,
        api_key__audience=key.audience,
        api_key__name=key.name,
        idempotency_key=name,
    ).first()
    if known and known.body_digest != body:
        raise ValidationError(
            _("This key was used for another call. Use a new one."), code="key_reused"
        )
    return known


def keep(
    key: ApiKey, name: str, *, body: str, status: int, content, headers: dict[str, str]
) -> None:
    """Remember what a call was answered, in the transaction of its effect."""
    Remembered.objects.create(
        api_key=key,
        idempotency_key=name,
        body_digest=body,
        status=status,
        content=content,
        headers=headers,
    )


def forget(*, at: datetime) -> int:
    """Forget answers older than thirty days; returns how many."""
    gone, _rows = Remembered.objects.filter(at__lt=at - KEPT_FOR).delete()
    return gone
