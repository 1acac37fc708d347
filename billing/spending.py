"""What was spent: sums of the ledger by month, app and currency (3.8).

A charge counts in the month of the day it fell due, a local day of its account; credits
and reversals count with their sign. Amounts of different currencies are never added.
Questions only, each a constant number of queries however long the ledger is.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, DateField, F, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Account
from billing.models import Charge


@dataclass(frozen=True)
class Spent:
    """A sum of charges in one currency; `month` is its first day, `app_id` its app.

    Either is None where the sum is over all of them.
    """

    currency: str
    amount: Decimal
    charges: int
    month: date | None = None
    app_id: int | None = None


def ledger(account: Account, *, start: date | None = None, end: date | None = None):
    """Charges that fell due on the local days [start, end); an empty bound is open."""
    charges = Charge.objects.of(account).order_by()
    if start is not None:
        charges = charges.filter(billed_on__gte=start)
    if end is not None:
        charges = charges.filter(billed_on__lt=end)
    return charges


def by_month_and_app(
    account: Account, *, start: date | None = None, end: date | None = None
) -> list[Spent]:
    """Sums by calendar month, app and currency, the oldest month first."""
    return _summed(ledger(account, start=start, end=end), "month", "app_id")


def by_month(
    account: Account, *, start: date | None = None, end: date | None = None
) -> list[Spent]:
    """Sums by calendar month and currency, the oldest first."""
    return _summed(ledger(account, start=start, end=end), "month")


def by_app(
    account: Account, *, start: date | None = None, end: date | None = None
) -> list[Spent]:
    """Sums by app and currency."""
    return _summed(ledger(account, start=start, end=end), "app_id")


def totals(
    account: Account, *, start: date | None = None, end: date | None = None
) -> dict[str, Decimal]:
    """The sum of all charges by currency; of none, an empty dict."""
    found = _summed(ledger(account, start=start, end=end))
    return {one.currency: one.amount for one in found}


def first_month(account: Account) -> date | None:
    """The first day of the month of the oldest charge; None where there is none."""
    days = ledger(account).order_by("billed_on").values_list("billed_on", flat=True)
    oldest = days.first()
    return oldest.replace(day=1) if oldest else None


def _summed(charges, *keys: str) -> list[Spent]:
    named = {
        "month": TruncMonth("billed_on", output_field=DateField()),
        "app_id": F("line__app_id"),
    }
    sums = (
        charges.values(**{key: named[key] for key in keys}, code=F("currency"))
        .annotate(amount=Sum("amount"), charges=Count("pk"))
        .order_by(*keys, "code")
    )
    return [Spent(currency=row.pop("code"), **row) for row in sums]
