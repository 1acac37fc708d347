"""Support's part of the API: an account's own requests, the desk's tickets, adjustments."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts import authority
from accounts.models import ApiKey
from billing import renewals
from billing.models import CreditGrant, RenewalChange
from support import adjustments, conversations, tickets
from support.models import ApprovalLimit, Ticket
from tests.api.firms import program
from tests.factories import ContractFactory, LineFactory, TicketFactory, UserFactory

pytestmark = pytest.mark.django_db
CANARY = "canary-5c1e"


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def ticket(line, admin, today):
    renewals.lower(line, to=4, by=admin, on=today, ticket_wanted=True, reason="Fewer.")
    return Ticket.objects.get()


@pytest.fixture
def mine(admin, present):
    """Alice's program."""
    return program(admin)


@pytest.fixture
def desk(support, present):
    """Sofia's program."""
    return program(support, audience=ApiKey.Audience.SUPPORT)


@pytest.fixture
def colleague(present):
    other = UserFactory(account=None, kind="SUPPORT")
    return program(other, audience=ApiKey.Audience.SUPPORT)


def versions(ticket):
    return f"desk/tickets/{ticket.number}/adjustments/"


def seen_by(desk, ticket):
    """What an approval of the version that waits sends back."""
    rows = desk.get(versions(ticket)).json()
    return {"seen": next((row["seen"] for row in rows if row["seen"]), "none")}


def matched(ticket):
    ticket.refresh_from_db()
    return {"If-Match": f'"{ticket.version}"'}


class TestAnAccountsRequests:
    def test_are_listed_without_what_staff_keep(
        self, ticket, mine, support, account, today
    ):
        tickets.note(ticket, CANARY, by=support, on=today)
        TicketFactory(account=account, internal=True, subject=CANARY)

        answers = [mine.get("tickets/"), mine.get(f"tickets/{ticket.number}/")]

        assert [one["number"] for one in answers[0].json()["results"]] == [
            ticket.number
        ]
        assert not any(CANARY in one.content.decode() for one in answers)

    def test_a_reply_that_can_be_taken_back_is_not_there_yet(
        self, ticket, mine, support, present, today
    ):
        conversations.send(ticket, "Wait", by=support, at=present, on=today)

        said = mine.get(f"tickets/{ticket.number}/").json()["messages"]

        assert [one["body"] for one in said] in (["Fewer."], ["Fewer.", "Wait"])

    def test_of_another_account_are_not_found(self, ticket, stranger, present):
        assert program(stranger).get(f"tickets/{ticket.number}/").status_code == 404

    def test_of_a_colleague_need_manage(
        self, ticket, mine, administrators, member, account, today
    ):
        theirs = TicketFactory(account=account, requester=member)
        assert mine.get(f"tickets/{theirs.number}/").status_code == 200

        authority.revoke(administrators, authority.MANAGE, by=None, on=today)

        assert mine.get(f"tickets/{theirs.number}/").status_code == 404
        assert mine.get(f"tickets/{ticket.number}/").status_code == 200

    def test_are_opened_and_answered(self, line, mine):
        asked = {"category": "REDUCTION", "line": line.pk, "quantity": 6, "body": "So."}

        opened = mine.post("tickets/", asked)
        number = opened.json()["number"]
        answered = mine.post(f"tickets/{number}/reply/", {"body": "And soon."})

        assert opened.status_code == 201
        assert RenewalChange.objects.get().target_quantity == 6
        assert answered.json()["messages"][-1]["body"] == "And soon."

    def test_a_billing_one_needs_manage(self, line, mine, administrators, today):
        asked = {"category": "CANCELLATION", "line": line.pk, "body": "End it."}
        authority.revoke(administrators, authority.MANAGE, by=None, on=today)

        assert mine.post("tickets/", asked).status_code == 403

    def test_a_refusal_names_the_field(self, mine):
        answer = mine.post("tickets/", {"category": "REDUCTION", "body": "So."})

        assert answer.status_code == 400
        assert "line" in {one["field"] for one in answer.json()["errors"]}

    def test_reading_is_not_writing(self, ticket, admin, present):
        reader = program(admin, "tickets:read")

        answer = reader.post(f"tickets/{ticket.number}/reply/", {"body": "x"})

        assert (answer.status_code, answer.json()["code"]) == (403, "scope")

    def test_the_desk_is_closed_to_it(self, ticket, mine):
        assert mine.get("desk/tickets/").status_code == 403


class TestTheDesksTickets:
    def test_are_listed_and_read_with_their_notes(self, ticket, desk, support, today):
        tickets.note(ticket, CANARY, by=support, on=today)

        listed = desk.get("desk/tickets/?state=NEW").json()["results"]
        whole = desk.get(f"desk/tickets/{ticket.number}/")

        assert [one["number"] for one in listed] == [ticket.number]
        ticket.refresh_from_db()
        assert whole.headers["ETag"] == f'"{ticket.version}"'
        assert (whole.json()["messages"][-1]["body"], whole.json()["messages"][-1]["internal"]) == (
            CANARY, True,
        )  # fmt: skip

    def test_are_answered(self, ticket, desk):
        desk.post(f"desk/tickets/{ticket.number}/reply/", {"body": "Hello."})
        desk.post(f"desk/tickets/{ticket.number}/note/", {"body": CANARY})

        said = list(ticket.messages.order_by("id").values_list("body", "internal"))
        assert said[1:] == [("Hello.", False), (CANARY, True)]

    def test_are_moved_at_the_version_that_was_read(self, account, admin, desk):
        question = TicketFactory(account=account, requester=admin)
        address = f"desk/tickets/{question.number}/move/"

        without = desk.post(address, {"state": "SOLVED"})
        stale = desk.post(address, {"state": "SOLVED"}, **{"If-Match": '"99"'})
        moved = desk.post(address, {"state": "SOLVED"}, **matched(question))

        codes = [one.status_code for one in (without, stale, moved)]
        assert codes == [428, 412, 200]
        assert moved.json()["state"] == "SOLVED"

    def test_an_undecided_one_is_not_closed(self, ticket, desk):
        answer = desk.post(
            f"desk/tickets/{ticket.number}/move/",
            {"state": "SOLVED"},
            **matched(ticket),
        )

        assert answer.json()["code"] == "undecided"

    def test_the_same_call_twice_says_it_once(self, ticket, desk):
        address = f"desk/tickets/{ticket.number}/note/"

        for _ in range(2):
            desk.post(address, {"body": "Once."}, **{"Idempotency-Key": "k"})

        assert ticket.messages.filter(body="Once.").count() == 1


class TestAdjustments:
    def test_show_the_figures(self, ticket, desk):
        one = desk.get(versions(ticket)).json()[0]

        assert (one["version"], one["state"]) == (1, "PROPOSED")
        assert Decimal(one["bill_before"]) == 80
        assert Decimal(one["bill_after"]) == 32

    def test_are_drafted_proposed_and_approved(self, ticket, desk):
        desk.post(versions(ticket), {"quantity": 6}, **matched(ticket))
        desk.post(f"{versions(ticket)}2/propose/", **matched(ticket))
        seen = desk.get(f"{versions(ticket)}2/").json()["seen"]
        answer = desk.post(
            f"{versions(ticket)}2/approve/", {"seen": seen}, **matched(ticket)
        )

        assert answer.json()["state"] == "SCHEDULED"
        assert RenewalChange.objects.get().granted_quantity == 6

    def test_other_figures_than_were_seen_are_refused(self, ticket, line, desk):
        seen = desk.get(f"{versions(ticket)}1/").json()["seen"]
        line.terms.update(peak=12)

        answer = desk.post(
            f"{versions(ticket)}1/approve/", {"seen": seen}, **matched(ticket)
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "changed")

    def test_a_decision_names_the_figures_it_was_taken_on(self, ticket, desk):
        for verb in ("approve", "decline"):
            address = f"{versions(ticket)}1/{verb}/"
            for said in ({}, {"seen": ""}):
                answer = desk.post(address, said, **matched(ticket))
                assert answer.status_code == 400
        assert RenewalChange.objects.get().state == "UNDECIDED"

    def test_a_version_proposed_meanwhile_is_not_the_one_approved(
        self, ticket, desk, support, today
    ):
        seen = desk.get(f"{versions(ticket)}1/").json()["seen"]
        other = adjustments.draft(ticket, quantity=9, by=support, on=today)
        adjustments.propose(other, by=support, on=today)

        with pytest.raises(ValidationError) as refusal:
            tickets.decide(ticket, approve=True, by=support, on=today, seen=seen)

        assert refusal.value.code == "changed"

    def test_an_earlier_version_is_not_decided(self, ticket, desk):
        desk.post(versions(ticket), {"quantity": 6}, **matched(ticket))
        desk.post(f"{versions(ticket)}2/propose/", **matched(ticket))

        answer = desk.post(
            f"{versions(ticket)}1/approve/", seen_by(desk, ticket), **matched(ticket)
        )

        assert answer.json()["code"] == "changed"

    def test_the_author_above_the_limit_is_refused(self, ticket, desk, colleague):
        ApprovalLimit.objects.create(currency="USD", amount=1)
        desk.post(versions(ticket), {"quantity": 6}, **matched(ticket))
        desk.post(f"{versions(ticket)}2/propose/", **matched(ticket))
        address = f"{versions(ticket)}2/approve/"

        own = desk.post(address, seen_by(desk, ticket), **matched(ticket))
        other = colleague.post(address, seen_by(desk, ticket), **matched(ticket))

        assert own.json()["code"] == "author"
        assert other.json()["state"] == "SCHEDULED"

    def test_are_undone(self, ticket, desk):
        desk.post(
            f"{versions(ticket)}1/approve/", seen_by(desk, ticket), **matched(ticket)
        )

        answer = desk.post(f"{versions(ticket)}1/undo/", **matched(ticket))

        assert (answer.json()["version"], answer.json()["state"]) == (2, "PROPOSED")
        assert RenewalChange.objects.get().state == "UNDECIDED"

    def test_are_declined_and_thrown_away(self, ticket, desk):
        desk.post(versions(ticket), {"quantity": 6}, **matched(ticket))
        thrown = desk.post(f"{versions(ticket)}2/discard/", **matched(ticket))
        declined = desk.post(
            f"{versions(ticket)}1/decline/", seen_by(desk, ticket), **matched(ticket)
        )

        assert thrown.json()["state"] == "WITHDRAWN"
        assert declined.json()["state"] == "DECLINED"

    def test_name_one_thing(self, ticket, desk):
        answer = desk.post(versions(ticket), {"reason": "x"}, **matched(ticket))

        assert answer.status_code == 400

    def test_a_plan_that_is_not_there_is_refused(self, ticket, desk):
        answer = desk.post(versions(ticket), {"plan": "none"}, **matched(ticket))

        assert answer.json()["code"] == "foreign_plan"

    def test_credit_a_charge(self, firm, desk):
        charge = firm.admin.account.charges.filter(
            reason="PERIOD", amount__gt=1
        ).first()
        question = TicketFactory(
            account=firm.admin.account, category="CHARGE", line=charge.line
        )

        drafted = desk.post(
            versions(question),
            {"charge": charge.pk, "amount": "1.00", "reason": "Sorry."},
            **matched(question),
        )
        desk.post(f"{versions(question)}1/propose/", **matched(question))
        desk.post(
            f"{versions(question)}1/approve/",
            seen_by(desk, question),
            **matched(question),
        )

        assert drafted.status_code == 201
        assert CreditGrant.objects.get().amount == 1

    def test_need_their_own_scope(self, ticket, support, present):
        reader = program(support, "tickets:read", audience=ApiKey.Audience.SUPPORT)

        assert reader.get(versions(ticket)).status_code == 403

    def test_are_not_for_an_account(self, ticket, mine):
        assert mine.get(versions(ticket)).status_code == 403
