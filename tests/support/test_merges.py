"""Merging keeps both histories and can be undone; linking and splitting beside it."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from billing import renewals
from support import histories, links, merges, tickets
from support.models import Message, Ticket, TicketLink
from tests.factories import (
    AccountFactory,
    ContractFactory,
    LineFactory,
    TicketFactory,
    UserFactory,
)

State = Ticket.State


@pytest.fixture
def first(account, admin, today):
    ticket = TicketFactory(account=account, requester=admin, subject="First")
    tickets.reply(ticket, "The first question.", by=admin, on=today)
    return ticket


@pytest.fixture
def second(account, admin, first, today):
    ticket = TicketFactory(account=account, requester=admin, subject="Second")
    tickets.reply(ticket, "The same again.", by=admin, on=today)
    return ticket


@pytest.fixture
def billing(account, admin, today):
    line = LineFactory(contract=ContractFactory(account=account), on=today)
    renewals.end(line, by=admin, on=today, ticket_wanted=True, reason="Too many.")
    return Ticket.objects.get(line=line)


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


def facts(ticket):
    names = ["state", "wakes_on", "merged_into_id", "priority", "assignee_id", "tags"]
    return Ticket.objects.filter(pk=ticket.pk).values(*names).get()


class TestMerging:
    def test_shows_both_conversations_in_order_where_it_goes_on(
        self, first, second, admin, support, today
    ):
        merges.merge(second, into=first, by=support, on=today)
        tickets.reply(first, "An answer to both.", by=support, on=today)

        said = merges.said(first).order_by("at").values_list("body", flat=True)
        assert list(said) == [
            "The first question.",
            "The same again.",
            "An answer to both.",
        ]
        assert [m.body for m in merges.said(second)] == ["The same again."]

    def test_closes_the_one_and_leads_to_the_other(self, first, second, support, today):
        merges.merge(second, into=first, by=support, on=today)

        second.refresh_from_db()
        assert second.state == State.CLOSED
        assert tickets.survivor(second) == first

    def test_goes_over_several(self, first, second, account, admin, support, today):
        third = TicketFactory(account=account, requester=admin)
        merges.merge(third, into=second, by=support, on=today)
        merges.merge(second, into=first, by=support, on=today)

        assert set(merges.family(first)) == {first.pk, second.pk, third.pk}
        third.refresh_from_db()
        assert tickets.survivor(third) == first

    def test_an_answer_on_the_merged_one_is_said_where_it_goes_on(
        self, first, second, admin, support, today
    ):
        merges.merge(second, into=first, by=support, on=today)
        second.refresh_from_db()

        message = tickets.reply(second, "And now?", by=admin, on=today)

        assert message.ticket == first

    def test_stands_in_both_histories(self, first, second, support, today):
        merges.merge(second, into=first, by=support, on=today)

        assert f"Sofia Santos merged {second.number} into {first.number}." in [
            entry.sentence for entry in histories.of(first)
        ]
        assert f"Sofia Santos merged {second.number} into {first.number}." in [
            entry.sentence for entry in histories.of(second)
        ]

    def test_leaves_nothing_to_change_on_the_merged_one(
        self, first, second, support, today
    ):
        merges.merge(second, into=first, by=support, on=today)

        with refused("merged"):
            tickets.revise(second, {"priority": 4}, version=None, by=support, on=today)

    def test_is_possible_into_a_billing_ticket(self, first, billing, support, today):
        merges.merge(first, into=billing, by=support, on=today)

        assert merges.said(billing).count() == 2


class TestUndoing:
    @pytest.mark.parametrize("state", ["NEW", "OPEN", "WAITING", "PARTNER", "SOLVED"])
    def test_restores_what_was_before(self, first, second, support, today, state):
        if state != "NEW":
            day = {"wakes_in": 5} if state in Ticket.ASLEEP else {}
            changes = {"state": state, "priority": 3, "tags": "vip", **day}
            tickets.revise(second, changes, version=None, by=support, on=today)
        before = facts(second)

        merges.merge(second, into=first, by=support, on=today)
        merges.undo(second, by=support, on=today)

        assert facts(second) == before
        assert merges.family(first) == [first.pk]

    def test_can_be_followed_by_another_merge(self, first, second, support, today):
        for _time in range(2):
            second.refresh_from_db()
            merges.merge(second, into=first, by=support, on=today)
            merges.undo(second, by=support, on=today)

        assert second.merges.count() == 2

    def test_needs_a_merge(self, first, support, today):
        with refused("not_merged"):
            merges.undo(first, by=support, on=today)


class TestAMergeIsRefused:
    def test_with_itself(self, first, support, today):
        with refused("same"):
            merges.merge(first, into=first, by=support, on=today)

    def test_over_two_accounts(self, first, support, today):
        other = TicketFactory(account=AccountFactory())

        with refused("other_account"):
            merges.merge(first, into=other, by=support, on=today)

    def test_of_what_two_people_asked(self, first, account, member, support, today):
        other = TicketFactory(account=account, requester=member)

        with refused("other_requester"):
            merges.merge(first, into=other, by=support, on=today)

    def test_where_the_customer_would_lose_sight_of_it(
        self, first, account, support, today
    ):
        hidden = TicketFactory(account=account, internal=True)

        with refused("internal"):
            merges.merge(first, into=hidden, by=support, on=today)

    def test_while_a_change_at_renewal_stands(self, first, billing, support, today):
        with refused("carries_change"):
            merges.merge(billing, into=first, by=support, on=today)

        tickets.decide(billing, approve=True, by=support, on=today)
        with refused("carries_change"):
            merges.merge(billing, into=first, by=support, on=today)

    def test_twice_or_into_a_merged_one(
        self, first, second, account, admin, support, today
    ):
        third = TicketFactory(account=account, requester=admin)
        merges.merge(second, into=first, by=support, on=today)

        with refused("merged"):
            merges.merge(second, into=third, by=support, on=today)
        with refused("into_merged"):
            merges.merge(third, into=second, by=support, on=today)

    def test_into_one_that_is_done(self, first, second, support, today):
        tickets.move(first, State.SOLVED, by=support, on=today)

        with refused("into_done"):
            merges.merge(second, into=first, by=support, on=today)

    def test_while_a_line_is_parked(self, account, support, today):
        line = LineFactory(contract=ContractFactory(account=account), on=today)
        parked = tickets.park(line.pk, because="Broken.", on=today)
        other = TicketFactory(account=account, internal=True)

        with refused("parked"):
            merges.merge(parked, into=other, by=support, on=today)


def test_internal_words_stay_internal_through_a_merge(
    first, account, support, admin, today
):
    hidden = TicketFactory(account=account, internal=True)
    tickets.note(hidden, "canary", by=support, on=today)

    merges.merge(hidden, into=first, by=support, on=today)

    assert not merges.said(first).public().filter(body="canary").exists()
    assert merges.said(first).filter(body="canary").exists()


class TestLinking:
    def test_shows_on_both(self, first, second, support, today):
        links.link(first, second, by=support, on=today)

        assert [one.ticket for one in links.of(first)] == [second]
        assert [one.ticket for one in links.of(second)] == [first]

    def test_is_done_once_whichever_way(self, first, second, support, today):
        links.link(first, second, by=support, on=today)

        with refused("linked"):
            links.link(second, first, by=support, on=today)
        with refused("same"):
            links.link(first, first, by=support, on=today)

    def test_can_be_taken_back(self, first, second, support, today):
        links.link(first, second, by=support, on=today)
        links.unlink(second, first, by=support, on=today)

        assert links.of(first) == []
        with refused("not_linked"):
            links.unlink(second, first, by=support, on=today)


class TestSplitting:
    @pytest.fixture
    def talk(self, first, admin, support, today):
        tickets.note(first, "canary", by=support, on=today)
        tickets.reply(first, "And something else.", by=admin, on=today)
        Message.objects.update(at="2026-11-20T10:00:00Z")
        return list(first.messages.order_by("pk"))

    def test_makes_a_ticket_of_chosen_messages_and_keeps_the_history(
        self, first, talk, admin, support, today
    ):
        made = links.split(first, talk[2:], subject="Else", by=support, on=today)

        assert made.requester == admin
        assert made.origin == Ticket.Origin.STAFF
        (copy,) = made.messages.all()
        assert (copy.body, copy.author, copy.at) == (
            talk[2].body,
            admin,
            talk[2].at,
        )
        assert first.messages.count() == 3
        assert [(one.ticket, one.link.kind) for one in links.of(made)] == [
            (first, TicketLink.Kind.SPLIT)
        ]

    def test_keeps_notes_among_staff(self, first, talk, support, today):
        made = links.split(first, talk[1:], subject="Else", by=support, on=today)
        hidden = links.split(first, talk[1:2], subject="Note", by=support, on=today)

        assert made.messages.public().count() == 1
        assert (made.internal, hidden.internal) == (False, True)

    def test_off_a_billing_ticket_asks_a_question(self, billing, support, today):
        made = links.split(
            billing, billing.messages.all(), subject="Why?", by=support, on=today
        )

        assert (made.category, made.change, made.line) == (
            "CHARGE",
            None,
            billing.line,
        )
        assert made.term_ends_on is None

    def test_needs_messages_of_its_own(self, first, second, talk, support, today):
        with refused("nothing_chosen"):
            links.split(first, [], subject="Else", by=support, on=today)
        with refused("not_its"):
            links.split(second, talk[:1], subject="Else", by=support, on=today)

    def test_keeps_its_link(self, first, talk, support, today):
        made = links.split(first, talk[:1], subject="Else", by=support, on=today)

        with refused("split"):
            links.unlink(first, made, by=support, on=today)

    def test_waits_for_a_reply_that_can_still_be_taken_back(
        self, first, talk, support, present, today
    ):
        leaving = tickets.reply(
            first,
            "Soon",
            by=support,
            on=today,
            leaves_at=present + timedelta(seconds=5),
        )

        with refused("leaving"):
            links.split(
                first, [leaving], subject="Else", by=support, on=today, at=present
            )


class TestFollowing:
    def test_is_for_staff(self, first, admin, support, today):
        links.follow(first, by=support, on=today)
        links.follow(first, by=support, on=today)

        assert list(first.followers.all()) == [support]
        assert [entry.verb for entry in histories.of(first)].count(
            "ticket.followed"
        ) == 1
        with refused("not_staff"):
            links.follow(first, by=admin, on=today)

    def test_ends(self, first, support, today):
        links.follow(first, by=support, on=today)
        links.unfollow(first, by=support, on=today)
        links.unfollow(first, by=UserFactory(account=None, kind="SUPPORT"), on=today)

        assert not first.followers.exists()
