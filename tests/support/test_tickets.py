"""Tickets: one for each line and term end, moved legally, decided once."""

import datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.utils import IntegrityError

from billing import renewals
from billing.models import RenewalChange
from support import evidence, tickets
from support.models import Evidence, Message, Ticket
from tests.factories import ContractFactory, LineFactory, TicketFactory

TERM_END = datetime.date(2027, 1, 1)
State = Ticket.State


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def ticket(line, admin, today):
    """Alice asked to end the line, and wanted the ticket at once."""
    renewals.end(line, by=admin, on=today, ticket_wanted=True, reason="Too many.")
    return Ticket.objects.get()


@pytest.fixture
def question(account, admin):
    return TicketFactory(account=account, requester=admin)


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


class TestAWish:
    def test_opens_no_ticket_before_the_term_end_unless_wanted(
        self, line, admin, today
    ):
        renewals.end(line, by=admin, on=today)

        assert not Ticket.objects.exists()

    def test_says_who_asked_and_why(self, ticket, admin):
        assert ticket.requester == admin
        assert ticket.messages.get().body == "Too many."

    def test_that_comes_later_is_proposed_on_the_same_ticket(
        self, ticket, line, admin, today
    ):
        later = renewals.lower(line, to=4, by=admin, on=today)

        ticket.refresh_from_db()
        assert Ticket.objects.count() == 1
        assert (ticket.change, ticket.category) == (later, "REDUCTION")
        assert "Lower" in ticket.messages.public().last().body
        assert ticket.evidence.count() == 2

    def test_taken_back_closes_its_ticket(self, ticket, admin, today):
        renewals.withdraw(ticket.change, by=admin, on=today)

        ticket.refresh_from_db()
        assert ticket.state == State.SOLVED
        assert "taken back" in ticket.messages.public().last().body

    def test_asked_again_opens_the_ticket_again(self, ticket, line, admin, today):
        renewals.withdraw(ticket.change, by=admin, on=today)

        renewals.lower(line, to=4, by=admin, on=today)

        ticket.refresh_from_db()
        assert ticket.state == State.OPEN


class TestADecision:
    def test_acts_in_billing_and_waits_for_the_term_end(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        ticket.refresh_from_db()
        assert ticket.state == State.SCHEDULED
        assert ticket.change.state == RenewalChange.State.APPROVED
        assert ticket.change.decided_by == support

    def test_declined_solves_the_ticket(self, ticket, support, today):
        tickets.decide(ticket, approve=False, by=support, on=today)

        ticket.refresh_from_db()
        assert ticket.state == State.SOLVED
        assert ticket.messages.count() == 2

    def test_is_made_once(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        with refused("decided"):
            tickets.decide(ticket, approve=False, by=support, on=today)

    def test_takes_the_evidence_again(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        then, now = ticket.evidence.order_by("id")
        assert (then.moment, now.moment) == ("OPENED", "DECIDED")
        assert evidence.intact(then)
        assert evidence.intact(now)

    def test_is_for_staff(self, ticket, admin, today):
        with pytest.raises(PermissionDenied):
            tickets.decide(ticket, approve=True, by=admin, on=today)

    def test_is_not_made_by_who_asked(self, line, support, today):
        renewals.end(line, by=support, on=today, ticket_wanted=True)

        with refused("own_request"):
            tickets.decide(Ticket.objects.get(), approve=True, by=support, on=today)

    def test_needs_something_to_decide(self, question, support, today):
        with refused("nothing_to_decide"):
            tickets.decide(question, approve=True, by=support, on=today)

    def test_refused_leaves_no_evidence_and_no_word(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)
        said = ticket.messages.count()

        with refused("decided"):
            tickets.decide(ticket, approve=False, by=support, on=today, word="No.")

        assert ticket.messages.count() == said


class TestAMove:
    def test_closing_a_billing_ticket_is_deciding_it(self, ticket, support, today):
        with refused("undecided"):
            tickets.move(ticket, State.SOLVED, by=support, on=today)

    def test_what_is_scheduled_closes_by_itself(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        with refused("scheduled"):
            tickets.move(ticket, State.SOLVED, by=support, on=today)

    def test_that_is_not_in_the_table_is_refused(self, question, support, today):
        with refused("illegal_move"):
            tickets.move(question, State.CLOSED, by=support, on=today)

    def test_goes_where_the_table_says(self, question, support, today):
        tickets.move(question, State.SOLVED, by=support, on=today)
        tickets.move(question, State.CLOSED, by=support, on=today)

        question.refresh_from_db()
        assert question.state == State.CLOSED

    def test_a_parked_line_is_put_back_before_its_ticket_is_done(
        self, line, support, today
    ):
        parked = tickets.park(line.pk, because="Broken.", on=today)

        with refused("parked"):
            tickets.move(parked, State.SOLVED, by=support, on=today)


class TestTheConversation:
    def test_an_answer_wakes_a_waiting_ticket(self, question, support, admin, today):
        tickets.reply(question, "Which month?", by=support, on=today, wait=True)
        question.refresh_from_db()
        assert question.state == State.WAITING

        tickets.reply(question, "May.", by=admin, on=today)

        question.refresh_from_db()
        assert question.state == State.OPEN

    def test_an_internal_note_is_no_public_message(self, question, support, today):
        tickets.note(question, "canary", by=support, on=today)

        assert not question.messages.public().filter(body="canary")

    def test_no_public_word_goes_on_an_internal_ticket(self, support, today):
        internal = TicketFactory(internal=True)

        with refused("internal"):
            tickets.reply(internal, "Hello", by=support, on=today)

    def test_a_closed_request_takes_no_answer(self, question, admin, today):
        Ticket.objects.update(state=State.CLOSED)

        with refused("closed"):
            tickets.reply(question, "Still there?", by=admin, on=today)

    def test_nothing_is_not_a_message(self, question, admin, today):
        with refused("empty"):
            tickets.reply(question, "  ", by=admin, on=today)


def test_tickets_are_assigned_to_staff_alone(question, support, admin, today):
    with refused("not_staff"):
        tickets.assign(question, admin, by=support, on=today)

    tickets.assign(question, support, by=support, on=today)

    question.refresh_from_db()
    assert (question.assignee, question.state) == (support, State.OPEN)


def test_the_database_admits_one_ticket_for_a_line_and_term_end(ticket):
    with (
        pytest.raises(IntegrityError, match="one_ticket_per_line"),
        transaction.atomic(),
    ):
        TicketFactory(
            account=ticket.account, line=ticket.line, term_ends_on=ticket.term_ends_on
        )


def test_evidence_cannot_be_changed(ticket):
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE support_evidence SET digest = ''")

    assert evidence.intact(Evidence.objects.get())


def test_a_customer_asks_billing_through_a_request(line, admin, account, today):
    ticket = tickets.submit(
        account, category="REDUCTION", line=line, quantity=6, body="Fewer agents.",
        by=admin, on=today,
    )  # fmt: skip

    assert ticket.change.target_quantity == 6
    assert Message.objects.get().body == "Fewer agents."
