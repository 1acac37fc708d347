"""The proposed adjustment in numbers: what either decision does to the bill.

Computed by the functions that bill; nothing here is written.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from billing import charges, credits, currencies, periods, renewals
from billing.models import Charge, Contract, Hold, Line, RenewalChange, Term
from marketplace import list_prices
from marketplace.models import Plan
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
    currency: str


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
    """Both outcomes of a decision, beside what is billed at the moment.

    `weight` is what is no longer billed up to the next term end, or given back: what
    the approval limit is compared with.
    """

    change: RenewalChange | None
    currency: str
    before: Bill | None
    approved: Outcome | None
    declined: Outcome
    weight: Decimal = NOTHING
    held: Held | None = None
    active: int = 0
    billed: int = 0
    kept: bool = False
    obstacle: str = ""
    charge: Charge | None = None
    left: Decimal = NOTHING

    @property
    def bill_before(self) -> Decimal:
        """The next bill if nothing is changed."""
        return self.declined.next.amount if self.declined.next else NOTHING

    @property
    def bill_after(self) -> Decimal | None:
        """The next bill after it; None where it cannot be carried out."""
        if self.approved is None:
            return None
        return self.approved.next.amount if self.approved.next else NOTHING

    @property
    def gives_back(self) -> Decimal:
        return (
            -self.approved.now if self.approved and self.approved.now < 0 else NOTHING
        )

    @property
    def figures(self) -> tuple:
        """What an approval is given for; where it differs, it is another proposal."""
        held = self.held.amount if self.held else NOTHING
        return self.bill_before, self.bill_after, self.gives_back, held, self.weight


@dataclass(frozen=True)
class _Facts:
    """What is known of many changes: the newest term of each line, what was billed in
    the term each is the end of, what each holds, what is active on each line at its
    boundary, and under which contract it is."""

    terms: dict[int, Term]
    billed: dict[int, int]
    holds: dict[int, list[Hold]]
    active: dict[int, int]
    contracts: dict[int, Contract]


@dataclass(frozen=True)
class _Grid:
    """How a line is billed from a term end on: as before, or as its next contract says
    (3.16)."""

    anchor_on: date
    frequency_months: int
    term_months: int
    monthly_unit_price: Decimal
    currency: str
    digits: int

    @property
    def unit_price(self) -> Decimal:
        return self.monthly_unit_price * self.frequency_months

    def part(self, start: date, *, end: date = date.max, quantity: int) -> charges.Part:
        return charges.part(
            anchor=self.anchor_on,
            frequency=self.frequency_months,
            start=start,
            end=end,
            quantity=quantity,
            unit_price=self.unit_price,
            digits=self.digits,
        )

    def term(self, boundary: date, *, quantity: int) -> Decimal:
        """What units cost in the whole term that begins on a boundary."""
        end = periods.period_on(self.anchor_on, self.term_months, boundary).end
        cuts = periods.periods(
            self.anchor_on, self.frequency_months, start=boundary, end=end
        )
        parts = (self.part(cut.start, end=cut.end, quantity=quantity) for cut in cuts)
        return sum((part.amount for part in parts), NOTHING)


def of(
    change: RenewalChange, *, on: date, quantity: int | None = None,
    plan: Plan | None = None,
) -> Proposal:  # fmt: skip
    """What approving and what declining a change would do, decided on a local day.

    `quantity` or `plan`: what is proposed instead of what was asked.
    """
    return _of(change, _facts([change]), on=on, quantity=quantity, plan=plan)


def of_all(changes: Iterable[RenewalChange], *, on: date) -> dict[int, Proposal]:
    """The same for many changes as they were asked, by change id.

    A constant number of queries for any number that end on one day; another plan and
    a replaced line, which the calendar seldom proposes, take some of their own.
    """
    changes = list(changes)
    facts = _facts(changes)
    return {change.pk: _of(change, facts, on=on) for change in changes}


def of_credit(charge: Charge, amount: Decimal) -> Proposal:
    """What giving back an amount of a disputed charge would do: no bill to come changes.
    It weighs as much as all that is given back of the charge then: in small parts, too.
    """
    left = credits.left([charge])[charge.pk]
    return Proposal(
        change=None,
        currency=charge.currency,
        before=None,
        approved=Outcome(-amount, None),
        declined=Outcome(NOTHING, None),
        weight=charge.amount - left + amount,
        charge=charge,
        left=left,
    )


def _of(change, facts: _Facts, *, on: date, quantity=None, plan=None) -> Proposal:
    if change.kind == Kind.REPLACED:
        return _replaced(change, facts)
    if holds := facts.holds[change.pk]:
        return _held(change, holds, facts, on=on, quantity=quantity, plan=plan)
    return _at_renewal(change, facts, quantity=quantity, plan=plan)


def _facts(changes: list[RenewalChange]) -> _Facts:
    lines = {change.line_id for change in changes}
    terms = list(Term.objects.filter(line__in=lines).order_by("starts_on"))
    billed = {(term.line_id, term.ends_on): term.billed for term in terms}
    holds = defaultdict(list)
    found = Hold.objects.filter(change__in=changes).select_related("term__line")
    for hold in found.order_by("starts_on"):
        holds[hold.change_id].append(hold)
    by_boundary = defaultdict(list)
    for change in changes:
        by_boundary[change.term_ends_on].append(change)
    active = {}
    for boundary, some in by_boundary.items():
        units = usage.active_on({change.line_id for change in some}, on=boundary)
        active |= {change.pk: units.get(change.line_id, 0) for change in some}
    return _Facts(
        {term.line_id: term for term in terms},
        {one.pk: billed.get((one.line_id, one.term_ends_on), 0) for one in changes},
        holds,
        active,
        _contracts([change.line for change in changes]),
    )


def _contracts(lines: list[Line]) -> dict[int, Contract]:
    """The lines' contracts by id: those at hand, the others in one query."""
    known = {
        line.contract_id: line.contract
        for line in lines
        if "contract" in line._state.fields_cache
    }
    missing = {line.contract_id for line in lines} - known.keys()
    return known | (Contract.objects.in_bulk(missing) if missing else {})


def _at_renewal(change: RenewalChange, facts, *, quantity, plan) -> Proposal:
    """The term end is to come: either decision waits for it."""
    line, boundary = change.line, change.term_ends_on
    term, active = facts.terms[line.pk], facts.active[change.pk]
    known = {
        "change": change,
        "before": _last_period(line, term),
        "active": active,
        "billed": facts.billed[change.pk],
    }
    grid = _grid(line, boundary, facts.contracts[line.contract_id])
    if grid is None:
        over = Outcome(NOTHING, None)
        return Proposal(currency=line.currency, approved=over, declined=over, **known)
    if change.kind == Kind.PLAN:
        approved, obstacle, weight = _switched(
            change, plan or change.to_plan, grid=grid, units=max(active, 1),
            instead_of=term.billed,
        )  # fmt: skip
        kept = False
    else:
        wanted = change.to_quantity if quantity is None else quantity
        quantity = min(max(wanted, active), term.billed)
        kept, obstacle = quantity > wanted, ""
        approved = Outcome(NOTHING, _next(line, grid, boundary, quantity=quantity))
        weight = grid.term(boundary, quantity=term.billed) - grid.term(
            boundary, quantity=quantity
        )
    return Proposal(
        currency=grid.currency,
        approved=None if obstacle else approved,
        declined=Outcome(NOTHING, _next(line, grid, boundary, quantity=term.billed)),
        weight=weight,
        kept=kept,
        obstacle=obstacle,
        **known,
    )


def _as_now(line: Line) -> _Grid:
    return _Grid(
        line.anchor_on, line.frequency_months, line.term_months,
        line.monthly_unit_price, line.currency, line.digits,
    )  # fmt: skip


def _grid(line: Line, boundary: date, contract: Contract) -> _Grid | None:
    """How a line is billed from a boundary on; None where it does not renew then."""
    ends = line.ends_on and line.ends_on <= boundary
    if line.replaced_by_id or ends:
        return None
    if contract.ends_on and contract.ends_on <= boundary:
        contract = renewals.contract_at(line, boundary)
    if contract is None:
        return None
    if contract.pk == line.contract_id:
        return _as_now(line)
    price = line.monthly_unit_price
    if contract.currency != line.currency:
        price = list_prices.of(line.plan, currency=contract.currency, on=boundary)
    if price is None:
        return None
    return _Grid(
        contract.starts_on, contract.frequency_months, contract.term_months, price,
        contract.currency, currencies.digits(contract.currency),
    )  # fmt: skip


def _held(
    change: RenewalChange, holds: list[Hold], facts, *, on: date, quantity, plan
) -> Proposal:
    """The term has ended undecided: the decision counts from there (3.14)."""
    line, term = holds[-1].term.line, facts.terms[change.line_id]
    if term.line_id != line.pk:
        term = holds[-1].term
    grid = _as_now(line)
    amount = _costs(holds, {hold.pk: hold.quantity for hold in holds})
    now = max(hold.quantity for hold in holds if hold.term_id == holds[-1].term_id)
    start = term.billed_until
    owed, owed_of = NOTHING, dict.fromkeys((hold.pk for hold in holds), 0)
    if quantity is not None and change.kind != Kind.PLAN:
        released = facts.billed[change.pk] - quantity
        owed_of = {hold.pk: max(0, hold.quantity - released) for hold in holds}
        owed = _costs(holds, owed_of)
    after = term.billed + owed_of[holds[-1].pk]
    approved = Outcome(owed, _next(line, grid, start, quantity=after))
    weight, obstacle = amount - owed + _rest(line, term, term.billed + now - after), ""
    if change.kind == Kind.PLAN:
        units = facts.active[change.pk] if line.plan.per_account else term.billed
        since = line.charges.filter(
            starts_on__gte=change.term_ends_on, reversed_by=None
        ).exclude(reason=Charge.Reason.REVERSAL)
        approved, obstacle, weight = _switched(
            change, plan or change.to_plan, grid=grid, units=max(units, 1),
            instead_of=term.billed + now, back=since.total(),
        )  # fmt: skip
    return Proposal(
        change=change,
        currency=line.currency,
        before=_next(line, grid, start, quantity=term.billed),
        approved=None if obstacle else approved,
        declined=Outcome(amount, _next(line, grid, start, quantity=term.billed + now)),
        weight=weight,
        held=Held(
            quantity=now,
            since=change.term_ends_on,
            days=(on - change.term_ends_on).days,
            amount=amount,
        ),
        active=term.billed,
        billed=facts.billed[change.pk],
        kept=bool(term.billed) and change.kind != Kind.PLAN,
        obstacle=obstacle,
    )


def _costs(holds: list[Hold], quantities: dict[int, int]) -> Decimal:
    return sum(
        (
            part.amount
            for hold in holds
            for part in charges.held_parts(hold, quantity=quantities[hold.pk])
        ),
        NOTHING,
    )


def _rest(line: Line, term: Term, quantity: int) -> Decimal:
    """What units cost for the periods of a term that are not charged yet."""
    to_come = charges.to_come(line, term, quantity=quantity)
    return sum((part.amount for part in to_come), NOTHING)


def _switched(
    change: RenewalChange, plan: Plan, *, grid: _Grid, units: int, instead_of: int,
    back: Decimal = NOTHING,
) -> tuple[Outcome, str, Decimal]:  # fmt: skip
    """Another plan from the term end on; `back` was billed since and is given back."""
    boundary = change.term_ends_on
    price = list_prices.of(plan, currency=grid.currency, on=boundary)
    if price is None:
        obstacle = (
            f"{plan} has no list price in {grid.currency} on that day: the change"
            " cannot be carried out."
        )
        return Outcome(NOTHING, None), obstacle, NOTHING
    new, quantity = replace(grid, monthly_unit_price=price), plan.units(units)
    weight = grid.term(boundary, quantity=instead_of) - new.term(
        boundary, quantity=quantity
    )
    bill = _bill(plan.name, new.part(boundary, quantity=quantity), new.currency)
    return Outcome(-back, bill), "", abs(weight)


def _replaced(change: RenewalChange, facts) -> Proposal:
    """A plan that was left: end it on the day of change with a credit, or let it run."""
    line, term = change.line, facts.terms[change.line_id]
    given = renewals.early_end_credits(change)
    to_come = charges.to_come(line, term, quantity=term.billed)
    back = sum((credit.amount for credit in given), NOTHING)
    still = sum((part.amount for part in to_come), NOTHING)
    return Proposal(
        change=change,
        currency=line.currency,
        before=_last_period(line, term),
        approved=Outcome(-back, None, given),
        declined=Outcome(
            NOTHING,
            _bill(line.plan.name, to_come[0], line.currency) if to_come else None,
            still_to_bill=still,
        ),
        weight=back + still,
        billed=term.billed,
    )


def _next(line: Line, grid: _Grid, start: date, *, quantity: int) -> Bill | None:
    if not quantity:
        return None
    return _bill(line.plan.name, grid.part(start, quantity=quantity), grid.currency)


def _last_period(line: Line, term: Term) -> Bill:
    """The billing period that the term's newest charge is for, at what is billed now."""
    start = max(term.starts_on, line.starts_on)
    for cut in periods.periods(
        line.anchor_on, line.frequency_months, start=start, end=term.ends_on
    ):
        if cut.start >= term.billed_until:
            break
        start = cut.start
    part = _as_now(line).part(start, quantity=term.billed)
    return _bill(line.plan.name, part, line.currency)


def _bill(plan: str, part: charges.Part, currency: str) -> Bill:
    return Bill(
        plan, part.quantity, part.starts_on, part.ends_on, part.amount, currency
    )
