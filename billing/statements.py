"""Statements: what an account was charged in one billing period, with its arithmetic.

Periods are those of the account's contract, counted from its start; days without a
contract are stated by the calendar month. A charge stands on the statement of the day it
was handed off for (`billing.batches`), so that statements and batches say the same: what
comes late, after its day was closed, stands on the statement of the day that took it. When
every day of a period is closed, its statement is final: nothing is added to it, and
charges never change (ADR 32). A statement is no tax invoice: nothing here knows taxes.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import Coalesce, Greatest, Lower

from accounts.models import Account
from billing import periods
from billing.models import Charge, ChargeQuerySet, Closing, Contract
from billing.periods import Period

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Total:
    """Charges in one currency: what was charged and, below zero, what was given back."""

    currency: str
    charged: Decimal
    given_back: Decimal
    rows: int

    @property
    def total(self) -> Decimal:
        return self.charged + self.given_back

    def with_(self, other: "Total") -> "Total":
        """Both together, of one currency."""
        return Total(
            self.currency,
            self.charged + other.charged,
            self.given_back + other.given_back,
            self.rows + other.rows,
        )


@dataclass(frozen=True)
class AppTotal:
    """The charges of one app in one currency."""

    app_id: int
    slug: str
    name: str
    currency: str
    total: Decimal
    rows: int


@dataclass(frozen=True)
class Statement:
    """One billing period of an account and what it comes to, by currency.

    Final: its days are closed and it never changes. Running: it is not over yet.
    """

    account: Account
    period: Period
    is_running: bool
    is_final: bool
    totals: list[Total]

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.totals)


def stated(charges: ChargeQuerySet) -> ChargeQuerySet:
    """Each charge with `stated_on`: the day that hands it off, or has done so.

    That is the day it fell due, or the account's first open day where that is closed.
    """
    waits_for = Greatest("billed_on", "account__closing__closed_until")
    return charges.annotate(stated_on=Coalesce("batched__batch__day", waits_for))


def periods_of(account: Account, *, on: date) -> list[Period]:
    """Every period with its statement, up to the one that holds a local day, in order.

    Together they hold each charge once. There are none before the first contract or
    charge.
    """
    contracts = list(
        Contract.objects.of(account).filter(starts_on__lte=on).order_by("starts_on")
    )
    first = Charge.objects.of(account).aggregate(day=Min("billed_on"))["day"]
    starts = [contract.starts_on for contract in contracts] + [first or on + DAY]
    found, day = [], min(starts)
    for contract in contracts:
        if day < contract.starts_on:
            found += _months(day, contract.starts_on)
        last = min(contract.ends_on or on + DAY, on + DAY)
        found += _grid(contract, end=last)
        day = found[-1].end
    if day <= on:
        found += _months(day, on + DAY, whole=True)
    return found


def _grid(contract: Contract, *, end: date) -> list[Period]:
    """The contract's billing periods that begin before a day; whole, but for its end."""
    months = contract.frequency_months
    last = periods.index_on(contract.starts_on, months, end - DAY)
    found = [periods.period(contract.starts_on, months, n) for n in range(last + 1)]
    if contract.ends_on and contract.ends_on < found[-1].end:
        found[-1] = Period(found[-1].start, contract.ends_on)
    return found


def _months(start: date, end: date, *, whole: bool = False) -> list[Period]:
    """Calendar months cut to [start, end); the last to its own end if `whole`."""
    first = start.replace(day=1)
    if whole:
        end = periods.period_on(first, 1, end - DAY).end
    return periods.periods(first, 1, start=start, end=end)


def listed(account: Account, *, on: date) -> list[Statement]:
    """Every statement, the newest first; months without contract and charge have none."""
    closed = _closed_until(account)
    contracts = list(Contract.objects.of(account))
    days = list(_by_day(account))
    found = []
    for period in periods_of(account, on=on):
        within = [total for day, total in days if period.start <= day < period.end]
        if within or any(_runs(contract, period.start) for contract in contracts):
            found.append(_statement(account, period, within, on=on, closed=closed))
    return found[::-1]


def of(account: Account, *, start: date, on: date) -> Statement | None:
    """The statement of the period that begins on a local day; None where none does."""
    for period in periods_of(account, on=on):
        if period.start == start:
            days = _by_day(account, period)
            within = [total for _day, total in days]
            closed = _closed_until(account)
            return _statement(account, period, within, on=on, closed=closed)
    return None


def ledger(statement: Statement) -> ChargeQuerySet:
    """Its charges, as they stand in the ledger."""
    return _within(Charge.objects.of(statement.account), statement.period)


def charges(statement: Statement) -> ChargeQuerySet:
    """Its charges to read: by currency and app, in the order in which they fell due."""
    return (
        ledger(statement)
        .with_reasons()
        .select_related("line__app", "line__plan", "line__order_form", "order")
        .order_by("currency", Lower("line__app__name"), "line__app", "billed_on", "id")
    )


def by_app(statement: Statement) -> list[AppTotal]:
    """What each app comes to, by currency, in the order of its charges."""
    sums = (
        ledger(statement)
        .order_by("currency", Lower("line__app__name"), "line__app")
        .values("currency", "line__app_id", "line__app__slug", "line__app__name")
        .annotate(total=Sum("amount"), rows=Count("pk"))
    )
    return [
        AppTotal(
            app_id=row["line__app_id"],
            slug=row["line__app__slug"],
            name=row["line__app__name"],
            currency=row["currency"],
            total=row["total"],
            rows=row["rows"],
        )
        for row in sums
    ]


def _within(rows: ChargeQuerySet, period: Period) -> ChargeQuerySet:
    """The charges that a period states; none of them fell due after it."""
    rows = rows.filter(billed_on__lt=period.end)
    return stated(rows).filter(stated_on__gte=period.start, stated_on__lt=period.end)


def _by_day(account: Account, period: Period | None = None) -> list[tuple[date, Total]]:
    """What each day hands off, by currency."""
    rows = Charge.objects.of(account)
    rows = _within(rows, period) if period else stated(rows)
    sums = (
        rows.order_by("stated_on", "currency")
        .values("stated_on", "currency")
        .annotate(
            charged=Sum("amount", filter=Q(amount__gte=0), default=0),
            given_back=Sum("amount", filter=Q(amount__lt=0), default=0),
            rows=Count("pk"),
        )
    )
    return [
        (
            row["stated_on"],
            Total(row["currency"], row["charged"], row["given_back"], row["rows"]),
        )
        for row in sums
    ]


def _statement(
    account: Account,
    period: Period,
    days: list[Total],
    *,
    on: date,
    closed: date | None,
) -> Statement:
    totals: dict[str, Total] = {}
    for one in days:
        known = totals.get(one.currency)
        totals[one.currency] = known.with_(one) if known else one
    return Statement(
        account=account,
        period=period,
        is_running=on < period.end,
        is_final=bool(closed) and period.end <= closed,
        totals=[totals[currency] for currency in sorted(totals)],
    )


def _closed_until(account: Account) -> date | None:
    closing = Closing.objects.filter(account=account)
    return closing.values_list("closed_until", flat=True).first()


def _runs(contract: Contract, day: date) -> bool:
    return contract.starts_on <= day and (
        contract.ends_on is None or day < contract.ends_on
    )
