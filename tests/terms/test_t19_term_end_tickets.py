"""The end of a contracted term opens the billing ticket, if nobody did before."""

import datetime
from decimal import Decimal

import pytest

from billing import renewals
from billing.models import Charge, RenewalChange
from support import term_end, tickets
from support.models import Evidence, Ticket
from tests.factories import ContractFactory, LineFactory

TERM_END = datetime.date(2027, 1, 1)
EVE = TERM_END - datetime.timedelta(days=1)


@pytest.fixture
def line(account, today):
    """Ten at 8.00 a month, to the end of 2026."""
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


def test_an_undecided_end_has_a_ticket_on_the_day_the_term_ends(line, admin, today):
    change = renewals.end(line, by=admin, on=today)

    term_end.run(zone="UTC", on=EVE)
    assert not Ticket.objects.exists()

    term_end.run(zone="UTC", on=TERM_END)
    ticket = Ticket.objects.get()
    assert (ticket.line, ticket.term_ends_on) == (line, TERM_END)
    assert (ticket.change, ticket.category) == (change, "CANCELLATION")
    assert ticket.evidence.get().moment == Evidence.Moment.OPENED


def test_lead_days_open_it_before_the_term_end(line, admin, today):
    renewals.end(line, by=admin, on=today)

    term_end.run(zone="UTC", on=EVE, lead_days=1)

    assert Ticket.objects.get().opened_on == EVE


def test_a_ticket_that_was_asked_for_at_once_is_the_only_one(line, admin, today):
    renewals.end(line, by=admin, on=today, ticket_wanted=True)

    term_end.run(zone="UTC", on=TERM_END)

    assert Ticket.objects.get().opened_on == today


def test_a_free_line_needs_no_ticket(account, admin, today):
    free = LineFactory(
        contract=ContractFactory(account=account), monthly_unit_price=0, on=today
    )
    renewals.end(free, by=admin, on=today)

    term_end.run(zone="UTC", on=TERM_END)

    assert not Ticket.objects.exists()
    free.refresh_from_db()
    assert free.ends_on == TERM_END


def test_a_late_run_opens_the_same_ticket_and_bills_the_same(line, admin, today):
    renewals.lower(line, to=4, by=admin, on=today)

    term_end.run(zone="UTC", on=TERM_END + datetime.timedelta(days=3))

    assert Ticket.objects.get().term_ends_on == TERM_END
    january = line.charges.get(period_starts_on=TERM_END)
    assert (january.quantity, january.billed_on) == (4, TERM_END)


def test_running_it_twice_changes_nothing(line, admin, today):
    renewals.lower(line, to=4, by=admin, on=today)
    term_end.run(zone="UTC", on=TERM_END)
    before = list(Charge.objects.values_list("pk", flat=True))

    done = term_end.run(zone="UTC", on=TERM_END)

    assert not done
    assert list(Charge.objects.values_list("pk", flat=True)) == before
    assert Ticket.objects.count() == 1


def test_auckland_is_due_while_the_rest_of_the_world_waits(account, today):
    """Its 30 November begins at 11:00 UTC on the 29th."""
    account.timezone = "Pacific/Auckland"
    account.save()
    contract = ContractFactory(account=account, starts_on=datetime.date(2025, 11, 30))
    line = LineFactory(contract=contract, on=today)
    end = datetime.date(2026, 11, 30)

    term_end.run(zone="UTC", on=end)
    assert line.terms.filter(starts_on=end).count() == 0

    term_end.run(zone="Pacific/Auckland", on=end)
    assert line.terms.filter(starts_on=end).count() == 1


class TestWhatIsUndecidedIsHeld:
    @pytest.fixture
    def ticket(self, line, admin, today):
        renewals.lower(line, to=4, by=admin, on=today)
        term_end.run(zone="UTC", on=TERM_END)
        return Ticket.objects.get()

    def test_only_the_undisputed_quantity_is_billed(self, ticket, line):
        charge = line.charges.get(period_starts_on=TERM_END)
        assert (charge.quantity, charge.amount) == (4, Decimal("32.000"))

    def test_approved_late_the_lower_quantity_stays(self, ticket, line, support):
        tickets.decide(ticket, approve=True, by=support, on=TERM_END)

        ticket.refresh_from_db()
        assert ticket.state == Ticket.State.SOLVED
        assert ticket.change.state == RenewalChange.State.APPLIED
        assert line.terms.open().get().billed == 4

    def test_declined_late_what_was_held_is_billed(self, ticket, line, support):
        tickets.decide(ticket, approve=False, by=support, on=TERM_END)

        held = line.charges.get(reason="HELD")
        assert (held.quantity, held.amount) == (6, Decimal("48.000"))
        assert line.terms.open().get().billed == 10


def test_the_customer_is_told_in_plain_words(line, admin, support, today):
    renewals.end(line, by=admin, on=today, ticket_wanted=True)
    ticket = Ticket.objects.get()

    tickets.decide(ticket, approve=True, by=support, on=today, word="All settled.")

    ticket.refresh_from_db()
    assert ticket.state == Ticket.State.SCHEDULED
    told = ticket.messages.public().last().body
    assert told.startswith("All settled.")
    assert "ends after 31 Dec 2026" in told


def test_what_was_approved_closes_its_ticket_at_the_term_end(
    line, admin, support, today
):
    renewals.end(line, by=admin, on=today, ticket_wanted=True)
    tickets.decide(Ticket.objects.get(), approve=True, by=support, on=today)

    term_end.run(zone="UTC", on=TERM_END)

    assert Ticket.objects.get().state == Ticket.State.SOLVED
    line.refresh_from_db()
    assert line.ends_on == TERM_END
