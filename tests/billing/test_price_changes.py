"""List prices to come: whom they reach, once, and in words that billing keeps."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from billing import forecasts, price_changes
from journal.models import Message, Notice
from marketplace import list_prices
from tests import factories

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def plan(db):
    """Listed at 10.00 a seat and month."""
    return factories.PlanFactory(
        app__name="Box", name="Business", price=Decimal("10.00")
    )


@pytest.fixture
def have(account, plan, today):
    """The account has the plan month to month, unless said otherwise."""

    def make(**fields):
        fields = {
            "basis": "SELF_SERVE", "order_form": None, "term_months": 1, "plan": plan,
            "monthly_unit_price": Decimal(10), "on": today,
        } | fields  # fmt: skip
        contract = factories.ContractFactory(account=account)
        return factories.LineFactory(contract=contract, **fields)

    return make


@pytest.fixture
def announce(plan, today):
    def do(price="12.00", *, days=40, currency="USD"):
        return list_prices.announce(
            plan, currency=currency, monthly_price=Decimal(price),
            effective_from=today + timedelta(days=days), by=None, on=today,
        )  # fmt: skip

    return do


@pytest.fixture
def tell(today, present):
    def do(after=0, zone="UTC"):
        on = today + timedelta(days=after)
        return price_changes.tell(zone=zone, on=on, at=present)

    return do


def test_who_has_it_month_to_month_is_told_thirty_days_before_once(
    have, announce, tell, admin, member
):
    have()
    announce(days=40)

    assert [after for after in range(45) if tell(after)] == [10]
    notice = Notice.objects.get()
    assert notice.user_id == admin.pk
    assert notice.title == "Box Business is listed at $12.00 from Jan 2, 2027"
    assert "Until then a unit is listed at $10.00 a month." in notice.words
    assert Message.objects.get().subject == notice.title


def test_what_they_have_keeps_its_price(have, announce, tell, admin, account, plan):
    """What the words promise is what billing does: growth and renewal at 10.00."""
    line = have()
    price = announce(days=10)
    tell()

    assert "keeps its price" in Notice.objects.get().words
    assert line.monthly_unit_price == Decimal(10) != price.monthly_price
    to_come = forecasts.committed(account, on=price.effective_from)
    assert all(one.amount == one.quantity * 10 for one in to_come)


def test_a_stop_is_made_up_for_until_the_day(have, announce, tell, admin):
    have()
    announce(days=40)

    assert tell(after=39) == 1
    assert tell(after=40) == 0


def test_a_price_that_is_announced_late_is_told_at_once(have, announce, tell, admin):
    have()
    announce(days=3)

    assert tell() == 1


@pytest.mark.parametrize(
    "fields", [{"term_months": 12, "basis": "SELF_SERVE"}, {"currency": "EUR"}]
)
def test_others_are_not_told(have, announce, tell, admin, fields):
    have(**fields)
    announce(days=10)

    assert tell() == 0


def test_the_same_price_again_is_no_news(have, announce, tell, admin):
    have()
    announce("10.00", days=10)

    assert tell() == 0


def test_who_leaves_before_the_day_is_not_told(have, announce, tell, admin, today):
    line = have()
    line.ends_on = today + timedelta(days=10)
    line.save(update_fields=["ends_on"])
    announce(days=10)

    assert tell() == 0


def test_the_command_tells_for_a_given_day(have, announce, admin, today, capsys):
    have()
    announce(days=40)

    call_command("tell_of_list_prices", on=today + timedelta(days=10))

    assert "Notices written: 1." in capsys.readouterr().out
