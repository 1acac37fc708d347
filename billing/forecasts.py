"""What is still to come: the charges of terms that run, and the terms after them, if
nobody does anything more (3.7–3.16).

Computed from rows that are read once, and never written: it says what the hourly run
will charge, however late that run is. Where the run decides at a term end, so does
`renewed`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from billing import charges, currencies, effects, periods, prices, renewals
from billing.models import Contract, Hold, Line, RenewalChange, Term
from marketplace.models import ListPrice, Plan

State = RenewalChange.State
Kind = RenewalChange.Kind


class Use(NamedTuple):
    """Users who have a seat on a plan, and the first day without the app, if any."""

    seats: int
    ends_on: date | None = None

    def on(self, day: date) -> int:
        return 0 if self.ends_on and self.ends_on <= day else self.seats


@dataclass(frozen=True)
class Committed:
    """A charge that will fall due on a local day; nothing of it is written yet."""

    line: Line
    starts_on: date
    ends_on: date
    due_on: date
    quantity: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Course:
    """A line in one of its terms, as it stands on a day or would.

    `line` may be one that no row holds: it carries another on, or would be opened.
    `due`: what is to be charged before `billed_until`. `over`: nothing follows it.
    """

    line: Line
    ends_on: date
    billed_until: date
    billed: int
    held: int = 0
    replaced: bool = False
    over: bool = False
    due: tuple[Committed, ...] = ()

    @property
    def currency(self) -> str:
        return self.line.currency

    def to_come(self) -> list[Committed]:
        """What its term is still charged, at the quantity billed now."""
        parts = charges.to_come(self.line, self, quantity=self.billed)
        return [*self.due, *_committed(self.line, parts)]


@dataclass(frozen=True)
class Books:
    """What an account's forecast is computed from, read once."""

    on: date
    courses: tuple[Course, ...]
    contracts: tuple[Contract, ...]
    wishes: dict[int, list[RenewalChange]]
    prices: tuple[ListPrice, ...]
    starting: tuple[Line, ...]
    use: Mapping[int, Use] = field(default_factory=dict)

    def price(self, plan: Plan, *, currency: str, on: date) -> Decimal | None:
        """As `list_prices.of`, from what was read."""
        if plan.price_on_request:
            return None
        for one in self.prices:
            if one.plan_id == plan.pk and one.currency == currency and one.in_force(on):
                return one.monthly_price
        return None


def committed(account, *, on: date, app=None, use: Mapping[int, Use] | None = None):
    """Every charge still to fall due to each line's current term end, oldest first.

    If nobody does anything more: from what no charge is written of up to the end of the
    term that holds `on`, and of lines signed to start later their first term. What is
    held is left out, free units have no charges, a replaced line is charged to its term
    end. Together with the ledger it is the same whether the hourly run is late or not.
    `use`: users by plan id, for lines that start or renew before they were carried
    there; without it nobody uses them. A constant number of queries.
    """
    found: list[Committed] = []
    for course in read(account, on=on, app=app, use=use).courses:
        found += course.to_come()
    return sorted(found, key=lambda one: (one.due_on, one.line.pk or 0))


def read(account, *, on: date, app=None, use: Mapping[int, Use] | None = None) -> Books:
    """The books of an account, or of one of its apps, carried to a day on paper."""
    terms = Term.objects.open().filter(account=account)
    if app is not None:
        terms = terms.filter(line__app=app)
    terms = list(
        terms.select_related("line__plan", "line__app", "line__contract").order_by(
            "line__starts_on", "line_id"
        )
    )
    wishes: dict[int, list[RenewalChange]] = defaultdict(list)
    changes = RenewalChange.objects.standing().exclude(kind=Kind.REPLACED)
    for change in (
        changes.filter(line__in=[term.line_id for term in terms])
        .order_by("term_ends_on")
        .select_related("target_plan", "granted_plan")
    ):
        wishes[change.line_id].append(change)
    held: dict[int, int] = defaultdict(int)
    holds = Hold.objects.filter(
        term__in=[term.pk for term in terms], change__state=State.UNDECIDED
    )
    for term_id, ends_on, quantity in holds.values_list("term", "ends_on", "quantity"):
        held[term_id, ends_on] += quantity
    contracts = tuple(Contract.objects.of(account).order_by("starts_on"))
    books = Books(
        on=on,
        courses=tuple(
            Course(
                line=term.line,
                ends_on=term.ends_on,
                billed_until=term.billed_until,
                billed=term.billed,
                held=held[term.pk, term.ends_on],
                replaced=term.line.replaced_by_id is not None,
            )
            for term in terms
        ),
        contracts=contracts,
        wishes=wishes,
        prices=_prices(terms, wishes, contracts),
        starting=tuple(
            term.line
            for term in terms
            if term.line.began_on is None
            and term.line.basis == Line.Basis.SIGNED
            and term.line.plan.is_base
        ),
        use=use or {},
    )
    return carried(begun(books), until=on)


def begun(books: Books) -> Books:
    """With the users of its plan on each line that is to start, as `starts.begin` does.

    What the lines under contract do not cover together is billed from the start day on
    the last line that starts that day (3.5).
    """
    courses = list(books.courses)
    for i, course in enumerate(courses):
        line = course.line
        if line not in books.starting or _another_starts(books, line):
            continue
        start = line.starts_on
        units = _units(books, line.plan, start)
        covering = [
            one
            for one in courses
            if one.line.plan_id == line.plan_id
            and one.line.basis != Line.Basis.SELF_SERVE
            and one.line.starts_on <= start
        ]
        covered = sum(
            one.billed
            for one in (_carried(books, one, until=start) for one in covering)
            if not one.over
        )
        extra = prices.uncovered(units, billed=covered)
        if extra:
            courses[i] = _grown(course, extra, since=start)
    return replace(books, courses=tuple(courses))


def carried(books: Books, *, until: date) -> Books:
    """Every term that ends on or before a day renewed or ended, on paper."""
    courses = (_carried(books, one, until=until) for one in books.courses)
    return replace(books, courses=tuple(courses))


def renewed(books: Books, course: Course) -> Course | None:
    """The term that follows a course at its term end; None where it ends (3.14, 3.16).

    As `renewals.carry_out` decides it, undecided changes as they stand: what they would
    take away is held. Another plan is taken at the price listed for that day now.
    """
    line, boundary = course.line, course.ends_on
    contract = _contract_at(books, line, boundary)
    ends = line.ends_on is not None and line.ends_on <= boundary
    if course.replaced or ends or contract is None or _taken_over(books, course):
        return None
    quantity, held, wish = course.billed, 0, _wish(books, course)
    if wish:
        active = _active(books, course)
        least = max(wish.to_quantity or 0, active)
        if wish.state == State.UNDECIDED:
            quantity = min(course.billed, least)
            held = course.billed - quantity
        elif wish.kind == Kind.PLAN:
            plan = wish.to_plan
            price = books.price(plan, currency=contract.currency, on=boundary)
            if price is not None:
                units = plan.units(max(active, 1))
                new = _continued(books, line, contract, boundary, plan, price)
                return _opened(new, boundary, billed=units)
        else:
            quantity = least
    if quantity == 0 and not held and not course.held:
        return None
    if contract.pk != line.contract_id:
        price = line.monthly_unit_price
        if contract.currency != line.currency:
            price = books.price(line.plan, currency=contract.currency, on=boundary)
        if price is None:
            return None
        line = _continued(books, line, contract, boundary, line.plan, price)
    return _opened(line, boundary, billed=quantity, held=held + course.held)


def _carried(books: Books, course: Course, *, until: date) -> Course:
    while course.ends_on <= until and not course.over:
        due = tuple(course.to_come())
        following = renewed(books, course)
        if following is None:
            return replace(course, due=due, billed_until=course.ends_on, over=True)
        course = replace(following, due=due)
    return course


def _grown(course: Course, extra: int, *, since: date) -> Course:
    """A course billed for more units from a day on, which may be its first."""
    due = list(course.due)
    if course.billed_until == since:
        first = charges.to_come(course.line, course, quantity=course.billed)[:1]
        due += _committed(course.line, first)
        course = replace(course, billed_until=first[0].ends_on)
    more = charges.begun(course.line, course, since=since, quantity=extra)
    due += _committed(course.line, more)
    return replace(course, billed=course.billed + extra, due=tuple(due))


def _opened(line: Line, start: date, *, billed: int, held: int = 0) -> Course:
    """A term of a line from a day to its grid's next end, as `lines.open_term` does."""
    grid = periods.period_on(line.anchor_on, line.term_months, start)
    elsewhere = line.contract.billed_until if line.order_form_id else None
    until = min(max(start, elsewhere), grid.end) if elsewhere else start
    return Course(line, grid.end, until, billed, held=held)


def _continued(books: Books, line, contract, boundary, plan, price) -> Line:
    """The line that would carry this one on from a term end, in no row."""
    same = contract.pk == line.contract_id
    grid = line if same else contract
    monthly = line.basis == Line.Basis.SELF_SERVE
    stays = plan.pk == line.plan_id
    currency = line.currency if same else contract.currency
    return Line(
        account_id=line.account_id,
        contract=contract,
        order_form_id=line.order_form_id if stays else None,
        app=line.app,
        plan=plan,
        basis=line.basis if stays or monthly else Line.Basis.REPLACEMENT,
        currency=currency,
        digits=currencies.digits(currency),
        monthly_unit_price=price,
        anchor_on=line.anchor_on if same else contract.starts_on,
        frequency_months=grid.frequency_months,
        term_months=grid.term_months,
        starts_on=boundary,
        ends_on=None if monthly or _followed(books, contract) else contract.ends_on,
        began_on=boundary,
    )


def _contract_at(books: Books, line: Line, boundary: date) -> Contract | None:
    own = line.contract
    if line.basis == Line.Basis.SELF_SERVE or not own.ends_on or own.ends_on > boundary:
        return own
    for one in books.contracts:
        if one.starts_on <= boundary and (not one.ends_on or one.ends_on > boundary):
            return one
    return None


def _taken_over(books: Books, course: Course) -> bool:
    """Whether a signed line of the plan has started by its end, so that it goes (3.5)."""
    line = course.line
    return line.basis == Line.Basis.SELF_SERVE and any(
        one.plan_id == line.plan_id and one.starts_on <= course.ends_on
        for one in books.starting
    )


def _another_starts(books: Books, line: Line) -> bool:
    """Whether a later line of the plan starts the same day: that one takes the growth."""
    return any(
        one.plan_id == line.plan_id
        and one.starts_on == line.starts_on
        and one.pk > line.pk
        for one in books.starting
    )


def _wish(books: Books, course: Course) -> RenewalChange | None:
    if course.line.pk is None:
        return None
    return next(
        (
            one
            for one in books.wishes.get(course.line.pk, [])
            if one.term_ends_on == course.ends_on
        ),
        None,
    )


def _units(books: Books, plan: Plan, day: date) -> int:
    use = books.use.get(plan.pk)
    seats = use.on(day) if use else 0
    return plan.units(seats) if seats else 0


def _active(books: Books, course: Course) -> int:
    """Units that a course with a wish must go on covering at its term end (3.11)."""
    plan, day = course.line.plan, course.ends_on
    use = books.use.get(plan.pk)
    covering = [
        one
        for one in books.courses
        if one.line.plan_id == plan.pk
        and not one.replaced
        and one.line.starts_on <= day
        and (one.line.ends_on is None or one.line.ends_on > day)
    ]
    wishes = {
        one.line.pk: wish
        for one in covering
        if one.ends_on == day and (wish := _wish(books, one))
    }
    billed = {one.line.pk: one.billed for one in covering}
    shares = renewals.shares(plan, wishes, use.on(day) if use else 0, billed)
    return shares.get(course.line.pk, 0)


def _prices(terms, wishes, contracts) -> tuple[ListPrice, ...]:
    """Prices that a term end may need: of other plans, and in another currency."""
    plans = {
        plan
        for changes in wishes.values()
        for change in changes
        for plan in (change.target_plan_id, change.granted_plan_id)
        if plan
    }
    if len({contract.currency for contract in contracts}) > 1:
        plans |= {term.line.plan_id for term in terms}
    if not plans:
        return ()
    return tuple(ListPrice.objects.filter(plan__in=plans).order_by("effective_from"))


def _committed(line: Line, parts: Iterable[charges.Part]) -> list[Committed]:
    return [
        Committed(
            line=line,
            starts_on=part.starts_on,
            ends_on=part.ends_on,
            due_on=part.starts_on,
            quantity=part.quantity,
            amount=part.amount,
            currency=line.currency,
        )
        for part in parts
        if part.quantity and part.unit_price
    ]


def with_effect(books: Books, effect: effects.Effect, *, account, use: Use) -> Books:
    """The books as they would be once an effect was carried out; `use` of its plan."""
    replaced = {left.line_id for left in effect.replaced}
    growth = effect.growth
    courses = []
    for course in books.courses:
        pk = course.line.pk
        if pk in replaced:
            course = replace(course, replaced=True)
        elif pk in effect.restored:
            course = replace(course, replaced=False)
        if growth and pk == growth.line_id:
            more = growth.to_quantity - growth.from_quantity
            course = replace(
                course,
                billed=growth.to_quantity,
                held=max(0, course.held - more),
            )
        courses.append(course)
    courses += [_bought(books, new, account=account) for new in effect.opened]
    used = dict(books.use) | {effect.plan_id: use}
    plans = {one.line.plan_id for one in courses if one.line.pk in replaced}
    return replace(
        books,
        courses=tuple(courses),
        wishes={
            pk: wishes for pk, wishes in books.wishes.items() if pk not in replaced
        },
        use={plan: one for plan, one in used.items() if plan not in plans},
    )


def with_wishes(
    books: Books, wishes: Iterable[RenewalChange], *, instead_of: Iterable[int] = ()
) -> Books:
    """The books with other wishes for some lines: theirs and those of `instead_of` go."""
    wishes = list(wishes)
    gone = {*instead_of, *(wish.line_id for wish in wishes)}
    kept = {pk: found for pk, found in books.wishes.items() if pk not in gone}
    plans = [wish.target_plan_id for wish in wishes if wish.target_plan_id]
    listed = ListPrice.objects.filter(plan__in=plans) if plans else ()
    return replace(
        books,
        wishes=kept | {wish.line_id: [wish] for wish in wishes},
        prices=(*books.prices, *listed),
    )


def approved(line: Line, kind: str, *, ends_on: date, to=None, plan=None):
    """A renewal change as if Support had approved it, in no row."""
    return RenewalChange(
        account_id=line.account_id,
        line=line,
        kind=kind,
        term_ends_on=ends_on,
        target_quantity=to,
        target_plan=plan,
        state=State.APPROVED,
    )


def _bought(books: Books, new: effects.NewLine, *, account) -> Course:
    contract = next(
        one
        for one in books.contracts
        if one.starts_on <= books.on and (not one.ends_on or one.ends_on > books.on)
    )
    plan = Plan.objects.select_related("app").get(pk=new.plan_id)
    line = Line(
        account=account,
        contract=contract,
        app=plan.app,
        plan=plan,
        basis=new.basis,
        currency=new.currency,
        digits=new.digits,
        monthly_unit_price=new.monthly_unit_price,
        anchor_on=new.anchor_on,
        frequency_months=new.frequency_months,
        term_months=new.term_months,
        starts_on=books.on,
        ends_on=None
        if new.month_to_month or _followed(books, contract)
        else contract.ends_on,
        began_on=books.on,
    )
    return Course(line, new.term_ends_on, new.first.ends_on, new.quantity)


def _followed(books: Books, contract: Contract) -> bool:
    """Whether another contract takes its lines on."""
    return contract.ends_on is not None and any(
        other.starts_on <= contract.ends_on < (other.ends_on or date.max)
        for other in books.contracts
    )
