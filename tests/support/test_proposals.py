"""What the desk shows before a decision equals what billing writes after it."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Charge
from support import proposals, tickets
from support.models import Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
TERM_END = date(2027, 1, 1)


@pytest.fixture(params=[("USD", 1), ("JPY", 3), ("KWD", 12)], ids=str)
def company(request):
    """Under contract for 2026 in currencies of 2, 0 and 3 digits, billed differently."""
    currency, frequency = request.param
    return Company(starts_on=date(2026, 1, 1), currency=currency, frequency=frequency)


@pytest.fixture
def plan(company):
    plan = factories.PlanFactory()
    factories.ListPriceFactory(
        plan=plan, currency=company.currency, monthly_price=Decimal("10.37")
    )
    return plan


@pytest.fixture
def installation(company, plan):
    """Seven seats signed at 8.13, three of them taken; it is December now."""
    company.signs(plan, 7, "8.13")
    installation = company.installs(plan, company.hires(3))
    company.until(date(2026, 12, 10))
    return installation


def decide(company, approve):
    """The proposal of the only ticket, and the charges that deciding it wrote."""
    ticket = Ticket.objects.select_related("change__line__plan__app").get()
    proposal = proposals.of(ticket.change, on=company.day)
    before = set(Charge.objects.values_list("pk", flat=True))
    staff = factories.UserFactory(account=None, kind="SUPPORT")
    tickets.decide(ticket, approve=approve, by=staff, on=company.day)
    return proposal, Charge.objects.exclude(pk__in=before)


@pytest.mark.parametrize("approve", [True, False])
def test_a_lower_quantity_before_the_term_end(company, installation, approve):
    company.lowers(installation, 4)
    tickets.propose(
        company.change(), by=company.admin, on=company.day, origin="CUSTOMER"
    )

    proposal, _none = decide(company, approve)
    company.until(TERM_END)

    outcome = proposal.approved if approve else proposal.declined
    charge = Charge.objects.get(starts_on=TERM_END)
    assert (charge.quantity, charge.amount) == (
        outcome.next.quantity, outcome.next.amount,
    )  # fmt: skip


@pytest.mark.parametrize("approve", [True, False])
def test_what_is_held_after_the_term_end(company, installation, approve):
    company.uninstalls(installation)
    company.until(date(2027, 5, 20))

    proposal, written = decide(company, approve)

    outcome = proposal.approved if approve else proposal.declined
    assert written.total() == outcome.now
    assert proposal.held.amount == proposal.declined.now > 0
    assert proposal.held.days == 139


def test_the_next_bill_after_a_late_decline(company, installation):
    company.uninstalls(installation)
    company.until(date(2027, 2, 10))

    proposal, _written = decide(company, approve=False)
    company.until(proposal.declined.next.starts_on)

    charge = Charge.objects.get(starts_on=proposal.declined.next.starts_on)
    assert charge.amount == proposal.declined.next.amount


@pytest.mark.parametrize("approve", [True, False])
def test_the_credit_of_a_replaced_plan(company, installation, approve):
    other = factories.PlanFactory(app=installation.app)
    factories.ListPriceFactory(
        plan=other, currency=company.currency, monthly_price=Decimal("21.99")
    )
    company.changes_plan(installation, other)
    company.until(date(2026, 12, 15))

    proposal, written = decide(company, approve)

    outcome = proposal.approved if approve else proposal.declined
    assert written.total() == outcome.now
    assert proposal.approved.now < 0
