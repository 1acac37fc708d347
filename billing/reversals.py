"""Undoing what an installation that never worked was charged: once, in full (3.20)."""

from datetime import date

from django.db.models import Exists, OuterRef

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
    by_line: dict[int, dict[int, list[Increase]]] = {}
    for increase in grown.order_by("line_id", "pk"):
        by_term = by_line.setdefault(increase.line_id, {})
        by_term.setdefault(increase.term_id, []).append(increase)
    for pk, by_term in by_line.items():
        _shrink(Line.objects.locked(pk), by_term, on=on)


def _since(first_order: Order, account: Account, app: App):
    """Increases of the app since the order, by it, later orders or joins, once."""
    undone = Charge.objects.filter(
        term=OuterRef("term"), cause=OuterRef("cause"), reversed_by__isnull=False
    )
    return (
        Increase.objects.filter(
            ~Exists(undone),
            account=account,
            line__app=app,
            on__gte=first_order.placed_on,
        )
        .exclude(order__pk__lt=first_order.pk)
        .exclude(cause__startswith="change:")
        .values("pk")
    )


def _unopen(line: Line, *, by: User | None, on: date) -> None:
    charges.reverse(line.charges.select_related("reversed_by").order_by("pk"), on=on)
    for replaced in line.replaces.exclude(ends_on__lte=on):
        renewals.restore(replaced, by=by, on=on)
    standing = RenewalChange.objects.standing().filter(line=line)
    for change in standing:
        renewals.drop(change, by=by, on=on)
    line.replaced_by = line.replaced_on = None
    line.ends_on = line.starts_on
    line.save(update_fields=["ends_on", "replaced_by", "replaced_on"])
    line.terms.open().update(outcome=Term.Outcome.ENDED)


def _shrink(line: Line, undone: dict[int, list[Increase]], *, on: date) -> None:
    """Take growth back, term by term: what a term grew by, its renewal carried on."""
    lower = 0
    for term in line.terms.order_by("starts_on"):
        term.line = line
        own = undone.get(term.pk, [])
        causes = [increase.cause for increase in own]
        charges.reverse(term.charges.filter(cause__in=causes), on=on)
        _correct_periods(term, own, lower, on=on)
        grown = sum(increase.to_quantity - increase.from_quantity for increase in own)
        billed = term.billed - lower - grown
        term.contracted -= lower
        term.peak = billed if prices.uncovered(billed, billed=term.contracted) else 0
        term.save(update_fields=["contracted", "peak"])
        lower += grown


def _correct_periods(term: Term, own: list[Increase], lower: int, *, on: date) -> None:
    """Bill periods again without the growth they were billed with."""
    line = term.line
    billed = term.charges.filter(reason=Charge.Reason.PERIOD, reversed_by=None)
    for charge in list(billed.order_by("starts_on")):
        before = [increase for increase in own if increase.on < charge.starts_on]
        more = lower + sum(one.to_quantity - one.from_quantity for one in before)
        if not more:
            continue
        charges.reverse([charge], on=on)
        part = charges.part(
            anchor=line.anchor_on,
            frequency=line.frequency_months,
            start=charge.starts_on,
            end=charge.ends_on,
            quantity=charge.quantity - more,
            unit_price=line.unit_price,
            digits=line.digits,
        )
        charges.write(
            term,
            part,
            reason=Charge.Reason.PERIOD,
            cause=f"corrected:{charge.pk}",
            on=on,
        )
