"""A statement says what one billing period was charged, and never changes once final."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import batches, charges, statements
from billing.models import Batch, Charge
from tests.billing.situations import D, day, plan_of
from tests.factories import AccountFactory, ContractFactory, LineFactory

DAY = timedelta(days=1)
TODAY = day("2026-03-15")


def signed(contract, *, on=TODAY, **fields):
    """A line of ten units at 8.00 a month, charged up to a day."""
    fields = {"contracted": 10, "plan": plan_of(price="10")} | fields
    return LineFactory(contract=contract, on=on, **fields)


def contract_of(account, starts_on="2026-01-01", **fields):
    return ContractFactory(account=account, starts_on=day(starts_on), **fields)


def said(account, start, *, on=TODAY):
    """A statement and its charges as values, to compare two readings."""
    statement = statements.of(account, start=day(start), on=on)
    return statement, list(statements.charges(statement).values_list("pk", "amount"))


@pytest.mark.django_db
class TestPeriods:
    def test_they_are_the_contracts_own(self, account):
        contract_of(account, "2025-01-31", frequency_months=1, term_months=12)

        found = statements.periods_of(account, on=day("2025-03-31"))

        assert [(str(start), str(end)) for start, end in found] == [
            ("2025-01-31", "2025-02-28"),
            ("2025-02-28", "2025-03-31"),
            ("2025-03-31", "2025-04-30"),
        ]

    def test_a_quarterly_contract_has_quarterly_statements(self, account):
        contract_of(account, frequency_months=3, term_months=12)

        found = statements.periods_of(account, on=day("2026-05-02"))

        assert [str(period.start) for period in found] == ["2026-01-01", "2026-04-01"]

    def test_days_without_a_contract_are_stated_by_the_month(self, account):
        contract_of(account, "2025-01-15", ends_on=day("2026-01-15"), auto_renews=False)
        contract_of(account, "2026-03-10")

        found = statements.periods_of(account, on=day("2026-03-10"))

        assert [(str(start), str(end)) for start, end in found][-4:] == [
            ("2026-01-15", "2026-02-01"),
            ("2026-02-01", "2026-03-01"),
            ("2026-03-01", "2026-03-10"),
            ("2026-03-10", "2026-04-10"),
        ]

    def test_after_the_last_contract_months_go_on(self, account):
        contract_of(account, "2025-01-15", ends_on=day("2026-01-15"), auto_renews=False)

        found = statements.periods_of(account, on=day("2026-02-03"))

        assert [str(period.end) for period in found][-2:] == [
            "2026-02-01",
            "2026-03-01",
        ]

    def test_an_account_without_contract_and_charge_has_none(self, account):
        assert statements.periods_of(account, on=TODAY) == []
        assert statements.listed(account, on=TODAY) == []

    def test_a_contract_to_come_has_none_yet(self, account):
        contract_of(account, "2026-04-01")

        assert statements.listed(account, on=TODAY) == []


@pytest.mark.django_db
class TestWhatTheySay:
    def test_the_newest_comes_first_and_says_what_it_comes_to(self, account):
        signed(contract_of(account))

        found = statements.listed(account, on=TODAY)

        assert [(str(one.period.start), one.totals[0].total) for one in found] == [
            ("2026-03-01", D(80)),
            ("2026-02-01", D(80)),
            ("2026-01-01", D(80)),
        ]
        assert [one.is_running for one in found] == [True, False, False]

    def test_a_period_in_which_nothing_fell_due_has_an_empty_one(self, account):
        contract_of(account)

        statement, rows = said(account, "2026-02-01")

        assert (statement.totals, statement.rows, rows) == ([], 0, [])

    def test_what_is_given_back_stands_apart(self, account, unreconciled):
        line = signed(contract_of(account))
        first = line.charges.earliest("billed_on")
        charges.reverse([first], on=TODAY)

        statement, _charges = said(account, "2026-03-01")

        total = statement.totals[0]
        assert (total.charged, total.given_back, total.total) == (D(80), D(-80), D(0))

    def test_each_currency_has_its_own_total(self, account):
        contract = contract_of(account)
        signed(contract)
        signed(contract, currency="EUR", monthly_unit_price=D("3.5"))

        statement, _charges = said(account, "2026-02-01")

        assert [(one.currency, one.total) for one in statement.totals] == [
            ("EUR", D(35)),
            ("USD", D(80)),
        ]
        assert sum(one.rows for one in statements.by_app(statement)) == statement.rows

    def test_nobody_reads_anothers(self, account):
        signed(contract_of(AccountFactory()))

        assert statements.listed(account, on=TODAY) == []

    def test_no_period_begins_in_the_middle_of_one(self, account):
        contract_of(account)

        assert statements.of(account, start=day("2026-02-02"), on=TODAY) is None
        assert statements.of(account, start=day("2026-04-01"), on=TODAY) is None


@pytest.mark.django_db
class TestFinal:
    def test_it_is_final_when_its_last_day_is_closed(self, account):
        signed(contract_of(account))

        batches.close(zone="UTC", on=day("2026-01-30"))
        before = statements.of(account, start=day("2026-01-01"), on=TODAY)
        batches.close(zone="UTC", on=day("2026-01-31"))
        after = statements.of(account, start=day("2026-01-01"), on=TODAY)

        assert (before.is_final, after.is_final) == (False, True)

    def test_what_comes_late_stands_on_the_open_one(self, account):
        contract = contract_of(account)
        signed(contract)
        batches.close(zone="UTC", on=day("2026-02-28"))
        kept = said(account, "2026-01-01")

        late = signed(contract, monthly_unit_price=D("2"))

        open_one, rows = said(account, "2026-03-01")
        assert said(account, "2026-01-01") == kept
        assert {pk for pk, _amount in rows} >= set(
            late.charges.values_list("pk", flat=True)
        )
        assert open_one.totals[0].total == D(80) + 3 * D(20)

    def test_it_stays_there_when_that_day_is_closed_too(self, account):
        contract = contract_of(account)
        signed(contract)
        batches.close(zone="UTC", on=day("2026-02-28"))
        signed(contract, monthly_unit_price=D("2"))
        told = said(account, "2026-03-01")

        batches.close(zone="UTC", on=TODAY)

        assert said(account, "2026-03-01")[1] == told[1]

    def test_it_says_what_was_handed_off(self, account):
        contract = contract_of(account)
        signed(contract)
        batches.close(zone="UTC", on=day("2026-02-10"))
        signed(contract, monthly_unit_price=D("2"))
        batches.close(zone="UTC", on=day("2026-03-31"))

        for one in statements.listed(account, on=TODAY):
            left = Batch.objects.of(account).filter(
                day__gte=one.period.start, day__lt=one.period.end
            )
            assert sum(batch.total_amount for batch in left) == one.totals[0].total


HISTORIES = st.lists(
    st.tuples(
        st.integers(0, 120),  # the day it is signed on
        st.integers(1, 30),  # units
        st.decimals("0", "20", places=3),
        st.sampled_from(["EUR", "USD", "JPY"]),
        st.booleans(),  # whether days are closed before
        st.booleans(),  # whether it is taken back
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.django_db
@given(
    history=HISTORIES,
    frequency=st.sampled_from([1, 3, 12]),
    starts_on=st.integers(1, 31),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_together_they_are_the_ledger_to_the_cent(
    unreconciled, history, frequency, starts_on
):
    account = AccountFactory()
    contract = ContractFactory(
        account=account,
        starts_on=day("2026-01-01") + starts_on * DAY - DAY,
        frequency_months=frequency,
    )
    for after, units, price, currency, closes, taken_back in sorted(history):
        on = contract.starts_on + after * DAY
        if closes:
            batches.close(zone=account.timezone, on=on - DAY)
        line = signed(
            contract,
            on=on,
            contracted=units,
            monthly_unit_price=price,
            currency=currency,
        )
        if taken_back:
            charges.reverse(line.charges.all(), on=on)
    on = contract.starts_on + 130 * DAY

    found = statements.listed(account, on=on)

    told = {}
    for one in found:
        rows = list(statements.charges(one))
        for total in one.totals:
            own = [row.amount for row in rows if row.currency == total.currency]
            apps = [
                app.total
                for app in statements.by_app(one)
                if app.currency == total.currency
            ]
            assert (sum(own), sum(apps), len(own)) == (
                total.total,
                total.total,
                total.rows,
            )
        for row in rows:
            assert row.pk not in told
            told[row.pk] = row.amount
    assert told == dict(Charge.objects.of(account).values_list("pk", "amount"))
    kept = statements.periods_of(account, on=on)
    assert all(one.end == after.start for one, after in pairwise(kept))
