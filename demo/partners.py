"""The demo's partners as the sandbox plays them: their endpoints, secrets and keys."""

from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

from django.db import connection, transaction

from accounts import api_keys
from accounts.models import ApiKey, User
from demo import cast, launches, sandbox
from journal import endpoints
from journal.models import Endpoint
from marketplace.models import Partner

KEY = "Partner sandbox"
SCOPES = ["installations:read", "installations:write", "webhooks:read"]
# Who answers installations by itself; the others are answered in the portal.
BY_HAND = {"relay-automation"}


@transaction.atomic
def ready(place: str, *, at: datetime, on: date) -> list[sandbox.Partner]:
    """Let the demo's partners listen at a place, as 127.0.0.1:8790, each with its key.

    An endpoint that is elsewhere is moved, and answers its challenge as any other.
    """
    petra = User.objects.get(email=cast.PETRA)
    for old in ApiKey.objects.live(at=at).filter(user=petra, name=KEY):
        api_keys.revoke(old, by=petra, at=at, on=on)
    _row, key = api_keys.create(
        audience=ApiKey.Audience.PARTNER, name=KEY, scopes=SCOPES, by=petra, at=at,
        on=on,
    )  # fmt: skip
    for partner in cast.listening():
        _listen(partner, place, by=petra, at=at, on=on)
        launches.lead(partner, place, by=petra, on=on)
    return [
        sandbox.Partner(
            partner.slug,
            secrets=_secrets(partner),
            key=key,
            behaviour="silent" if partner.slug in BY_HAND else "confirm",
        )
        for partner in cast.listening()
    ]


def _listen(partner: Partner, place: str, *, by: User, at: datetime, on: date) -> None:
    address = f"http://{place}/{partner.slug}"
    asked = {"address": address, "loopback": [place], "by": by, "on": on, "at": at}
    endpoint = endpoints.of(partner.pk)
    if endpoint is None:
        endpoints.register(partner.pk, **asked)
    elif urlsplit(str(endpoint)).netloc != place and cast.is_sandbox(str(endpoint)):
        endpoints.move(endpoint, **asked)
    elif endpoint.asked_address:
        endpoints.challenge(endpoint, by=by, on=on, at=at)


def _secrets(partner: Partner) -> Callable[[], list[str]]:
    """The endpoint's secrets by now: somebody may rotate them in the portal."""

    def now() -> list[str]:
        endpoint = Endpoint.objects.get(partner_id=partner.pk)
        found = [endpoint.secret, endpoint.previous_secret]
        connection.close()  # of this thread, which ends with the answer
        return [secret for secret in found if secret]

    return now
