"""What time alone does: tickets wake on their day, close after some days, and what the
product finds by itself has one ticket.
"""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from billing.models import Charge
from billing.reconcile import Difference
from support import findings, histories, lapses, tickets
from support.models import Message, Ticket
from tests.cases.company import Company
from tests.factories import (
    AccountFactory,
    AppFactory,
    PlanFactory,
    TicketFactory,
    UserFactory,
)

State = Ticket.State
DAY = timedelta(days=1)
ZONE = "Pacific/Auckland"


@pytest.fixture
def account(db):
    return AccountFactory(timezone=ZONE)


def waiting(account, day, state="WAITING"):
    return TicketFactory(account=account, state=state, wakes_on=day)


class TestWaking:
    @pytest.mark.parametrize("state", Ticket.ASLEEP)
    def test_opens_what_waited_until_today(self, account, today, state):
        ticket = waiting(account, today, state)

        assert lapses.wake(zone=ZONE, on=today) == 1

        ticket.refresh_from_db()
        assert (ticket.state, ticket.wakes_on, ticket.version) == ("OPEN", None, 1)
        (entry,) = histories.of(ticket)
        assert entry.by is None
        assert [one.field for one in entry.differences] == ["state", "wakes_on"]

    def test_leaves_what_waits_longer_and_other_zones(self, account, today):
        waiting(account, today + DAY)
        waiting(AccountFactory(timezone="Asia/Tokyo"), today)

        assert lapses.wake(zone=ZONE, on=today) == 0

    def test_comes_late_and_twice_without_harm(self, account, today):
        ticket = waiting(account, today)

        assert lapses.wake(zone=ZONE, on=today + 3 * DAY) == 1
        assert lapses.wake(zone=ZONE, on=today + 3 * DAY) == 0

        ticket.refresh_from_db()
        assert ticket.version == 1

    def test_goes_on_from_the_midnight_however_late_it_comes(
        self, first_promises, account, support, today
    ):
        def due(late):
            ticket = TicketFactory(account=account, opened_at=datetime(
                2026, 11, 19, 22, tzinfo=UTC
            ))  # fmt: skip
            tickets.revise(
                ticket,
                {"state": "WAITING", "wakes_in": 3},
                version=None,
                by=support,
                on=date(2026, 11, 20),
            )
            lapses.wake(zone=ZONE, on=today + late)
            ticket.refresh_from_db()
            return ticket.solution_due_at

        assert due(0 * DAY) == due(5 * DAY) is not None

    def test_asks_as_often_for_many_as_for_few(
        self, account, today, django_assert_max_num_queries
    ):
        for _number in range(25):
            waiting(account, today)

        with django_assert_max_num_queries(16):
            assert lapses.wake(zone=ZONE, on=today) == 25

    def test_goes_batch_by_batch(self, account, today):
        for _number in range(5):
            waiting(account, today)

        assert lapses.wake(zone=ZONE, on=today, most=2) == 5


class TestClosing:
    def test_closes_what_was_solved_long_enough(self, account, present, today):
        old = TicketFactory(
            account=account, state="SOLVED", solved_at=present - 8 * DAY
        )
        new = TicketFactory(
            account=account, state="SOLVED", solved_at=present - 6 * DAY
        )

        closed = lapses.close(zone=ZONE, solved_by=present - 7 * DAY, on=today)

        old.refresh_from_db()
        new.refresh_from_db()
        assert (closed, old.state, new.state) == (1, "CLOSED", "SOLVED")
        assert histories.of(old)[0].differences[0].after == "Closed"

    def test_by_command_says_what_was_done(self, account, present, today, settings):
        settings.SOLVED_CLOSES_DAYS = 2
        TicketFactory(account=account, state="SOLVED", solved_at=present - 3 * DAY)
        waiting(account, today)

        said = _said("wake_tickets")

        assert "1 waiting tickets woken" in said
        assert "1 solved tickets closed" in said
        assert _said("wake_tickets") == "Nothing was due.\n"

    def test_by_command_for_a_day(self, account, present, today):
        waiting(account, today + 9 * DAY)

        assert "1 waiting" in _said("wake_tickets", on=today + 9 * DAY, zone=ZONE)


class TestADifference:
    @pytest.fixture
    def found(self, account):
        return [
            Difference(
                account=account.slug, line="line 1 (A)", what="charged 3, not 2"
            ),
            Difference(account=account.slug, line="line 2 (B)", what="missing"),
        ]

    def test_has_one_ticket_for_staff_alone(self, found, account, today):
        assert findings.differences(found, on=lambda zone: today) == 2
        assert findings.differences(found, on=lambda zone: today) == 0

        first = Ticket.objects.order_by("id").first()
        assert (first.origin, first.internal, first.account) == (
            "RECONCILE",
            True,
            account,
        )
        assert "not 2" in Message.objects.get(ticket=first).body or (
            "missing" in Message.objects.get(ticket=first).body
        )

    def test_is_not_told_again_when_its_ticket_is_done(self, found, support, today):
        findings.differences(found[:1], on=lambda zone: today)
        tickets.move(Ticket.objects.get(), State.SOLVED, by=support, on=today)

        assert findings.differences(found[:1], on=lambda zone: today) == 0

    def test_of_real_charges_is_found_by_command(self, present):
        company = Company(starts_on=date(2026, 1, 1))
        company.signs(PlanFactory(app=AppFactory()), 2, "8.00")
        company.until(date(2026, 11, 23))
        assert _said("tell_differences") == "No differences.\n"
        lost = Charge.objects.order_by("id").last()
        _lose(lost)

        assert _said("tell_differences") == "1 differences, 1 tickets opened.\n"
        assert _said("tell_differences") == "1 differences, 0 tickets opened.\n"
        assert Ticket.objects.get(origin="RECONCILE").line_id == lost.line_id


class TestARefusedInstallation:
    def test_of_this_week_has_one_ticket_for_staff_alone(self, present):
        company = Company(starts_on=date(2026, 1, 1))
        company.until(date(2026, 11, 23))
        plan = PlanFactory(app=AppFactory(), price=10)
        installation = company.installs(plan, [company.admin])
        type(installation).objects.filter(pk=installation.pk).update(
            state="FAILED", closed_on=date(2026, 11, 22), answer="No such country."
        )
        zone = installation.account.timezone

        opened = [
            findings.failures(zone=zone, on=date(2026, 11, day))
            for day in (21, 30, 23, 23)
        ]

        ticket = Ticket.objects.get(cause=f"installation:{installation.pk}")
        assert opened == [0, 0, 1, 0]
        assert (ticket.origin, ticket.internal) == ("PARTNER", True)
        assert "No such country." in ticket.messages.get().body


class TestATicketOfStaff:
    def test_stands_with_who_opened_it_and_is_told_to_who_asked(
        self, account, support, today
    ):
        asked = UserFactory(account=account)

        ticket = tickets.open_by_staff(
            account, category="INSTALL", subject="Called us", requester=asked,
            app=AppFactory(), line=None, body="canary", by=support, on=today,
        )  # fmt: skip

        assert (ticket.origin, ticket.requester, ticket.assignee) == (
            "STAFF",
            asked,
            support,
        )
        assert not ticket.internal
        assert not ticket.messages.public().exists()


def _said(command, **options):
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def _lose(charge):
    """Take a charge out of the ledger, as no code may."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM billing_charge WHERE id = %s", [charge.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
