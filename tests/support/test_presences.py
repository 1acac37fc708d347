"""Who else is at a ticket: seen in time, costs one query, expires by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from support import conversations, presences
from support.models import Presence
from tests.factories import TicketFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def ticket(account):
    return TicketFactory(account=account)


def test_two_people_see_each_other_look_and_write(ticket, support, sales):
    presences.report(ticket.pk, by=support, at=NOW, typing=True)

    room = presences.report(ticket.pk, by=sales, at=NOW)
    back = presences.report(ticket.pk, by=support, at=NOW)

    assert (room.typing, room.viewing) == (["Sofia Santos"], [])
    assert (back.typing, back.viewing) == ([], ["Simon Stone"])


def test_who_is_not_heard_of_for_half_a_minute_is_gone(ticket, support, sales):
    presences.report(ticket.pk, by=support, at=NOW)

    soon = presences.of(ticket, by=sales, at=NOW + timedelta(seconds=29))
    later = presences.of(ticket, by=sales, at=NOW + timedelta(seconds=30))

    assert (soon.viewing, later.viewing) == (["Sofia Santos"], [])


def test_reporting_is_one_query_and_one_row(
    ticket, support, sales, django_assert_num_queries
):
    presences.report(ticket.pk, by=sales, at=NOW)
    with django_assert_num_queries(1):
        presences.report(ticket.pk, by=support, at=NOW)
    presences.report(ticket.pk, by=support, at=NOW + timedelta(seconds=10))

    assert Presence.objects.filter(user=support).count() == 1


def test_old_ones_are_swept_by_who_comes_later(ticket, account, support):
    presences.report(ticket.pk, by=support, at=NOW)
    other = TicketFactory(account=account)

    presences.report(other.pk, by=support, at=NOW + timedelta(hours=2))

    assert Presence.objects.get().ticket_id == other.pk


def test_news_are_what_others_said_and_changed(ticket, support, sales, admin):
    conversations.note(ticket, "Look", by=sales, on=ticket.opened_on)
    conversations.note(ticket, "Mine", by=support, on=ticket.opened_on)

    room = presences.report(ticket.pk, by=support, at=NOW, seen=0)

    assert room.newer == 1
    assert room.version == ticket.version


def test_of_no_ticket_is_nothing(support):
    assert presences.report(987654, by=support, at=NOW) is None
    assert not Presence.objects.exists()


class TestTheFragment:
    @pytest.fixture
    def desk(self, client_of, support):
        return client_of(support)

    def test_says_who_writes_and_is_silent_while_nothing_changes(
        self, ticket, desk, sales, client_of
    ):
        address = reverse("support:presence", args=[ticket.pk])
        client_of(sales).post(address, {"typing": "1"}, headers=HTMX)

        first = desk.post(address, {"version": ticket.version}, headers=HTMX)
        heard = first.context["room"].heard
        again = desk.post(address, {"heard": heard}, headers=HTMX)

        assert "Simon Stone is writing" in first.content.decode()
        assert again.status_code == 204

    def test_leads_to_what_came_since(self, ticket, desk, sales):
        conversations.note(ticket, "Look", by=sales, on=ticket.opened_on)

        page = desk.post(
            reverse("support:presence", args=[ticket.pk]),
            {"seen": "0", "version": ticket.version},
            headers=HTMX,
        ).content.decode()

        assert "1 new message" in page

    def test_stands_on_the_page_without_a_script(self, ticket, desk, sales, client_of):
        client_of(sales).post(
            reverse("support:presence", args=[ticket.pk]), headers=HTMX
        )

        page = desk.get(reverse("support:ticket", args=[ticket.pk])).content.decode()

        assert "Simon Stone is here too" in page

    def test_of_a_ticket_there_is_not_is_404(self, desk):
        address = reverse("support:presence", args=[987654])

        assert desk.post(address, headers=HTMX).status_code == 404
