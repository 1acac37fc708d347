"""The edges of money: exact sums, one rounding, exactly as many places as promised.

Amounts are compared as text where the number of places matters.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from billing import prices


@pytest.mark.parametrize(
    ("amount", "digits", "text"),
    [
        ("0.125", 2, "0.13"),
        ("-0.125", 2, "-0.13"),
        ("0.135", 2, "0.14"),
        ("0.1249999999999999999999999999999999", 2, "0.12"),
        ("-0.1249999999999999999999999999999999", 2, "-0.12"),
        ("1", 2, "1.00"),
        ("1.2", 2, "1.20"),
        ("1E+3", 2, "1000.00"),
        ("1E+3", 0, "1000"),
        ("9.995", 2, "10.00"),
        ("0.5", 0, "1"),
        ("1.5", 0, "2"),
        ("2.5", 0, "3"),
        ("-0.5", 0, "-1"),
        ("-2.5", 0, "-3"),
        ("0.49", 0, "0"),
        ("0.0005", 3, "0.001"),
        ("0.0015", 3, "0.002"),
        ("-0.0005", 3, "-0.001"),
        ("0", 0, "0"),
        ("0", 2, "0.00"),
        ("0", 3, "0.000"),
        ("-0.00", 2, "0.00"),
        ("-0.004", 2, "0.00"),
        ("12345678901234567890123456789012345.675", 2, None),
    ],
)
def test_rounding_is_half_up_away_from_zero(amount, digits, text):
    text = text or "12345678901234567890123456789012345.68"

    assert str(prices.rounded(Decimal(amount), digits=digits)) == text


@pytest.mark.parametrize(
    ("amount", "digits", "text"),
    [
        (Fraction(1, 3), 2, "0.33"),
        (Fraction(2, 3), 2, "0.67"),
        (Fraction(-2, 3), 2, "-0.67"),
        (Fraction(1, 8), 2, "0.13"),
        (Fraction(-1, 8), 2, "-0.13"),
        (Fraction(7, 2), 0, "4"),
        (Fraction(10**40, 3), 2, "3" * 40 + ".33"),
        (Fraction(0), 2, "0.00"),
    ],
)
def test_a_fraction_is_rounded_exactly(amount, digits, text):
    assert str(prices.rounded(amount, digits=digits)) == text


@pytest.mark.parametrize(
    ("monthly_price", "months", "text"),
    [
        ("8.00", 1, "8.00"),
        ("8.00", 3, "24.00"),
        ("7.25", 12, "87.00"),
        ("7.333333", 3, "21.999999"),
        ("0.00", 12, "0.00"),
        ("8.00", 0, "0.00"),
        (
            "123456789012345678901234567.890123",
            12,
            "1481481468148148146814814814.681476",
        ),
    ],
)
def test_a_price_for_months_is_in_proportion_and_exact(monthly_price, months, text):
    assert str(prices.for_months(Decimal(monthly_price), months=months)) == text


@pytest.mark.parametrize(
    ("unit_price", "quantity", "digits", "text"),
    [
        ("8.00", 2, 2, "16.00"),
        ("8.00", 0, 2, "0.00"),
        ("0.335", 1, 2, "0.34"),
        ("0.335", 3, 2, "1.01"),  # not three times 0.34
        ("0.5", 1, 0, "1"),
        ("0.5", 3, 0, "2"),
        ("1.2345", 10, 3, "12.345"),
        ("-0.335", 1, 2, "-0.34"),
        (
            "12345678901234567890.123455",
            10**12,
            2,
            "12345678901234567890123455000000.00",
        ),
    ],
)
def test_a_period_costs_quantity_times_price_rounded_once(
    unit_price, quantity, digits, text
):
    cost = prices.amount(Decimal(unit_price), quantity=quantity, digits=digits)

    assert str(cost) == text


@pytest.mark.parametrize(
    ("unit_price", "quantity", "days", "period_days", "digits", "text"),
    [
        ("8.00", 2, 10, 31, 2, "5.16"),
        ("8.00", 2, 31, 31, 2, "16.00"),
        ("8.00", 2, 0, 31, 2, "0.00"),
        ("8.00", 0, 10, 31, 2, "0.00"),
        ("8.00", 1, 62, 31, 2, "16.00"),
        ("8.00", 1, 45, 30, 2, "12.00"),
        ("0.01", 1, 1, 2, 2, "0.01"),
        ("-0.01", 1, 1, 2, 2, "-0.01"),
        ("10.00", 3, 1, 3, 2, "10.00"),  # the day rate is never rounded
        ("100", 7, 1, 366, 2, "1.91"),
        ("1000", 1, 1, 28, 0, "36"),
        ("1", 1, 1, 28, 3, "0.036"),
    ],
)
def test_days_cost_their_part_of_the_whole_period(
    unit_price, quantity, days, period_days, digits, text
):
    cost = prices.prorated(
        Decimal(unit_price),
        quantity=quantity,
        days=days,
        period_days=period_days,
        digits=digits,
    )

    assert str(cost) == text


@pytest.mark.parametrize(
    ("total", "n", "digits", "texts"),
    [
        ("10.00", 1, 2, ["10.00"]),
        ("10.00", 3, 2, ["3.33", "3.34", "3.33"]),
        ("-10.00", 3, 2, ["-3.33", "-3.34", "-3.33"]),
        ("0.01", 3, 2, ["0.00", "0.01", "0.00"]),
        ("0.00", 2, 2, ["0.00", "0.00"]),
        ("1", 4, 0, ["0", "1", "0", "0"]),
        ("-1", 4, 0, ["0", "-1", "0", "0"]),
        ("1.000", 3, 3, ["0.333", "0.334", "0.333"]),
        ("10.005", 2, 2, ["5.00", "5.01"]),
    ],
)
def test_parts_are_the_steps_between_rounded_running_sums(total, n, digits, texts):
    cut = prices.parts(Decimal(total), n=n, digits=digits)

    assert [str(part) for part in cut] == texts


def test_parts_of_a_total_with_more_than_28_digits_add_up():
    total = Decimal("12345678901234567890123456789012345.67")

    cut = prices.parts(total, n=7, digits=2)

    assert sum(Fraction(part) for part in cut) == Fraction(total)


@pytest.mark.parametrize(
    ("total", "weights", "digits", "texts"),
    [
        ("100.00", [2, 1], 2, ["66.67", "33.33"]),
        ("-100.00", [2, 1], 2, ["-66.67", "-33.33"]),
        ("1", [1, 1, 1], 0, ["0", "1", "0"]),
        ("0.001", [1, 1], 3, ["0.001", "0.000"]),
        ("10.00", [0, 5, 0], 2, ["0.00", "10.00", "0.00"]),
    ],
)
def test_a_total_is_divided_in_proportion_and_adds_up(total, weights, digits, texts):
    cut = prices.divided(Decimal(total), weights=weights, digits=digits)

    assert [str(part) for part in cut] == texts


def test_equal_weights_are_equal_parts():
    cut = prices.divided(Decimal("12.34"), weights=[7] * 9, digits=2)

    assert cut == prices.parts(Decimal("12.34"), n=9, digits=2)


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_divide_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="must"):
        prices.divided(Decimal(1), weights=weights, digits=2)


@pytest.mark.parametrize(
    ("needed", "billed", "extra"),
    [(15, 10, 5), (10, 10, 0), (3, 10, 0), (0, 0, 0), (1, 0, 1), (0, 5, 0)],
)
def test_only_units_above_the_billed_ones_are_uncovered(needed, billed, extra):
    assert prices.uncovered(needed, billed=billed) == extra


@pytest.mark.parametrize(
    ("potential", "billed", "credited", "credit"),
    [
        ("5.00", "8.00", "0.00", "5.00"),
        ("5.00", "8.00", "4.00", "4.00"),
        ("5.00", "8.00", "8.00", "0"),
        ("5.00", "8.00", "9.00", "0"),
        ("-5.00", "8.00", "0.00", "0"),
        ("0.00", "8.00", "0.00", "0"),
        ("8.00", "8.00", "0.00", "8.00"),
        ("1E+40", "1E+40", "0.01", "9999999999999999999999999999999999999999.99"),
    ],
)
def test_a_credit_is_capped_by_what_is_left_of_the_bill(
    potential, billed, credited, credit
):
    given = prices.capped_credit(
        Decimal(potential), billed=Decimal(billed), credited=Decimal(credited)
    )

    assert given == Decimal(credit)
    assert not given.is_signed()


def test_the_decimal_context_of_the_caller_plays_no_part():
    price = Decimal("1234.565")
    with localcontext(prec=2):
        answers = [
            prices.rounded(price, digits=2),
            prices.for_months(price, months=12),
            prices.amount(price, quantity=3, digits=2),
            prices.prorated(price, quantity=3, days=7, period_days=31, digits=2),
            *prices.parts(price, n=2, digits=3),
            prices.capped_credit(price, billed=price, credited=Decimal("0.001")),
        ]

    assert [str(answer) for answer in answers] == [
        "1234.57",
        "14814.780",
        "3703.70",
        "836.32",
        "617.283",
        "617.282",
        "1234.564",
    ]


def every_question(money=Decimal("8.00"), number=1, period_days=31):
    """Each function once for each place where the money or the number goes."""
    one = Decimal(1)
    return [
        lambda: prices.rounded(money, digits=number),
        lambda: prices.for_months(money, months=number),
        lambda: prices.amount(money, quantity=number, digits=2),
        lambda: prices.amount(money, quantity=1, digits=number),
        lambda: prices.prorated(
            money, quantity=number, days=1, period_days=period_days, digits=2
        ),
        lambda: prices.prorated(
            money, quantity=1, days=number, period_days=period_days, digits=2
        ),
        lambda: prices.prorated(
            money, quantity=1, days=1, period_days=period_days, digits=number
        ),
        lambda: prices.parts(money, n=1, digits=number),
        lambda: prices.capped_credit(money, billed=one, credited=one),
        lambda: prices.capped_credit(one, billed=money, credited=one),
        lambda: prices.capped_credit(one, billed=one, credited=money),
    ]


@pytest.mark.parametrize("money", [8.0, 8, True, "8.00", None])
def test_only_decimals_are_money(money):
    for ask in every_question(money=money):
        with pytest.raises(TypeError, match="must be a Decimal"):
            ask()


@pytest.mark.parametrize("money", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_money_is_finite(money):
    for ask in every_question(money=Decimal(money)):
        with pytest.raises(ValueError, match="finite"):
            ask()


def test_only_rounding_takes_a_fraction():
    rounding, *others = every_question(money=Fraction(8))

    assert str(rounding()) == "8.0"
    for ask in others:
        with pytest.raises(TypeError, match="must be a Decimal"):
            ask()


NUMBERS = slice(0, 8)  # the questions of `every_question` that take a number


@pytest.mark.parametrize("number", [1.0, True, "1", Decimal(1), None])
def test_only_ints_are_numbers(number):
    for ask in (
        *every_question(number=number)[NUMBERS],
        *every_question(period_days=number)[4:7],
        lambda: prices.parts(Decimal(1), n=number, digits=2),
        lambda: prices.uncovered(number, billed=1),
        lambda: prices.uncovered(1, billed=number),
    ):
        with pytest.raises(TypeError, match="must be an int"):
            ask()


def test_numbers_below_0_are_refused():
    for ask in (
        *every_question(number=-1)[NUMBERS],
        lambda: prices.uncovered(-1, billed=1),
        lambda: prices.uncovered(1, billed=-1),
    ):
        with pytest.raises(ValueError, match="must be 0 or more"):
            ask()


@pytest.mark.parametrize("number", [0, -1])
def test_a_period_has_days_and_a_total_has_parts(number):
    for ask in (
        *every_question(period_days=number)[4:7],
        lambda: prices.parts(Decimal(1), n=number, digits=2),
    ):
        with pytest.raises(ValueError, match="must be 1 or more"):
            ask()
