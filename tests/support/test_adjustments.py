"""Proposed adjustments: versions, limits, two people, undoing, credits."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from django.urls import reverse

from billing import charges, reconcile, renewals
from billing.models import Charge, CreditGrant, RenewalChange
from support import adjustments, term_end, tickets
from support.models import Adjustment, ApprovalLimit, Message, Ticket
from tests.cases.company import Company
from tests.factories import (
    ContractFactory,
    LineFactory,
    ListPriceFactory,
    PlanFactory,
    TicketFactory,
    UserFactory,
)

TERM_END = date(2027, 1, 1)
State = Adjustment.State


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def ticket(line, admin, today):
    """Alice asked to lower ten to four, and wanted the ticket at once."""
    renewals.lower(line, to=4, by=admin, on=today, ticket_wanted=True, reason="Fewer.")
    return Ticket.objects.get()


@pytest.fixture
def colleague(db):
    return UserFactory(account=None, kind="SUPPORT", display_name="Sam Silva")


@pytest.fixture
def low_limit(db):
    return ApprovalLimit.objects.create(currency="USD", amount=Decimal(100))


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


def states(ticket):
    return list(ticket.adjustments.order_by("version").values_list("version", "state"))


class TestAVersion:
    def test_the_first_is_the_wish_with_its_figures(self, ticket, admin):
        first = ticket.adjustments.get()

        assert (first.version, first.state, first.kind) == (1, "PROPOSED", "LOWER")
        assert (first.from_quantity, first.to_quantity) == (10, 4)
        assert (first.bill_before, first.bill_after) == (80, 32)
        assert (first.author, first.effective_on) == (admin, TERM_END)

    def test_a_later_wish_supersedes_it(self, ticket, line, admin, today):
        renewals.end(line, by=admin, on=today)

        assert states(ticket) == [(1, "SUPERSEDED"), (2, "PROPOSED")]

    def test_a_draft_leaves_it_proposed(self, ticket, support, today):
        adjustments.draft(ticket, quantity=6, by=support, on=today)

        assert states(ticket) == [(1, "PROPOSED"), (2, "DRAFT")]

    def test_another_draft_replaces_the_first(self, ticket, support, today):
        adjustments.draft(ticket, quantity=6, by=support, on=today)
        adjustments.draft(ticket, quantity=7, by=support, on=today)

        assert states(ticket) == [(1, "PROPOSED"), (2, "SUPERSEDED"), (3, "DRAFT")]

    def test_proposed_it_takes_the_place(self, ticket, support, today):
        draft = adjustments.draft(ticket, quantity=6, by=support, on=today)

        adjustments.propose(draft, by=support, on=today)

        assert states(ticket) == [(1, "SUPERSEDED"), (2, "PROPOSED")]

    def test_a_draft_is_proposed_once(self, ticket, support, today):
        draft = adjustments.draft(ticket, quantity=6, by=support, on=today)
        adjustments.propose(draft, by=support, on=today)

        with refused("not_a_draft"):
            adjustments.propose(draft, by=support, on=today)

    def test_a_draft_for_an_earlier_wish_is_not_proposed(
        self, ticket, line, admin, support, today
    ):
        draft = adjustments.draft(ticket, quantity=6, by=support, on=today)
        renewals.end(line, by=admin, on=today)

        with refused("not_a_draft"):
            adjustments.propose(draft, by=support, on=today)

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            ({"quantity": 10}, "not_lower"),
            ({"quantity": 4}, "same"),
            ({}, "not_adjustable"),
        ],
    )
    def test_what_cannot_be_proposed_is_refused(
        self, ticket, support, today, wanted, code
    ):
        with refused(code):
            adjustments.draft(ticket, **wanted, by=support, on=today)

    def test_a_plan_is_no_answer_to_a_quantity(self, ticket, line, support, today):
        other = PlanFactory(app=line.app)

        with refused("foreign_plan"):
            adjustments.draft(ticket, plan=other, by=support, on=today)

    def test_only_staff_draft(self, ticket, admin, today):
        with pytest.raises(PermissionDenied):
            adjustments.draft(ticket, quantity=6, by=admin, on=today)

    def test_a_draft_that_was_thrown_away_is_in_nobodys_way(
        self, ticket, support, today
    ):
        draft = adjustments.draft(ticket, quantity=6, by=support, on=today)
        adjustments.discard(draft, by=support, on=today)

        tickets.decide(ticket, approve=True, by=support, on=today)

        assert states(ticket) == [(1, "SCHEDULED"), (2, "WITHDRAWN")]

    def test_taken_back_with_the_wish(self, ticket, admin, today):
        renewals.withdraw(ticket.change, by=admin, on=today)

        assert states(ticket) == [(1, "WITHDRAWN")]

    def test_one_is_live_for_a_line_and_boundary(self, ticket):
        first = ticket.adjustments.get()
        first.pk, first.version = None, 2

        with (
            pytest.raises(IntegrityError, match="one_live_adjustment_per_line"),
            transaction.atomic(),
        ):
            first.save(force_insert=True)

    @pytest.mark.parametrize("column", ["boundary_on", "effective_on"])
    def test_a_day_that_is_no_boundary_is_refused_by_the_database(self, ticket, column):
        days = {"boundary_on": "2026-12-31", "effective_on": "2026-12-31"}
        if column == "effective_on":
            days.pop("boundary_on")

        with (
            pytest.raises(
                IntegrityError,
                match=r"an_adjustment_is_for|counts_from_its_boundary|No term of line",
            ),
            transaction.atomic(),
        ):
            Adjustment.objects.update(**days)


class TestAGrant:
    """Something else is approved than was asked."""

    @pytest.fixture
    def granted(self, ticket, support, colleague, today):
        draft = adjustments.draft(ticket, quantity=6, by=support, on=today)
        adjustments.propose(draft, by=support, on=today)
        tickets.decide(ticket, approve=True, by=colleague, on=today)
        return RenewalChange.objects.get()

    def test_keeps_the_wish_visible(self, granted):
        assert (granted.target_quantity, granted.granted_quantity) == (4, 6)

    def test_is_what_renews(self, granted, line, ticket):
        term_end.run(zone=line.account.timezone, on=TERM_END)

        assert line.terms.latest("starts_on").billed == 6
        assert states(ticket) == [(1, "SUPERSEDED"), (2, "APPLIED")]
        assert list(reconcile.differences()) == []

    def test_is_told_beside_what_was_asked(self, granted):
        told = Message.objects.public().latest("id").body

        assert "6 of" in told
        assert "to 4 from 1 Jan 2027" in told


class TestTwoPeople:
    @pytest.fixture(autouse=True)
    def limited(self, low_limit, ticket, today):
        adjustments.carry([ticket], on=today)  # proposed under the limit

    def test_the_first_approval_waits_for_a_second(
        self, ticket, support, colleague, today
    ):
        tickets.decide(ticket, approve=True, by=support, on=today)

        assert RenewalChange.objects.get().state == "UNDECIDED"
        waiting = Adjustment.objects.waiting_for(colleague)
        assert [one.ticket for one in waiting] == [ticket]
        assert not Adjustment.objects.waiting_for(support).exists()

    def test_the_customer_hears_nothing_of_it(self, ticket, support, today):
        said = ticket.messages.public().count()

        tickets.decide(ticket, approve=True, by=support, on=today)

        assert ticket.messages.public().count() == said

    def test_the_second_schedules_it(self, ticket, support, colleague, today):
        tickets.decide(ticket, approve=True, by=support, on=today)
        tickets.decide(ticket, approve=True, by=colleague, on=today)

        assert RenewalChange.objects.get().state == "APPROVED"
        assert ticket.adjustments.latest("version").state == State.SCHEDULED
        assert not Adjustment.objects.waiting_for(colleague).exists()

    def test_one_person_is_not_two(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        with refused("approved_already"):
            tickets.decide(ticket, approve=True, by=support, on=today)

    def test_the_author_is_refused(self, ticket, support, today):
        draft = adjustments.draft(ticket, quantity=1, by=support, on=today)
        adjustments.propose(draft, by=support, on=today)

        with refused("author"):
            tickets.decide(ticket, approve=True, by=support, on=today)

        assert RenewalChange.objects.get().state == "UNDECIDED"

    def test_with_the_author_one_other_is_enough(
        self, ticket, support, colleague, today
    ):
        draft = adjustments.draft(ticket, quantity=1, by=support, on=today)
        adjustments.propose(draft, by=support, on=today)
        assert Adjustment.objects.waiting_for(colleague).exists()

        tickets.decide(ticket, approve=True, by=colleague, on=today)

        assert RenewalChange.objects.get().granted_quantity == 1

    def test_who_asked_is_refused(self, line, support, today):
        renewals.withdraw(RenewalChange.objects.get(), by=None, on=today)
        renewals.end(line, by=support, on=today, ticket_wanted=True)

        with refused("own_request"):
            tickets.decide(Ticket.objects.get(), approve=True, by=support, on=today)

    def test_declining_takes_one(self, ticket, support, today):
        tickets.decide(ticket, approve=False, by=support, on=today)

        assert RenewalChange.objects.get().state == "DECLINED"

    def test_what_was_approved_on_other_figures_counts_for_nothing(
        self, ticket, line, support, colleague, today
    ):
        tickets.decide(ticket, approve=True, by=support, on=today)
        line.terms.update(peak=12)

        tickets.decide(ticket, approve=True, by=colleague, on=today)

        assert RenewalChange.objects.get().state == "UNDECIDED"
        assert states(ticket)[-2:] == [(2, "SUPERSEDED"), (3, "PROPOSED")]

    def test_a_limit_that_was_lowered_counts_at_once(
        self, ticket, low_limit, support, today
    ):
        Adjustment.objects.update(two_needed=False)

        tickets.decide(ticket, approve=True, by=support, on=today)

        assert RenewalChange.objects.get().state == "UNDECIDED"

    def test_at_the_limit_one_is_enough(self, ticket, low_limit, support, today):
        low_limit.amount = ticket.adjustments.latest("version").weight
        low_limit.save()
        adjustments.carry([ticket], on=today)

        tickets.decide(ticket, approve=True, by=support, on=today)

        assert RenewalChange.objects.get().state == "APPROVED"

    def test_the_page_says_so_and_has_no_button_for_the_author(
        self, ticket, support, client_of, today, present
    ):
        draft = adjustments.draft(ticket, quantity=1, by=support, on=today)
        adjustments.propose(draft, by=support, on=today)

        page = client_of(support).get(reverse("support:ticket", args=[ticket.pk]))

        assert "A colleague" in page.content.decode()
        assert "Apply at renewal" not in page.content.decode()


class TestUndoing:
    def test_it_is_undecided_and_proposed_again(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        tickets.undo(ticket, by=support, on=today)

        ticket.refresh_from_db()
        assert ticket.state == Ticket.State.OPEN
        assert RenewalChange.objects.get().state == "UNDECIDED"
        assert states(ticket) == [(1, "WITHDRAWN"), (2, "PROPOSED")]

    def test_it_is_decided_again_with_evidence_of_its_own(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)
        tickets.undo(ticket, by=support, on=today)

        tickets.decide(ticket, approve=True, by=support, on=today)

        assert ticket.evidence.filter(moment="DECIDED").count() == 2

    def test_what_was_granted_is_forgotten(self, ticket, support, colleague, today):
        draft = adjustments.draft(ticket, quantity=6, by=support, on=today)
        adjustments.propose(draft, by=support, on=today)
        tickets.decide(ticket, approve=True, by=colleague, on=today)

        tickets.undo(ticket, by=support, on=today)

        assert RenewalChange.objects.get().granted_quantity is None
        assert ticket.adjustments.latest("version").to_quantity == 6

    def test_on_the_boundary_it_is_too_late(self, ticket, support, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        with refused("too_late"):
            tickets.undo(ticket, by=support, on=TERM_END)

    def test_what_was_declined_stays_so(self, ticket, support, today):
        tickets.decide(ticket, approve=False, by=support, on=today)

        with refused("not_approved"):
            tickets.undo(ticket, by=support, on=today)

    def test_a_customer_cannot(self, ticket, support, admin, today):
        tickets.decide(ticket, approve=True, by=support, on=today)

        with pytest.raises(PermissionDenied):
            tickets.undo(ticket, by=admin, on=today)


class TestOneClick:
    def press(self, client, ticket):
        page = client.get(reverse("support:ticket", args=[ticket.pk]))
        return client.post(
            reverse("support:approve", args=[ticket.pk]),
            {"seen": page.context["seen"]},
        )

    def test_the_numbers_are_in_front_of_it(self, ticket, client_of, support, present):
        page = client_of(support).get(reverse("support:ticket", args=[ticket.pk]))

        text = page.content.decode()
        assert "Apply at renewal" in text
        assert text.index("$80.00") < text.index("$32.00") < text.index("Apply at ren")

    def test_twice_is_once(self, ticket, client_of, support, present):
        client = client_of(support)
        page = client.get(reverse("support:ticket", args=[ticket.pk]))
        seen = {"seen": page.context["seen"]}
        address = reverse("support:approve", args=[ticket.pk])

        first, second = client.post(address, seen), client.post(address, seen)

        assert (first.status_code, second.status_code) == (302, 302)
        assert ticket.messages.public().filter(author=support).count() == 1
        assert ticket.evidence.filter(moment="DECIDED").count() == 1

    def test_the_renewal_carries_it_out_and_closes_the_ticket(
        self, ticket, line, client_of, support, present
    ):
        self.press(client_of(support), ticket)

        term_end.run(zone=line.account.timezone, on=TERM_END)

        ticket.refresh_from_db()
        charge = Charge.objects.get(starts_on=TERM_END)
        assert (ticket.state, charge.amount) == ("SOLVED", Decimal(32))
        assert ticket.adjustments.get().state == State.APPLIED
        assert "Carried out" in ticket.messages.public().latest("id").body


class TestADisputedCharge:
    @pytest.fixture
    def charge(self, db):
        """Ten seats at 7.25, billed for November."""
        company = Company(starts_on=date(2026, 11, 1))
        company.signs(PlanFactory(), 10, "7.25")
        company.until(date(2026, 11, 20))
        return Charge.objects.get()

    @pytest.fixture
    def question(self, charge):
        asker = charge.account.users.first()
        return TicketFactory(
            account=charge.account, requester=asker, category="CHARGE", line=charge.line
        )

    def credit(self, question, charge, amount, *, by, on):
        draft = adjustments.draft_credit(
            question, charge, Decimal(amount), by=by, on=on, reason="Billed twice."
        )
        return adjustments.propose(draft, by=by, on=on)

    @pytest.mark.parametrize("amount", ["72.50", "10.01"])
    def test_is_given_back_once_approved(
        self, question, charge, support, today, amount
    ):
        self.credit(question, charge, amount, by=support, on=today)
        assert Charge.objects.count() == 1

        tickets.decide(question, approve=True, by=support, on=today)

        credit = Charge.objects.get(reason="CREDIT")
        assert credit.amount == -Decimal(amount)
        assert CreditGrant.objects.get().reason == "Billed twice."
        assert [str(one) for one in reconcile.differences()] == []
        question.refresh_from_db()
        assert question.state == "SOLVED"
        assert "Billed twice." in question.messages.public().latest("id").body

    def test_declined_it_stands(self, question, charge, support, today):
        self.credit(question, charge, "10", by=support, on=today)

        tickets.decide(question, approve=False, by=support, on=today)

        assert Charge.objects.total() == Decimal("72.50")

    @pytest.mark.parametrize(
        ("amount", "code"),
        [("72.51", "too_much"), ("0", "not_money"), ("1.005", "not_money")],
    )
    def test_no_more_than_is_left_of_it(
        self, question, charge, support, today, amount, code
    ):
        with refused(code):
            self.credit(question, charge, amount, by=support, on=today)

    def test_what_was_given_back_is_not_left(self, question, charge, support, today):
        self.credit(question, charge, "70", by=support, on=today)
        tickets.decide(question, approve=True, by=support, on=today)
        again = TicketFactory(account=charge.account, category="CHARGE")

        with refused("too_much"):
            self.credit(again, charge, "2.51", by=support, on=today)

    def test_a_credit_that_cannot_be_proposed_leaves_no_draft(
        self, question, charge, support, today
    ):
        self.credit(question, charge, "10", by=support, on=today)
        again = TicketFactory(account=charge.account, category="CHARGE")

        with refused("in_the_making"):
            adjustments.draft_credit(
                again, charge, Decimal(10), by=support, on=today, reason="Twice.",
                at_once=True,
            )  # fmt: skip

        assert not again.adjustments.exists()

    def test_has_one_credit_in_the_making(self, question, charge, support, today):
        self.credit(question, charge, "10", by=support, on=today)
        again = TicketFactory(account=charge.account, category="CHARGE")

        with refused("in_the_making"):
            self.credit(again, charge, "5", by=support, on=today)
        with pytest.raises(IntegrityError, match="one_live_adjustment_per_charge"):
            again.adjustments.update(state=State.PROPOSED)

    def test_of_another_account_is_refused(self, charge, support, today):
        foreign = TicketFactory(category="CHARGE")

        with refused("foreign_charge"):
            self.credit(foreign, charge, "5", by=support, on=today)

    def test_needs_a_reason(self, question, charge, support, today):
        with refused("no_reason"):
            adjustments.draft_credit(
                question, charge, Decimal(5), by=support, on=today, reason=" "
            )

    def test_the_ticket_is_not_solved_while_it_waits(
        self, question, charge, support, today
    ):
        self.credit(question, charge, "10", by=support, on=today)

        with refused("undecided"):
            tickets.move(question, "SOLVED", by=support, on=today)

    def test_above_the_limit_it_takes_another(
        self, question, charge, support, colleague, today
    ):
        ApprovalLimit.objects.create(currency="USD", amount=Decimal(5))
        self.credit(question, charge, "10", by=support, on=today)

        with refused("author"):
            tickets.decide(question, approve=True, by=support, on=today)
        tickets.decide(question, approve=True, by=colleague, on=today)

        assert CreditGrant.objects.get().granted_by == colleague

    def test_in_parts_it_does_not_pass_below_the_limit(
        self, question, charge, support, today
    ):
        ApprovalLimit.objects.create(currency="USD", amount=Decimal(40))
        self.credit(question, charge, "40", by=support, on=today)
        tickets.decide(question, approve=True, by=support, on=today)
        again = TicketFactory(account=charge.account, category="CHARGE")
        self.credit(again, charge, "1", by=support, on=today)

        with refused("author"):
            tickets.decide(again, approve=True, by=support, on=today)

    def test_a_replaced_plan_gives_back_only_what_is_left(
        self, question, charge, support, today
    ):
        self.credit(question, charge, "72.50", by=support, on=today)
        tickets.decide(question, approve=True, by=support, on=today)

        given = renewals.credit_parts(
            charge.line, since=date(2026, 11, 21), new=[charge], given=[]
        )

        assert given == []

    def test_the_customer_reads_why_beside_the_charge(
        self, question, charge, support, client_of, today
    ):
        self.credit(question, charge, "10", by=support, on=today)
        tickets.decide(question, approve=True, by=support, on=today)

        asker = question.requester
        page = client_of(asker).get(reverse("myapps:charges"))

        assert "Billed twice." in page.content.decode()

    def test_the_request_says_what_was_decided_and_not_what_is_proposed(
        self, question, charge, support, client_of, today
    ):
        address = reverse("support:request", args=[question.pk])
        asker = client_of(question.requester)
        self.credit(question, charge, "10", by=support, on=today)
        before = asker.get(address).context["decision"]
        tickets.decide(question, approve=True, by=support, on=today)

        after = asker.get(address).context["decision"]

        assert before is None
        assert (after["title"], "$10.00" in after["words"]) == ("Approved.", True)

    def test_has_evidence_of_its_line_from_the_beginning(self, charge, today):
        asker = charge.account.users.first()
        asked = tickets.open(
            charge.account, category="CHARGE", subject="Why?", by=asker, on=today,
            line=charge.line,
        )  # fmt: skip

        snapshot = asked.evidence.get()
        assert snapshot.moment == "OPENED"
        assert snapshot.content["term"]["contracted"] == 10
        assert snapshot.content["asked"]["by"] == asker.pk
        assert snapshot.content["asked"]["authority"].startswith("manage_apps")

    def test_a_charge_that_is_reversed_takes_its_grant_with_it(
        self, question, charge, support, today
    ):
        self.credit(question, charge, "10", by=support, on=today)
        tickets.decide(question, approve=True, by=support, on=today)

        charges.reverse([charge], on=today)

        assert Charge.objects.total() == 0

    def test_grants_are_never_changed(self, question, charge, support, today):
        self.credit(question, charge, "10", by=support, on=today)
        tickets.decide(question, approve=True, by=support, on=today)

        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE billing_creditgrant SET amount = 1")

    def test_is_drafted_and_proposed_on_a_page(
        self, question, charge, support, client_of, present
    ):
        answer = client_of(support).post(
            reverse("support:credit", args=[question.pk]),
            {"charge": charge.pk, "amount": "", "reason": "Twice.", "propose": "1"},
        )

        assert answer.status_code == 302
        proposed = question.adjustments.get()
        assert (proposed.state, proposed.gives_back) == ("PROPOSED", Decimal("72.50"))


class TestProposingOnAPage:
    def test_a_draft_with_its_figures(self, ticket, client_of, support, present):
        client = client_of(support)
        address = reverse("support:adjust", args=[ticket.pk])

        shown = client.post(address, {"quantity": 6, "preview": "1"})
        client.post(address, {"quantity": 6, "draft": "1"})

        assert "$48.00" in shown.content.decode()
        assert states(ticket) == [(1, "PROPOSED"), (2, "DRAFT")]

    def test_proposed_and_thrown_away(self, ticket, client_of, support, present):
        client = client_of(support)
        client.post(
            reverse("support:adjust", args=[ticket.pk]), {"quantity": 6, "draft": "1"}
        )
        client.post(reverse("support:propose", args=[ticket.pk, 2]))
        client.post(
            reverse("support:adjust", args=[ticket.pk]), {"quantity": 7, "draft": "1"}
        )
        client.post(reverse("support:discard-version", args=[ticket.pk, 3]))

        assert states(ticket) == [
            (1, "SUPERSEDED"), (2, "PROPOSED"), (3, "WITHDRAWN"),
        ]  # fmt: skip

    def test_another_plan(
        self, line, account, admin, client_of, support, today, present
    ):
        wanted, other = PlanFactory(app=line.app), PlanFactory(app=line.app)
        for plan, price in ((wanted, 9), (other, 11)):
            ListPriceFactory(plan=plan, currency="USD", monthly_price=price)
        renewals.switch(line, to=wanted, by=admin, on=today, ticket_wanted=True)
        ticket = Ticket.objects.get()

        client_of(support).post(
            reverse("support:adjust", args=[ticket.pk]),
            {"plan": other.pk, "propose": "1"},
        )
        tickets.decide(ticket, approve=True, by=support, on=today)

        assert RenewalChange.objects.get().to_plan == other

    def test_what_is_refused_is_said(self, ticket, client_of, support, present):
        answer = client_of(support).post(
            reverse("support:adjust", args=[ticket.pk]), {"quantity": 10, "draft": "1"}
        )

        assert answer.status_code == 422
        assert "from 0 to 9" in answer.content.decode()

    def test_the_evidence_says_which_facts_differ(
        self, ticket, line, client_of, support, present
    ):
        line.terms.update(peak=12)

        page = client_of(support).get(reverse("support:evidence", args=[ticket.pk]))

        assert [str(row.label) for row in page.context["differing"]] == [
            "Billed quantity"
        ]
        assert "What it rests on has changed." in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_fifty_parallel_approvals_schedule_one(ticket, today):
    people = UserFactory.create_batch(50, account=None, kind="SUPPORT")

    def approve(person):
        try:
            tickets.decide(ticket, approve=True, by=person, on=today)
            return "approved"
        except ValidationError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(approve, people))

    assert sorted(set(answers)) == ["approved", "decided"]
    assert answers.count("approved") == 1
    assert ticket.adjustments.filter(state=State.SCHEDULED).count() == 1
    assert ticket.evidence.filter(moment="DECIDED").count() == 1
    assert ticket.messages.public().filter(author__kind="SUPPORT").count() == 1


@pytest.mark.django_db
def test_a_ticket_about_no_line_has_nothing_to_propose(admin, support, today):
    question = tickets.open(
        admin.account, category="INSTALL", subject="Zoom", by=admin, on=today
    )

    with pytest.raises(ValidationError) as refusal:
        adjustments.draft(question, by=support, on=today, quantity=1)

    assert refusal.value.code == "nothing_to_decide"
