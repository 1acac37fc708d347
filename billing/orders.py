"""Signed orders: one click, one order, and exactly the effect that was shown (T7, 3.17,
3.18)."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import Account, TermsVersion, User
from billing import contracts
from billing.effects import Effect
from billing.models import Order
from marketplace.models import Plan


class EffectChanged(ValidationError):
    """What would happen now differs from what was shown; nothing was bought (409)."""

    def __init__(self, effect: Effect):
        super().__init__(
            "Something changed since this was shown, so nothing was bought."
            " Check the new figures and confirm again.",
            code="effect_changed",
        )
        self.effect = effect


@dataclass(frozen=True)
class Signature:
    """Who clicks, by which authority, and what the page had shown them (T7).

    `key` makes a double click one purchase; `agreed` is the digest of the effect that
    stood on the page, or None where a program agrees to whatever it is.
    """

    by: User
    authority: str
    role_name: str
    terms: TermsVersion
    key: str
    agreed: str | None
    summary: dict
    from_address: str | None = None


def body_digest(**body) -> str:
    """SHA-256 of what was asked for: the same key must ask for the same (3.18)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def repeated(account: Account, *, key: str, body: str) -> Order | None:
    """The order this key placed before, if it asked for the same (3.18).

    Refuses a key that asked for something else (code key_reused) and one whose order is
    being placed this moment (code in_progress). Call it first in the transaction.
    """
    if not key:
        raise ValidationError("An order needs an idempotency key.", code="no_key")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))",
            [account.pk % 2**31, key],
        )
        if not cursor.fetchone()[0]:
            raise ValidationError(
                "This order is being placed right now. Look at your orders in a moment.",
                code="in_progress",
            )
    order = Order.objects.filter(account=account, idempotency_key=key).first()
    if order and order.body_digest != body:
        raise ValidationError(
            "This key placed another order. Load the page again and confirm there.",
            code="key_reused",
        )
    return order


def place(
    account: Account, *, kind: str, plan: Plan, effect: Effect, signed: Signature,
    body: str, on: date,
) -> Order:  # fmt: skip
    """Record the order for an effect computed under the contract's lock.

    Refuses an effect that is not the one agreed to (EffectChanged, code effect_changed)
    and an order without a contract (code no_contract).
    """
    if signed.agreed is not None and signed.agreed != effect.digest:
        raise EffectChanged(effect)
    contract = contracts.current(account, on=on)
    if contract is None:
        contract = contracts.locked(account, on=on)
    if contract is None:
        contracts.required(account, on=on)
    return Order.objects.create(
        account=account,
        contract=contract,
        app=plan.app,
        plan=plan,
        kind=kind,
        placed_by=signed.by,
        authority=signed.authority,
        role_name=signed.role_name,
        terms_version=signed.terms.version,
        terms_address=signed.terms.address,
        placed_on=on,
        from_address=signed.from_address,
        summary=signed.summary,
        effect=effect.as_json(),
        effect_digest=effect.digest,
        idempotency_key=signed.key,
        body_digest=body,
    )
