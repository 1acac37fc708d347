"""What is shown before an approval is what is charged after it, to the cent: on random
contracts, currencies, quantities, wishes and days.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import wraps

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import reconcile, renewals
from billing.models import Charge, RenewalChange
from support import adjustments, tickets
from support.models import Adjustment, Ticket
from tests import factories
from tests.billing.examples import about
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
FIRST = date(2026, 1, 31)
BOUNDARY = date(2027, 1, 31)
DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}

prices = st.decimals(Decimal("0.01"), 500, places=4)
quantities = st.integers(2, 40)
currencies = st.sampled_from(sorted(DIGITS))
frequencies = st.sampled_from([1, 2, 3, 6, 12])
early = st.integers(1, 60).map(lambda days: BOUNDARY - timedelta(days=days))
late = st.integers(0, 400).map(lambda days: BOUNDARY + timedelta(days=days))


def tried(number: int):
    """So many examples, each alone in the database."""

    def decorate(example):
        @wraps(example)
        def alone(*args, **kwargs):
            with transaction.atomic():
                example(*args, **kwargs)
                transaction.set_rollback(True)

        return settings(
            max_examples=about(number),
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )(alone)

    return decorate


def under_contract(currency, frequency, quantity, price, seats):
    """A company with one signed line from a month's last day, and some seats taken."""
    company = Company(starts_on=FIRST, currency=currency, frequency=frequency)
    plan = factories.PlanFactory()
    line = company.signs(plan, quantity, str(price))
    installation = company.installs(plan, company.hires(min(seats, quantity)))
    return company, line, installation


def approved(company, ticket):
    """The version that was approved, and the charges that its approval wrote."""
    staff = factories.UserFactory(account=None, kind="SUPPORT")
    before = set(Charge.objects.values_list("pk", flat=True))
    tickets.decide(ticket, approve=True, by=staff, on=company.day)
    found = Adjustment.objects.filter(ticket=ticket).latest("version")
    return found, Charge.objects.exclude(pk__in=before)


def billed_for(account, day) -> Decimal:
    """What stands for the period that begins on a day, over all lines."""
    return Charge.objects.filter(
        account=account, starts_on=day, reason="PERIOD"
    ).total()


def nothing_differs(company):
    return [str(one) for one in reconcile.differences(company.account)] == []


@given(currencies, frequencies, quantities, prices, st.integers(1, 4), early, st.data())
@tried(50)
def test_a_quantity_approved_before_the_boundary(
    currency, frequency, quantity, price, seats, day, data
):
    company, line, _installed = under_contract(
        currency, frequency, quantity, price, seats
    )
    company.until(day)
    target = data.draw(st.integers(0, quantity - 1))
    wish = {"by": company.admin, "on": day, "ticket_wanted": True}
    change = (
        renewals.lower(line, to=target, **wish)
        if target
        else renewals.end(line, **wish)
    )
    ticket = change.tickets.get()
    other = data.draw(st.integers(0, quantity - 1))
    if other != target:
        staff = factories.UserFactory(account=None, kind="SUPPORT")
        draft = adjustments.draft(ticket, quantity=other, by=staff, on=day)
        adjustments.propose(draft, by=staff, on=day)

    version, _written = approved(company, ticket)
    company.until(BOUNDARY)

    assert billed_for(company.account, BOUNDARY) == version.bill_after
    assert version.bill_before == round(
        quantity * price * frequency + Decimal(0), DIGITS[currency] + 9
    ).quantize(Decimal(1).scaleb(-DIGITS[currency]), rounding="ROUND_HALF_UP")
    assert nothing_differs(company)


@given(currencies, frequencies, quantities, prices, prices, st.integers(1, 4), early)
@tried(20)
def test_another_plan_approved_before_the_boundary(
    currency, frequency, quantity, price, listed, seats, day
):
    company, line, installation = under_contract(
        currency, frequency, quantity, price, seats
    )
    plan = factories.PlanFactory(app=installation.app)
    factories.ListPriceFactory(plan=plan, currency=currency, monthly_price=listed)
    company.until(day)
    change = renewals.switch(
        line, to=plan, by=company.admin, on=day, ticket_wanted=True
    )

    version, _written = approved(company, change.tickets.get())
    company.until(BOUNDARY)

    assert billed_for(company.account, BOUNDARY) == version.bill_after
    assert nothing_differs(company)


@given(currencies, frequencies, quantities, prices, st.integers(1, 4), late, st.data())
@tried(35)
def test_what_was_held_and_is_approved_in_part(
    currency, frequency, quantity, price, seats, day, data
):
    company, line, _installed = under_contract(
        currency, frequency, quantity, price, seats
    )
    company.until(BOUNDARY - timedelta(days=5))
    target = data.draw(st.integers(0, quantity - 1))
    wish = {"by": company.admin, "on": company.day}
    change = (
        renewals.lower(line, to=target, **wish)
        if target
        else renewals.end(line, **wish)
    )
    company.until(day)
    ticket = Ticket.objects.filter(change=change).first()
    change.refresh_from_db()
    if ticket is None or not change.holds.exists():
        return  # as many are active as were billed: nothing was held
    granted = data.draw(st.integers(target, quantity - 1))
    if granted != target:
        staff = factories.UserFactory(account=None, kind="SUPPORT")
        draft = adjustments.draft(ticket, quantity=granted, by=staff, on=day)
        adjustments.propose(draft, by=staff, on=day)
    proposal = adjustments.price(adjustments.newest(ticket), on=day)

    version, written = approved(company, ticket)

    assert written.total() == proposal.approved.now
    assert version.bill_after == proposal.bill_after
    if proposal.approved.next:
        company.until(proposal.approved.next.starts_on)
        billed = billed_for(company.account, proposal.approved.next.starts_on)
        assert billed == version.bill_after
    assert nothing_differs(company)


@given(currencies, frequencies, quantities, prices, prices, early)
@tried(20)
def test_the_credit_of_a_replaced_plan(
    currency, frequency, quantity, price, listed, day
):
    company, line, installation = under_contract(
        currency, frequency, quantity, price, 3
    )
    plan = factories.PlanFactory(app=installation.app)
    factories.ListPriceFactory(plan=plan, currency=currency, monthly_price=listed)
    company.until(day)
    company.changes_plan(installation, plan)
    ticket = Ticket.objects.get(line=line)

    version, written = approved(company, ticket)

    assert -written.total() == version.gives_back
    assert RenewalChange.objects.get(line=line).state == "APPLIED"
    assert nothing_differs(company)


@given(currencies, frequencies, quantities, prices, st.integers(1, 1000))
@tried(25)
def test_the_credit_of_a_disputed_charge(currency, frequency, quantity, price, part):
    company, line, _installed = under_contract(currency, frequency, quantity, price, 1)
    company.until(FIRST + timedelta(days=40))
    charge = Charge.objects.filter(line=line).first()
    if charge is None or not charge.amount:
        return  # too little for the currency's smallest unit
    unit = Decimal(1).scaleb(-DIGITS[currency])
    amount = max(
        unit, (charge.amount * part / 1000).quantize(unit, rounding="ROUND_DOWN")
    )
    ticket = factories.TicketFactory(
        account=company.account, category="CHARGE", line=line
    )
    staff = factories.UserFactory(account=None, kind="SUPPORT")
    draft = adjustments.draft_credit(
        ticket, charge, amount, by=staff, on=company.day, reason="A mistake."
    )
    adjustments.propose(draft, by=staff, on=company.day)

    version, written = approved(company, ticket)

    assert -written.total() == version.gives_back == amount
    assert nothing_differs(company)
