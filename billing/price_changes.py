"""List prices that change: those who have the plan month to month are told before.

A self-serve line renews at its own price (3.14) and grows at it (T10): a new list price
counts where something is bought anew, or changed to that plan. The words say so.
"""

from datetime import date, datetime, timedelta

from django.urls import reverse

from accounts import authority
from accounts.models import Account
from billing.models import Line
from journal import notices
from marketplace import list_prices
from marketplace.models import ListPrice

AHEAD = timedelta(days=30)
DAY = timedelta(days=1)


def tell(*, zone: str, on: date, at: datetime) -> int:
    """Tell those who manage apps, in accounts of a time zone, of prices that begin
    within 30 days; says how many notices. Safe to repeat and to run late: nobody is
    told twice of a price.
    """
    return sum(_tell(price, zone, on=on, at=at) for price in _coming(on=on))


def _coming(*, on: date) -> list[ListPrice]:
    return list(
        ListPrice.objects.filter(
            effective_from__gt=on,
            effective_from__lte=on + AHEAD,
            plan__price_on_request=False,
        )
        .select_related("plan__app")
        .order_by("effective_from", "pk")
    )


def _tell(price: ListPrice, zone: str, *, on: date, at: datetime) -> int:
    eve = price.effective_from - DAY
    before = list_prices.of(price.plan, currency=price.currency, on=eve)
    if before == price.monthly_price:
        return 0
    accounts = list(_having(price, zone, on=on))
    people = authority.holders_by_account(accounts, authority.MANAGE)
    return sum(
        notices.tell(
            people.get(account.pk, []),
            kind="list_price",
            key=f"list-price:{price.pk}",
            words="billing/notices/list_price",
            context={"price": price, "before": before},
            address=reverse("myapps:app", args=[price.plan.app.slug]),
            account=account,
            at=at,
        )
        for account in accounts
    )


def _having(price: ListPrice, zone: str, *, on: date):
    """Accounts with a line of the plan, month to month, that goes on when it begins."""
    lines = (
        Line.objects.self_serve()
        .renewing()
        .running(on=on)
        .running(on=price.effective_from)
        .filter(plan=price.plan, currency=price.currency, term_months=1)
    )
    return Account.objects.filter(
        timezone=zone, pk__in=lines.values("account")
    ).order_by("pk")
