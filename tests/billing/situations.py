"""What billing tests set up again and again, in a line each. No seats: a number."""

import datetime
from decimal import Decimal

from billing import charges, effects, orders, terms
from billing.models import Line, RenewalChange
from tests import factories

D = Decimal
day = datetime.date.fromisoformat


def plan_of(app=None, *, price="10.00", currency="USD", **fields):
    """A base plan with a list price, or without one: price=None."""
    if app is not None:
        fields["app"] = app
    plan = factories.PlanFactory(**fields)
    if price is not None:
        factories.ListPriceFactory(plan=plan, monthly_price=D(price), currency=currency)
    return plan


def carry(*lines, to, active=0):
    """What the hourly run does to lines, up to a day."""
    pks = [line.pk for line in lines]
    return terms.advance(pks, active=dict.fromkeys(pks, active), on=day(to))


def buy(account, plan, units, *, on, by, cause=None):
    """Have so many units active: the effect, carried out. Returns line and effect."""
    on = day(on) if isinstance(on, str) else on
    effect = effects.of(account, plan, units=units, on=on)
    order = place(account, plan, effect, by=by, on=on)
    line = effects.carry_out(
        effect,
        account=account,
        cause=cause or f"order:{order.pk}",
        by=by,
        on=on,
        order=order,
    )
    return Line.objects.get(pk=line.pk), effect


def place(account, plan, effect, *, by, on, key=None, agreed=None, kind="USERS"):
    """Sign an order for an effect."""
    place.count += 1
    signed = orders.Signature(
        by=by,
        authority="accounts.manage_apps",
        role_name="Administrators",
        terms=factories.TermsVersionFactory(),
        key=key or f"key-{place.count}",
        agreed=agreed,
        summary={},
    )
    return orders.place(
        account, kind=kind, plan=plan, effect=effect, signed=signed, body="", on=on
    )


place.count = 0


def billed(line, reason=None):
    """The charges of a line as (from, to, quantity, amount), in order."""
    found = line.charges.order_by("starts_on", "id")
    if reason:
        found = found.filter(reason=reason)
    return [
        (str(c.starts_on), str(c.ends_on), c.quantity, c.amount.normalize())
        for c in found
    ]


def total(line):
    return line.charges.total()


def term(line):
    """The newest term of a line."""
    return line.terms.order_by("starts_on").last()


def standing(line):
    return RenewalChange.objects.standing().filter(line=line)


PERIOD = charges.Reason.PERIOD
INCREASE = charges.Reason.INCREASE
HELD = charges.Reason.HELD
CREDIT = charges.Reason.CREDIT
