"""What an account has of each app: its installation, its lines, what it costs a month.

Questions only: a constant number of queries for any number of apps.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Account
from billing import currencies, prices
from billing.models import Line, RenewalChange, Term
from marketplace.models import App
from myapps.models import Difference, Installation, JoinEvent, Seat

FAILED_SHOWN_DAYS = 30


@dataclass
class Holding:
    """One app of an account on a local day."""

    app: App
    on: date
    installation: Installation | None = None
    failed: Installation | None = None
    was_installed: bool = False
    active: int = 0
    queued: int = 0
    differences: int = 0
    may_install: bool = False
    lines: list[Line] = field(default_factory=list)
    coming: list[Line] = field(default_factory=list)
    changes: list[RenewalChange] = field(default_factory=list)

    @property
    def base_lines(self) -> list[Line]:
        return [line for line in self.lines if line.plan.is_base]

    @property
    def add_on_lines(self) -> list[Line]:
        return [line for line in self.lines if not line.plan.is_base]

    @property
    def covering(self) -> list[Line]:
        """Lines of the plan that is installed, or of any plan where none is."""
        if self.installation is None:
            return self.base_lines
        plan = self.installation.plan_id
        return [line for line in self.base_lines if line.plan_id == plan]

    @property
    def plan(self):
        """The installed plan, or else the newest one under contract."""
        if self.installation:
            return self.installation.plan
        lines = self.base_lines or self.coming or self.lines
        return lines[-1].plan if lines else self.failed and self.failed.plan

    @property
    def contracted(self) -> int | None:
        """Units contracted; None where the app is bought month to month (T17)."""
        signed = [one for one in self.covering if one.basis != Line.Basis.SELF_SERVE]
        return sum(line.term.contracted for line in signed) if signed else None

    @property
    def billed(self) -> int:
        return sum(line.term.billed for line in self.covering)

    @property
    def lowered(self) -> tuple[int, date] | None:
        """What all lines of the plan shall bill together, and from which day (T13)."""
        wishes = {
            one.line_id: one
            for one in self.changes
            if one.kind in {"END", "LOWER"} and not one.ends_line
        }
        mine = [wishes[line.pk] for line in self.covering if line.pk in wishes]
        if not mine:
            return None
        ending = {one.line_id for one in self.changes if one.ends_line}
        quantity = sum(
            wishes[line.pk].to_quantity if line.pk in wishes else line.term.billed
            for line in self.covering
            if line.pk not in ending and not line.replaced_by_id
        )
        return quantity, max(one.term_ends_on for one in mine)

    def active_on(self, line: Line) -> int:
        """Units active on a line, where it covers the plan that is installed: of several
        lines the oldest is used first.
        """
        installation = self.installation
        if installation is None or line.plan_id != installation.plan_id:
            return 0
        if line.plan.per_account:
            return 1 if self.active else 0
        before = 0
        for other in self.covering:
            if other.pk == line.pk:
                break
            before += other.term.billed
        return min(max(self.active - before, 0), line.term.billed)

    @property
    def unused(self) -> int:
        """Units billed and not active, also on a plan that was replaced."""
        return sum(quantity for _line, quantity in self.unused_by_line)

    @property
    def unused_by_line(self) -> list[tuple[Line, int]]:
        """What is billed and not active on each Per Seat line; the latest gives first."""
        left = max(0, self.billed - self.active)
        found = []
        for line in reversed(self.base_lines):
            if line.plan.per_account:
                continue
            unused = line.term.billed
            if line in self.covering:
                unused = min(left, unused)
                left -= unused
            if unused:
                found.append((line, unused))
        return found

    @property
    def term(self) -> Term | None:
        """The term that ends next, of what is paid for here."""
        lines = self.covering or self.lines
        return min((line.term for line in lines), key=lambda t: t.ends_on, default=None)

    @property
    def currency(self) -> str:
        lines = self.lines or self.coming
        return lines[-1].currency if lines else ""

    @property
    def monthly(self) -> Decimal:
        """What its running lines cost, as a monthly equivalent; add-ons too."""
        exact = sum(
            (line.monthly_unit_price * line.term.billed for line in self.lines),
            Decimal(0),
        )
        if not self.currency:
            return exact
        return prices.rounded(exact, digits=currencies.digits(self.currency))

    @property
    def state(self) -> str:
        """INSTALLING, ACTIVE, ENDING; PAID, SIGNED, HELD, FUTURE or FAILED without
        an installation; ADD_ONS where nothing else is under contract."""
        if self.installation:
            return "ENDING" if self.installation.ends_on else self.installation.state
        if self.failed:
            return "FAILED"
        if self.base_lines:
            if not self.billed:
                return "HELD"
            return "PAID" if self.was_installed else "SIGNED"
        return "FUTURE" if self.coming else "ADD_ONS"


def of(account: Account, *, on: date, app: App | None = None) -> list[Holding]:
    """What the account has of every app, or of one, by name (T9)."""
    ours = {"account": account} | ({"app": app} if app else {})
    found: dict[int, Holding] = {}
    _add_lines(found, ours, on=on)
    _add_installations(found, ours, on=on)
    return sorted(found.values(), key=lambda one: one.app.name.casefold())


def _holding(found: dict[int, Holding], app: App, on: date) -> Holding:
    return found.setdefault(app.pk, Holding(app, on))


def _add_lines(found, ours, *, on: date) -> None:
    lines = list(
        Line.objects.filter(**ours)
        .filter(Q(ends_on=None) | Q(ends_on__gt=on))
        .select_related("plan", "app", "order_form", "contract")
        .order_by("starts_on", "id")
    )
    newest = (
        Term.objects.filter(line__in=lines)
        .filter(Q(starts_on__lte=on) | Q(starts_on=F("line__starts_on")))
        .order_by("line_id", "-starts_on")
        .distinct("line_id")
    )
    terms = {term.line_id: term for term in newest}
    changes: dict[int, list[RenewalChange]] = defaultdict(list)
    standing = RenewalChange.objects.standing().filter(line__in=lines)
    for change in standing.select_related("target_plan", "granted_plan").order_by(
        "term_ends_on"
    ):
        changes[change.line_id].append(change)
    for line in lines:
        line.term = terms.get(line.pk)
        if line.term is None:
            continue
        one = _holding(found, line.app, on)
        (one.lines if line.starts_on <= on else one.coming).append(line)
        one.changes += changes[line.pk]


def _add_installations(found, ours, *, on: date) -> None:
    since = on - timedelta(days=FAILED_SHOWN_DAYS)
    shown = (
        Installation.objects.filter(**ours)
        .filter(Q(closed_on=None) | Q(state="FAILED", closed_on__gt=since))
        .select_related("app", "plan", "installed_by", "end_asked_by")
        .annotate(
            active=_counted(Seat.objects.all()),
            queued=_counted(JoinEvent.objects.queued()),
            differences_count=_counted(Difference.objects.standing()),
        )
        .order_by("id")
    )
    for installation in shown:
        gone = installation.ends_on and installation.ends_on <= on
        if installation.closed_on:
            _holding(found, installation.app, on).failed = installation
        elif not gone:
            one = _holding(found, installation.app, on)
            one.installation, one.failed = installation, None
            one.active, one.queued = installation.active, installation.queued
            one.differences = installation.differences_count
            installation.account = ours["account"]
            installation.plan.app = installation.app
    ended = Installation.objects.filter(**ours).exclude(state="FAILED")
    ended = ended.exclude(closed_on=None, ends_on=None)
    missing = [pk for pk, one in found.items() if one.installation is None]
    for app in set(ended.filter(app__in=missing).values_list("app", flat=True)):
        found[app].was_installed = True


def _counted(rows) -> Coalesce:
    """How many rows an installation has."""
    mine = rows.filter(installation=OuterRef("pk")).order_by().values("installation")
    return Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0)
