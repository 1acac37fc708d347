"""Charges divided over the roles and teams whose people had the seats, to the cent."""

from collections import defaultdict

import pytest

from billing import charges as ledger
from billing.models import Charge
from myapps import cost_shares
from myapps.cost_shares import UNUSED, Group
from tests.billing.situations import D, day, plan_of
from tests.cases.company import Company
from tests.factories import ListPriceFactory, PlanFactory

pytestmark = pytest.mark.django_db
BY_HAND = IN_NO_TEAM = Group("NONE")


@pytest.fixture
def company(db):
    return Company(starts_on=day("2026-01-01"))


def team(company, name, number):
    people = company.hires(number)
    for one in people:
        one.team = name
        one.save()
    return people


def divided(company, by, **which):
    """What each group comes to, over all charges; they must be the ledger's total."""
    charges = Charge.objects.of(company.account).filter(**which)
    found = defaultdict(D)
    for share in cost_shares.of(company.account, charges, by=by):
        found[share.group] += share.amount
    assert sum(found.values()) == charges.total()
    return dict(found)


def test_a_period_is_divided_over_the_teams_that_had_seats_and_what_nobody_used(
    company,
):
    plan = plan_of()
    company.signs(plan, 10, "8.00")
    company.installs(plan, team(company, "North", 3) + team(company, "South", 2))
    company.until(day("2026-01-31"))

    # January: 80.00 for ten units, five of them taken all month.
    assert divided(company, "team") == {
        Group("NAMED", "North"): D("24.00"),
        Group("NAMED", "South"): D("16.00"),
        UNUSED: D("40.00"),
    }


def test_a_seat_counts_for_the_days_it_was_active(company):
    plan = plan_of()
    company.signs(plan, 2, "31.00")
    north = team(company, "North", 1)
    installation = company.installs(plan, north)
    company.until(day("2026-01-11"))
    company.adds(installation, team(company, "South", 1))
    company.until(day("2026-01-21"))
    company.removes(installation, north)

    # 62.00 for 62 unit-days: North 20 of them, South 21, nobody 21.
    assert divided(company, "team") == {
        Group("NAMED", "North"): D("20.00"),
        Group("NAMED", "South"): D("21.00"),
        UNUSED: D("21.00"),
    }


def test_the_role_is_the_one_that_gave_the_seat(company):
    plan = plan_of()
    company.signs(plan, 4, "10.00")
    agents = company.role(*company.hires(2))
    installation = company.installs(plan, company.hires(1))
    company.activates(installation, agents)
    name = agents.name
    company.deletes(agents)

    assert divided(company, "role") == {
        Group("NAMED", name): D("20.00"),
        BY_HAND: D("10.00"),
        UNUSED: D("10.00"),
    }


def test_more_users_share_what_was_charged_for_them(company):
    plan = plan_of()
    company.signs(plan, 1, "31.00")
    installation = company.installs(plan, team(company, "North", 1))
    company.until(day("2026-01-17"))
    company.adds(installation, team(company, "South", 1))

    # 31.00 for one unit of January and 15.00 for another from the 17th on: 15 days of
    # which both had a seat. North has the first 16 alone, and half of the rest.
    period = divided(company, "team", reason="PERIOD")
    increase = divided(company, "team", reason="INCREASE")
    assert increase == {
        Group("NAMED", "North"): D("7.50"),
        Group("NAMED", "South"): D("7.50"),
    }
    assert period == {
        Group("NAMED", "North"): D("20.89"),  # 31 × 31 of 46 seat-days
        Group("NAMED", "South"): D("10.11"),
    }


def test_a_plan_for_the_account_is_divided_over_everybody_who_has_a_seat(company):
    plan = plan_of(charge_model="PER_ACCOUNT")
    company.signs(plan, 1, "100.00")
    company.installs(plan, team(company, "North", 2) + team(company, "", 1))

    assert divided(company, "team") == {
        Group("NAMED", "North"): D("66.67"),
        IN_NO_TEAM: D("33.33"),
    }


def test_what_nobody_installed_is_not_used(company):
    company.signs(plan_of(), 3, "10.00")

    assert divided(company, "team") == {UNUSED: D("30.00")}


def test_an_add_on_is_divided_over_the_seats_of_its_app(company):
    plan = plan_of()
    add_on = PlanFactory(app=plan.app, add_on=True)
    company.signs(plan, 1, "10.00")
    company.signs(add_on, 5, "2.00")
    company.installs(plan, team(company, "North", 1))

    assert divided(company, "team", line__plan=add_on) == {
        Group("NAMED", "North"): D("10.00")
    }


def test_a_replaced_plan_is_used_until_the_change(company):
    plan = plan_of()
    other = PlanFactory(app=plan.app)
    ListPriceFactory(plan=other, monthly_price=D("31.00"))
    company.signs(plan, 1, "31.00")
    installation = company.installs(plan, team(company, "North", 1))
    company.until(day("2026-01-11"))
    company.changes_plan(installation, other)

    assert divided(company, "team", line__plan=plan) == {
        Group("NAMED", "North"): D("10.00"),
        UNUSED: D("21.00"),
    }
    assert divided(company, "team", line__plan=other) == {
        Group("NAMED", "North"): D("21.00")
    }


def test_a_reversal_takes_back_what_each_was_given(company):
    plan = plan_of(price="10.00")
    installation = company.installs(plan, team(company, "North", 3))
    company.until(day("2026-01-02"))
    charge = Charge.objects.get(account=company.account)
    before = divided(company, "team", pk=charge.pk)
    ledger.reverse([charge], on=company.day)

    after = divided(company, "team")
    assert before == {Group("NAMED", "North"): D("30.00")}
    assert set(after.values()) == {D("0.00")}
    assert installation.seats.count() == 3


def test_seats_from_before_it_was_recorded_are_shown_as_such(company):
    plan = plan_of()
    company.signs(plan, 2, "10.00")
    installation = company.installs(plan, company.hires(1))
    old = company.hires(1)[0]
    installation.seats.create(
        account=company.account, user=old, added_by=old, added_on=company.day,
        role_name="Agents",
    )  # fmt: skip
    installation.seat_events.create(
        account=company.account, user_id=old.pk, kind="ADDED", on=company.day, active=2
    )
    company.until(day("2026-01-16"))
    company.removes(installation, [old])

    # 20.00 for 62 unit-days: 15 of the old seat, 16 of nobody, whatever its removal knows.
    assert divided(company, "role") == {
        BY_HAND: D("10.00"),
        Group("UNKNOWN"): D("4.84"),
        UNUSED: D("5.16"),
    }


def test_the_questions_are_as_many_for_many_seats(company, django_assert_num_queries):
    plan = plan_of()
    company.signs(plan, 50, "10.00")
    company.installs(plan, team(company, "North", 40))
    company.until(day("2026-03-15"))
    charges = Charge.objects.of(company.account)

    with django_assert_num_queries(6):
        cost_shares.of(company.account, charges, by="team")
