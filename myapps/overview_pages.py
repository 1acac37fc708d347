"""The overview: what needs a decision, what is spent and to come, which terms end."""

from calendar import Calendar
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts import authority
from accounts.models import Account
from billing import periods, spending
from billing.models import Line, RenewalChange
from journal import charts, downloads
from journal.models import Activity
from myapps import console_pages as console
from myapps import figures, foresight, launches, overview
from myapps.models import AppRequest, Installation, Seat, WaitingPurchase
from myapps.overview import Holding

DECISIONS_SHOWN = 5
UNUSED_SHOWN = 6
HAPPENED_SHOWN = 6
ENDS_WITHIN = timedelta(days=90)
DECIDE_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class Decision:
    """Something that waits for an administrator, and where they decide it."""

    icon: str
    tone: str
    words: str
    note: str
    url: str


@dataclass
class End:
    """A term that ends on a day, and what is to happen then."""

    app: object
    line: Line
    last_day: date
    wish: RenewalChange | None
    ends: bool


@dataclass
class Day:
    """A day of a calendar."""

    on: date
    within: bool
    is_today: bool = False
    ends: list[End] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether something renews then that nobody decided about."""
        return any(not end.wish and not end.ends for end in self.ends)


@require_GET
@authority.required(authority.MANAGE)
def overview_page(request: HttpRequest) -> HttpResponse:
    """What an administrator looks at first."""
    account, on = request.user.account, console.today(request)
    holdings = overview.of(account, on=on)
    ends = _ends(holdings, on=on)
    rows = Activity.objects.filter(account_id=account.pk)
    context = {
        "on": on,
        "is_new": not holdings,
        "decisions": _decisions(request, holdings, on=on),
        "money": money(account, on=on),
        "totals": console.totals(holdings),
        "unused": _unused(holdings),
        "ends": ends,
        "months": _calendar(ends, on=on, first=_first_weekday(account)),
        "weekdays": _weekdays(_first_weekday(account)),
        "happened": console.told(rows, request)["page"].object_list[:HAPPENED_SHOWN],
    }
    return render(request, "myapps/overview.html", context)


@require_GET
@authority.required(authority.MANAGE)
def overview_figures(request: HttpRequest) -> HttpResponse:
    """The charts with their tables: fetched when they come into sight, or a page."""
    found = figures.tables(request.user.account, on=console.today(request))
    context = {
        "charts": [
            charts.drawn(table) | {"wide": table.key.startswith("spend")}
            for table in found
        ]
    }
    name = "_overview_figures" if request.htmx else "overview_figures"
    return render(request, f"myapps/{name}.html", context)


@require_GET
@authority.required(authority.MANAGE)
def overview_figure(request: HttpRequest, key: str, kind: str) -> HttpResponseBase:
    """One of these tables as a file."""
    on = console.today(request)
    found = {table.key: table for table in figures.tables(request.user.account, on=on)}
    if key not in found:
        raise Http404
    return downloads.table(charts.as_file(found[key]), kind, name=f"{key}-{on}")


def _decisions(request, holdings: list[Holding], *, on: date) -> list[Decision]:
    """What waits, the most pressing first; a constant number of queries."""
    account = request.user.account
    return [
        *_failed(holdings),
        *_queued(holdings),
        *_second_persons(account, request.user, on=on),
        *_asked_for(account, request.user),
        *_renewing(holdings, on=on),
        *_cannot_launch(account),
        *_differing(holdings),
    ]


def _failed(holdings) -> list[Decision]:
    return [
        Decision(
            "alert-triangle",
            "bad",
            _("%(app)s could not be set up") % {"app": one.app},
            one.failed.answer or _("Its partner did not answer in seven days."),
            reverse("myapps:app", args=[one.app.slug]),
        )
        for one in holdings
        if one.failed
    ][:DECISIONS_SHOWN]


def _queued(holdings) -> list[Decision]:
    waiting = [one for one in holdings if one.queued]
    if len(waiting) > DECISIONS_SHOWN:
        people = sum(one.queued for one in waiting)
        words = ngettext(
            "%(n)s person waits for a seat", "%(n)s people wait for a seat", people
        )
        apps = ngettext("in %(n)s app", "in %(n)s apps", len(waiting))
        url = reverse("myapps:index") + "?show=waiting"
        return [
            Decision(
                *("hourglass", "warn", words % {"n": _grouped(people)}),
                *(apps % {"n": _grouped(len(waiting))}, url),
            )
        ]
    return [
        Decision(
            "hourglass",
            "warn",
            ngettext(
                "%(n)s person waits for a seat in %(app)s",
                "%(n)s people wait for a seat in %(app)s",
                one.queued,
            )
            % {"n": _grouped(one.queued), "app": one.app},
            _("They joined a role with Auto Install; nothing is billed for them yet."),
            reverse("myapps:roles", args=[one.app.slug]),
        )
        for one in waiting
    ]


def _second_persons(account: Account, user, *, on: date) -> list[Decision]:
    waiting = WaitingPurchase.objects.of(account).waiting(on=on)
    number = waiting.exclude(asked_by=user).count()
    if not number:
        return []
    words = ngettext(
        "%(n)s purchase waits for a second person",
        "%(n)s purchases wait for a second person",
        number,
    )
    note = _("Nothing is bought until somebody else approves it.")
    url = reverse("myapps:approvals")
    return [Decision("users", "warn", words % {"n": _grouped(number)}, note, url)]


def _asked_for(account: Account, user) -> list[Decision]:
    if not authority.held(user, authority.INSTALL):
        return []
    number = AppRequest.objects.of(account).open().count()
    if not number:
        return []
    words = ngettext("%(n)s request for an app", "%(n)s requests for apps", number)
    note = _("People without authority asked, each with a reason.")
    url = reverse("myapps:app-requests")
    return [Decision("message", "accent", words % {"n": _grouped(number)}, note, url)]


def _renewing(holdings, *, on: date) -> list[Decision]:
    soon = [
        end
        for end in _ends(holdings, on=on, within=DECIDE_WITHIN)
        if not end.wish and not end.ends
    ]
    if not soon:
        return []
    words = ngettext(
        "%(n)s term renews within 30 days",
        "%(n)s terms renew within 30 days",
        len(soon),
    )
    note = _("As they are, unless you decide otherwise before.")
    url = reverse("myapps:renewals")
    return [
        Decision(
            "calendar-repeat", "warn", words % {"n": _grouped(len(soon))}, note, url
        )
    ]


def _cannot_launch(account: Account) -> list[Decision]:
    seats = Seat.objects.filter(installation__in=Installation.objects.standing())
    number = launches.cannot(seats, account).count()
    if not number:
        return []
    words = ngettext(
        "%(n)s paid seat cannot be launched",
        "%(n)s paid seats cannot be launched",
        number,
    )
    note = _("No role of theirs has the Launch permission.")
    return [
        Decision(
            "lock",
            "warn",
            words % {"n": _grouped(number)},
            note,
            reverse("myapps:index"),
        )
    ]


def _differing(holdings) -> list[Decision]:
    return [
        Decision(
            "switch-horizontal",
            "calm",
            ngettext(
                "%(app)s differs from My Apps in %(n)s user",
                "%(app)s differs from My Apps in %(n)s users",
                one.differences,
            )
            % {"n": _grouped(one.differences), "app": one.app},
            _("As its partner reported."),
            reverse("myapps:differences", args=[one.app.slug]),
        )
        for one in holdings
        if one.differences
    ][:DECISIONS_SHOWN]


def money(account: Account, *, on: date) -> list[dict]:
    """By currency: charged this month, still to fall due in it, next month, to the ends."""
    this, following, after = figures.months(on, ahead=2)
    found: dict[str, dict] = defaultdict(
        lambda: dict.fromkeys(("charged", "due", "following", "committed"), Decimal(0))
    )
    for currency, amount in spending.totals(account, start=this, end=following).items():
        found[currency]["charged"] = amount
    for one in foresight.committed(account, on=on):
        sums = found[one.currency]
        sums["committed"] += one.amount
        sums["until"] = max(sums.get("until", one.ends_on), one.ends_on)
        if one.due_on < following:
            sums["due"] += one.amount
        elif one.due_on < after:
            sums["following"] += one.amount
    return [{"currency": code} | sums for code, sums in sorted(found.items())]


def _unused(holdings) -> list[dict]:
    """What is billed and not active, app by app, the dearest first."""
    found = []
    for one in holdings:
        by_currency: dict[str, list] = defaultdict(lambda: [0, Decimal(0)])
        for line, quantity in one.unused_by_line:
            by_currency[line.currency][0] += quantity
            by_currency[line.currency][1] += line.monthly_unit_price * quantity
        for currency, (quantity, cost) in by_currency.items():
            row = {"app": one.app, "quantity": quantity, "billed": one.billed}
            found.append(row | {"currency": currency, "cost": cost})
    found.sort(key=lambda row: (-row["cost"], row["app"].name.casefold()))
    return found[:UNUSED_SHOWN]


def _grouped(number: int) -> str:
    return number_format(number, force_grouping=True)


def _ends(holdings, *, on: date, within: timedelta = ENDS_WITHIN) -> list[End]:
    """Terms that end soon, but for those that go on from month to month by themselves."""
    found = []
    for one in holdings:
        wishes = {change.line_id: change for change in one.changes}
        for line in one.lines:
            last_day = line.term.ends_on - timedelta(days=1)
            wish = wishes.get(line.pk)
            ends = bool(line.replaced_by_id or line.ends_on == line.term.ends_on)
            monthly = line.basis == Line.Basis.SELF_SERVE and not wish and not ends
            if on <= last_day <= on + within and not monthly:
                found.append(End(one.app, line, last_day, wish, ends))
    return sorted(found, key=lambda end: (end.last_day, end.app.name.casefold()))


def _calendar(ends: list[End], *, on: date, first: int) -> list[dict]:
    """The months from a day's on, as weeks of days with what ends on each."""
    by_day: dict[date, list[End]] = defaultdict(list)
    for end in ends:
        by_day[end.last_day].append(end)
    weeks = Calendar(first)
    if not ends:
        return []
    last = max(*by_day, on + timedelta(days=60))
    month, found = on.replace(day=1), []
    while month <= last:
        found.append(
            {
                "on": month,
                "weeks": [
                    [
                        Day(day, day.month == month.month, day == on, by_day[day])
                        if day.month == month.month
                        else Day(day, False)
                        for day in week
                    ]
                    for week in weeks.monthdatescalendar(month.year, month.month)
                ],
            }
        )
        month = periods.add_months(month, 1)
    return found


def _weekdays(first: int) -> list[tuple]:
    """The days of a week in their order: short and whole."""
    order = [(first + n) % 7 for n in range(7)]
    return [(WEEKDAYS_ABBR[day], WEEKDAYS[day]) for day in order]


def _first_weekday(account: Account) -> int:
    """As the account's country has it; Monday is 0."""
    try:
        return Locale.parse(account.locale, sep="-").first_week_day
    except (UnknownLocaleError, ValueError):
        return 0
