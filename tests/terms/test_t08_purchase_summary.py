"""T8: the purchase summary is indicative: plan × listed price now × selected users."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import Charge, Line, Order
from marketplace import list_prices
from myapps import summary
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan():
    return factories.PlanFactory(
        app__slug="box", app__name="Box", name="Business", price=Decimal("15.00")
    )


def test_it_multiplies_the_listed_price_by_the_selected_users(plan, today):
    shown = summary.of(plan, seats=12, currency="USD", on=today)

    assert (shown.units, shown.monthly_price, shown.total) == (12, 15, 180)


def test_a_per_account_plan_counts_once(today):
    plan = factories.PlanFactory(per_account=True, price=Decimal("99.00"))

    assert summary.of(plan, seats=12, currency="USD", on=today).total == 99


def test_the_price_is_the_one_listed_then(plan, today):
    tomorrow = today + timedelta(days=1)
    list_prices.announce(
        plan, currency="USD", monthly_price=Decimal("18.00"),
        effective_from=tomorrow, by=None, on=today,
    )  # fmt: skip

    assert summary.of(plan, seats=1, currency="USD", on=today).total == 15
    assert summary.of(plan, seats=1, currency="USD", on=tomorrow).total == 18


def test_it_is_rounded_once_to_the_currencys_own_digits(today):
    plan = factories.PlanFactory(price=Decimal("1.005"))

    assert summary.of(plan, seats=1, currency="USD", on=today).total == Decimal("1.01")
    assert summary.of(plan, seats=3, currency="USD", on=today).total == Decimal("3.02")


def test_without_a_listed_price_there_is_no_total(today):
    plan = factories.PlanFactory(on_request=True)

    assert summary.of(plan, seats=3, currency="USD", on=today).total is None


class TestOnThePage:
    @pytest.fixture
    def show(self, client_of, admin, present, plan, account):
        contract = factories.ContractFactory(account=account, frequency_months=12)
        factories.LineFactory(
            contract=contract, plan=plan, contracted=5,
            monthly_unit_price=Decimal("7.25"),
        )  # fmt: skip
        factories.TermsVersionFactory()
        users = factories.UserFactory.create_batch(3, account=account)

        def panel():
            page = client_of(admin).post(
                reverse("myapps:install", args=["box"]),
                {"plan": plan.pk, "users": [user.pk for user in users], "review": 1},
            )
            html = page.content.decode()
            summary = html.split('<section class="panel-indicative"')[1]
            summary = summary.split("</section>")[0]
            return " ".join(re.sub(r"<[^>]+>", " ", summary).split())

        return panel

    def test_it_is_a_monthly_equivalent_whatever_the_contracts_frequency(self, show):
        assert "$45.00 a month" in show()

    def test_it_shows_none_of_the_accounts_own_terms(self, show):
        shown = show()

        assert "7.25" not in shown
        assert "yearly" not in shown
        assert "covered" not in shown.lower()

    def test_it_says_that_it_is_indicative(self, show):
        shown = show()

        assert "indicative" in shown
        assert "not a bill, not a contract" in shown

    def test_it_stores_nothing(self, show):
        lines, charges = Line.objects.count(), Charge.objects.count()

        show()

        assert not Order.objects.exists()
        assert (Line.objects.count(), Charge.objects.count()) == (lines, charges)
