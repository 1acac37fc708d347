"""What if: a page that tries a change on paper."""

from decimal import Decimal

import pytest
from django.urls import reverse

from myapps import foresight, seats, uninstalls
from tests import factories
from tests.cases.test_forecasts import read_only

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("present")]


@pytest.fixture
def installation(line, plan, install, people):
    line()
    return install(plan, people(10))


@pytest.fixture
def look(admin, client_of):
    browser = client_of(admin)

    def get(do, **asked):
        address = reverse("myapps:what-if", args=["box"])
        headers = {"HX-Request": "true"} if asked.pop("partly", False) else {}
        return browser.get(address, {"do": do, **asked}, headers=headers)

    return get


def test_two_more_are_billed_at_once_and_in_each_period(installation, on):
    outlook = foresight.if_added(installation, 2, on=on)

    assert outlook.now == Decimal("3.38")  # 2 × 7.25 × 7/30 days
    assert [one.difference for one in outlook.periods] == [Decimal("14.50")] * 2
    assert outlook.difference == Decimal("32.38")
    assert outlook.after.difference == Decimal("14.50")


def test_fewer_cost_less_from_the_renewal_on_only(installation, on):
    outlook = foresight.if_lowered(installation, 3, on=on)

    assert (outlook.difference, outlook.quantity, outlook.give_up) == (0, 7, 3)
    assert outlook.after.difference == Decimal("-21.75")


def test_uninstalled_nothing_is_due_at_the_term_end(installation, on):
    outlook = foresight.if_uninstalled(installation, on=on)

    assert outlook.difference == 0
    assert (outlook.after.staying, outlook.after.changed) == (Decimal("72.50"), 0)


@pytest.mark.parametrize("do", ["more", "now", "later", "fewer", "end"])
def test_the_page_shows_each_change_and_writes_nothing(
    do, installation, app, look, django_assert_max_num_queries
):
    factories.PlanFactory(app=app, code="team", name="Team", price=Decimal("9.00"))
    look("more")

    with read_only(), django_assert_max_num_queries(40):
        answer = look(do, n=2, plan="team")

    assert answer.status_code == 200
    assert "Period by period" in answer.content.decode()


def test_htmx_gets_the_outcome_alone(installation, look):
    text = look("more", n=2, partly=True).content.decode()

    assert "<html" not in text
    assert "$3.38" in text


def test_a_plan_on_request_is_refused_in_the_words_of_the_real_change(
    installation, app, look
):
    plan = factories.PlanFactory(app=app, code="team", price_on_request=True)

    text = look("now", plan=plan.code).content.decode()

    assert "The price of this plan is on request" in text


def test_an_app_that_is_uninstalled_grows_no_more(installation, admin, on, look):

    uninstalls.ask(installation, by=admin, on=on)

    assert "Take the uninstall back" in look("more", n=5).content.decode()


def test_it_leads_into_the_real_change_filled_in(installation, people, admin, on, look):
    seats.remove(
        installation, [one.user for one in installation.seats.all()[:4]],
        by=admin, on=on,
    )  # fmt: skip

    text = look("fewer", n=3).content.decode()

    assert reverse("myapps:lower", args=["box"]) + "?quantity=7" in text
