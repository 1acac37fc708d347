"""Plans and users are managed in My Apps alone: nothing else gives a seat or a bill."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts import people, roles
from billing.models import Charge, Order
from myapps import drift
from myapps.models import Difference, Seat
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    company = Company(starts_on=date(2026, 1, 1))
    plan = factories.PlanFactory(price=Decimal("10.00"))
    company.installation = company.installs(plan, [company.admin])
    return company


def books(company):
    return (
        set(Seat.objects.values_list("user", flat=True)),
        Order.objects.count(),
        Charge.objects.of(company.account).total(),
    )


def test_people_and_roles_change_without_touching_seats_or_bill(company):
    before = books(company)
    (user,) = company.hires(1)
    role = company.role(user)

    people.create(
        company.account, email="new@people.example", display_name="New",
        in_roles=[role], by=company.admin, on=company.day,
    )  # fmt: skip
    roles.rename(role, name="Night shift", by=company.admin, on=company.day)
    company.leaves(role, user)
    company.deactivates(user)
    company.reactivates(user)
    company.deletes(role)

    assert books(company) == before


def test_whom_a_partner_has_active_changes_neither_seats_nor_bill(
    company, partner_user
):
    before = books(company)
    (unseated,) = company.hires(1)

    drift.report(
        company.installation, emails=[unseated.email, "ghost@nowhere.example"], ids=[],
        by=partner_user, on=company.day, at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip

    assert books(company) == before
    shown = Difference.objects.standing().order_by("pk")
    assert [(one.kind, one.user or one.said) for one in shown] == [
        ("MISSING", company.admin),
        ("EXTRA", "ghost@nowhere.example"),
        ("EXTRA", unseated),
    ]


def test_the_marketplace_and_the_launcher_only_read(client_of, company, present):
    before = books(company)
    browser = client_of(company.admin)
    app = company.installation.app

    for address in ["/marketplace/", f"/marketplace/{app.slug}/", "/launcher/"]:
        assert browser.get(address).status_code == 200
        assert browser.post(address).status_code == 405

    assert books(company) == before
