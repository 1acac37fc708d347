"""A plan counts seats or the account, and says what its list counts in."""

import pytest

from marketplace.models import Plan


@pytest.mark.parametrize(
    ("unit", "measure"),
    [
        ("user/month", "user"),
        ("/month", ""),
        ("", ""),
        ("month", ""),
        ("per kiosk user/month", "kiosk user"),
        ("500 users/month", "500 users"),
        ("phoneNumber/month", "phone number"),
        ("month/market", "market"),
        ("user/month/workspace", "user and workspace"),
    ],
)
def test_the_unit_of_a_list_is_said_in_words(unit, measure):
    assert Plan(unit=unit).measure == measure


def test_per_seat_bills_each_seat_and_per_account_one():
    per_seat = Plan(charge_model=Plan.ChargeModel.PER_SEAT)
    per_account = Plan(charge_model=Plan.ChargeModel.PER_ACCOUNT)

    assert [per_seat.units(seats) for seats in (0, 1, 40)] == [0, 1, 40]
    assert [per_account.units(seats) for seats in (0, 1, 40)] == [1, 1, 1]
