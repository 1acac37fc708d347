"""A list price holds from one day to another, and is only ever announced ahead."""

import datetime
import itertools
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from journal.models import Activity
from marketplace import list_prices
from marketplace.list_prices import Listed
from tests.factories import ListPriceFactory, PlanFactory

START = datetime.date(2024, 1, 1)
LATER = datetime.date(2027, 1, 15)


@pytest.fixture
def plan(db):
    """Listed at 8.00 until the end of 2025 and at 9.00 since."""
    plan = PlanFactory()
    ListPriceFactory(
        plan=plan,
        monthly_price=Decimal("8.00"),
        effective_from=START,
        effective_until=datetime.date(2026, 1, 1),
    )
    ListPriceFactory(
        plan=plan,
        monthly_price=Decimal("9.00"),
        effective_from=datetime.date(2026, 1, 1),
    )
    return plan


def ranges(plan):
    rows = plan.list_prices.order_by("effective_from")
    return [
        (row.effective_from, row.monthly_price, row.effective_until) for row in rows
    ]


def announce(plan, day, *, on, by=None, price="10.00", currency="USD"):
    return list_prices.announce(
        plan,
        currency=currency,
        monthly_price=Decimal(price),
        effective_from=day,
        by=by,
        on=on,
    )


@pytest.mark.parametrize(
    ("day", "price"),
    [
        ("2023-12-31", None),
        ("2024-01-01", Decimal("8.00")),
        ("2025-12-31", Decimal("8.00")),
        ("2026-01-01", Decimal("9.00")),
        ("2100-01-01", Decimal("9.00")),
    ],
)
def test_a_price_holds_from_its_first_day_to_the_day_before_the_next(plan, day, price):
    day = datetime.date.fromisoformat(day)

    assert list_prices.of(plan, currency="USD", on=day) == price


def test_a_plan_has_no_price_in_a_currency_it_is_not_listed_in(plan, today):
    assert list_prices.of(plan, currency="EUR", on=today) is None


def test_a_plan_on_request_has_no_price_whatever_was_listed(plan, today):
    plan.price_on_request = True
    plan.save()

    assert list_prices.of(plan, currency="USD", on=today) is None


def test_prices_of_many_plans_are_one_question(plan, today, django_assert_num_queries):
    other = PlanFactory(price=Decimal("3.00"))
    dear = PlanFactory(on_request=True, price=Decimal("3.00"))

    with django_assert_num_queries(1):
        prices = list_prices.of_plans([plan, other, dear], currency="USD", on=today)

    assert prices == {plan.pk: Decimal("9.00"), other.pk: Decimal("3.00")}


def test_an_announced_price_ends_the_one_before_it(plan, sales, today):
    announce(plan, LATER, by=sales, on=today)

    assert ranges(plan)[1:] == [
        (datetime.date(2026, 1, 1), Decimal("9.00"), LATER),
        (LATER, Decimal("10.00"), None),
    ]
    activity = Activity.objects.get(verb="list_price.announced")
    assert (activity.actor_id, activity.app) == (sales.pk, plan.app.slug)


def test_a_price_announced_between_two_holds_until_the_later(plan, today):
    announce(plan, LATER, on=today)
    between = datetime.date(2026, 12, 1)

    announce(plan, between, price="9.50", on=today)

    assert [until for _, _, until in ranges(plan)][1:] == [between, LATER, None]


def test_a_first_price_in_a_currency_has_nothing_to_end(plan, today):
    price = announce(plan, LATER, currency="EUR", on=today)

    assert price.effective_until is None
    assert ranges(plan)[1][2] is None


@pytest.mark.parametrize("days", [0, -1])
def test_a_price_cannot_start_on_a_day_that_has_come(plan, today, days):
    with pytest.raises(ValidationError) as refusal:
        announce(plan, today + datetime.timedelta(days=days), on=today)

    assert refusal.value.code == "past_day"


def test_a_plan_on_request_cannot_have_a_price_announced(today, db):
    with pytest.raises(ValidationError) as refusal:
        announce(PlanFactory(on_request=True), LATER, on=today)

    assert refusal.value.code == "price_on_request"


def test_a_day_has_one_price(plan, today):
    announce(plan, LATER, on=today)

    with pytest.raises(ValidationError) as refusal:
        announce(plan, LATER, on=today)

    assert refusal.value.code == "already_listed"


def test_a_currency_is_an_iso_currency(plan, today):
    with pytest.raises(ValidationError) as refusal:
        announce(plan, LATER, currency="DOL", on=today)

    assert refusal.value.code == "unknown_currency"


def test_a_price_taken_back_leaves_the_one_before_it_open(plan, today):
    before = ranges(plan)
    price = announce(plan, LATER, on=today)

    list_prices.withdraw(price, by=None, on=today)

    assert ranges(plan) == before


def test_a_price_whose_day_has_come_stays(plan, today):
    price = announce(plan, LATER, on=today)

    with pytest.raises(ValidationError) as refusal:
        list_prices.withdraw(price, by=None, on=LATER)

    assert refusal.value.code == "past_day"


days = st.integers(0, 60).map(lambda n: START + datetime.timedelta(days=n))
amounts = st.integers(0, 999).map(lambda n: Decimal(n) / 100)
files = st.dictionaries(days, amounts, min_size=1, max_size=8)


def price_on(history, day):
    found = [
        row.price
        for row in history
        if row.since <= day and (row.until is None or day < row.until)
    ]
    assert len(found) <= 1
    return found[0] if found else None


def is_a_history(rows):
    return all(
        row.until is not None and row.since < row.until <= after.since
        for row, after in itertools.pairwise(rows)
    )


@given(first=files, second=files, on=days)
def test_days_that_have_come_keep_their_price_whatever_a_file_says(first, second, on):
    history = list_prices.merged([], first, closes_on=None, on=on)

    after = list_prices.merged(history, second, closes_on=None, on=on)

    assert is_a_history(history)
    assert is_a_history(after)
    past = [START + datetime.timedelta(days=n) for n in range((on - START).days + 1)]
    assert [price_on(after, day) for day in past] == [
        price_on(history, day) for day in past
    ]


@given(first=files, second=files, on=days)
def test_a_file_that_does_not_clash_is_followed_from_tomorrow_on(first, second, on):
    history = list_prices.merged([], first, closes_on=None, on=on)
    second = {**{d: p for d, p in first.items() if d <= on}, **second}
    second = {d: p for d, p in second.items() if d > on or d in first}
    second = {d: first[d] if d <= on else p for d, p in second.items()}
    if not second:
        return

    assert list_prices.clashes(history, second, on=on) == []
    after = list_prices.merged(history, second, closes_on=None, on=on)
    for day, price in second.items():
        assert price_on(after, day) == price


@given(said=files, on=days, closes_on=days)
def test_merging_twice_is_merging_once(said, on, closes_on):
    said = {day: price for day, price in said.items() if day < closes_on}
    for closing in (None, closes_on):
        once = list_prices.merged([], said, closes_on=closing, on=on)
        later = on + datetime.timedelta(days=1)

        twice = list_prices.merged(once, said, closes_on=closing, on=on)
        assert twice == once
        assert list_prices.merged(once, said, closes_on=closing, on=later) == once


def test_silence_on_a_currency_changes_nothing_in_it(today):
    history = [Listed(START, Decimal(8))]

    assert list_prices.clashes(history, {}, on=today) == []
    assert list_prices.merged(history, {}, closes_on=None, on=today) == history
