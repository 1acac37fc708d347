"""Seats: more is billed at once, fewer changes no bill."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing.models import Line, RenewalChange
from billing.orders import EffectChanged, Signature
from myapps import seats
from myapps.models import Seat, SeatEvent
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
Kind = RenewalChange.Kind


@pytest.fixture
def pro():
    return factories.PlanFactory(name="Pro", price=Decimal("10.00"))


@pytest.fixture
def company():
    """Under contract from 1 January 2026, a year at a time, billed monthly."""
    return Company(starts_on=date(2026, 1, 1))


@pytest.fixture
def installation(company, pro):
    """Five seats signed at 7.00, three of them taken."""
    company.signs(pro, 5, "7.00")
    return company.installs(pro, [company.admin, *company.hires(2)])


def refused(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def agreeing(company, digest) -> Signature:
    signed = company.signature()
    return Signature(**{**vars(signed), "agreed": digest})


def test_what_the_panel_said_is_what_the_order_writes(company, installation):
    company.until(date(2026, 1, 22))
    users = company.hires(4)
    effect = seats.effect(installation, users, on=company.day)

    order = seats.add(
        installation, users, signed=agreeing(company, effect.digest), on=company.day
    )

    assert order.effect == effect.as_json()
    assert company.billed()[1:] == ["INCREASE 2 × 10/31 = 4.52"]
    assert effect.first_amount == Decimal("4.52")


def test_the_panel_writes_nothing(company, installation):
    company.day = date(2027, 3, 1)
    before = (SeatEvent.objects.count(), company.billed())

    seats.effect(installation, company.hires(9), on=company.day)

    assert (SeatEvent.objects.count(), company.billed()) == before
    assert Line.objects.get().terms.count() == 1


def test_when_a_colleague_was_faster_nothing_is_bought(company, installation):
    users = company.hires(2)
    shown = seats.effect(installation, users, on=company.day)
    assert not shown.bills
    company.adds(installation, company.hires(1))

    with pytest.raises(EffectChanged) as changed:
        seats.add(
            installation, users, signed=agreeing(company, shown.digest), on=company.day
        )

    assert changed.value.effect.bills
    assert installation.seats.count() == 4


def test_midnight_is_a_change(company, installation):
    users = company.hires(4)
    shown = seats.effect(installation, users, on=company.day)
    company.day = date(2026, 1, 2)

    with pytest.raises(EffectChanged):
        seats.add(
            installation, users, signed=agreeing(company, shown.digest), on=company.day
        )


def test_a_double_click_is_one_purchase(company, installation):
    users, signed = company.hires(4), company.signature()

    first = seats.add(installation, users, signed=signed, on=company.day)
    second = seats.add(installation, users, signed=signed, on=company.day)

    assert first == second
    assert company.billed()[1:] == ["INCREASE 2 × 31/31 = 14.00"]


def test_the_same_key_for_other_people_is_refused(company, installation):
    signed = company.signature()
    seats.add(installation, company.hires(1), signed=signed, on=company.day)

    with refused("key_reused"):
        seats.add(installation, company.hires(1), signed=signed, on=company.day)


def test_who_has_a_seat_is_not_counted_again(company, installation):
    seated = list(Seat.objects.values_list("user", flat=True))
    old = [company.admin]

    company.adds(installation, [*old, *company.hires(1)])

    assert len(seated) == 3
    assert installation.seats.count() == 4
    with refused("no_users"):
        company.adds(installation, old)


def test_strangers_and_deactivated_people_are_refused(company, installation):
    (gone,) = company.hires(1)
    company.deactivates(gone)

    with refused("stranger"):
        company.adds(installation, [factories.UserFactory()])
    with refused("inactive"):
        company.adds(installation, [gone])
    assert installation.seats.count() == 3


def test_removed_and_added_again_is_free(company, installation):
    """5 contracted; 10 were active, 5 after that: 15 bill five more than 10 did."""
    company.adds(installation, company.hires(7))
    company.removes(installation, [seat.user for seat in installation.seats.all()[:5]])
    assert installation.seats.count() == 5

    company.adds(installation, company.hires(10))

    assert [row.split(" =")[0] for row in company.billed()] == [
        "PERIOD 5 × 31/31",
        "INCREASE 5 × 31/31",
        "INCREASE 5 × 31/31",
    ]


def test_every_change_leaves_who_how_many_and_why(company, installation):
    (user,) = company.hires(1)
    company.adds(installation, [user])
    company.removes(installation, [user])

    told = SeatEvent.objects.filter(user_id=user.pk).order_by("id")
    assert list(told.values_list("kind", "why", "active", "by_id")) == [
        ("ADDED", "added", 4, company.admin.pk),
        ("REMOVED", "removed", 3, company.admin.pk),
    ]


def test_on_a_per_account_plan_more_people_cost_nothing(company):
    plan = factories.PlanFactory(per_account=True, price=Decimal("99.00"))
    installation = company.installs(plan, [company.admin])

    company.adds(installation, company.hires(30))

    assert company.billed() == ["PERIOD 1 × 31/31 = 99.00"]


class TestLowering:
    def test_it_names_the_lines_that_give_and_what_that_saves(self, company, pro):
        company.signs(pro, 5, "7.00")
        later = company.signs(pro, 4, "6.50", starts_on=date(2026, 1, 1))
        installation = company.installs(pro, [company.admin])

        (cut,) = seats.lowering(installation, 6, on=company.day)

        assert (cut.line, cut.billed, cut.left) == (later, 4, 1)
        assert cut.monthly_saving == Decimal("19.50")
        assert not RenewalChange.objects.exists()

    def test_the_latest_line_gives_first_and_ends_with_nothing_left(self, company, pro):
        first = company.signs(pro, 5, "7.00")
        later = company.signs(pro, 4, "6.50")
        installation = company.installs(pro, [company.admin])

        company.lowers(installation, 2)

        wishes = RenewalChange.objects.order_by("line__id")
        assert list(wishes.values_list("line", "kind", "target_quantity")) == [
            (first.pk, "LOWER", 2),
            (later.pk, "END", 0),
        ]

    def test_a_later_higher_wish_takes_back_what_no_longer_gives(self, company, pro):
        first = company.signs(pro, 5, "7.00")
        company.signs(pro, 4, "6.50")
        installation = company.installs(pro, [company.admin])
        company.lowers(installation, 2)

        company.lowers(installation, 7)

        standing = RenewalChange.objects.standing().get()
        assert (standing.kind, standing.target_quantity) == ("LOWER", 2)
        assert not RenewalChange.objects.standing().filter(line=first).exists()

    @pytest.mark.parametrize("quantity", [0, 5, 6])
    def test_what_is_not_lower_is_refused(self, company, installation, quantity):
        with refused("not_lower"):
            company.lowers(installation, quantity)

    def test_it_is_refused_while_all_of_it_ends(self, company, installation):
        company.uninstalls(installation)

        with refused("ending"):
            company.lowers(installation, 3)

        assert RenewalChange.objects.standing().get().kind == Kind.END

    def test_a_line_that_does_not_renew_gives_nothing(self, pro):
        company = Company(starts_on=date(2026, 1, 1), renews=False)
        company.signs(pro, 5, "7.00")
        installation = company.installs(pro, [company.admin])

        assert seats.lowering(installation, 2, on=company.day) == []
