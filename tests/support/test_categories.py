"""The categories as data: each has its questions, its links and its queue."""

import pytest
from django.core.exceptions import ValidationError

from support import categories, forms, tickets
from support.models import Calendar, ServicePromise, Ticket
from tests.factories import AppFactory, TicketFactory

Category = Ticket.Category


def places(branches, path=()):
    for one in branches:
        if one.category:
            yield one.category, " > ".join([*path, one.name])
        yield from places(one.branches, (*path, one.name))


def test_every_category_has_its_place_in_the_tree_and_in_one_queue():
    assert dict(places(categories.tree())) == dict(Category.choices)
    queued = [
        name for queue in categories.QUEUES for name in categories.in_queue(queue)
    ]
    assert sorted(queued) == sorted(Category.values)


def test_the_tree_begins_with_what_the_terms_name():
    technical = categories.tree()[0]

    assert technical.name == "Technical and Product Support"
    assert technical.branches[0].name == "AppConnect"
    assert technical.branches[0].branches[0].name == "App Install/Uninstall"


@pytest.mark.parametrize("category", forms.QUESTIONS)
def test_a_customer_is_asked_what_its_tickets_must_name(category, account, today):
    form = forms.RequestForm(account=account, category=category, on=today)

    assert list(form.fields) == [
        name for name in form.fields if name in forms.QUESTIONS[category]
    ]
    assert set(categories.KINDS[category].links) <= set(form.fields)


@pytest.mark.parametrize(
    ("category", "link"), [("CHARGE", "line"), ("ADD_ON", "line"), ("SALES", "app")]
)
def test_a_request_without_what_it_must_name_is_refused(
    account, admin, today, category, link
):
    with pytest.raises(ValidationError) as refusal:
        tickets.submit(account, category=category, by=admin, on=today, body="Hm.")

    assert refusal.value.code == "link_missing"
    assert link in str(refusal.value)


def test_a_ticket_may_change_to_categories_that_fit_what_it_names(account):
    ticket = TicketFactory(account=account, category="CONTRACT")

    assert categories.fitting(ticket) == ["CONTRACT"]
    ticket.app = AppFactory()
    assert categories.fitting(ticket) == ["CONTRACT", "INSTALL", "SALES"]
    assert categories.grouped(["INSTALL", "SALES"]) == [
        (
            "Technical and Product Support > AppConnect",
            [("INSTALL", "App Install/Uninstall")],
        ),
        ("Sales", [("SALES", "Price request")]),
    ]


def test_a_fresh_house_has_a_calendar_and_a_promise_for_every_priority(first_promises):
    assert Calendar.objects.get().hours.count() == 10
    promised = ServicePromise.objects.filter(category="")
    assert set(promised.values_list("priority", flat=True)) == {1, 2, 3, 4}
