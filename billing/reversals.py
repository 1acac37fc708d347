"""Undoing what an installation that never worked was charged: once, in full (3.20)."""

from datetime import date

from accounts.models import Account, User
from billing import charges, prices, renewals
from billing.models import Charge, Increase, Line, Order, RenewalChange, Term
from marketplace.models import App


def undo(
    account: Account, app: App, *, first_order: Order, by: User | None, on: date
) -> None:
    """Reverse every charge on lines opened since an order, and the growth of others.

    Lines it opened end as if they had never been; signed lines stay, their peak is as it
    was before the order, and the plans it replaced are as they were. Callers hold the
    contract's lock.
    """
    opened = Line.objects.of(account).filter(app=app, order__pk__gte=first_order.pk)
    for line in opened.order_by("pk").select_for_update(no_key=True):
        _unopen(line, by=by, on=on)
    grown = Increase.objects.filter(
        line__app=app, line__account=account, pk__in=_since(first_order, account, app)
    ).exclude(line__in=opened)
    terms: dict[int, list[Increase]] = {}
    for increase in grown.select_related("term__line").order_by("pk"):
        terms.setdefault(increase.term_id, []).append(increase)
    for increases in terms.values():
        _shrink(increases, on=on)


def _since(first_order: Order, account: Account, app: App):
    """Increases of the app since the order, by it, later orders or joins."""
    return (
        Increase.objects.filter(
            account=account, line__app=app, on__gte=first_order.placed_on
        )
        .exclude(order__pk__lt=first_order.pk)
        .exclude(cause__startswith="change:")
        .values("pk")
    )


def _unopen(line: Line, *, by: User | None, on: date) -> None:
    charges.reverse(line.charges.select_related("reversed_by").order_by("pk"), on=on)
    for replaced in line.replaces.all():
        renewals.restore(replaced, by=by, on=on)
    standing = RenewalChange.objects.standing().filter(line=line)
    for change in standing:
        renewals.drop(change, by=by, on=on)
    line.replaced_by = line.replaced_on = None
    line.ends_on = line.starts_on
    line.save(update_fields=["ends_on", "replaced_by", "replaced_on"])
    line.terms.open().update(outcome=Term.Outcome.ENDED)


def _shrink(increases: list[Increase], *, on: date) -> None:
    """Take the growth of one term back, also where later periods were billed with it."""
    term, line = increases[0].term, increases[0].term.line
    before = increases[0].from_quantity
    causes = [increase.cause for increase in increases]
    grown = Charge.objects.filter(line=line, term=term)
    charges.reverse(grown.filter(cause__in=causes), on=on)
    later = grown.filter(
        reason=Charge.Reason.PERIOD,
        starts_on__gte=increases[0].on,
        quantity__gt=before,
        reversed_by=None,
    )
    for charge in later:
        charges.reverse([charge], on=on)
        if before:
            charges.write(
                term,
                charges.part(
                    anchor=line.anchor_on, frequency=line.frequency_months,
                    start=charge.starts_on, end=charge.ends_on, quantity=before,
                    unit_price=line.unit_price, digits=line.digits,
                ),
                reason=Charge.Reason.PERIOD,
                cause=f"corrected:{charge.pk}",
                on=on,
            )  # fmt: skip
    term.peak = before if prices.uncovered(before, billed=term.contracted) else 0
    term.save(update_fields=["peak"])
