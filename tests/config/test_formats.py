"""Money, quantities and days as people read them."""

import datetime
from decimal import Decimal

import pytest

from config.templatetags import formats
from config.templatetags.formats import (
    count,
    day,
    day_range,
    days_until,
    frequency,
    initials,
    last_day,
    money,
    month_count,
    share,
    term_share,
    tone,
    unit_price,
)

JANUARY_31 = datetime.date(2026, 1, 31)
FEBRUARY_28 = datetime.date(2026, 2, 28)


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (Decimal("1284.5"), "USD", "$1,284.50"),
        (Decimal("0"), "USD", "$0.00"),
        (Decimal("7"), "JPY", "¥7"),
        (Decimal("12.345"), "KWD", "KWD\xa012.345"),
        (Decimal("-418.07"), "GBP", "-£418.07"),
        (None, "USD", ""),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(amount, currency, words):
    assert money(amount, currency) == words


@pytest.mark.parametrize(
    ("price", "currency", "words"),
    [
        (Decimal("7.250000"), "USD", "$7.25"),
        (Decimal("7.200000"), "USD", "$7.20"),
        (Decimal("0.042500"), "EUR", "€0.0425"),
        (Decimal("0.000001"), "EUR", "€0.000001"),
        (Decimal("1200.000000"), "JPY", "¥1,200"),
        (Decimal("0.5"), "JPY", "¥0.5"),
        (Decimal("1E+3"), "USD", "$1,000.00"),
    ],
)
def test_a_unit_price_keeps_what_was_agreed_and_no_more(price, currency, words):
    assert unit_price(price, currency) == words


def test_an_accounts_country_decides_how_days_and_numbers_are_written():
    with formats.customs("pt-PT"):
        assert day(JANUARY_31) == "31 Jan 2026"
        assert count(40_000) == "40\xa0000"
    with formats.customs("en-US"):
        assert day(JANUARY_31) == "Jan 31, 2026"
        assert count(40_000) == "40,000"


def test_customs_of_an_unknown_country_fall_back_to_the_language():
    with formats.customs("xx-QQ"):
        assert day(JANUARY_31) == "31 Jan 2026"


def test_a_half_open_range_is_written_with_its_last_day():
    with formats.customs("en-GB"):
        assert "31 Jan" in day_range(JANUARY_31, FEBRUARY_28)
        assert "27 Feb 2026" in day_range((JANUARY_31, FEBRUARY_28))
        assert last_day(FEBRUARY_28) == "27 Feb 2026"


def test_a_range_of_one_day_is_that_day_and_without_an_end_it_says_from_when():
    with formats.customs("en-GB"):
        assert day_range(JANUARY_31, datetime.date(2026, 2, 1)) == "31 Jan 2026"
        assert day_range(JANUARY_31) == "from 31 Jan 2026"


def test_months_and_frequencies_are_words():
    assert [month_count(n) for n in (1, 12)] == ["1 month", "12 months"]
    assert [frequency(n) for n in (1, 3, 6, 12, 2)] == [
        "monthly",
        "quarterly",
        "half-yearly",
        "yearly",
        "every 2 months",
    ]


def test_a_share_stays_between_nothing_and_all():
    assert [share(part, 10) for part in (0, 5, 15, -1)] == [
        "0%",
        "50.00%",
        "100.00%",
        "0.00%",
    ]
    assert share(3, 0) == "0%"


def test_a_term_knows_how_far_it_has_gone():
    year = datetime.date(2026, 1, 1), datetime.date(2027, 1, 1)

    assert term_share(*year, datetime.date(2026, 1, 1)) == "0%"
    assert term_share(*year, datetime.date(2028, 1, 1)) == "100.00%"
    assert days_until(year[1], datetime.date(2026, 12, 31)) == 1


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Andrés Núñez de la Vega", "AV"),
        ("สมชาย ใจดี", "ส"),
        ("محمد الأنصاري", "م"),
        ("陳大文", "陳"),
        ("  ", "·"),
        ("42", "·"),
        (None, "·"),
    ],
)
def test_a_name_in_any_script_has_initials(name, letters):
    assert initials(name) == letters


def test_a_state_that_nobody_coloured_is_calm():
    assert tone("ACTIVE") == "good"
    assert tone("State.FAILED") == "bad"
    assert tone("SOMETHING_NEW") == "calm"
