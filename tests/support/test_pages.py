"""The desk's pages and the help pages: who may open them, what they show and keep."""

import datetime

import pytest
from django.urls import reverse

from billing import renewals
from billing.models import RenewalChange
from marketplace.models import Offer
from support import tickets
from support.models import StaffVisit, Ticket
from tests.factories import (
    AccountFactory,
    ContractFactory,
    LineFactory,
    PlanFactory,
    TicketFactory,
    UserFactory,
)

pytestmark = pytest.mark.usefixtures("present")
State = Ticket.State
HTMX = {"HX-Request": "true"}


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def ticket(line, admin, today):
    renewals.end(line, by=admin, on=today, ticket_wanted=True, reason="We moved away.")
    return Ticket.objects.get()


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


DESK = ["ticket", "approve", "decline"]
HELP = ["request"]


@pytest.mark.parametrize("page", DESK)
def test_the_desk_is_for_staff_alone(
    page, ticket, client_of, support, sales, admin, member, stranger, partner_user
):
    address = reverse(f"support:{page}", args=[ticket.pk])

    answers = [
        client_of(person).get(address).status_code
        for person in (support, sales, admin, member, stranger, partner_user)
    ]

    assert answers == [200, 200, 403, 403, 403, 403]


def test_a_request_is_for_who_asked_and_for_who_manages(
    ticket, client_of, admin, member, stranger, support
):
    address = reverse("support:request", args=[ticket.pk])

    answers = [
        client_of(person).get(address).status_code
        for person in (admin, member, stranger, support)
    ]

    assert answers == [200, 403, 404, 403]


def test_somebody_without_authority_sees_their_own(account, member, client_of):
    own = TicketFactory(account=account, requester=member, category="INSTALL")
    TicketFactory(account=account, subject="A colleague's")
    client = client_of(member)

    page = client.get(reverse("support:requests")).content.decode()

    assert own.number in page
    assert "A colleague" not in page
    assert client.get(reverse("support:request", args=[own.pk])).status_code == 200


def test_signed_out_one_is_led_to_sign_in(client, ticket):
    for address in (
        reverse("support:queue"),
        reverse("support:requests"),
        reverse("support:ticket", args=[ticket.pk]),
    ):
        assert client.get(address).status_code == 302


def test_a_ticket_has_its_number_in_its_address(ticket):
    assert reverse("support:ticket", args=[ticket.pk]) == f"/desk/{ticket.number}/"


class TestAnInternalNote:
    """A canary in it is found nowhere a customer reaches."""

    CANARY = "canary-7f3a"

    def pages(self, ticket, line):
        return [
            reverse("support:requests"),
            reverse("support:requests") + "?show=all",
            reverse("support:request", args=[ticket.pk]),
            reverse("support:line-tickets", args=[line.pk]),
            reverse("myapps:index"),
        ]

    def test_reaches_no_customer_page(self, ticket, line, support, admin, client_of):
        tickets.note(ticket, self.CANARY, by=support, on=ticket.opened_on)
        client = client_of(admin)

        for address in self.pages(ticket, line):
            answer = client.get(address, headers=HTMX if "lines" in address else {})
            assert answer.status_code == 200
            assert self.CANARY not in answer.content.decode()

    def test_nor_does_an_internal_ticket(self, account, line, admin, client_of):
        hidden = tickets.park(line.pk, because=self.CANARY, on=line.starts_on)
        client = client_of(admin)

        assert (
            client.get(reverse("support:request", args=[hidden.pk])).status_code == 404
        )
        for address in self.pages(TicketFactory(account=account), line):
            headers = HTMX if "lines" in address else {}
            page = client.get(address, headers=headers).content.decode()
            assert self.CANARY not in page
            assert hidden.subject not in page

    def test_the_button_decides_which_it_is(self, ticket, desk):
        address = reverse("support:say", args=[ticket.pk])

        desk.post(address, {"body": self.CANARY, "to": "note"})
        desk.post(address, {"body": "Hello", "to": "customer"})

        public = ticket.messages.filter(internal=False).values_list("body", flat=True)
        assert list(public) == ["We moved away.", "Hello"]

    def test_without_a_button_nothing_is_said(self, ticket, desk):
        answer = desk.post(
            reverse("support:say", args=[ticket.pk]), {"body": self.CANARY}
        )

        assert answer.status_code == 422
        assert ticket.messages.count() == 1


class TestDeciding:
    def seen(self, desk, ticket):
        page = desk.get(reverse("support:approve", args=[ticket.pk]))
        return page.context["seen"]

    def test_the_confirm_page_shows_both_bills(self, ticket, desk):
        page = desk.get(reverse("support:approve", args=[ticket.pk]))

        proposal = page.context["proposal"]
        assert proposal.approved.next is None
        assert proposal.declined.next.amount == 80
        assert "$80.00" in page.content.decode()

    def test_approving_is_one_post(self, ticket, desk, support):
        answer = desk.post(
            reverse("support:approve", args=[ticket.pk]),
            {"word": "Goodbye.", "seen": self.seen(desk, ticket)},
        )

        assert answer.status_code == 302
        change = RenewalChange.objects.get()
        assert (change.state, change.decided_by) == ("APPROVED", support)
        assert "Goodbye." in ticket.messages.public().last().body

    def test_declining_too(self, ticket, desk):
        desk.post(
            reverse("support:decline", args=[ticket.pk]),
            {"seen": self.seen(desk, ticket)},
        )

        assert RenewalChange.objects.get().state == "DECLINED"

    def test_nothing_is_decided_on_figures_that_changed(self, ticket, line, desk):
        seen = self.seen(desk, ticket)
        term = line.terms.open().get()
        term.peak = 12
        term.save()

        answer = desk.post(reverse("support:approve", args=[ticket.pk]), {"seen": seen})

        assert answer.status_code == 409
        assert RenewalChange.objects.get().state == "UNDECIDED"

    def test_twice_is_said_and_changes_nothing(self, ticket, desk, support, today):
        seen = self.seen(desk, ticket)
        tickets.decide(ticket, approve=False, by=support, on=today)

        answer = desk.post(
            reverse("support:approve", args=[ticket.pk]), {"seen": seen}, follow=True
        )

        assert "decided already" in answer.content.decode()
        assert RenewalChange.objects.get().state == "DECLINED"

    def test_the_customer_reads_it_in_plain_words(
        self, ticket, support, admin, today, client_of
    ):
        tickets.decide(ticket, approve=True, by=support, on=today)

        page = client_of(admin).get(reverse("support:request", args=[ticket.pk]))

        assert page.context["decision"]["title"] == "Approved."
        assert "31 Dec 2026" in page.context["decision"]["words"]


def test_a_contracted_plan_that_is_not_listed_is_made_available(account, desk, admin):
    plan = PlanFactory(listed=False)
    LineFactory(contract=ContractFactory(account=account), plan=plan)
    wish = TicketFactory(account=account, requester=admin, category="INSTALL")

    desk.post(reverse("support:offer-plan", args=[wish.pk]), {"plan": plan.pk})

    assert Offer.objects.get().account == account
    assert "available to your account" in wish.messages.public().get().body


def test_a_plan_that_is_not_contracted_cannot_be_offered(account, desk):
    wish = TicketFactory(account=account, category="INSTALL")

    answer = desk.post(
        reverse("support:offer-plan", args=[wish.pk]),
        {"plan": PlanFactory(listed=False).pk},
    )

    assert answer.status_code == 404


class TestAnAccount:
    def test_opens_for_a_reason_that_is_recorded(self, line, desk, support):
        address = reverse("support:account", args=[line.account.slug])

        closed = desk.get(address).content.decode()
        assert str(line.plan) not in closed
        assert desk.post(address, {"reason": ""}).status_code == 422
        opened = desk.post(address, {"reason": "A call about a charge"}, follow=True)

        assert str(line.plan) in opened.content.decode()
        visit = StaffVisit.objects.get()
        assert (visit.staff, visit.reason) == (support, "A call about a charge")

    def test_another_one_asks_again(self, line, desk):
        desk.post(
            reverse("support:account", args=[line.account.slug]), {"reason": "A call"}
        )
        other = AccountFactory()

        page = desk.get(reverse("support:account", args=[other.slug]))

        assert "reason" in page.context["form"].fields


class TestTheQueue:
    def test_sorts_by_term_end_and_counts_its_views(self, ticket, desk, support):
        TicketFactory(assignee=support)

        page = desk.get(reverse("support:queue"))

        assert [one["ticket"].term_ends_on for one in page.context["rows"]] == [
            datetime.date(2027, 1, 1), None,
        ]  # fmt: skip
        counts = {one["url"]: one["count"] for one in page.context["built_in"]}
        assert (counts["?view=mine"], counts["?view=unassigned"]) == (1, 1)

    @pytest.mark.parametrize("words", ["T-{pk:06d}", "{pk}", "harbour", "HARBOUR end"])
    def test_finds_by_number_account_and_subject(self, words, ticket, desk):
        TicketFactory()

        page = desk.get(reverse("support:queue"), {"q": words.format(pk=ticket.pk)})

        assert [one["ticket"] for one in page.context["rows"]] == [ticket]

    def test_asks_the_database_the_same_for_many_as_for_few(
        self, desk, django_assert_max_num_queries
    ):
        TicketFactory.create_batch(30)

        with django_assert_max_num_queries(12):
            desk.get(reverse("support:queue"))


@pytest.mark.parametrize("page", ["ticket", "approve"])
def test_the_ticket_pages_ask_at_most_25_times(
    page, ticket, desk, support, today, django_assert_max_num_queries
):
    for number in range(20):
        tickets.note(ticket, f"Note {number}", by=UserFactory(), on=today)

    with django_assert_max_num_queries(25):
        desk.get(reverse(f"support:{page}", args=[ticket.pk]))


def test_the_help_pages_ask_the_same_for_many_as_for_few(
    account, admin, client_of, django_assert_max_num_queries
):
    TicketFactory.create_batch(20, account=account, requester=admin)
    client = client_of(admin)

    with django_assert_max_num_queries(12):
        client.get(reverse("support:requests"))


class TestANewRequest:
    address = "/help/new/"

    def test_offers_billing_to_who_manages_alone(self, admin, member, client_of):
        offered = client_of(admin).get(self.address).context["categories"]
        fewer = client_of(member).get(self.address).context["categories"]

        assert {one["key"] for one in offered} > {one["key"] for one in fewer}
        assert {one["key"] for one in fewer} == {"INSTALL"}

    def test_about_billing_is_refused_without_manage(self, line, member, client_of):
        answer = client_of(member).post(
            self.address, {"category": "CANCELLATION", "line": line.pk, "body": "x"}
        )

        assert answer.status_code == 403
        assert not RenewalChange.objects.exists()

    def test_for_less_makes_the_renewal_change_and_its_ticket(
        self, line, admin, client_of
    ):
        client_of(admin).post(
            self.address,
            {"category": "REDUCTION", "line": line.pk, "quantity": 6, "body": "Fewer."},
        )

        assert Ticket.objects.get().change.target_quantity == 6

    def test_knows_only_the_accounts_own_lines(self, line, stranger, client_of):
        answer = client_of(stranger).post(
            self.address, {"category": "CANCELLATION", "line": line.pk, "body": "x"}
        )

        assert answer.status_code == 422
        assert not Ticket.objects.exists()

    def test_is_filled_in_by_the_link_that_led_here(self, line, admin, client_of):
        """The way from a contracted plan that is not listed (T15)."""
        plan = line.plan
        plan.listed = False
        plan.save()

        page = client_of(admin).get(
            self.address,
            {"category": "INSTALL", "app": plan.app.slug, "plan": plan.code},
        )
        client_of(admin).post(
            self.address,
            {
                "category": "INSTALL", "app": plan.app.slug, "plan": plan.code,
                "body": "It is not there.",
            },
        )  # fmt: skip

        assert page.context["plan_wanted"] == plan
        ticket = Ticket.objects.get()
        assert (ticket.app, ticket.plan) == (plan.app, plan)

    def test_says_what_billing_refuses(self, line, admin, client_of):
        answer = client_of(admin).post(
            self.address,
            {"category": "REDUCTION", "line": line.pk, "quantity": 99, "body": "x"},
        )

        assert answer.status_code == 422
        assert "10 are billed now" in answer.content.decode()


def test_the_tickets_of_a_line_are_a_fragment(ticket, line, admin, stranger, client_of):
    address = reverse("support:line-tickets", args=[line.pk])

    page = client_of(admin).get(address, headers=HTMX).content.decode()

    assert ticket.number in page
    assert "<html" not in page
    assert client_of(stranger).get(address, headers=HTMX).status_code == 404
    assert client_of(admin).get(address).status_code == 302


def test_an_answer_of_the_customer_reaches_the_desk(ticket, admin, client_of, desk):
    client_of(admin).post(
        reverse("support:reply", args=[ticket.pk]), {"body": "One more thing"}
    )

    page = desk.get(reverse("support:ticket", args=[ticket.pk]))
    assert "One more thing" in page.content.decode()


def test_a_move_is_refused_in_words(ticket, desk):
    answer = desk.post(
        reverse("support:revise", args=[ticket.pk]), {"version": 0, "state": "SOLVED"}
    )

    assert answer.status_code == 422
    assert "closing a billing ticket is deciding it" in answer.content.decode()
    ticket.refresh_from_db()
    assert ticket.state == State.NEW
