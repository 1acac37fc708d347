"""What a plan is listed at, on which days. Past list prices are money history."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from babel.numbers import list_currencies
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from journal import activities
from marketplace.models import ListPrice, Plan

CURRENCIES = frozenset(list_currencies())
LATEST_DAY = "Pacific/Kiritimati"
"""Where a day begins first: a price from the day after has begun nowhere."""


def of(plan: Plan, *, currency: str, on: date) -> Decimal | None:
    """The monthly equivalent of one unit listed on a local day (T2).

    None when the plan is not listed in that currency that day, or on request.
    """
    return of_plans([plan], currency=currency, on=on).get(plan.pk)


def of_plans(plans: Iterable[Plan], *, currency: str, on: date) -> dict[int, Decimal]:
    """The same for many plans, by plan id; those without a price are left out."""
    ids = [plan.pk for plan in plans if not plan.price_on_request]
    prices = ListPrice.objects.filter(plan__in=ids, currency=currency).on(on)
    return dict(prices.values_list("plan_id", "monthly_price"))


def changes(plans: Iterable[Plan]) -> list[ListPrice]:
    """Every list price the plans ever had or will have: by plan, currency and day."""
    return list(
        ListPrice.objects.filter(plan__in=[plan.pk for plan in plans])
        .select_related("plan")
        .order_by("plan__position", "plan_id", "currency", "-effective_from")
    )


@transaction.atomic
def announce(
    plan: Plan,
    *,
    currency: str,
    monthly_price: Decimal,
    effective_from: date,
    by: User | None,
    on: date,
) -> ListPrice:
    """List a price from a day to come on; the price before it ends there.

    Refuses what `announceable` refuses.
    """
    plan = Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    announceable(plan, currency=currency, effective_from=effective_from, on=on)
    listed = ListPrice.objects.filter(plan=plan, currency=currency)
    following = (
        listed.filter(effective_from__gt=effective_from)
        .order_by("effective_from")
        .first()
    )
    listed.on(effective_from).update(effective_until=effective_from)
    price = ListPrice.objects.create(
        plan=plan,
        currency=currency,
        monthly_price=monthly_price,
        effective_from=effective_from,
        effective_until=following and following.effective_from,
    )
    _record("list_price.announced", price, by=by, on=on)
    return price


def announceable(plan: Plan, *, currency: str, effective_from: date, on: date) -> None:
    """Refuse a list price that cannot start then.

    Codes: unknown_currency, past_day (the day is not in the future), price_on_request
    (the plan has no list price), already_listed (a price starts that day).
    """
    if currency not in CURRENCIES:
        raise ValidationError(
            _("%(currency)s is no currency. Write an ISO 4217 code, as USD."),
            code="unknown_currency",
            params={"currency": currency},
        )
    if effective_from <= on:
        raise ValidationError(
            _("A list price starts on a day to come. Choose a day after %(day)s."),
            code="past_day",
            params={"day": on},
        )
    if plan.price_on_request:
        raise ValidationError(
            _("The price of this plan is on request. Take that off it first."),
            code="price_on_request",
        )
    starting = ListPrice.objects.filter(plan=plan, currency=currency)
    if starting.filter(effective_from=effective_from).exists():
        raise ValidationError(
            _("A price from that day is listed already. Take it back first."),
            code="already_listed",
        )


@transaction.atomic
def withdraw(price: ListPrice, *, by: User | None, on: date) -> None:
    """Take back a list price before its day comes; the price before it goes on.

    Refused: a price whose day has come (past_day).
    """
    Plan.objects.select_for_update(no_key=True).get(pk=price.plan_id)
    price = ListPrice.objects.select_related("plan").get(pk=price.pk)
    if price.effective_from <= on:
        raise ValidationError(
            _(
                "This price has been in force since %(day)s; what was listed stays listed."
            ),
            code="past_day",
            params={"day": price.effective_from},
        )
    price.delete()
    ListPrice.objects.filter(
        plan=price.plan, currency=price.currency, effective_until=price.effective_from
    ).update(effective_until=price.effective_until)
    _record("list_price.withdrawn", price, by=by, on=on)


def _record(verb: str, price: ListPrice, *, by: User | None, on: date) -> None:
    activities.record(
        verb,
        account=None,
        by=by,
        on=on,
        subject=price.plan,
        app=price.plan.app.slug,
        plan=price.plan.name,
        currency=price.currency,
        monthly_price=str(price.monthly_price),
        effective_from=price.effective_from.isoformat(),
    )


@dataclass(frozen=True)
class Listed:
    """A monthly price over days; `until` is the first day after it, None is open."""

    since: date
    price: Decimal
    until: date | None = None


@dataclass(frozen=True)
class Clash:
    """A day that has come, for which a file and the history name different prices."""

    since: date
    listed: Decimal | None
    said: Decimal | None


def clashes(
    history: list[Listed], said: dict[date, Decimal], *, on: date
) -> list[Clash]:
    """Where a file would change what was listed up to `on`. Silence changes nothing."""
    if not history or not said:
        return []
    known = {row.since: row.price for row in history}
    return [
        Clash(day, known.get(day), said.get(day))
        for day in sorted(known.keys() | said.keys())
        if day <= on and known.get(day) != said.get(day)
    ]


def merged(
    history: list[Listed],
    said: dict[date, Decimal],
    *,
    closes_on: date | None,
    on: date,
) -> list[Listed]:
    """One plan's history in one currency after a file has spoken, oldest first.

    Days up to `on` stay as they were listed, except that a first file brings the whole
    history. Of days to come the file's prices are taken and the others left. Each
    price ends where the next begins; the newest is open, unless the price is on
    request from `closes_on`: then it ends that day, or tomorrow where it was listed
    until today, and what was to follow is dropped.
    """
    known = {row.since: row for row in history}
    prices = {row.since: row.price for row in history} | {
        day: price for day, price in said.items() if day > on or not history
    }
    tomorrow = on + timedelta(days=1)
    if closes_on and history:
        closes_on = max(closes_on, tomorrow)
    days = sorted(day for day in prices if closes_on is None or day < closes_on)
    return [
        known[day]
        if day in known and known[day].until and known[day].until <= on
        else Listed(day, prices[day], following)
        for day, following in zip(days, [*days[1:], closes_on], strict=False)
    ]
