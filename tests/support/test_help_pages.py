"""What customers see of a request: how far it is, what was decided, how to go on."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from accounts import clock
from billing import renewals
from billing.models import Charge
from support import tickets
from support.forms import QUESTIONS
from support.models import Ticket
from tests.cases.company import Company
from tests.factories import (
    AppFactory,
    ContractFactory,
    LineFactory,
    PlanFactory,
    TicketFactory,
)

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def ticket(line, admin, today):
    """Alice asks to lower ten to six at the renewal."""
    renewals.lower(line, to=6, by=admin, on=today, ticket_wanted=True, reason="Fewer.")
    return Ticket.objects.get()


@pytest.fixture
def customer(client_of, admin):
    return client_of(admin)


def shown(client, ticket):
    return client.get(reverse("support:request", args=[ticket.pk]))


def where(client, ticket) -> tuple[list[str], int]:
    page = shown(client, ticket)
    return page.context["steps"], page.context["step"]


def decide(ticket, support, today, *, approve):
    return tickets.decide(ticket, approve=approve, by=support, on=today, word="Done.")


def test_it_is_received_then_worked_on(ticket, customer, support, today):
    steps, step = where(customer, ticket)
    assert steps == [
        "Received",
        "Support works on it",
        "Decided",
        "Scheduled for 1 Jan 2027",
        "Done",
    ]
    assert step == 1

    tickets.move(ticket, "OPEN", by=support, on=today)
    assert where(customer, ticket)[1] == 2


@pytest.mark.parametrize(
    ("state", "words"),
    [("PARTNER", "Waits for a partner"), ("WAITING", "Waits for your answer")],
)
def test_waiting_is_not_done(state, words, ticket, customer, today):
    wakes = today + timedelta(days=7)
    Ticket.objects.filter(pk=ticket.pk).update(state=state, wakes_on=wakes)

    assert words in shown(customer, ticket).content.decode()
    assert where(customer, ticket)[1] == 2


def test_approved_it_is_scheduled_with_the_numbers(ticket, customer, support, today):
    before = shown(customer, ticket).content.decode()
    decide(ticket, support, today, approve=True)

    page = shown(customer, ticket)
    text = page.content.decode()
    adjustment = page.context["figures"]["of"]
    assert page.context["step"] == 4
    assert "Next bill now" in text
    assert "Next bill now" not in before
    assert (adjustment.from_quantity, adjustment.to_quantity) == (10, 6)
    assert adjustment.bill_after < adjustment.bill_before
    assert "Approved." in text


def test_declined_it_is_done_and_nothing_is_scheduled(ticket, customer, support, today):
    decide(ticket, support, today, approve=False)

    steps, step = where(customer, ticket)
    assert steps == ["Received", "Support works on it", "Decided", "Done"]
    assert step == 5
    assert "Declined." in shown(customer, ticket).content.decode()


def test_after_the_term_end_nothing_waits_for_it(ticket, customer):
    clock.set_to(datetime(2027, 1, 5, 12, tzinfo=UTC))

    assert where(customer, ticket)[0] == [
        "Received",
        "Support works on it",
        "Decided",
        "Done",
    ]


def test_the_numbers_are_for_who_may_read_bills(
    ticket, member, client_of, support, today
):
    decide(ticket, support, today, approve=True)
    Ticket.objects.filter(pk=ticket.pk).update(requester=member)

    page = shown(client_of(member), ticket)

    assert page.status_code == 200
    assert "Next bill" not in page.content.decode()


def test_a_closed_one_leads_to_a_new_one_about_it(account, admin, customer):
    app = AppFactory()
    old = TicketFactory(
        account=account, requester=admin, category="INSTALL", app=app,
        subject="The plan is missing", state="CLOSED",
    )  # fmt: skip
    page = shown(customer, old).content.decode()
    address = f"{reverse('support:new-request')}?category=INSTALL&from={old.number}"
    assert address.replace("&", "&amp;") in page
    assert "Send to Support" not in page

    form = customer.get(address).context["form"]

    assert old.number in form["body"].value()
    assert "The plan is missing" in form["body"].value()
    assert form["app"].value() == app.slug


def test_but_nothing_of_somebody_elses(account, customer, stranger, client_of, member):
    foreign = TicketFactory(account=stranger.account, subject="Secret subject")
    colleagues = TicketFactory(account=account, subject="Secret subject")

    for client, old in ((customer, foreign), (client_of(member), colleagues)):
        address = f"{reverse('support:new-request')}?category=INSTALL&from={old.number}"
        assert "Secret subject" not in client.get(address).content.decode()


def test_an_answer_to_a_closed_one_is_refused_with_words(account, admin, customer):
    old = TicketFactory(account=account, requester=admin, state="CLOSED")

    answer = customer.post(reverse("support:reply", args=[old.pk]), {"body": "Again"})

    assert answer.status_code == 422
    assert not old.messages.exists()


def test_each_question_about_a_bill_names_a_line():
    billing = [
        one
        for one in QUESTIONS
        if one in {"CANCELLATION", "REDUCTION", "CHARGE", "ADD_ON"}
    ]

    assert len(billing) == 4
    assert all("line" in QUESTIONS[one] for one in billing)
    assert QUESTIONS["CHARGE"][0] == "charge"


@pytest.fixture
def charge(db):
    """Ten seats at 7.25, billed for November."""
    company = Company(starts_on=date(2026, 11, 1))
    company.signs(PlanFactory(), 10, "7.25")
    company.until(date(2026, 11, 20))
    return Charge.objects.get()


@pytest.fixture
def payer(charge, client_of):
    """Who manages the apps of the account that was charged."""
    return client_of(charge.account.users.first())


def test_a_question_about_a_charge_names_it_and_its_line(charge, payer):
    address = reverse("support:new-request")
    assert "72.50" in payer.get(f"{address}?category=CHARGE").content.decode()
    form = {"category": "CHARGE", "charge": charge.pk, "body": "What is this?"}

    assert payer.post(address, form).status_code == 302

    asked = Ticket.objects.get(category="CHARGE")
    assert asked.line == charge.line
    assert asked.subject.startswith("Charge question: ")
    assert "72.50" in asked.subject


def test_without_a_charge_its_line_will_do_and_nothing_will_not(charge, payer):
    address = reverse("support:new-request")
    form = {"category": "CHARGE", "body": "What is this?"}

    assert payer.post(address, form).status_code == 422
    assert payer.post(address, form | {"line": charge.line_id}).status_code == 302


def test_nobody_elses_charge_can_be_named(charge, line, customer):
    form = {"category": "CHARGE", "charge": charge.pk, "body": "What is this?"}

    answer = customer.post(reverse("support:new-request"), form)

    assert answer.status_code == 422
    assert not Ticket.objects.exists()
