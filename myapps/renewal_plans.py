"""The renewal plan: what every line that ends soon was used for and will cost, and what
shall become of each, asked for in one go (T12, T13, 3.12).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import contracts, forecasts, renewals, terms
from billing.forecasts import Books, Course, Use
from billing.models import Line, RenewalChange, Term
from myapps import coverage, foresight, uninstalls
from myapps.models import Installation

Kind = RenewalChange.Kind
KEEP, LOWER, END = "keep", "lower", "end"


class PlanChanged(ValidationError):
    """What the page showed is not so any more; nothing was asked for (409)."""

    def __init__(self):
        super().__init__(
            _(
                "Something changed since this was shown, so nothing was asked for."
                " Check the new figures and confirm again."
            ),
            code="plan_changed",
        )


@dataclass(frozen=True)
class Choice:
    """What shall become of a line at its term end; `to` goes with lower."""

    do: str
    to: int = 0


@dataclass
class Row:
    """A line whose term ends: its last term, its next one, and what was asked for it."""

    line: Line
    term: Term
    installation: Installation | None
    active: int
    peak: int
    average: Decimal
    wish: RenewalChange | None
    fixed: str
    staying: Decimal
    choice: Choice
    planned: Decimal = Decimal(0)
    quantity: int = 0

    @property
    def unused(self) -> int:
        return max(0, self.term.billed - self.active)

    @property
    def asked(self) -> Choice:
        """What stands already."""
        if self.wish is None or self.wish.kind == Kind.PLAN:
            return Choice(KEEP)
        return (
            Choice(LOWER, self.wish.to_quantity)
            if self.wish.to_quantity
            else Choice(END)
        )

    @property
    def may_lower(self) -> bool:
        return not self.line.plan.per_account and self.term.billed > 1

    @property
    def target(self) -> int:
        """What stands in the field for a lower quantity."""
        if self.choice.do == LOWER:
            return self.choice.to
        return min(max(self.active, 1), max(self.term.billed - 1, 1))


@dataclass(frozen=True)
class Plan:
    """All rows, what they cost next term as things are and as chosen, and a digest."""

    rows: list[Row]
    totals: list[tuple[str, Decimal, Decimal, Decimal]]
    digest: str

    @property
    def changes(self) -> int:
        return sum(row.choice != row.asked for row in self.rows if not row.fixed)


def of(
    account: Account, *, on: date, within: int, chosen: Mapping[int, Choice] = ()
) -> Plan:
    """Lines whose term ends within so many days, soonest first. Writes nothing.

    `chosen` by line id; of others what stands. A constant number of queries.
    """
    books = forecasts.read(account, on=on, use=foresight.use_of(account))
    soon = on + timedelta(days=within)
    found = list(
        Term.objects.open()
        .filter(account=account, ends_on__gt=on, ends_on__lte=soon)
        .filter(starts_on__lte=on)
        .select_related("line__plan", "line__app", "line__order_form")
        .order_by("ends_on", "line__app__name", "line_id")
    )
    installed = {
        one.plan_id: one for one in Installation.objects.of(account).working(on=on)
    }
    used = _used(found, on=on)
    courses = {course.line.pk: course for course in books.courses}
    rows = []
    for term in found:
        course = courses.get(term.line_id)
        if course is None or course.ends_on != term.ends_on:
            continue
        rows.append(_row(books, course, term, installed, used))
    chosen = dict(chosen)
    for row in rows:
        if row.line.pk in chosen and not row.fixed:
            row.choice = chosen[row.line.pk]
    planned = _as_chosen(books, rows)
    for row in rows:
        following = forecasts.renewed(planned, courses[row.line.pk])
        row.planned = _cost(following)
        row.quantity = following.billed if following else 0
    return Plan(rows, _totals(rows), _digest(rows))


@transaction.atomic
def ask(
    account: Account, chosen: Mapping[int, Choice], *, agreed: str, within: int,
    by: User, on: date, reason: str = "", ticket_wanted: bool = False,
) -> int:  # fmt: skip
    """Ask for every decrease that was chosen, and take back what is kept after all.

    All of it or nothing. An app whose every line ends is uninstalled. Returns how many
    lines changed; asking for what stands already changes none. Refuses a plan that is not
    the one that was shown (PlanChanged), and what `renewals` and `uninstalls` refuse.
    """
    contracts.locked(account, on=on)
    plan = of(account, on=on, within=within, chosen=chosen)
    rows = [row for row in plan.rows if row.choice != row.asked]
    if not rows:
        return 0
    if plan.digest != agreed:
        raise PlanChanged()
    apps = sorted({row.line.app for row in rows}, key=lambda app: app.pk)
    ids = [row.installation.pk for row in rows if row.installation]
    list(
        Installation.objects.filter(pk__in=ids)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    terms.lock([row.line.pk for row in rows])
    if any(coverage.behind(account, app, on=on) for app in apps):
        for app in apps:
            coverage.bring_forward(account, app, on=on)
    wish = {"by": by, "on": on, "reason": reason, "ticket_wanted": ticket_wanted}
    gone = _uninstalled(account, rows, on=on)
    for installation in gone:
        uninstalls.ask(installation, **wish)
    plans = {one.plan_id for one in gone}
    for row in rows:
        if row.choice.do == END and row.line.plan_id not in plans:
            renewals.end(row.line, **wish)
        elif row.choice.do == LOWER:
            renewals.lower(row.line, to=row.choice.to, **wish)
        elif row.choice.do == KEEP:
            uninstalls.withdraw(row.wish, by=by, on=on)
    return len(rows)


def _row(books: Books, course: Course, term: Term, installed, used) -> Row:
    line = term.line
    installation = installed.get(line.plan_id)
    seats = used.get(term.pk)
    active, peak, average = seats if seats else (0, 0, Decimal(0))
    if line.plan.per_account:
        active, peak = min(active, 1), min(peak, 1)
    wish = next(
        (
            one
            for one in books.wishes.get(line.pk, [])
            if one.term_ends_on == term.ends_on
        ),
        None,
    )
    row = Row(
        line=line,
        term=term,
        installation=installation,
        active=active,
        peak=peak,
        average=average,
        wish=wish,
        fixed=_fixed(line, term, installation, wish),
        staying=_cost(forecasts.renewed(books, course)),
        choice=Choice(KEEP),
    )
    row.choice = row.asked
    return row


def _fixed(line: Line, term: Term, installation, wish) -> str:
    """Why nothing can be chosen for a line: a word for the page, or empty."""
    if line.replaced_by_id:
        return "replaced"
    if line.ends_on and line.ends_on <= term.ends_on:
        return "ends"
    if installation and installation.ends_on:
        return "uninstalled"
    if wish and wish.state == RenewalChange.State.APPROVED and not line.is_free:
        return "decided"
    if wish and wish.kind == Kind.PLAN:
        return "switched"
    return ""


def _as_chosen(books: Books, rows: list[Row]) -> Books:
    """The books as they would be if everything chosen was asked for and approved."""
    wishes, cleared = [], []
    for row in rows:
        if row.choice == row.asked:
            continue
        cleared.append(row.line.pk)
        if row.choice.do != KEEP:
            lower = row.choice.do == LOWER
            wishes.append(
                forecasts.approved(
                    row.line,
                    Kind.LOWER if lower else Kind.END,
                    ends_on=row.term.ends_on,
                    to=row.choice.to if lower else 0,
                )
            )
    planned = forecasts.with_wishes(books, wishes, instead_of=cleared)
    use = dict(books.use)
    for plan, day in _ending(books, rows):
        use[plan] = Use(use[plan].seats, day)
    return replace(planned, use=use)


def _ending(books: Books, rows: list[Row]) -> list[tuple[int, date]]:
    """Installed plans of which every line that renews is to end, and the day."""
    by_plan: dict[int, list[Row]] = {}
    for row in rows:
        if row.installation and row.choice.do == END and not row.fixed:
            by_plan.setdefault(row.line.plan_id, []).append(row)
    found = []
    for plan, ending in by_plan.items():
        if all(row.choice == row.asked for row in ending):
            continue
        lines = {row.line.pk for row in ending}
        others = [
            course
            for course in books.courses
            if course.line.plan_id == plan
            and course.line.pk not in lines
            and not course.replaced
            and not course.over
            and not (course.line.ends_on and course.line.ends_on <= course.ends_on)
        ]
        if not others:
            found.append((plan, max(row.term.ends_on for row in ending)))
    return found


def _uninstalled(account: Account, rows: list[Row], *, on: date) -> list[Installation]:
    plans = {plan for plan, _day in _ending(forecasts.read(account, on=on), rows)}
    found = {
        row.installation.pk: row.installation
        for row in rows
        if row.installation and row.line.plan_id in plans
    }
    return list(found.values())


def _cost(following: Course | None) -> Decimal:
    if following is None:
        return Decimal(0)
    return sum((one.amount for one in following.to_come()), Decimal(0))


def _totals(rows: list[Row]) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    sums: dict[str, list[Decimal]] = {}
    for row in rows:
        found = sums.setdefault(row.line.currency, [Decimal(0), Decimal(0)])
        found[0] += row.staying
        found[1] += row.planned
    return [
        (code, before, after, before - after)
        for code, (before, after) in sorted(sums.items())
    ]


def _digest(rows: list[Row]) -> str:
    """SHA-256 of what stands: the figures that choices are made on."""
    said = [
        [
            row.line.pk,
            str(row.term.ends_on),
            row.term.billed,
            row.active,
            str(row.staying),
            row.fixed,
            row.wish and [row.wish.pk, row.wish.state],
        ]
        for row in rows
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _used(found: list[Term], *, on: date) -> dict[int, tuple[int, int, Decimal]]:
    """Active now, most, and on average each day of the term so far, by term id.

    What was active is counted back from the seats there are, by the events of the term.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT term.id, seats.n,
                   GREATEST(seats.n, seats.n - COALESCE(moved.moves, 0),
                            COALESCE(moved.peak, 0)),
                   round(seats.n - COALESCE(moved.weighed, 0)::numeric
                         / GREATEST(%(on)s::date - term.starts_on, 1), 1)
            FROM billing_term term
            JOIN billing_line line ON line.id = term.line_id
            JOIN myapps_installation installed
              ON installed.account_id = line.account_id
             AND installed.plan_id = line.plan_id AND installed.closed_on IS NULL
            CROSS JOIN LATERAL (
                SELECT count(*) AS n FROM myapps_seat seat
                WHERE seat.installation_id = installed.id) seats
            LEFT JOIN LATERAL (
                SELECT sum(CASE event.kind WHEN 'ADDED' THEN 1 ELSE -1 END) AS moves,
                       sum(CASE event.kind WHEN 'ADDED' THEN 1 ELSE -1 END
                           * (event."on" - term.starts_on)) AS weighed,
                       max(event.active) AS peak
                FROM myapps_seatevent event
                WHERE event.installation_id = installed.id
                  AND event."on" > term.starts_on) moved ON true
            WHERE term.id = ANY(%(terms)s)
            """,
            {"terms": [term.pk for term in found], "on": on},
        )
        return {pk: (now, most, mean) for pk, now, most, mean in cursor.fetchall()}
