"""Where partners' webhooks go: addresses proved by a challenge, secrets, on and off.

`loopback` is the setting WEBHOOK_LOOPBACK_ALLOWED, which the outside passes in; `at` is
the moment, `on` the day of the record.
"""

import base64
import secrets
from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from journal import activities, addresses, outbox, signals
from journal.models import Endpoint, Message

BOTH_VALID_FOR = timedelta(hours=24)
VERIFY, TEST = "endpoint.verify", "endpoint.test"


def of(partner_id: int) -> Endpoint | None:
    """The partner's endpoint, if one was ever registered."""
    return Endpoint.objects.filter(partner_id=partner_id).first()


def expected(partner_id: int) -> bool:
    """Whether the partner is waited for: an endpoint of it answered the challenge once.

    Also while it is disabled: what was bought is not set up because nobody listens.
    """
    return (
        Endpoint.objects.filter(partner_id=partner_id)
        .exclude(verified_at=None)
        .exists()
    )


@transaction.atomic
def register(
    partner_id: int, *, address: str, loopback: Collection[str] = (),
    by: models.Model | None, on: date, at: datetime,
) -> tuple[Endpoint, str]:  # fmt: skip
    """Register the partner's endpoint and send it the challenge. Nothing else is sent
    until it has answered.

    Returns the endpoint and its secret, which is shown this once. Refuses an address
    that may not be asked (code address) and a second endpoint (code registered).
    """
    addresses.read(address, loopback=loopback)
    secret = new_secret()
    try:
        with transaction.atomic():
            endpoint = Endpoint.objects.create(
                partner_id=partner_id, asked_address=address, secret=secret
            )
    except IntegrityError:
        raise ValidationError(
            _("An endpoint is registered already. Change its address instead."),
            code="registered",
        ) from None
    _record("endpoint.registered", endpoint, by=by, on=on)
    _challenge(endpoint, at=at)
    return endpoint, secret


@transaction.atomic
def move(
    endpoint: Endpoint, *, address: str, loopback: Collection[str] = (),
    by: models.Model | None, on: date, at: datetime,
) -> Endpoint:  # fmt: skip
    """Ask for another address. The old one is used until the new one has answered its
    challenge. Refuses an address that may not be asked (code address).
    """
    addresses.read(address, loopback=loopback)
    endpoint = _locked(endpoint)
    endpoint.asked_address = address
    _record("endpoint.moved", endpoint, by=by, on=on)
    _challenge(endpoint, at=at)
    return endpoint


@transaction.atomic
def challenge(
    endpoint: Endpoint, *, by: models.Model | None, on: date, at: datetime
) -> Endpoint:
    """Send the challenge again. Refuses when nothing waits for one (code verified)."""
    endpoint = _locked(endpoint)
    if not endpoint.asked_address:
        raise ValidationError(_("This endpoint has answered already."), code="verified")
    _record("endpoint.challenged", endpoint, by=by, on=on)
    _challenge(endpoint, at=at)
    return endpoint


@transaction.atomic
def verified(
    endpoint: Endpoint, *, address: str, challenge: str, at: datetime, on: date
) -> bool:
    """The address that was asked for has echoed its challenge: from now on it is used.

    Says whether it was the right one; an older challenge changes nothing.
    """
    endpoint = _locked(endpoint)
    right = secrets.compare_digest(endpoint.challenge.encode(), challenge.encode())
    if not address or endpoint.asked_address != address or not right:
        return False
    endpoint.address, endpoint.asked_address = endpoint.asked_address, ""
    endpoint.challenge = ""
    endpoint.verified_at = at
    endpoint.failing_since = None
    endpoint.save()
    _record("endpoint.verified", endpoint, by=None, on=on)
    _let_go(endpoint, at=at)
    return True


@transaction.atomic
def rotate(
    endpoint: Endpoint, *, by: models.Model | None, on: date, at: datetime
) -> str:
    """A new secret, shown this once. Webhooks carry both signatures for 24 hours.

    Refuses while an earlier one still runs out (code rotating).
    """
    endpoint = _locked(endpoint)
    if endpoint.previous_until and endpoint.previous_until > at:
        raise ValidationError(
            _(
                "The secret before this one is still in use. Rotate again when it has run"
                " out."
            ),
            code="rotating",
        )
    endpoint.previous_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.previous_until = at + BOTH_VALID_FOR
    endpoint.save()
    _record("endpoint.rotated", endpoint, by=by, on=on)
    return endpoint.secret


@transaction.atomic
def disable(
    endpoint: Endpoint, *, because: str, by: models.Model | None, on: date, at: datetime
) -> Endpoint:
    """Send nothing more; what waits, waits. Refuses one that is off (code disabled)."""
    endpoint = _locked(endpoint)
    if endpoint.disabled_at:
        raise ValidationError(_("This endpoint is disabled already."), code="disabled")
    endpoint.disabled_at, endpoint.disabled_because = at, because[:200]
    endpoint.save()
    _record("endpoint.disabled", endpoint, by=by, on=on, because=because[:200])
    return endpoint


@transaction.atomic
def stop(endpoint: Endpoint, *, because: str, at: datetime, on: date) -> None:
    """Disable an endpoint that does not answer, and tell of it. Safe to repeat."""
    if _locked(endpoint).disabled_at is None:
        endpoint = disable(endpoint, because=because, by=None, on=on, at=at)
        signals.endpoint_disabled.send(Endpoint, endpoint=endpoint, at=at)


@transaction.atomic
def enable(
    endpoint: Endpoint, *, by: models.Model | None, on: date, at: datetime
) -> Endpoint:
    """Send again; what waits goes out now. Refuses one that is on (code enabled)."""
    endpoint = _locked(endpoint)
    if not endpoint.disabled_at:
        raise ValidationError(_("This endpoint is not disabled."), code="enabled")
    endpoint.disabled_at, endpoint.disabled_because = None, ""
    endpoint.failing_since = None
    endpoint.save()
    _record("endpoint.enabled", endpoint, by=by, on=on)
    _let_go(endpoint, at=at)
    return endpoint


@transaction.atomic
def test(
    endpoint: Endpoint, *, by: models.Model | None, on: date, at: datetime
) -> Message:
    """Send a test event. Refuses an endpoint that takes none (codes disabled,
    unverified).
    """
    endpoint = _locked(endpoint)
    if endpoint.disabled_at:
        raise ValidationError(_("Enable the endpoint first."), code="disabled")
    if not endpoint.verified_at:
        raise ValidationError(
            _("The endpoint has not answered its challenge yet."), code="unverified"
        )
    key = f"{TEST}:{secrets.token_hex(16)}"
    outbox.webhook(
        key=key,
        partner_id=endpoint.partner_id,
        kind=TEST,
        thread=key[:80],
        data={"message": "This is a test. Nothing happened."},
        at=at,
    )
    _record("endpoint.tested", endpoint, by=by, on=on)
    return Message.objects.get(key=key)


def _locked(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _challenge(endpoint: Endpoint, *, at: datetime) -> None:
    endpoint.challenge = secrets.token_urlsafe(32)
    endpoint.save()
    outbox.webhook(
        key=f"{VERIFY}:{endpoint.pk}:{endpoint.challenge}",
        partner_id=endpoint.partner_id,
        kind=VERIFY,
        thread=f"endpoint:{endpoint.pk}",
        data={"challenge": endpoint.challenge},
        at=at,
        collapses=True,
    )


def _let_go(endpoint: Endpoint, *, at: datetime) -> None:
    """What waited for this endpoint is due now."""
    waiting = Message.objects.to_partner(endpoint.partner_id).waiting()
    waiting.filter(due_at__gt=at).update(due_at=at)
    signals.promised.send(Message, kind=Message.Kind.WEBHOOK)


def new_secret() -> str:
    """32 random bytes, as the specification writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _record(verb, endpoint, *, by, on, **data) -> None:
    data |= {"address": str(endpoint.asked_address or endpoint.address)}
    activities.record(verb, account=None, by=by, on=on, subject=endpoint, **data)
