"""Signed orders: one click, one order, and exactly the effect that was shown (T7, 3.17,
3.18)."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Account, TermsVersion, User
from billing import approvals, contracts
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


class NeedsApproval(ValidationError):
    """The account lets nobody buy this alone; nothing was bought (ADR 34)."""

    def __init__(self, effect: Effect):
        super().__init__(
            _(
                "Your company lets nobody buy this much alone. Ask a second person who"
                " holds the same permission to approve it."
            ),
            code="needs_approval",
        )
        self.effect = effect


@dataclass(frozen=True)
class Second:
    """Who approved a purchase beside the one who signed it, and by which authority."""

    by: User
    authority: str
    role_name: str
    at: datetime


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
    second: Second | None = None


def body_digest(**body) -> str:
    """SHA-256 of what was asked for: the same key must ask for the same (3.18)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def claim(account: Account, *, key: str) -> None:
    """Hold a key until the transaction ends, so that its order is placed once.

    Refuses none (code no_key) and one whose order is placed this moment (in_progress).
    """
    if not key:
        raise ValidationError(_("An order needs an idempotency key."), code="no_key")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))",
            [account.pk % 2**31, key],
        )
        if not cursor.fetchone()[0]:
            raise ValidationError(
                _(
                    "This order is being placed right now. Look at your orders in a moment."
                ),
                code="in_progress",
            )


def repeated(account: Account, *, key: str, body: str) -> Order | None:
    """The order this key placed before, if it asked for the same (3.18).

    Refuses a key that asked for something else (code key_reused) and what `claim` does.
    Call it first in the transaction.
    """
    claim(account, key=key)
    order = Order.objects.filter(account=account, idempotency_key=key).first()
    if order and order.body_digest != body:
        raise ValidationError(
            _("This key placed another order. Load the page again and confirm there."),
            code="key_reused",
        )
    return order


def place(
    account: Account, *, kind: str, plan: Plan, effect: Effect, signed: Signature,
    body: str, on: date, standing: bool = False,
) -> Order:  # fmt: skip
    """Record the order for an effect computed under the contract's lock.

    `standing`: it turns Auto Install on. Refuses an effect that is not the one agreed to
    (EffectChanged, code effect_changed), what the account lets nobody buy alone
    (NeedsApproval, code needs_approval), a second person who is the first or acts by
    another permission (own_purchase), and an order without a contract (no_contract).
    """
    if signed.agreed is not None and signed.agreed != effect.digest:
        raise EffectChanged(effect)
    second = _seconded(account, plan, effect, signed, on=on, standing=standing)
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
        **second,
    )


def _seconded(account, plan, effect, signed: Signature, *, on, standing) -> dict:
    """What the order keeps of the second person; refuses where one is needed."""
    second = signed.second
    if second is None:
        if approvals.needed(account, plan, effect, on=on, standing=standing):
            raise NeedsApproval(effect)
        return {}
    if second.by.pk == signed.by.pk or second.authority != signed.authority:
        raise ValidationError(
            _("Somebody else with the same permission has to approve this."),
            code="own_purchase",
        )
    return {
        "approved_by": second.by,
        "approved_authority": second.authority,
        "approved_role_name": second.role_name,
        "approved_at": second.at,
    }
