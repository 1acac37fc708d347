"""Changing a ticket's fields: at the version that was seen, legally, with a history."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from billing import renewals
from journal.models import Activity
from support import histories, tickets
from support.models import Ticket
from tests.factories import ContractFactory, LineFactory, TicketFactory, UserFactory

State = Ticket.State
ROUNDS = 1_000


@pytest.fixture
def ticket(account, admin):
    return TicketFactory(account=account, requester=admin)


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


def revise(ticket, by, on, version=None, **changes):
    return tickets.revise(ticket, changes, version=version, by=by, on=on)


class TestAVersion:
    def test_grows_with_each_change_and_with_nothing_else(self, ticket, support, today):
        ticket = revise(ticket, support, today, priority=4, tags="vip")
        assert ticket.version == 1

        ticket = revise(ticket, support, today, priority=4)
        assert ticket.version == 1

    def test_that_is_not_the_newest_gets_the_difference(self, ticket, support, today):
        other = UserFactory(account=None, kind="SUPPORT", display_name="Otto")
        revise(ticket, other, today, version=0, priority=4)
        revise(ticket, other, today, version=1, priority=3, assignee=other.pk)

        with pytest.raises(ValidationError) as refusal:
            revise(ticket, support, today, version=0, priority=1)

        assert refusal.value.code == "stale"
        assert refusal.value.params["version"] == 2
        differences = {
            one.field: (one.label, one.before, one.after, one.by)
            for one in refusal.value.params["differences"]
        }
        assert differences == {
            "priority": ("Priority", "Normal", "High", other),
            "assignee": ("Assigned to", "nobody", "Otto", other),
            "state": ("State", "New", "Open", other),
        }
        ticket.refresh_from_db()
        assert ticket.priority == 3

    def test_a_customers_answer_makes_a_newer_one_too(
        self, ticket, support, admin, today
    ):
        revise(ticket, support, today, state="WAITING", wakes_in=3)
        tickets.reply(ticket, "Here it is.", by=admin, on=today)

        with refused("stale"):
            revise(ticket, support, today, version=1, state="SOLVED")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_staff_save_one_ticket_a_thousand_times_and_one_wins_each_time(today):
    ticket = TicketFactory()
    staff = UserFactory.create_batch(2, account=None, kind="SUPPORT")

    def save(person, version, tag):
        try:
            revise(ticket, person, today, version=version, tags=tag)
        except ValidationError as refusal:
            return "lost", person, refusal
        return "won", person, tag

    def leave(together):
        together.wait()  # so that each thread closes its own
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for version in range(ROUNDS):
            saves = [
                pool.submit(save, person, version, f"{person.pk} at {version}")
                for person in staff
            ]
            (won, winner, tag), (lost, loser, refusal) = sorted(
                (one.result() for one in saves), key=lambda end: end[0], reverse=True
            )
            assert (won, lost, refusal.code) == ("won", "lost", "stale")
            assert winner != loser
            (difference,) = refusal.params["differences"]
            assert (difference.after, difference.by) == (tag, winner)
        together = Barrier(2)
        for each in [pool.submit(leave, together) for _one in staff]:
            each.result()

    ticket.refresh_from_db()
    assert ticket.version == ROUNDS


class TestAChange:
    def test_is_kept_in_the_history_from_what_to_what(self, ticket, support, today):
        revise(ticket, support, today, priority="4", add_tags="VIP, late  payer")
        revise(ticket, support, today, assignee=support.pk, remove_tags=["vip"])

        newest, oldest = histories.of(ticket)

        assert newest.by == oldest.by == support
        assert [(one.field, one.before, one.after) for one in oldest.differences] == [
            ("priority", "Normal", "Urgent"),
            ("tags", "none", "late payer, vip"),
        ]
        assert {(one.label, one.before, one.after) for one in newest.differences} == {
            ("Assigned to", "nobody", "Sofia Santos"),
            ("State", "New", "Open"),
            ("Tags", "late payer, vip", "late payer"),
        }

    def test_is_no_customers_to_read(self, ticket, support, today, account):
        revise(ticket, support, today, priority=4)

        assert not Activity.objects.of(account).filter(verb="ticket.revised").exists()

    def test_is_made_whole_or_not_at_all(self, ticket, support, today):
        with refused("no_wake_day"):
            revise(ticket, support, today, priority=4, state="WAITING")

        ticket.refresh_from_db()
        assert (ticket.priority, ticket.state, ticket.version) == (2, "NEW", 0)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"colour": "red"}, "unknown_field"),
            ({"priority": 9}, "unknown_value"),
            ({"priority": None}, "unknown_value"),
            ({"state": "ASLEEP"}, "unknown_value"),
            ({"state": "CLOSED"}, "illegal_move"),
            ({"state": "SCHEDULED"}, "illegal_move"),
            ({"state": "WAITING"}, "no_wake_day"),
            ({"state": "WAITING", "wakes_on": "2026-11-23"}, "wake_day"),
            ({"state": "WAITING", "wakes_on": "soon"}, "unknown_value"),
            ({"state": "WAITING", "wakes_in": "x"}, "unknown_value"),
            ({"state": "WAITING", "wakes_on": "2028-11-23"}, "wake_day"),
            ({"subject": "  "}, "no_subject"),
            ({"assignee": "999999"}, "not_staff"),
            ({"assignee": "x"}, "not_staff"),
            ({"tags": "a" * 41}, "unknown_value"),
            ({"category": "CANCELLATION"}, "category_carries_change"),
            ({"category": "ADD_ON"}, "link_missing"),
        ],
    )
    def test_that_cannot_be_is_refused(self, ticket, support, today, changes, code):
        with refused(code):
            revise(ticket, support, today, **changes)

        ticket.refresh_from_db()
        assert ticket.version == 0

    def test_of_a_billing_tickets_category_is_refused(
        self, line, admin, support, today
    ):
        renewals.end(line, by=admin, on=today, ticket_wanted=True)

        with refused("category_carries_change"):
            revise(Ticket.objects.get(), support, today, category="CHARGE")


class TestWaiting:
    @pytest.mark.parametrize("state", Ticket.ASLEEP)
    def test_has_a_day_on_which_it_ends(self, ticket, support, today, state):
        ticket = revise(ticket, support, today, state=state, wakes_on="2026-11-30")

        assert ticket.wakes_on == today + timedelta(days=7)

    @pytest.mark.parametrize("state", Ticket.ASLEEP)
    def test_ends_with_an_answer(self, ticket, support, admin, today, state):
        revise(ticket, support, today, state=state, wakes_in=3)

        tickets.reply(ticket, "Here it is.", by=admin, on=today)

        ticket.refresh_from_db()
        assert (ticket.state, ticket.wakes_on) == ("OPEN", None)

    def test_can_be_prolonged(self, ticket, support, today):
        revise(ticket, support, today, state="WAITING", wakes_in=3)
        ticket = revise(ticket, support, today, wakes_in=9)

        assert ticket.wakes_on == today + timedelta(days=9)

    def test_leaves_no_day_behind(self, ticket, support, today):
        revise(ticket, support, today, state="WAITING", wakes_in=3)
        ticket = revise(ticket, support, today, state="OPEN")

        assert ticket.wakes_on is None


def test_every_state_is_moved_by_hand_where_the_table_says_and_nowhere_else(
    ticket, support, today
):
    for state in State.values:
        for to in State.values:
            Ticket.objects.filter(pk=ticket.pk).update(
                state=state, wakes_on="2026-12-24", version=0
            )
            may = to in Ticket.MOVES[state] and to in Ticket.BY_HAND
            day = {"wakes_in": 3} if to in Ticket.ASLEEP else {}
            if may or state == to:
                moved = revise(ticket, support, today, state=to, **day)
                assert moved.state == to
            else:
                with refused("illegal_move"):
                    revise(ticket, support, today, state=to, **day)
