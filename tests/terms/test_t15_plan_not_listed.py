"""A contracted plan that is not listed leads to Support, who can make it available."""

from datetime import date

import pytest

from marketplace import offers
from support.models import Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
PATH = "Technical and Product Support &gt; AppConnect &gt; App Install/Uninstall"


@pytest.fixture
def company():
    """Under contract on a plan that the marketplace no longer lists."""
    company = Company(starts_on=date(2026, 1, 1))
    app = factories.AppFactory(slug="zoom", name="Zoom")
    company.listed = factories.PlanFactory(app=app, name="Business", price=16)
    company.hidden = factories.PlanFactory(
        app=app, code="enterprise-2023", name="Enterprise 2023", listed=False
    )
    company.signs(company.hidden, 20, "14.10")
    company.until(date(2026, 11, 23))
    return company


def test_my_apps_leads_to_the_request_with_its_category_app_and_plan(
    company, client_of, present
):
    company.installs(company.listed, [company.admin])
    browser = client_of(company.admin)

    page = browser.get("/apps/zoom/plan/").content.decode()

    address = "/help/new/?category=INSTALL&amp;app=zoom&amp;plan=enterprise-2023"
    assert address in page
    request = browser.get(address.replace("&amp;", "&")).content.decode()
    assert PATH in request
    assert "Enterprise 2023" in request


def test_the_request_is_a_ticket_in_that_category(company, client_of, present):
    browser = client_of(company.admin)

    browser.post(
        "/help/new/",
        {
            "category": "INSTALL",
            "app": "zoom",
            "plan": "enterprise-2023",
            "body": "We signed for this plan and cannot find it.",
        },
    )

    ticket = Ticket.objects.get()
    assert ticket.get_category_display() == PATH.replace("&gt;", ">")
    assert ticket.plan == company.hidden


def test_made_available_it_is_installed_under_its_line_at_no_cost(company):
    before = company.total()

    offers.offer(
        company.hidden, account=company.account, by=company.admin, on=company.day
    )
    company.installs(company.hidden, company.hires(20))

    assert company.total() == before


def test_other_accounts_still_cannot_choose_it(company):
    offers.offer(
        company.hidden, account=company.account, by=company.admin, on=company.day
    )
    other = factories.AccountFactory()

    assert offers.available(company.hidden, company.account)
    assert not offers.available(company.hidden, other)
