"""Sums of the ledger: by month, app and currency, credits and reversals with their sign."""

from datetime import timedelta

import pytest
from django.db import connection

from billing import charges, spending
from billing.models import Charge, Contract
from tests.billing.situations import D, day, plan_of
from tests.factories import AccountFactory, ContractFactory, LineFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(account):
    return ContractFactory(account=account)


@pytest.fixture
def line(contract):
    """Ten units at 8.00, charged on the first of January, February and March 2026."""
    return LineFactory(
        contract=contract, contracted=10, plan=plan_of(price="10"), on=day("2026-03-15")
    )


def test_each_month_has_what_fell_due_in_it(account, line):
    found = spending.by_month(account)

    assert [(one.month, one.currency, one.amount) for one in found] == [
        (day("2026-01-01"), "USD", D("80")),
        (day("2026-02-01"), "USD", D("80")),
        (day("2026-03-01"), "USD", D("80")),
    ]


@pytest.mark.usefixtures("unreconciled")
def test_a_reversal_counts_against_the_month_it_fell_due_in(account, line):
    first = Charge.objects.earliest("billed_on")
    charges.reverse([first], on=day("2026-03-20"))

    sums = {one.month.month: one.amount for one in spending.by_month(account)}

    assert sums == {1: D("80"), 2: D("80"), 3: D("0")}


def test_currencies_are_never_added(account, line):
    Contract.objects.update(ends_on=day("2026-03-15"), auto_renews=False)
    with_yen = ContractFactory(
        account=account, currency="JPY", starts_on=day("2026-03-15")
    )
    LineFactory(
        contract=with_yen, contracted=3, plan=plan_of(line.app, currency="JPY"),
        monthly_unit_price=D("900"), on=day("2026-03-16"),
    )  # fmt: skip
    start, end = day("2026-03-01"), day("2026-04-01")

    assert spending.totals(account, start=start, end=end) == {
        "JPY": D("2700"),
        "USD": D("80"),
    }
    found = spending.by_app(account, start=start, end=end)
    assert [(one.app_id, one.currency) for one in found] == [
        (line.app_id, "JPY"),
        (line.app_id, "USD"),
    ]


def test_a_range_ends_before_its_last_bound(account, line):
    found = spending.totals(account, start=day("2026-02-01"), end=day("2026-03-01"))

    assert found == {"USD": D("80")}


def test_all_views_of_the_ledger_have_the_same_total(account, line, contract):
    LineFactory(
        contract=contract, contracted=7, plan=plan_of(price="10"),
        monthly_unit_price=D("3.333333"), on=day("2026-03-15"),
    )  # fmt: skip
    total = spending.totals(account)["USD"]

    assert total == Charge.objects.of(account).total()
    for view in [spending.by_month, spending.by_app, spending.by_month_and_app]:
        assert sum(one.amount for one in view(account)) == total


def test_nobody_elses_charges_count(line):
    other = AccountFactory()

    assert spending.totals(other) == {}
    assert spending.by_month_and_app(other) == []
    assert spending.first_month(other) is None


@pytest.mark.usefixtures("unreconciled")
def test_a_range_of_days_is_found_by_an_index(account, line):
    charge = Charge.objects.earliest("pk")
    Charge.objects.bulk_create(
        Charge(
            **{
                field.attname: getattr(charge, field.attname)
                for field in Charge._meta.concrete_fields
                if field.attname not in {"id", "cause", "billed_on"}
            },
            cause=f"order:{n}",
            billed_on=charge.billed_on + timedelta(days=n // 10),
        )
        for n in range(4000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE billing_charge")

    rows = spending.ledger(account, start=day("2026-02-01"), end=day("2026-02-05"))

    assert "charges_by_day" in rows.explain()
