"""Every charge computed a second time: whatever was tampered with is named (5.7)."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import charges, reconcile, renewals
from billing.models import Charge, RenewalChange
from tests.billing.situations import D, buy, carry, day, plan_of, standing, term
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = day("2026-11-23")


@pytest.fixture
def line(account):
    contract = ContractFactory(account=account)
    plan = plan_of(price="10.00", name="Pro")
    return LineFactory(contract=contract, plan=plan, contracted=10, on=TODAY)


@pytest.fixture
def tamper(unreconciled):
    """Change charges behind the product's back, past their trigger, as an owner can."""

    def tamper(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement, values)
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    return tamper


def told():
    return [difference.what for difference in reconcile.differences()]


def test_what_was_never_tampered_with_has_no_differences(line):
    out = StringIO()

    call_command("reconcile", stdout=out)

    assert out.getvalue() == "No differences in 11 charges.\n"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("amount", "80.01", "amount is 80.010, must be 80.00"),
        ("quantity", "11", "quantity is 11, must be 10"),
        ("unit_price", "7.99", "unit_price is 7.990000, must be 8.000000"),
        ("days", "30", "days is 30, must be 31"),
        ("currency", "EUR", "currency is EUR, must be USD"),
    ],
)
def test_a_tampered_charge_is_found(line, tamper, column, value, words):
    first = line.charges.order_by("starts_on").first()

    tamper(f"UPDATE billing_charge SET {column} = %s WHERE id = %s", value, first.pk)

    (difference,) = told()
    assert words in difference
    assert f"charge {first.pk}" in difference


def test_a_missing_charge_is_found(line, tamper):
    tamper("DELETE FROM billing_charge WHERE starts_on = '2026-03-01'")

    assert told() == [
        "PERIOD of 80.00 USD for 10 units, 2026-03-01 to 2026-04-01 (period): missing"
    ]


def test_an_extra_charge_is_found(line, unreconciled):
    part = charges.part(
        anchor=line.anchor_on, frequency=1, start=day("2026-03-05"),
        end=day("2026-04-01"), quantity=1, unit_price=D(8), digits=2,
    )  # fmt: skip
    charges.write(term(line), part, reason="INCREASE", cause="order:9", on=TODAY)

    (difference,) = told()

    assert difference.endswith("(order:9): not accounted for")


def test_a_charge_written_twice_is_found(line, tamper):
    tamper(
        "UPDATE billing_charge SET cause = 'order:9', starts_on = '2026-03-01',"
        " period_starts_on = '2026-03-01', period_ends_on = '2026-04-01',"
        " ends_on = '2026-04-01' WHERE starts_on = '2026-04-01'"
    )

    assert len(told()) == 2  # one is missing, one not accounted for


def test_a_reversal_is_the_whole_charge_with_the_other_sign(line, tamper):
    first = line.charges.order_by("starts_on").first()
    charges.reverse([first], on=TODAY)
    tamper("UPDATE billing_charge SET amount = -79 WHERE reason = 'REVERSAL'")

    differences = told()

    assert any("amount is -79.000, must be -80.000" in one for one in differences)
    assert any(one.endswith("missing") for one in differences)


def test_a_tampered_credit_is_found(account, line, tamper):
    buyer = UserFactory(account=account)
    buy(account, plan_of(line.app, price="30"), 10, on=TODAY, by=buyer)
    renewals.decide(standing(line).get(), approve=True, by=buyer, on=TODAY)
    assert told() == []

    tamper("UPDATE billing_charge SET amount = -40 WHERE reason = 'CREDIT'")

    (difference,) = told()
    assert "amount is -40.000, must be -21.33" in difference


def test_an_order_that_charged_other_than_it_showed_is_found(account, line, tamper):
    buy(account, line.plan, 12, on=TODAY, by=UserFactory(account=account))

    tamper("DELETE FROM billing_charge WHERE reason = 'INCREASE'")

    missing, order = told()
    assert missing.endswith("missing")
    assert order == "charged 0, showed 4.27"


def test_the_command_names_each_difference_and_ends_with_an_error(line, tamper):
    tamper("DELETE FROM billing_charge WHERE starts_on = '2026-03-01'")
    out = StringIO()

    with pytest.raises(CommandError, match="1 difference in 10 charges"):
        call_command("reconcile", stdout=out)

    assert out.getvalue().startswith(f"harbour-lines, line {line.pk} (App ")


def test_one_account_alone(line, tamper):
    other = LineFactory(on=TODAY)
    tamper("DELETE FROM billing_charge WHERE line_id = %s", other.pk)

    call_command("reconcile", account=line.account.slug, stdout=StringIO())
    with pytest.raises(CommandError, match="11 differences"):
        call_command("reconcile", account=other.account.slug, stdout=StringIO())
    with pytest.raises(CommandError, match="no account nobody"):
        call_command("reconcile", account="nobody")


def test_any_number_of_lines_takes_the_same_queries(
    contract, django_assert_num_queries
):
    for count in (1, 15):
        for _ in range(count):
            LineFactory(contract=contract, on=TODAY)
        with django_assert_num_queries(10):
            assert told() == []


@pytest.fixture
def contract(account):
    return ContractFactory(account=account)


steps = st.lists(
    st.tuples(
        st.integers(1, 45),  # days on
        st.sampled_from(
            ["grow", "grow", "lower", "end", "approve", "decline", "withdraw", "other"]
        ),
        st.integers(1, 30),  # units
    ),
    max_size=14,
)


@given(
    anchor=st.sampled_from([day("2025-01-31"), day("2024-02-29"), day("2025-06-10")]),
    grid=st.sampled_from([(1, 1), (1, 12), (3, 6), (12, 12)]),
    price=st.decimals(0, 90, places=3),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    signed=st.integers(1, 20),
    steps=steps,
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_adds_up(db, anchor, grid, price, currency, signed, steps):
    """Growth, wishes, decisions and plan changes in any order, days apart."""
    frequency, length = grid
    contract = ContractFactory(
        starts_on=anchor, frequency_months=frequency, term_months=length,
        currency=currency,
    )  # fmt: skip
    account, buyer = contract.account, UserFactory(account=contract.account)
    plans = [plan_of(price=str(price), currency=currency)]
    plans.append(plan_of(plans[0].app, price="7.77", currency=currency))
    on = day("2025-08-05")
    LineFactory(
        contract=contract, plan=plans[0], contracted=signed, monthly_unit_price=price,
        on=on,
    )  # fmt: skip
    for days, step, units in steps:
        on = date_after(on, days)
        carry(*account.lines.all(), to=str(on))
        act(step, account, plans, units, on=on, by=buyer)
    carry(*account.lines.all(), to=str(date_after(on, 40)))

    assert [str(one) for one in reconcile.differences(account)] == []
    full_periods_cost_what_was_billed_in_them(account)


def date_after(on, days):
    return on + day("2025-01-02").resolution * days


def act(step, account, plans, units, *, on, by):
    running = [
        line for line in account.lines.running(on=on) if line.replaced_by_id is None
    ]
    wishes = RenewalChange.objects.of(account).undecided()
    if step in ("grow", "other"):
        buy(account, plans[step == "other"], units, on=on, by=by)
    elif step in ("approve", "decline"):
        for change in wishes:
            renewals.decide(change, approve=step == "approve", by=by, on=on)
    elif step == "withdraw":
        for change in wishes.filter(holds=None).exclude(kind="REPLACED"):
            renewals.withdraw(change, by=by, on=on)
    else:
        for line in running:
            billed = term(line).billed
            approved = RenewalChange.objects.filter(line=line, state="APPROVED")
            if approved.exists():
                continue
            if step == "end":
                renewals.end(line, by=by, on=on)
            elif units < billed:
                renewals.lower(line, to=units, by=by, on=on)


def full_periods_cost_what_was_billed_in_them(account):
    """Where nothing was given back, a whole period's charges are quantity × price."""
    for line in account.lines.all():
        given = line.charges.filter(reason__in=["CREDIT", "REVERSAL"])
        if given.exists() or line.is_free:
            continue
        for one in line.charges.filter(reason="PERIOD"):
            same = line.charges.filter(
                period_starts_on=one.period_starts_on, starts_on=one.period_starts_on
            )
            if all(c.days == c.period_days for c in same):
                units = sum(c.quantity for c in same)
                cost = charges.per_period(line, units)
                slack = D(len(same)) / 10**line.digits
                assert abs(same.total() - cost) <= slack


def test_the_sum_is_of_rounded_charges(line):
    assert Charge.objects.of(line.account).total() == 11 * 80
