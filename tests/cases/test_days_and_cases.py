"""The days and cases that go wrong elsewhere, each lived through from the first click to
the books.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts import roles
from billing import contracts
from billing.models import Line, RenewalChange
from billing.periods import local_day
from myapps.models import JoinEvent, Seat
from support.models import Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db


def plan_of(app, price, *, currency="USD", **fields):
    return factories.PlanFactory(
        app=app, price=Decimal(price), price__currency=currency, **fields
    )


@pytest.fixture
def app():
    return factories.AppFactory()


@pytest.fixture
def pro(app):
    return plan_of(app, "10.00", name="Pro")


@pytest.fixture
def business(app):
    return plan_of(app, "20.00", name="Business")


def refused(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


class TestAnchors:
    def test_a_contract_from_31_january_is_billed_on_the_last_days_of_short_months(
        self, pro
    ):
        company = Company(starts_on=date(2026, 1, 31))
        line = company.signs(pro, 2, "7.25")
        company.until(date(2026, 5, 1))

        days = line.charges.order_by("starts_on").values_list("starts_on", flat=True)
        assert list(days) == [
            date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30),
        ]  # fmt: skip

    def test_a_contract_from_29_february_renews_on_28_until_the_next_leap_year(
        self, pro
    ):
        company = Company(starts_on=date(2024, 2, 29), frequency=12)
        line = company.signs(pro, 1, "5.00")
        company.until(date(2028, 3, 1))

        starts = line.terms.order_by("starts_on").values_list("starts_on", flat=True)
        assert list(starts) == [
            date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28),
            date(2028, 2, 29),
        ]  # fmt: skip
        assert company.total() == 5 * 60

    def test_in_auckland_a_term_that_ends_on_the_30th_is_over_at_11_utc_on_the_29th(
        self, pro
    ):
        company = Company(starts_on=date(2025, 11, 30), zone="Pacific/Auckland")
        line = company.signs(pro, 3, "4.00")
        just_before = datetime(2026, 11, 29, 10, 59, tzinfo=UTC)
        just_after = datetime(2026, 11, 29, 11, 0, tzinfo=UTC)

        company.until(local_day(just_before, company.zone))
        assert line.terms.count() == 1

        company.until(local_day(just_after, company.zone))
        assert line.terms.get(outcome="").starts_on == date(2026, 11, 30)


class TestSignedLines:
    def test_a_line_in_the_future_covers_nobody_before_its_day(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        company.until(date(2026, 3, 1))
        company.signs(pro, 10, "7.00", starts_on=date(2026, 5, 1))

        effect = company.would(pro, 4)

        assert effect.new_line.basis == Line.Basis.SELF_SERVE
        assert effect.first_amount == Decimal("40.00")

    def test_two_forms_for_one_app_cover_together_and_grow_at_the_later_price(
        self, pro
    ):
        company = Company(starts_on=date(2026, 1, 1))
        company.signs(pro, 4, "7.25")
        company.until(date(2026, 4, 1))
        later = company.signs(pro, 2, "7.00")
        installation = company.installs(pro, company.hires(6))
        assert company.would(pro, 6).bills is False

        company.adds(installation, company.hires(3))

        assert company.billed(later)[-1] == "INCREASE 3 × 30/30 = 21.00"

    def test_self_serve_then_signed_for_fewer_than_are_active(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        company.until(date(2026, 3, 10))
        company.installs(pro, company.hires(15))
        bought = Line.objects.get(account=company.account)
        signed = company.signs(pro, 10, "7.25", starts_on=date(2026, 4, 1))
        company.until(date(2026, 4, 1))

        assert company.billed(signed) == [
            "PERIOD 10 × 30/30 = 72.50",
            "INCREASE 5 × 30/30 = 36.25",
        ]
        bought.refresh_from_db()
        assert bought.replaced_by == signed
        proposal = company.change(line=bought)
        assert proposal.kind == RenewalChange.Kind.REPLACED
        assert Ticket.objects.get(change=proposal).line == bought

        company.until(date(2026, 5, 1))
        bought.refresh_from_db()
        assert bought.ends_on == date(2026, 4, 10)

    def test_adding_users_gives_up_no_other_plan_that_sales_signed(self, pro, business):
        company = Company(starts_on=date(2026, 1, 1))
        installation = company.installs(pro, company.hires(2))
        company.until(date(2026, 1, 20))
        signed = company.signs(business, 5, "15.00")

        company.adds(installation, company.hires(1))

        signed.refresh_from_db()
        assert signed.replaced_by is None
        assert not RenewalChange.objects.exists()

    def test_installing_one_signed_plan_leaves_another_signed_one_alone(
        self, pro, business
    ):
        company = Company(starts_on=date(2026, 1, 1))
        company.signs(pro, 2, "7.00")
        other = company.signs(business, 5, "15.00")

        company.installs(pro, company.hires(2))

        other.refresh_from_db()
        assert other.replaced_by is None
        assert company.billed(other) == ["PERIOD 5 × 31/31 = 75.00"]

    def test_quarterly_eight_days_before_a_big_charge_bills_eight_days(self, pro):
        company = Company(starts_on=date(2026, 1, 1), frequency=3)
        line = company.signs(pro, 1, "9.00")
        installation = company.installs(pro, [company.admin])
        company.until(date(2026, 3, 24))
        company.adds(installation, company.hires(10))

        assert company.billed(line)[-1] == "INCREASE 10 × 8/90 = 24.00"
        company.until(date(2026, 4, 1))
        assert company.billed(line)[-1] == "PERIOD 11 × 91/91 = 297.00"

    def test_annual_eight_days_before_a_big_charge_bills_eight_days(self, pro):
        company = Company(starts_on=date(2026, 1, 1), term=24, frequency=12)
        line = company.signs(pro, 1, "9.00")
        installation = company.installs(pro, [company.admin])
        company.until(date(2026, 12, 24))
        company.adds(installation, company.hires(10))

        assert company.billed(line)[-1] == "INCREASE 10 × 8/365 = 23.67"
        company.until(date(2027, 1, 1))
        assert company.billed(line)[-1] == "PERIOD 11 × 365/365 = 1188.00"


class TestPlanChanges:
    def test_another_plan_than_the_signed_one_at_install_is_billed_for_everybody(
        self, pro, business
    ):
        company = Company(starts_on=date(2026, 1, 1), frequency=3)
        signed = company.signs(pro, 10, "7.00")
        company.until(date(2026, 2, 15))
        company.installs(business, company.hires(4))

        new = Line.objects.get(plan=business)
        assert (new.basis, new.anchor_on, new.frequency_months) == (
            Line.Basis.REPLACEMENT, date(2026, 1, 1), 3,
        )  # fmt: skip
        assert company.billed(new) == ["PERIOD 4 × 45/90 = 120.00"]
        signed.refresh_from_db()
        assert signed.replaced_by == new
        assert company.change(line=signed).state == "UNDECIDED"

    def test_back_on_the_signed_plan_its_end_is_withdrawn(self, pro, business):
        company = Company(starts_on=date(2026, 1, 1))
        signed = company.signs(pro, 10, "7.00")
        installation = company.installs(pro, company.hires(8))
        company.until(date(2026, 2, 10))
        company.changes_plan(installation, business)
        company.until(date(2026, 2, 20))
        company.changes_plan(installation, pro)

        signed.refresh_from_db()
        assert signed.replaced_by is None
        assert company.change(line=signed).state == "WITHDRAWN"
        assert Ticket.objects.get(line=signed).state == Ticket.State.SOLVED

    def test_after_an_approved_credit_the_signed_line_resumes_from_that_day(
        self, pro, business
    ):
        company = Company(starts_on=date(2026, 1, 1))
        signed = company.signs(pro, 10, "7.00")
        installation = company.installs(pro, company.hires(8))
        company.until(date(2026, 2, 15))
        company.changes_plan(installation, business)
        company.support_decides(company.change(line=signed), approve=True)
        assert company.billed(signed)[-1] == "CREDIT 10 × 14/28 = -35.00"

        company.until(date(2026, 2, 22))
        company.changes_plan(installation, pro)

        resumed = Line.objects.get(continues=signed)
        assert company.billed(resumed) == ["PERIOD 10 × 7/28 = 17.50"]
        company.until(date(2026, 3, 1))
        assert company.billed(resumed)[-1] == "PERIOD 10 × 31/31 = 70.00"

    def test_per_seat_to_per_account_is_one_unit_and_back_is_every_seat(self, app):
        seats = plan_of(app, "10.00")
        flat = plan_of(app, "60.00", charge_model="PER_ACCOUNT")
        company = Company(starts_on=date(2026, 1, 1))
        company.until(date(2026, 3, 1))
        installation = company.installs(seats, company.hires(5))
        company.changes_plan(installation, flat)
        assert Line.objects.get(plan=flat).terms.get().billed == 1

        company.until(date(2026, 4, 2))
        company.changes_plan(installation, seats)
        newest = Line.objects.filter(plan=seats).latest("pk")
        assert newest.terms.latest("starts_on").billed == 5

    def test_a_free_plan_is_never_charged_and_needs_no_ticket(self, app):
        free = plan_of(app, "0.00")
        company = Company(starts_on=date(2026, 1, 1))
        company.until(date(2026, 3, 1))
        installation = company.installs(free, company.hires(5))
        company.until(date(2026, 3, 20))
        company.uninstalls(installation)
        company.until(date(2026, 5, 1))

        assert company.billed() == []
        assert not Ticket.objects.exists()
        assert Line.objects.get().ends_on == date(2026, 4, 1)


class TestDecreases:
    def test_a_reduction_undecided_over_the_boundary_holds_only_the_difference(
        self, pro
    ):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 10, "7.00")
        team = company.hires(10)
        installation = company.installs(pro, team)
        company.until(date(2026, 12, 1))
        company.removes(installation, team[4:], lower=True)
        company.until(date(2027, 1, 1))
        assert company.billed(line)[-1] == "PERIOD 4 × 31/31 = 28.00"
        assert Ticket.objects.get(line=line).category == "REDUCTION"

        company.until(date(2027, 2, 1))
        company.support_decides(company.change(line=line), approve=False)

        assert company.billed(line)[-4:] == [
            "PERIOD 4 × 31/31 = 28.00", "HELD 6 × 31/31 = 42.00",
            "PERIOD 4 × 28/28 = 28.00", "HELD 6 × 28/28 = 42.00",
        ]  # fmt: skip
        company.until(date(2027, 3, 1))
        assert company.billed(line)[-1] == "PERIOD 10 × 31/31 = 70.00"

    def test_approved_after_the_boundary_what_was_held_is_never_billed(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 10, "7.00")
        installation = company.installs(pro, company.hires(3))
        company.until(date(2026, 12, 1))
        company.lowers(installation, 3)
        company.until(date(2027, 2, 1))
        company.support_decides(company.change(line=line), approve=True)
        company.until(date(2027, 3, 1))

        assert company.billed(line)[-1] == "PERIOD 3 × 31/31 = 21.00"
        assert "HELD" not in " ".join(company.billed(line))

    def test_users_added_on_a_held_line_are_billed_at_once(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 10, "6.20")
        installation = company.installs(pro, company.hires(3))
        company.until(date(2026, 12, 1))
        company.lowers(installation, 3)
        company.until(date(2027, 1, 11))
        company.hourly_run()
        company.adds(installation, company.hires(2))
        assert company.billed(line)[-1] == "INCREASE 2 × 21/31 = 8.40"

        company.support_decides(company.change(line=line), approve=False)

        january = line.charges.filter(period_starts_on=date(2027, 1, 1))
        assert sum(c.amount for c in january) == Decimal("62.00")

    def test_an_uninstall_declined_leaves_a_line_that_covers_a_re_install(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 5, "7.00")
        installation = company.installs(pro, company.hires(5))
        company.until(date(2026, 12, 20))
        company.uninstalls(installation, ticket_wanted=True)
        company.support_decides(company.change(line=line), approve=False)
        company.until(date(2027, 1, 1))
        installation.refresh_from_db()
        assert installation.closed_on == date(2027, 1, 1)

        effect = company.would(pro, 5)

        assert effect.bills is False
        assert company.installs(pro, company.hires(5)).plan == pro

    def test_an_uninstall_taken_back_renews_as_if_nothing_had_been_asked(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 5, "7.00")
        installation = company.installs(pro, company.hires(5))
        company.until(date(2026, 12, 20))
        company.uninstalls(installation, ticket_wanted=True)
        company.keeps(installation)
        company.until(date(2027, 1, 1))

        assert company.billed(line)[-1] == "PERIOD 5 × 31/31 = 35.00"
        installation.refresh_from_db()
        assert (installation.ends_on, installation.closed_on) == (None, None)
        assert Ticket.objects.get(line=line).state == Ticket.State.SOLVED

    def test_while_an_end_is_pending_only_covered_users_can_be_added(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        company.signs(pro, 5, "7.00")
        installation = company.installs(pro, company.hires(4))
        company.uninstalls(installation)
        installation.refresh_from_db()

        company.adds(installation, company.hires(1))

        with refused("ending"):
            company.adds(installation, company.hires(1))


class TestPeople:
    @pytest.fixture
    def company(self):
        return Company(starts_on=date(2026, 1, 1))

    @pytest.fixture
    def installation(self, company, pro):
        company.signs(pro, 2, "7.00")
        return company.installs(pro, [company.admin])

    def test_deactivated_frees_the_seat_and_returning_does_not_buy_it_again(
        self, company, installation
    ):
        (user,) = company.hires(1)
        role = company.role(user)
        company.activates(installation, role, auto=True)
        company.deactivates(user)
        assert not Seat.objects.filter(user=user).exists()

        company.reactivates(user)

        assert not Seat.objects.filter(user=user).exists()
        assert not company.billed()[1:]

    def test_a_deleted_role_leaves_its_seats_marked(self, company, installation):
        (user,) = company.hires(1)
        role = company.role(user)
        company.activates(installation, role, auto=True)

        company.deletes(role)

        seat = Seat.objects.get(user=user)
        assert seat.left_role_on == company.day
        assert not installation.activations.standing().exists()

    def test_auto_install_at_its_limit_queues_and_bills_nothing(
        self, company, installation
    ):
        role = company.role()
        company.activates(installation, role, auto=True)
        installation.seat_limit = 3
        installation.save()

        company.joins(role, *company.hires(4))

        outcomes = JoinEvent.objects.order_by("id").values_list("outcome", flat=True)
        assert list(outcomes) == ["SEATED", "SEATED", "QUEUED", "QUEUED"]
        assert company.billed()[-1] == "INCREASE 1 × 31/31 = 7.00"

    def test_somebody_an_administrator_removed_is_not_bought_again(
        self, company, installation
    ):
        (user,) = company.hires(1)
        role = company.role(user)
        company.activates(installation, role, auto=True)
        company.removes(installation, [user])

        company.hourly_run()
        company.joins(role, *company.hires(1))

        assert not Seat.objects.filter(user=user).exists()

    def test_somebody_deactivated_after_a_late_term_end_still_counts_for_it(
        self, company, installation
    ):
        team = company.hires(1)
        company.adds(installation, team)
        company.until(date(2026, 12, 20))
        company.lowers(installation, 1)
        company.until(date(2027, 1, 3), hourly=False)

        company.deactivates(*team)

        assert company.billed()[-1] == "PERIOD 2 × 31/31 = 14.00"

    def test_the_last_who_manages_roles_cannot_leave(self, company, installation):
        with refused("last_manager"):
            company.leaves(company.administrators, company.admin)
        with refused("last_manager"):
            company.deactivates(company.admin)
        with refused("last_manager"):
            roles.delete(company.administrators, by=company.admin, on=company.day)


class TestCurrencies:
    def test_a_currency_without_minor_units_is_billed_in_whole_yen(self, app):
        plan = plan_of(app, "1000", currency="JPY")
        company = Company(starts_on=date(2026, 1, 1), currency="JPY")
        line = company.signs(plan, 1, "950")
        installation = company.installs(plan, [company.admin])
        company.until(date(2026, 1, 22))
        company.adds(installation, company.hires(1))

        assert company.billed(line)[-1] == "INCREASE 1 × 10/31 = 306"

    def test_a_currency_of_three_digits_is_billed_to_the_fils(self, app):
        plan = plan_of(app, "3.125", currency="KWD")
        company = Company(starts_on=date(2026, 1, 1), currency="KWD")
        line = company.signs(plan, 1, "3.125")
        installation = company.installs(plan, [company.admin])
        company.until(date(2026, 1, 22))
        company.adds(installation, company.hires(1))

        assert company.billed(line)[-1] == "INCREASE 1 × 10/31 = 1.008"

    def test_what_is_not_sold_in_the_contracts_currency_is_refused(self, pro):
        company = Company(starts_on=date(2026, 1, 1), currency="EUR")
        with refused("currency"):
            company.would(pro, 1)


class TestContracts:
    def test_one_that_does_not_renew_ends_its_lines_and_installations(self, app, pro):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 5, "7.00")
        installation = company.installs(pro, company.hires(5))
        company.until(date(2026, 12, 10))
        company.lowers(installation, 3)
        contracts.let_end(company.contract, by=None, on=company.day)
        own = company.installs(plan_of(factories.AppFactory(), "3.00"), [company.admin])
        company.until(date(2027, 1, 1))

        line.refresh_from_db()
        installation.refresh_from_db()
        own.refresh_from_db()
        assert line.ends_on == date(2027, 1, 1)
        assert installation.closed_on == date(2027, 1, 1)
        assert own.closed_on is None
        assert company.change(line=line).state == "MOOT"
        assert Ticket.objects.get(category="CONTRACT").internal is True

        company.until(date(2027, 1, 10))
        assert company.billed()[-1] == "PERIOD 1 × 31/31 = 3.00"
        with refused("no_contract"):
            company.adds(own, company.hires(1))

    def test_a_successor_with_another_frequency_takes_the_lines_over(self, pro):
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 5, "7.00")
        company.installs(pro, company.hires(5))
        company.until(date(2026, 11, 1))
        company.signs_contract(starts_on=date(2027, 1, 1), term=24, frequency=3)
        company.until(date(2027, 1, 1))

        next_line = Line.objects.get(continues=line)
        assert next_line.monthly_unit_price == Decimal("7.00")
        assert company.billed(next_line) == ["PERIOD 5 × 90/90 = 105.00"]
        assert company.would(pro, 5).bills is False

    def test_without_a_contract_nothing_can_be_bought(self, pro):
        company = Company(starts_on=date(2026, 1, 1), renews=False)
        company.until(date(2027, 2, 1))
        with refused("no_contract"):
            company.would(pro, 1)
