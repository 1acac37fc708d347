"""Credits for disputed charges: no more than is left, written once, and reconciled."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing import charges, credits, reconcile
from billing.models import Charge, CreditGrant
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


@pytest.fixture
def charge():
    """Ten seats at 7.25, billed for November."""
    company = Company(starts_on=date(2026, 11, 1))
    company.signs(factories.PlanFactory(), 10, "7.25")
    company.until(TODAY)
    return Charge.objects.get()


def give(charge, amount, *, key="one", by=None):
    by = by or factories.UserFactory(account=None, kind="SUPPORT")
    return credits.grant(
        charge, Decimal(amount), reason="A mistake.", key=key, by=by, on=TODAY
    )


def test_a_credit_stands_beside_its_charge(charge):
    granted = give(charge, "12.34")

    credit = Charge.objects.get(reason="CREDIT")
    assert (credit.amount, credit.cause) == (Decimal("-12.34"), granted.cause)
    assert (credit.starts_on, credit.ends_on) == (charge.starts_on, charge.ends_on)


def test_the_same_key_gives_once(charge):
    assert give(charge, "10") == give(charge, "10")
    assert Charge.objects.filter(reason="CREDIT").count() == 1


def test_what_was_given_is_not_left(charge):
    give(charge, "70")

    assert credits.left([charge]) == {charge.pk: Decimal("2.50")}
    with pytest.raises(ValidationError) as refusal:
        give(charge, "2.51", key="two")
    assert refusal.value.code == "too_much"


def test_a_credit_is_no_charge_that_can_be_disputed(charge):
    give(charge, "10")

    with pytest.raises(ValidationError) as refusal:
        give(Charge.objects.get(reason="CREDIT"), "1", key="two")
    assert refusal.value.code == "not_owed"


@pytest.mark.usefixtures("unreconciled")
def test_a_credit_without_its_grant_is_found(charge):
    granted = give(charge, "10")
    other = CreditGrant(pk=granted.pk + 1, charge=charge, amount=Decimal(5))
    charges.write_grant(charge.line, other, on=TODAY)

    (difference,) = reconcile.differences()
    assert "not accounted for" in difference.what


@pytest.mark.usefixtures("unreconciled")
def test_grants_beyond_the_charge_are_found(charge):
    granted = give(charge, "70")
    other = CreditGrant.objects.create(
        account_id=granted.account_id, charge=charge, amount=Decimal(5),
        reason="Again.", key="two", granted_by=granted.granted_by, granted_on=TODAY,
    )  # fmt: skip
    charges.write_grant(charge.line, other, on=TODAY)

    (difference,) = reconcile.differences()
    assert "75" in difference.what
