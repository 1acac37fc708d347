"""The ticket's panel: fields, deadlines, history, merging, linking, splitting."""

from datetime import timedelta

import pytest
from django.urls import reverse

from billing import renewals
from support import links, merges, tickets
from support.models import Ticket
from tests.factories import (
    AppFactory,
    ContractFactory,
    LineFactory,
    TicketFactory,
    UserFactory,
)

pytestmark = pytest.mark.usefixtures("present")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ticket(account, admin, today):
    return tickets.open(
        account, category="INSTALL", subject="Help", by=admin, on=today, body="Please."
    )


@pytest.fixture
def other(account, admin, ticket):
    return TicketFactory(account=account, requester=admin, subject="Much the same")


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


def address(name, ticket):
    return reverse(f"support:{name}", args=[ticket.pk])


def text(answer):
    return " ".join(answer.content.decode().split())


class TestTheFields:
    def fields(self, **changes):
        return {
            "version": 0,
            "state": "OPEN",
            "assignee": "",
            "priority": "2",
            "tags": "",
        } | changes

    def test_are_saved_together(self, ticket, desk, support):
        answer = desk.post(
            address("revise", ticket),
            self.fields(assignee=support.pk, priority="4", tags="vip, late"),
        )

        assert answer.status_code == 302
        ticket.refresh_from_db()
        assert (ticket.state, ticket.assignee, ticket.priority, ticket.tags) == (
            "OPEN",
            support,
            4,
            ["late", "vip"],
        )
        assert ticket.version == 1

    def test_that_somebody_changed_meanwhile_are_asked_about(
        self, ticket, desk, support, today
    ):
        colleague = UserFactory(account=None, kind="SUPPORT", display_name="Otto")
        tickets.revise(ticket, {"priority": 4}, version=0, by=colleague, on=today)

        answer = desk.post(
            address("revise", ticket), self.fields(priority="1", tags="mine")
        )

        page = text(answer)
        assert answer.status_code == 409
        assert "<del>Normal</del> <ins>Urgent</ins>" in page
        assert "Otto" in page
        assert "Tags: mine" in page
        ticket.refresh_from_db()
        assert ticket.priority == 4

        kept = {
            name: value
            for name, value in answer.context["kept"]
            if name != "csrfmiddlewaretoken"
        }
        desk.post(address("revise", ticket), kept | {"version": 1})
        ticket.refresh_from_db()
        assert (ticket.priority, ticket.tags) == (1, ["mine"])

    def test_carried_along_do_not_undo_a_colleagues_change(
        self, ticket, desk, support, today
    ):
        tickets.revise(ticket, {"priority": 4}, version=0, by=support, on=today)

        answer = desk.post(address("revise", ticket), self.fields(tags="mine"))

        assert answer.status_code == 409
        assert "Priority: Normal" not in text(answer)
        desk.post(
            address("revise", ticket), dict(answer.context["kept"]) | {"version": 1}
        )
        ticket.refresh_from_db()
        assert (ticket.priority, ticket.tags) == (4, ["mine"])

    def test_of_a_waiting_ticket_name_its_day(self, ticket, desk, today):
        missing = desk.post(address("revise", ticket), self.fields(state="WAITING"))
        assert missing.status_code == 422
        assert "Say on which day the ticket wakes." in text(missing)

        day = today + timedelta(days=5)
        desk.post(
            address("revise", ticket),
            self.fields(state="PARTNER", wakes_on=day.isoformat()),
        )

        ticket.refresh_from_db()
        assert (ticket.state, ticket.wakes_on) == ("PARTNER", day)

    def test_offer_the_states_it_may_have_and_no_other(self, ticket, desk):
        page = desk.get(address("ticket", ticket))
        states = [
            key for key, _label in page.context["fields"]["state"].field.widget.choices
        ]

        assert states == ["NEW", "OPEN", "WAITING", "PARTNER", "SOLVED"]

    def test_leave_alone_what_was_not_sent(self, ticket, desk, support, today):
        tickets.revise(
            ticket,
            {"tags": "vip", "assignee": support},
            version=0,
            by=support,
            on=today,
        )

        desk.post(address("revise", ticket), {"version": 1, "priority": "3"})

        ticket.refresh_from_db()
        assert (ticket.priority, ticket.tags, ticket.assignee) == (3, ["vip"], support)

    def test_refuse_in_words_what_cannot_be(self, ticket, desk, admin):
        answer = desk.post(address("revise", ticket), self.fields(state="CLOSED"))

        assert answer.status_code == 422
        assert "cannot become “closed”" in text(answer)


def test_the_deadlines_stand_there_in_words(first_promises, ticket, desk):
    page = text(desk.get(address("ticket", ticket)))

    assert "First answer due in 6 h" in page
    assert "Solution due in 4 days" in page


def test_a_term_end_stands_beside_them(account, admin, desk, today):
    line = LineFactory(contract=ContractFactory(account=account), on=today)
    renewals.end(line, by=admin, on=today, ticket_wanted=True)

    page = text(desk.get(address("ticket", Ticket.objects.get(line=line))))

    assert "Term ends Dec 31, 2026" in page
    assert "in 39 days" in page


def test_the_history_says_who_changed_what(ticket, desk, support, today):
    tickets.revise(
        ticket, {"priority": 4, "assignee": support}, version=0, by=support, on=today
    )

    for headers in ({}, HTMX):
        page = text(desk.get(address("history", ticket), headers=headers))
        assert "<del>Normal</del> <ins>Urgent</ins>" in page
        assert "<del>nobody</del> <ins>Sofia Santos</ins>" in page
        assert "Alice Almeida opened" in page


class TestMerging:
    def test_leads_to_the_ticket_where_it_goes_on(self, ticket, other, desk):
        page = desk.get(address("merge", other))
        assert ticket.number in text(page)

        answer = desk.post(address("merge", other), {"other": ticket.number})

        assert answer.url == address("ticket", ticket)
        page = text(desk.get(answer.url))
        assert f'Merged into this</span> <a href="{address("ticket", other)}"' in page

    def test_shows_both_conversations_marked(
        self, ticket, other, desk, admin, support, today
    ):
        tickets.reply(other, "Said on the other.", by=admin, on=today)
        merges.merge(other, into=ticket, by=support, on=today)

        page = text(desk.get(address("ticket", ticket)))

        assert page.index("Please.") < page.index("Said on the other.")
        assert f'On <a href="{address("ticket", other)}">{other.number}</a>' in page

    def test_is_undone_with_a_button_on_the_merged_one(
        self, ticket, other, desk, support, today
    ):
        merges.merge(other, into=ticket, by=support, on=today)
        page = text(desk.get(address("ticket", other)))
        assert address("undo-merge", other) in page
        assert address("revise", other) not in page
        assert address("say", other) not in page
        assert f"Go on in {ticket.number}" in page

        desk.post(address("undo-merge", other))

        other.refresh_from_db()
        assert (other.merged_into, other.state) == (None, "NEW")

    def test_that_is_refused_says_why(self, ticket, account, member, desk):
        theirs = TicketFactory(account=account, requester=member)

        answer = desk.post(address("merge", ticket), {"other": theirs.number})

        assert answer.status_code == 422
        assert "Link the tickets instead." in text(answer)

    @pytest.mark.parametrize("number", ["", "T-999999", "abc", "9" * 30])
    def test_needs_a_ticket_that_exists(self, ticket, desk, number):
        answer = desk.post(address("merge", ticket), {"other": number})

        assert answer.status_code == 422

    def test_leads_the_customer_to_where_it_goes_on(
        self, ticket, other, admin, support, today, client_of
    ):
        tickets.reply(other, "Said on the other.", by=admin, on=today)
        merges.merge(other, into=ticket, by=support, on=today)
        browser = client_of(admin)

        answer = browser.get(reverse("support:request", args=[other.pk]))

        assert answer.url == reverse("support:request", args=[ticket.pk])
        assert "Said on the other." in text(browser.get(answer.url))


def test_links_are_made_and_removed(ticket, other, desk):
    desk.post(address("link", ticket), {"other": other.number.lower()})
    assert f'Related</span> <a href="{address("ticket", other)}"' in text(
        desk.get(address("ticket", ticket))
    )

    desk.post(address("unlink", ticket), {"other": other.number})
    assert links.of(ticket) == []


def test_chosen_messages_become_a_ticket_of_their_own(ticket, desk, admin, today):
    message = tickets.reply(ticket, "And something else.", by=admin, on=today)
    nothing = desk.post(address("split", ticket), {"subject": "Else"})
    assert nothing.status_code == 422

    answer = desk.post(
        address("split", ticket), {"subject": "Else", "message": message.pk}
    )

    made = Ticket.objects.get(subject="Else")
    assert answer.url == address("ticket", made)
    assert made.messages.get().body == "And something else."


def test_staff_follow_with_a_button(ticket, desk, support):
    desk.post(address("follow", ticket), {"follow": "1"})
    assert "Stop following" in text(desk.get(address("ticket", ticket)))

    desk.post(address("follow", ticket), {"follow": "0"})
    assert not ticket.followers.exists()


def test_staff_open_a_ticket_for_who_telephoned(account, member, desk, support):
    app = AppFactory()
    place = reverse("support:new-ticket", args=[account.slug])
    form = {"category": "INSTALL", "subject": "Called us", "body": "Cannot install."}
    missing = desk.post(place, form)
    assert missing.status_code == 422
    assert "Choose the app it is about." in text(missing)

    answer = desk.post(place, form | {"app": app.pk, "requester": member.pk})

    made = Ticket.objects.get(subject="Called us")
    assert answer.url == address("ticket", made)
    assert (made.origin, made.requester, made.assignee) == ("STAFF", member, support)


def test_the_page_asks_as_often_for_much_as_for_little(
    account, admin, member, support, desk, today, django_assert_max_num_queries
):
    line = LineFactory(contract=ContractFactory(account=account), on=today)
    renewals.end(line, by=admin, on=today, ticket_wanted=True)
    ticket = Ticket.objects.get(line=line)
    for number in range(12):
        tickets.note(ticket, f"Note {number}", by=UserFactory(), on=today)
        merged = TicketFactory(account=account, requester=admin)
        merges.merge(merged, into=ticket, by=support, on=today)
        links.link(ticket, TicketFactory(account=account), by=support, on=today)
        ticket.followers.add(UserFactory(account=None, kind="SUPPORT"))

    with django_assert_max_num_queries(25):
        assert desk.get(address("ticket", ticket)).status_code == 200
    with django_assert_max_num_queries(25):
        assert desk.get(address("history", ticket)).status_code == 200
