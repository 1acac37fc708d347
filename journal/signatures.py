"""Signatures of webhooks, by the library of the Standard Webhooks specification.

Its errors, of which it names only some, become the two of this module.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import floor

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class BadSecret(Exception):
    """A secret that cannot sign."""


class Forged(Exception):
    """A webhook that none of the secrets has signed, or not within five minutes."""


def headers(
    message_id: str, body: str, *, secrets: Iterable[str], at: datetime
) -> dict[str, str]:
    """The three headers of a webhook sent at a moment: one signature for each secret."""
    at = at.astimezone(UTC)
    return {
        ID: message_id,
        TIMESTAMP: str(floor(at.timestamp())),
        SIGNATURE: " ".join(
            _webhook(secret).sign(message_id, at, body) for secret in secrets
        ),
    }


def read(body: bytes, *, sent: Mapping[str, str], secrets: Iterable[str]) -> dict:
    """What a webhook says, once one of the secrets is known to have signed it.

    Stricter than the library where that accepts several spellings of one signature or
    moment. Refuses, with Forged, everything else.
    """
    sent = {name.lower(): value for name, value in sent.items()}
    signatures = sent.get(SIGNATURE, "").split(" ")
    if not SECONDS.fullmatch(sent.get(TIMESTAMP, "")) or not any(
        map(_is_plain, signatures)
    ):
        raise Forged("The headers are not those of a signed webhook.")
    sent[SIGNATURE] = " ".join(filter(_is_plain, signatures))
    for secret in secrets:
        try:
            _webhook(secret).verify(body, sent, json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue
        return _parsed(body)
    raise Forged("No secret of ours has signed this.")


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (EmptyWebhookSecretError, ValueError, RuntimeError) as error:
        raise BadSecret(str(error)) from None


def _is_plain(signature: str) -> bool:
    """Whether it is v1 and spelt as our side spells it: base64 has several spellings."""
    version, _comma, value = signature.partition(",")
    try:
        spelt = base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except ValueError:
        return False
    return version == "v1" and value == spelt


def _parsed(body: bytes) -> dict:
    try:
        said = json.loads(body)
    except ValueError:
        raise Forged("The body is not JSON.") from None
    if not isinstance(said, dict):
        raise Forged("The body is not an object.")
    return said
