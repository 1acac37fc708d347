"""Credits for disputed charges: what Support gives back of a charge, with a reason.

The grant is what was decided, its credit what is billed; both are written once. No more
is given back of a charge than is left of it, whatever gave the rest back.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import charges
from billing.models import Charge, CreditGrant, Line
from journal import activities

Reason = Charge.Reason


def disputable(account: Account):
    """Charges of an account that may be disputed: what it owes, and was not taken back."""
    return (
        Charge.objects.of(account)
        .filter(amount__gt=0, reversed_by=None)
        .exclude(reason__in=[Reason.CREDIT, Reason.REVERSAL])
    )


def left(some: Iterable[Charge]) -> dict[int, Decimal]:
    """What is left of charges after every credit beside them, by charge id. One query
    for any number."""
    some = list(some)
    given = dict.fromkeys((charge.pk for charge in some), Decimal(0))
    beside = Charge.objects.filter(
        line__in={charge.line_id for charge in some},
        reason=Reason.CREDIT,
        reversed_by=None,
    )
    for cause, amount in beside.values_list("cause", "amount"):
        pk = int(cause.rpartition(":")[2])
        if pk in given:
            given[pk] -= amount
    return {charge.pk: charge.amount - given[charge.pk] for charge in some}


@transaction.atomic
def grant(
    charge: Charge, amount: Decimal, *, reason: str, key: str, by: User, on: date
) -> CreditGrant:
    """Give back all or part of a disputed charge; its credit is billed on that day.

    `amount` in the charge's currency, to its minor unit. The same `key` grants once: a
    second time the first grant is returned. Refuses a charge that is not owed (code
    not_owed), an amount that is no money of the currency (not_money), or more than is
    left (too_much), and a grant without a reason (no_reason).
    """
    line = Line.objects.locked(charge.line_id)
    there = CreditGrant.objects.filter(key=key).first()
    if there:
        return there
    refuse(charge, amount)
    if not reason.strip():
        raise ValidationError(
            _("Say why it is given back. The customer reads it."), code="no_reason"
        )
    granted = CreditGrant.objects.create(
        account_id=charge.account_id,
        charge=charge,
        amount=amount,
        reason=reason.strip(),
        key=key,
        granted_by=by,
        granted_on=on,
    )
    charges.write_grant(line, granted, on=on)
    activities.record(
        "credit.granted",
        account=line.account,
        by=by,
        on=on,
        subject=granted,
        app=line.app.slug,
        plan=line.plan.name,
        amount=str(amount.normalize() if amount % 1 else int(amount)),
        currency=charge.currency,
    )
    return granted


def refuse(charge: Charge, amount: Decimal) -> None:
    """Refuse what cannot be given back of a charge, as `grant` does."""
    if not disputable(charge.account).filter(pk=charge.pk).exists():
        raise ValidationError(
            _("This charge is not owed: there is nothing to give back."),
            code="not_owed",
        )
    digits = charge.line.digits
    if amount <= 0 or amount != round(amount, digits):
        raise ValidationError(
            _("Give back an amount above zero, with at most %(digits)s decimals.")
            % {"digits": digits},
            code="not_money",
        )
    most = left([charge])[charge.pk]
    if amount > most:
        raise ValidationError(
            _("At most %(amount)s %(currency)s is left of this charge.")
            % {"amount": round(most, digits), "currency": charge.currency},
            code="too_much",
        )
