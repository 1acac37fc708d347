"""Macros: a bundle of changes checked when it is saved, applied in one click."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from support import macros, tickets
from support.models import Macro, Ticket
from tests.factories import TicketFactory

pytestmark = pytest.mark.usefixtures("present")
Priority = Ticket.Priority


@pytest.fixture
def ticket(account, admin):
    return TicketFactory(account=account, requester=admin, state="OPEN")


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


@pytest.fixture
def macro(today):
    changes = {"state": "WAITING", "wakes_in": 5, "priority": 3, "add_tags": "asked"}
    return macros.save(name="Ask for more", changes=changes, on=today)


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "no_changes"),
        ({"reply": "Hello"}, "unknown_field"),
        ({"body": "Hello"}, "unknown_field"),
        ({"priority": 9}, "unknown_value"),
        ({"state": "GONE"}, "unknown_value"),
        ({"add_tags": "x" * 41}, "unknown_value"),
    ],
)
def test_what_no_ticket_could_take_is_refused_when_saved(changes, code, today):
    with refused(code):
        macros.save(name="Wrong", changes=changes, on=today)

    assert not Macro.objects.exists()


def test_a_customer_is_no_assignee(admin, today):
    with refused("not_staff"):
        macros.save(name="Wrong", changes={"assignee": admin.pk}, on=today)


def test_a_name_names_one_macro(macro, today):
    with refused("taken"):
        macros.save(name=macro.name, changes={"priority": 1}, on=today)


def test_one_click_makes_all_its_changes_and_says_nothing(ticket, macro, desk, today):
    desk.post(
        reverse("support:apply-macro", args=[ticket.pk]),
        {"macro": macro.pk, "version": ticket.version},
    )

    ticket.refresh_from_db()
    assert (ticket.state, ticket.priority) == ("WAITING", Priority.HIGH)
    assert ticket.tags == ["asked"]
    assert (ticket.wakes_on - today).days == 5
    assert not ticket.messages.exists()


def test_what_the_ticket_refuses_is_said_and_nothing_is_done(ticket, desk, today):
    macro = macros.save(
        name="Close", changes={"state": "CLOSED", "priority": 4}, on=today
    )

    page = desk.post(
        reverse("support:apply-macro", args=[ticket.pk]),
        {"macro": macro.pk, "version": ticket.version},
        follow=True,
    )

    ticket.refresh_from_db()
    assert "cannot become" in page.content.decode()
    assert (ticket.state, ticket.priority) == ("OPEN", Priority.NORMAL)


class TestOverAColleaguesChange:
    @pytest.fixture
    def conflict(self, ticket, macro, desk, sales, today):
        tickets.revise(
            ticket, {"priority": 1}, version=ticket.version, by=sales, on=today
        )
        return desk.post(
            reverse("support:apply-macro", args=[ticket.pk]),
            {"macro": macro.pk, "version": ticket.version},
        )

    def test_it_asks_first_and_shows_theirs_and_mine(self, conflict, ticket, sales):
        page = conflict.content.decode()
        ticket.refresh_from_db()

        assert conflict.status_code == 409
        assert ticket.priority == Priority.LOW
        assert f"<del>{Priority.NORMAL.label}</del> <ins>{Priority.LOW.label}" in page
        assert str(sales) in page
        assert f"Priority: {Priority.HIGH.label}" in page

    def test_mine_goes_on_top_with_one_click(self, conflict, ticket, desk):
        form = dict(conflict.context["kept"])
        form["version"] = conflict.context["ticket"].version

        desk.post(reverse("support:apply-macro", args=[ticket.pk]), form)

        ticket.refresh_from_db()
        assert (ticket.priority, ticket.state) == (Priority.HIGH, "WAITING")


class TestManaging:
    FORM = {"name": "Hand over", "priority": "3", "add_tags": "sales, vip"}

    def test_adds_changes_and_deletes(self, desk, sales):
        desk.post(reverse("support:new-macro"), {**self.FORM, "assignee": sales.pk})
        macro = Macro.objects.get()
        assert macro.changes == {
            "priority": 3,
            "add_tags": "sales, vip",
            "assignee": sales.pk,
        }
        listed = desk.get(reverse("support:macros")).content.decode()
        assert f"Assigned to: {sales}" in listed
        assert "Adds tags: sales, vip" in listed
        form = desk.get(reverse("support:macro", args=[macro.pk])).content.decode()
        assert 'value="sales, vip"' in form

        desk.post(reverse("support:macro", args=[macro.pk]), self.FORM)
        macro.refresh_from_db()
        assert "assignee" not in macro.changes

        desk.post(reverse("support:delete-macro", args=[macro.pk]))
        assert not Macro.objects.exists()

    def test_says_that_it_changes_nothing(self, desk):
        answer = desk.post(reverse("support:new-macro"), {"name": "Nothing"})

        assert answer.status_code == 422
        assert "at least one change" in answer.content.decode()


def test_every_macro_is_on_the_ticket(ticket, macro, desk):
    page = desk.get(reverse("support:ticket", args=[ticket.pk])).content.decode()

    assert f'name="macro" value="{macro.pk}"' in page
