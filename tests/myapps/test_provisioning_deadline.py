"""Seven days without a partner's answer: paid back, once, by its local day (3.20)."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command

from accounts import clock
from myapps import tasks
from myapps.models import Installation
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation():
    """Installed self-serve on 22 January 2026; the partner says nothing."""
    app = factories.AppFactory()
    factories.EndpointFactory(partner_id=app.partner_id)
    plan = factories.PlanFactory(app=app, price=Decimal("10.00"))
    company = Company(starts_on=date(2026, 1, 1))
    company.until(date(2026, 1, 22))
    return company.installs(plan, [company.admin])


def carry_out(day):
    said = io.StringIO()
    call_command("fail_unconfirmed", on=day, stdout=said)
    return said.getvalue().strip()


def owed(installation):
    return sum(
        charge.amount for line in installation.account.lines.all()
        for charge in line.charges.all()
    )  # fmt: skip


def test_before_the_seventh_day_is_over_nothing_happens(installation):
    assert carry_out(date(2026, 1, 28)) == "0 installations failed."


def test_after_it_everything_charged_is_paid_back(installation):
    assert owed(installation) > 0

    assert carry_out(date(2026, 1, 29)) == "1 installation failed."

    installation.refresh_from_db()
    assert installation.state == Installation.State.FAILED
    assert owed(installation) == 0


def test_twice_pays_back_once(installation):
    carry_out(date(2026, 1, 29))

    assert carry_out(date(2026, 1, 30)) == "0 installations failed."
    assert owed(installation) == 0


def test_the_tick_takes_the_accounts_own_day(installation):
    """On the 28th, 12:00 UTC, it is the 29th already in Auckland."""
    installation.account.timezone = "Pacific/Auckland"
    installation.account.save()
    clock.set_to(datetime(2026, 1, 28, 12, tzinfo=UTC))

    tasks.fail_unconfirmed()

    installation.refresh_from_db()
    assert installation.state == Installation.State.FAILED
