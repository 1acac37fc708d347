"""Auto Install works on join events: each has one outcome, nobody is bought twice."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing import reconcile
from billing.models import Charge, Line, Order, RenewalChange
from myapps import joins, role_activations
from myapps.models import JoinEvent, Seat
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
Outcome = JoinEvent.Outcome


@pytest.fixture
def pro():
    return factories.PlanFactory(name="Pro", price=Decimal("10.00"))


@pytest.fixture
def company():
    """Under contract from 1 January 2026, a year at a time, billed monthly."""
    return Company(starts_on=date(2026, 1, 1))


@pytest.fixture
def installation(company, pro):
    """Two seats signed at 7.00, one of them taken by the administrator."""
    company.signs(pro, 2, "7.00")
    return company.installs(pro, [company.admin])


@pytest.fixture
def role(company, installation):
    """Activated with Auto Install, nobody in it yet."""
    role = company.role()
    company.activates(installation, role, auto=True)
    return role


def refused(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def outcomes():
    return list(JoinEvent.objects.order_by("id").values_list("outcome", "reason"))


def limit(company, installation, *, seats=None, monthly_spend=None):
    role_activations.limit(
        installation,
        seats=seats,
        monthly_spend=monthly_spend,
        by=company.admin,
        on=company.day,
    )


def test_a_joiner_gets_a_seat_by_the_role_and_is_billed_above_the_contract(
    company, installation, role
):
    company.until(date(2026, 1, 22))
    first, second = company.hires(2)

    company.joins(role, first)
    assert company.billed() == ["PERIOD 2 × 31/31 = 14.00"]
    company.joins(role, second)

    assert company.billed()[1:] == ["INCREASE 1 × 10/31 = 2.26"]
    seat = Seat.objects.get(user=second)
    assert (seat.role, seat.added_by, seat.added_on) == (
        role,
        company.admin,
        company.day,
    )


def test_nobody_signs_an_order_for_a_joiner(company, installation, role):
    before = Order.objects.count()

    company.joins(role, *company.hires(5))

    assert Order.objects.count() == before
    assert Charge.objects.filter(cause__startswith="join:").exists()


def test_a_user_in_two_activated_roles_has_one_seat(company, installation, role):
    other = company.role()
    company.activates(installation, other, auto=True)
    (user,) = company.hires(1)

    company.joins(role, user)
    company.joins(other, user)

    assert Seat.objects.filter(user=user).count() == 1
    assert outcomes() == [("SEATED", ""), ("SEATED", "has_a_seat")]
    assert len(company.billed()) == 1


def test_without_auto_install_a_joiner_gets_nothing(company, installation):
    role = company.role()
    company.activates(installation, role, auto=False)

    company.joins(role, *company.hires(1))

    assert not JoinEvent.objects.exists()
    assert installation.seats.count() == 1


def test_members_without_a_seat_are_not_bought_when_it_is_turned_on(
    company, installation
):
    (user,) = company.hires(1)
    role = company.role(user)
    company.activates(installation, role, auto=False)
    company.removes(installation, [user])
    activation = installation.activations.standing().get()

    role_activations.set_auto_install(
        activation, True, signed=company.signature(), on=company.day
    )

    assert not Seat.objects.filter(user=user).exists()
    assert installation.activations.standing().get().auto_install


def test_turning_it_on_is_a_signed_order_and_twice_is_one(company, installation):
    role = company.role()
    activation = company.activates(installation, role, auto=False)
    signed = company.signature()

    for _click in range(2):
        role_activations.set_auto_install(
            activation, True, signed=signed, on=company.day
        )

    standing = installation.activations.standing().get()
    assert standing.order.idempotency_key == signed.key
    assert installation.activations.count() == 2


def test_turned_off_nobody_who_joins_is_seated(company, installation, role):
    activation = installation.activations.standing().get()
    role_activations.set_auto_install(
        activation, False, signed=company.signature(), on=company.day
    )

    company.joins(role, *company.hires(1))

    assert not JoinEvent.objects.exists()


def test_whom_an_administrator_removed_is_not_bought_again(company, installation, role):
    (user,) = company.hires(1)
    company.joins(role, user)
    company.removes(installation, [user])

    company.hourly_run()
    company.joins(role, *company.hires(1))

    assert not Seat.objects.filter(user=user).exists()
    assert outcomes() == [("SEATED", ""), ("SEATED", "")]


def test_joining_anew_after_leaving_is_a_new_event(company, installation, role):
    (user,) = company.hires(1)
    company.joins(role, user)
    company.removes(installation, [user])
    company.leaves(role, user)

    company.joins(role, user)

    assert Seat.objects.filter(user=user).count() == 1


def test_beyond_the_seat_limit_people_wait_and_nothing_is_billed(
    company, installation, role
):
    limit(company, installation, seats=2)

    company.joins(role, *company.hires(3))

    assert outcomes() == [
        ("SEATED", ""),
        ("QUEUED", "seat_limit"),
        ("QUEUED", "seat_limit"),
    ]
    assert len(company.billed()) == 1


def test_beyond_the_spend_limit_people_wait(company, installation, role):
    """14.00 is spent for two; 22.00 lets one more in at 7.00, not two."""
    limit(company, installation, monthly_spend=Decimal("22.00"))

    company.joins(role, *company.hires(3))

    assert outcomes() == [
        ("SEATED", ""),
        ("SEATED", ""),
        ("QUEUED", "spend_limit"),
    ]
    assert company.total() == 14 + 7


def test_an_administrator_seats_whom_the_limit_stopped_by_an_order(
    company, installation, role
):
    limit(company, installation, seats=2)
    company.joins(role, *company.hires(3))
    queued = JoinEvent.objects.queued()

    order = joins.seat_queued(
        installation, queued, signed=company.signature(), on=company.day
    )

    assert order.kind == Order.Kind.QUEUE
    assert installation.seats.count() == 4
    assert company.billed()[1:] == ["INCREASE 2 × 31/31 = 14.00"]
    assert {outcome for outcome, _reason in outcomes()} == {"SEATED"}
    with refused("not_queued"):
        joins.seat_queued(
            installation,
            JoinEvent.objects.filter(decided_by=company.admin),
            signed=company.signature(),
            on=company.day,
        )


def test_an_administrator_refuses_them_and_nothing_is_billed(
    company, installation, role
):
    limit(company, installation, seats=1)
    company.joins(role, *company.hires(2))

    joins.refuse(
        installation, JoinEvent.objects.queued(), by=company.admin, on=company.day
    )

    assert outcomes() == [("REFUSED", "administrator")] * 2
    assert installation.seats.count() == 1
    assert len(company.billed()) == 1


def test_without_a_contract_only_covered_joiners_are_seated(pro):
    company = Company(starts_on=date(2026, 1, 1), term=1, renews=False)
    company.until(date(2026, 1, 10))
    installation = company.installs(pro, [company.admin])
    role = company.role()
    company.activates(installation, role, auto=True)
    company.until(date(2026, 2, 1))

    company.joins(role, *company.hires(1))

    assert outcomes() == [("QUEUED", "no_contract")]


def test_while_an_end_is_pending_only_covered_joiners_are_seated(
    company, installation, role
):
    company.uninstalls(installation)

    company.joins(role, *company.hires(2))

    assert outcomes() == [("SEATED", ""), ("QUEUED", "ending")]
    assert len(company.billed()) == 1


def test_who_leaves_the_role_keeps_the_seat_marked_and_who_returns_is_unmarked(
    company, installation, role
):
    (user,) = company.hires(1)
    company.joins(role, user)

    company.leaves(role, user)
    assert Seat.objects.get(user=user).left_role_on == company.day
    company.joins(role, user)

    assert Seat.objects.get(user=user).left_role_on is None
    assert outcomes()[-1] == ("SEATED", "has_a_seat")
    assert len(company.billed()) == 1


def test_who_leaves_while_waiting_is_superseded(company, installation, role):
    limit(company, installation, seats=1)
    (user,) = company.hires(1)
    company.joins(role, user)

    company.leaves(role, user)

    assert outcomes() == [("SUPERSEDED", "left_role")]


def test_in_another_activated_role_the_seat_is_not_marked(company, installation, role):
    other = company.role()
    company.activates(installation, other, auto=True)
    (user,) = company.hires(1)
    company.joins(role, user)
    company.joins(other, user)

    company.leaves(role, user)

    assert Seat.objects.get(user=user).left_role_on is None


def test_a_deleted_role_stops_and_its_seats_stay_marked(company, installation, role):
    (user,) = company.hires(1)
    company.joins(role, user)

    company.deletes(role)

    seat = Seat.objects.get(user=user)
    assert (seat.left_role_on, seat.role) == (company.day, None)
    assert not installation.activations.standing().exists()
    assert len(company.billed()) == 1


def test_who_is_deactivated_while_waiting_is_refused_and_not_bought_on_return(
    company, installation, role
):
    limit(company, installation, seats=1)
    (user,) = company.hires(1)
    company.joins(role, user)

    company.deactivates(user)
    company.reactivates(user)
    company.hourly_run()

    assert outcomes() == [("REFUSED", "inactive")]
    assert not Seat.objects.filter(user=user).exists()


def test_uninstalled_people_who_wait_are_superseded_at_its_end(
    company, installation, role
):
    limit(company, installation, seats=1)
    company.joins(role, *company.hires(1))
    company.uninstalls(installation)

    company.until(date(2027, 1, 1))

    assert outcomes() == [("SUPERSEDED", "ended")]


def test_a_joiner_never_gives_up_another_plan_that_sales_signed(
    company, installation, role, pro
):
    other = factories.PlanFactory(app=pro.app, price=Decimal("20.00"))
    signed = company.signs(other, 3, "15.00")

    company.joins(role, *company.hires(4))

    signed.refresh_from_db()
    assert signed.replaced_by is None
    assert not RenewalChange.objects.exists()


def crowd(company, role):
    """An import larger than a request carries: its joins wait for the task."""
    company.joins(role, *company.hires(joins.AT_ONCE + 1))


def test_a_large_import_waits_for_the_task_and_nothing_is_billed_before(
    company, installation, role
):
    crowd(company, role)
    assert JoinEvent.objects.waiting().count() == joins.AT_ONCE + 1
    assert len(company.billed()) == 1

    assert joins.settle_all(installation.pk) == joins.AT_ONCE + 1
    assert joins.settle_all(installation.pk) == 0

    assert company.billed()[1:] == ["INCREASE 200 × 31/31 = 1400.00"]


def test_batches_of_a_killed_task_add_up(company, installation, role):
    crowd(company, role)

    joins.settle(installation.pk, most=50)
    joins.settle_all(installation.pk)

    assert installation.seats.count() == joins.AT_ONCE + 2
    assert company.total() == 14 + 1400


@pytest.mark.parametrize("joined_on", [date(2026, 1, 9), date(2026, 1, 31)])
@pytest.mark.parametrize("runs_on", [date(2026, 2, 3), date(2026, 3, 20)])
def test_a_late_task_writes_the_charges_of_the_day_of_joining(pro, joined_on, runs_on):
    """Month to month from 10 January: late by days, and over term ends."""

    def lived(*, late):
        company = Company(starts_on=date(2025, 12, 10))
        company.until(date(2026, 1, 1))
        installation = company.installs(pro, [company.admin])
        role = company.role()
        company.activates(installation, role, auto=True)
        company.until(joined_on)
        crowd(company, role)
        if not late:
            joins.settle_all(installation.pk)
        company.until(runs_on)
        return company.billed()

    assert lived(late=True) == lived(late=False)


def test_terms_that_renewed_before_the_task_came_are_billed_too(pro):
    """Somebody's click carried the line over its term end; the joins came before."""
    company = Company(starts_on=date(2025, 12, 10))
    company.until(date(2026, 1, 1))
    installation = company.installs(pro, [company.admin])
    role = company.role()
    company.activates(installation, role, auto=True)
    company.until(date(2026, 1, 31), hourly=False)
    crowd(company, role)
    company.until(date(2026, 2, 1), hourly=False)
    company.removes(installation, [])

    company.until(date(2026, 3, 1))

    line = Line.objects.get(account=company.account)
    assert line.terms.get(outcome="").billed == joins.AT_ONCE + 2
    assert company.billed()[-1].startswith(f"PERIOD {joins.AT_ONCE + 2} × 31/31")
    assert list(reconcile.differences()) == []


def test_periods_that_were_charged_before_the_task_came_are_billed_too(
    company, installation, role
):
    crowd(company, role)
    company.until(date(2026, 3, 3), hourly=False)
    company.removes(installation, [])

    joins.settle_all(installation.pk)

    assert company.billed()[-1].startswith("INCREASE")
    assert company.total() == 3 * 14 + 3 * 1400
    assert list(reconcile.differences()) == []


def test_nothing_is_bought_before_those_who_joined_earlier_have_their_seats(
    company, installation, role
):
    crowd(company, role)
    with pytest.raises(ValidationError) as refusal:
        company.adds(installation, company.hires(2))
    assert refusal.value.code == "joining"

    joins.settle_all(installation.pk)
    company.adds(installation, company.hires(2))

    assert company.total() == 14 + 1400 + 14
