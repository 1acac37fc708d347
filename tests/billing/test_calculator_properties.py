"""What holds for every anchor, frequency, price and history, not only for examples.

Each oracle is the slow and obvious way to the same answer.
"""

from calendar import monthrange
from datetime import date, timedelta
from decimal import MAX_PREC, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from billing import periods, prices

DAY = timedelta(days=1)
LAST_OF_JANUARY = date(2027, 1, 31)
LEAP_DAY = date(2028, 2, 29)

anchors = st.dates(date(1990, 1, 1), date(2060, 12, 31)) | st.sampled_from(
    [LAST_OF_JANUARY, LEAP_DAY, date(2027, 12, 30), date(2027, 8, 29)]
)
frequencies = st.integers(1, 36) | st.sampled_from([1, 3, 6, 12])
days_over_400_years = st.integers(0, 146_097)
unit_prices = st.decimals(0, 1_000_000, places=6)
totals = st.decimals(-1_000_000, 1_000_000, places=3)
quantities = st.integers(0, 100_000)
minor_units = st.sampled_from([0, 2, 3])
fractions = st.fractions(-1_000_000, 1_000_000) | st.builds(
    Fraction, st.integers(-(10**40), 10**40), st.integers(1, 10**12)
)


def is_a_start(anchor: date, frequency: int, day: date) -> bool:
    """Whether a period starts on this day, told from the two dates alone."""
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    last = monthrange(day.year, day.month)[1]
    return months % frequency == 0 and day.day == min(anchor.day, last)


# Periods


@given(anchors, frequencies, st.integers(0, 500))
def test_every_period_begins_where_the_one_before_it_ends(anchor, frequency, n):
    this = periods.period(anchor, frequency, n)
    following = periods.period(anchor, frequency, n + 1)

    assert this.start < this.end == following.start


@given(anchors, frequencies, days_over_400_years, st.integers(0, 3000))
def test_a_grid_tiles_its_days_without_gap_or_overlap(anchor, frequency, skip, length):
    start = anchor + timedelta(days=skip)
    end = start + timedelta(days=length)

    grid = periods.periods(anchor, frequency, start=start, end=end)

    assert all(cut.start < cut.end for cut in grid)
    assert all(cut.end == following.start for cut, following in pairwise(grid))
    assert [grid[0].start, grid[-1].end] == [start, end] if length else grid == []


@given(anchors, frequencies, st.integers(0, 3000), st.integers(0, 3000))
def test_a_grid_is_cut_where_periods_start_and_nowhere_else(
    anchor, frequency, skip, length
):
    start = anchor + timedelta(days=skip)
    end = start + timedelta(days=length)

    grid = periods.periods(anchor, frequency, start=start, end=end)

    inside = (start + timedelta(days=n) for n in range(1, length))
    starts = [day for day in inside if is_a_start(anchor, frequency, day)]
    assert [cut.start for cut in grid[1:]] == starts


@given(anchors, frequencies, st.integers(0, 500))
@example(LAST_OF_JANUARY, 1, 2)
@example(LEAP_DAY, 12, 4)
def test_every_start_is_on_the_anchors_day_or_the_months_last(anchor, frequency, n):
    start = periods.period(anchor, frequency, n).start

    assert start.day == min(anchor.day, monthrange(start.year, start.month)[1])


@given(anchors, st.integers(-1000, 1000))
def test_as_many_months_back_is_the_same_month(anchor, months):
    there = periods.add_months(anchor, months)
    back = periods.add_months(there, -months)

    assert (back.year, back.month) == (anchor.year, anchor.month)
    assert back.day == min(anchor.day, there.day)


@given(anchors, frequencies, days_over_400_years)
@example(LAST_OF_JANUARY, 1, 28)
@example(LEAP_DAY, 12, 365)
def test_index_and_period_agree_for_any_day_over_400_years(anchor, frequency, days):
    day = anchor + timedelta(days=days)

    n = periods.index_on(anchor, frequency, day)

    start, end = periods.period(anchor, frequency, n)
    assert start <= day < end
    assert periods.period_on(anchor, frequency, day) == (start, end)


@given(anchors, frequencies, st.integers(0, 500))
def test_a_period_is_found_by_its_first_and_its_last_day(anchor, frequency, n):
    start, end = periods.period(anchor, frequency, n)

    assert periods.index_on(anchor, frequency, start) == n
    assert periods.index_on(anchor, frequency, end - DAY) == n
    assert periods.index_on(anchor, frequency, end) == n + 1


@given(anchors, frequencies, st.integers(0, 2500))
def test_the_index_is_the_number_of_starts_passed(anchor, frequency, days):
    walked = (anchor + timedelta(days=n) for n in range(1, days + 1))
    passed = sum(is_a_start(anchor, frequency, day) for day in walked)

    day = anchor + timedelta(days=days)
    assert periods.index_on(anchor, frequency, day) == passed


@pytest.mark.parametrize(
    ("anchor", "frequency"), [(LAST_OF_JANUARY, 1), (LEAP_DAY, 12)]
)
def test_the_index_is_right_on_each_single_day_of_400_years(anchor, frequency):
    n = 0
    for days in range(1, 146_098):
        day = anchor + timedelta(days=days)
        n += is_a_start(anchor, frequency, day)
        assert periods.index_on(anchor, frequency, day) == n


# Rounding


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), minor_units)
@example(Decimal("0.125"), 2)
@example(Decimal("-0.125"), 2)
def test_a_decimal_is_rounded_as_with_all_the_digits_in_the_world(amount, digits):
    place = Decimal(1).scaleb(-digits)
    oracle = amount.quantize(place, ROUND_HALF_UP, Context(prec=MAX_PREC))

    assert prices.rounded(amount, digits=digits) == oracle


@given(fractions, minor_units)
@example(Fraction(5, 2), 0)
@example(Fraction(-5, 2), 0)
def test_a_rounded_amount_is_the_nearest_and_of_two_the_one_further_from_0(
    amount, digits
):
    result = prices.rounded(amount, digits=digits)

    missing = abs(Fraction(result) - amount)
    half = Fraction(1, 2 * 10**digits)
    assert missing < half or (missing == half and result.copy_abs() > abs(amount))


@given(fractions, minor_units)
def test_a_result_has_exactly_the_digits_asked_for(amount, digits):
    assert prices.rounded(amount, digits=digits).as_tuple().exponent == -digits


@given(fractions, minor_units)
@example(Fraction(1, 8), 2)
@example(Fraction(5, 2), 0)
def test_what_is_owed_and_what_is_owed_back_are_rounded_alike(amount, digits):
    owed = prices.rounded(amount, digits=digits)

    assert prices.rounded(-amount, digits=digits) == owed.copy_negate()


@given(st.decimals(-(10**30), 10**30, places=6), st.integers(0, 1200))
def test_a_price_for_months_loses_nothing(monthly_price, months):
    price = prices.for_months(monthly_price, months=months)

    assert Fraction(price) == Fraction(monthly_price) * months


# Charges


@given(unit_prices, quantities, st.integers(1, 1200), minor_units)
@example(Decimal("8.00"), 1, 31, 2)
def test_a_full_period_costs_the_price_exactly(
    unit_price, quantity, period_days, digits
):
    charge = prices.prorated(
        unit_price,
        quantity=quantity,
        days=period_days,
        period_days=period_days,
        digits=digits,
    )

    assert charge == prices.amount(unit_price, quantity=quantity, digits=digits)
    assert charge == prices.rounded(Fraction(unit_price) * quantity, digits=digits)


@given(unit_prices, quantities, st.integers(0, 400), st.integers(1, 400), minor_units)
def test_a_charge_is_the_exact_proportion_rounded_once(
    unit_price, quantity, days, period_days, digits
):
    charge = prices.prorated(
        unit_price, quantity=quantity, days=days, period_days=period_days, digits=digits
    )

    exact = Fraction(unit_price) * Fraction(quantity * days, period_days)
    assert abs(Fraction(charge) - exact) <= Fraction(1, 2 * 10**digits)


@given(
    unit_prices,
    quantities,
    anchors,
    frequencies,
    st.lists(st.integers(0, 1096), min_size=3, max_size=3).map(sorted),
    minor_units,
)
def test_a_split_charge_is_within_one_minor_unit_of_the_whole(
    unit_price, quantity, anchor, frequency, cuts, digits
):
    start, end = periods.period(anchor, frequency, 0)
    period_days = (end - start).days
    a, b, c = (min(cut, period_days) for cut in cuts)

    def charge(first: int, last: int) -> Decimal:
        return prices.prorated(
            unit_price,
            quantity=quantity,
            days=last - first,
            period_days=period_days,
            digits=digits,
        )

    difference = charge(a, b) + charge(b, c) - charge(a, c)
    assert abs(difference) <= Decimal(1).scaleb(-digits)


@given(unit_prices, quantities, st.integers(0, 800), st.integers(1, 400), minor_units)
def test_one_more_day_never_costs_less(unit_price, quantity, days, period_days, digits):
    fewer, more = (
        prices.prorated(
            unit_price,
            quantity=quantity,
            days=number,
            period_days=period_days,
            digits=digits,
        )
        for number in (days, days + 1)
    )

    assert 0 <= fewer <= more


@given(unit_prices, quantities, st.integers(0, 800), st.integers(1, 400), minor_units)
def test_one_more_unit_never_costs_less_for_some_days(
    unit_price, quantity, days, period_days, digits
):
    fewer, more = (
        prices.prorated(
            unit_price,
            quantity=number,
            days=days,
            period_days=period_days,
            digits=digits,
        )
        for number in (quantity, quantity + 1)
    )

    assert 0 <= fewer <= more


@given(unit_prices, quantities, minor_units)
def test_one_more_unit_never_costs_less_for_a_period(unit_price, quantity, digits):
    fewer, more = (
        prices.amount(unit_price, quantity=number, digits=digits)
        for number in (quantity, quantity + 1)
    )

    assert 0 <= fewer <= more


# Parts and credits


@given(totals, st.integers(1, 400), minor_units)
@example(Decimal("-10.00"), 3, 2)
def test_parts_add_up_and_so_does_every_running_sum(total, n, digits):
    cut = prices.parts(total, n=n, digits=digits)

    assert len(cut) == n
    assert sum(cut) == prices.rounded(total, digits=digits)
    for k in range(1, n + 1):
        share = prices.rounded(Fraction(total) * k / n, digits=digits)
        assert sum(cut[:k]) == share


@given(totals, st.integers(1, 400), minor_units)
def test_no_two_parts_differ_by_more_than_one_minor_unit(total, n, digits):
    cut = prices.parts(total, n=n, digits=digits)

    assert max(cut) - min(cut) <= Decimal(1).scaleb(-digits)
    assert {part.as_tuple().exponent for part in cut} == {-digits}


@given(totals, st.decimals(0, 1_000_000, places=3), st.decimals(0, 1_000_000, places=3))
def test_credits_never_exceed_what_was_billed(potential, billed, credited):
    assume(credited <= billed)

    credit = prices.capped_credit(potential, billed=billed, credited=credited)

    assert 0 <= credit <= billed - credited
    assert credit <= max(potential, 0)
    assert credit in (0, potential, billed - credited)


@given(st.lists(totals, max_size=20), st.decimals(0, 1_000_000, places=3))
def test_any_number_of_credits_gives_back_at_most_the_bill(potentials, billed):
    credited = Decimal(0)
    for potential in potentials:
        credited += prices.capped_credit(potential, billed=billed, credited=credited)

    assert credited == min(billed, sum(max(potential, 0) for potential in potentials))


# Quantities


@given(st.integers(0, 50), st.lists(st.integers(-30, 30), max_size=50))
@example(10, [10, -5, 10])
def test_any_additions_and_removals_bill_the_contracted_or_the_most_active(
    contracted, changes
):
    active, history, billed = 0, [0], contracted
    for change in changes:
        active = max(active + change, 0)
        history.append(active)
        billed += prices.uncovered(active, billed=billed)

    assert billed == max(contracted, *history)
