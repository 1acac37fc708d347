"""The proposed adjustment in numbers: what either decision does to the bill.

Computed by the functions that bill; nothing here is written.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing import charges, renewals
from billing.models import Line, RenewalChange, Term
from marketplace import list_prices
from myapps import usage

Kind = RenewalChange.Kind
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Bill:
    """A billing period of the line: how many units of a plan, and what it costs."""

    plan: str
    quantity: int
    starts_on: date
    ends_on: date
    amount: Decimal


@dataclass(frozen=True)
class Held:
    """What is not billed until somebody decides, and since when (3.14)."""

    quantity: int
    since: date
    days: int
    amount: Decimal


@dataclass(frozen=True)
class Outcome:
    """One decision: what is billed or given back now, and the next bill after it.

    No next bill: nothing more is billed on the line.
    """

    now: Decimal
    next: Bill | None
    credits: list[charges.Credit] = field(default_factory=list)
    still_to_bill: Decimal = NOTHING


@dataclass(frozen=True)
class Proposal:
    """Both outcomes of a decision, beside what is billed at the moment."""

    change: RenewalChange
    currency: str
    before: Bill | None
    approved: Outcome | None
    declined: Outcome
    held: Held | None = None
    active: int = 0
    kept: bool = False
    obstacle: str = ""


def of(change: RenewalChange, *, on: date) -> Proposal:
    """What approving and what declining a change would do, decided on a local day."""
    if change.kind == Kind.REPLACED:
        return _replaced(change, on=on)
    holds = list(change.holds.select_related("term__line").order_by("starts_on"))
    if holds:
        return _held(change, holds, on=on)
    return _at_renewal(change)


def _at_renewal(change: RenewalChange) -> Proposal:
    """The term end is to come: either decision waits for it."""
    line = change.line
    term = line.terms.order_by("-starts_on").first()
    boundary = change.term_ends_on
    active = usage.active_on([line.pk], on=boundary).get(line.pk, 0)
    before = _last_period(line, term)
    as_before = _period(line, boundary, quantity=term.billed)
    approved, obstacle, kept = Outcome(NOTHING, None), "", False
    if change.kind == Kind.PLAN:
        approved, obstacle = _switched(change, units=active)
    else:
        quantity = min(max(change.target_quantity, active), term.billed)
        kept = quantity > change.target_quantity
        if quantity:
            approved = Outcome(NOTHING, _period(line, boundary, quantity=quantity))
    return Proposal(
        change=change,
        currency=line.currency,
        before=before,
        approved=None if obstacle else approved,
        declined=Outcome(NOTHING, as_before),
        active=active,
        kept=kept,
        obstacle=obstacle,
    )


def _held(change: RenewalChange, holds: list, *, on: date) -> Proposal:
    """The term has ended undecided: the decision counts from there (3.14)."""
    line = change.line
    amount = sum(
        (part.amount for hold in holds for part in charges.held_parts(hold)),
        NOTHING,
    )
    term = line.terms.order_by("-starts_on").first()
    now = max(hold.quantity for hold in holds if hold.term_id == holds[-1].term_id)
    start = term.billed_until
    undisputed = _period(line, start, quantity=term.billed) if term.billed else None
    approved, obstacle = Outcome(NOTHING, undisputed), ""
    if change.kind == Kind.PLAN:
        approved, obstacle = _switched(change, units=term.billed)
    return Proposal(
        change=change,
        currency=line.currency,
        before=undisputed,
        approved=None if obstacle else approved,
        declined=Outcome(amount, _period(line, start, quantity=term.billed + now)),
        held=Held(
            quantity=now,
            since=change.term_ends_on,
            days=(on - change.term_ends_on).days,
            amount=amount,
        ),
        active=term.billed,
        kept=bool(term.billed) and change.kind != Kind.PLAN,
        obstacle=obstacle,
    )


def _switched(change: RenewalChange, *, units: int) -> tuple[Outcome, str]:
    line, plan = change.line, change.target_plan
    price = list_prices.of(plan, currency=line.currency, on=change.term_ends_on)
    if price is None:
        return Outcome(NOTHING, None), (
            f"{plan} has no list price in {line.currency} on that day: the change"
            " cannot be carried out."
        )
    part = charges.part(
        anchor=line.anchor_on,
        frequency=line.frequency_months,
        start=change.term_ends_on,
        end=date.max,
        quantity=plan.units(units),
        unit_price=price * line.frequency_months,
        digits=line.digits,
    )
    return Outcome(NOTHING, _bill(plan.name, part)), ""


def _replaced(change: RenewalChange, *, on: date) -> Proposal:
    """A plan that was left: end it on the day of change with a credit, or let it run."""
    line = change.line
    credits = renewals.early_end_credits(change)
    term = line.terms.order_by("-starts_on").first()
    to_come = charges.to_come(line, term, quantity=term.billed)
    return Proposal(
        change=change,
        currency=line.currency,
        before=_last_period(line, term),
        approved=Outcome(
            -sum((credit.amount for credit in credits), NOTHING), None, credits
        ),
        declined=Outcome(
            NOTHING,
            _bill(line.plan.name, to_come[0]) if to_come else None,
            still_to_bill=sum((part.amount for part in to_come), NOTHING),
        ),
    )


def _period(line: Line, start: date, *, quantity: int) -> Bill:
    return _bill(
        line.plan.name,
        charges.part(
            anchor=line.anchor_on,
            frequency=line.frequency_months,
            start=start,
            end=date.max,
            quantity=quantity,
            unit_price=line.unit_price,
            digits=line.digits,
        ),
    )


def _last_period(line: Line, term: Term) -> Bill:
    """The billing period that the term's newest charge is for, at what is billed now."""
    start = max(term.starts_on, line.starts_on)
    for cut in charges.periods.periods(
        line.anchor_on, line.frequency_months, start=start, end=term.ends_on
    ):
        if cut.start >= term.billed_until:
            break
        start = cut.start
    return _period(line, start, quantity=term.billed)


def _bill(plan: str, part: charges.Part) -> Bill:
    return Bill(plan, part.quantity, part.starts_on, part.ends_on, part.amount)
