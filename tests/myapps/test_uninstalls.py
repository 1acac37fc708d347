"""Uninstalling: works until the term ends, and can be taken back until then."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing.models import Line, RenewalChange
from myapps.models import Installation, Seat, SeatEvent
from support.models import Ticket
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
State = RenewalChange.State


@pytest.fixture
def app():
    return factories.AppFactory()


@pytest.fixture
def pro(app):
    return factories.PlanFactory(app=app, name="Pro", price=Decimal("10.00"))


@pytest.fixture
def company():
    """Under contract from 1 January 2026, a year at a time, billed monthly."""
    return Company(starts_on=date(2026, 1, 1))


@pytest.fixture
def installation(company, pro):
    """Two seats signed at 7.00, one of them taken."""
    company.signs(pro, 2, "7.00")
    return company.installs(pro, [company.admin])


def refused(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def test_it_works_to_the_last_term_end_of_its_lines(company, installation):
    gone = company.uninstalls(installation)

    assert gone.ends_on == date(2027, 1, 1)
    working = Installation.objects.working
    assert working(on=date(2026, 12, 31)).exists()
    assert not working(on=date(2027, 1, 1)).exists()


def test_month_to_month_it_ends_with_the_month(company, pro):
    company.until(date(2026, 3, 10))
    installation = company.installs(pro, [company.admin])
    company.until(date(2026, 5, 1))

    assert company.uninstalls(installation).ends_on == date(2026, 5, 10)


def test_access_ends_by_its_date_and_not_by_a_job(company, installation):
    company.uninstalls(installation)
    company.until(date(2027, 1, 1), hourly=False)

    with refused("not_installed"):
        company.adds(installation, company.hires(1))
    with refused("not_installed"):
        company.keeps(installation)


def test_at_its_end_seats_go_with_evidence_and_activity(company, installation):
    company.uninstalls(installation)
    company.until(date(2027, 1, 3))

    installation.refresh_from_db()
    assert installation.closed_on == date(2027, 1, 1)
    assert not Seat.objects.exists()
    event = SeatEvent.objects.latest("id")
    assert (event.kind, event.why, event.active) == ("REMOVED", "ended", 0)


def test_taken_back_change_and_ticket_go_and_it_renews(company, installation):
    company.uninstalls(installation, ticket_wanted=True)
    ticket = Ticket.objects.get()
    assert not ticket.is_done

    company.keeps(installation)
    company.until(date(2027, 1, 1))

    installation.refresh_from_db()
    assert (installation.ends_on, installation.closed_on) == (None, None)
    assert company.change().state == State.WITHDRAWN
    ticket.refresh_from_db()
    assert ticket.is_done
    assert company.billed()[-1] == "PERIOD 2 × 31/31 = 14.00"


def test_also_an_approved_end_can_be_taken_back(company, installation):
    company.uninstalls(installation)
    company.support_decides(company.change(), approve=True)

    company.keeps(installation)
    company.until(date(2027, 1, 1))

    assert Line.objects.get().ends_on is None


def test_taken_back_and_asked_again_is_a_new_wish_on_the_same_ticket(
    company, installation
):
    company.uninstalls(installation, ticket_wanted=True)
    company.keeps(installation)
    company.uninstalls(installation, ticket_wanted=True)

    assert Ticket.objects.get().change.state == State.UNDECIDED
    assert RenewalChange.objects.count() == 2


def test_it_makes_room_for_the_end_after_an_approved_lower_quantity(
    company, installation
):
    company.lowers(installation, 1)
    company.support_decides(company.change(), approve=True)

    company.uninstalls(installation)

    assert company.change(state=State.UNDECIDED).kind == RenewalChange.Kind.END


def test_chosen_add_ons_end_with_it_and_others_stay(company, installation, app):
    first = factories.PlanFactory(app=app, add_on=True)
    second = factories.PlanFactory(app=app, add_on=True)
    ends = company.signs(first, 1, "5.00")
    stays = company.signs(second, 1, "5.00")

    company.uninstalls(installation, with_add_ons=[ends])

    assert RenewalChange.objects.filter(line=ends, kind="END").exists()
    assert not RenewalChange.objects.filter(line=stays).exists()


def test_twice_is_refused(company, installation):
    company.uninstalls(installation)

    with refused("ending"):
        company.uninstalls(installation)


def test_nothing_to_take_back_is_refused(company, installation):
    with refused("not_ending"):
        company.keeps(installation)


def test_after_its_end_it_can_be_installed_again(company, installation, pro):
    company.uninstalls(installation)
    company.support_decides(company.change(), approve=True)
    company.until(date(2027, 1, 1))

    again = company.installs(pro, [company.admin])

    assert again != installation
    assert Line.objects.latest("id").basis == Line.Basis.SELF_SERVE
