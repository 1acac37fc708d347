"""The hourly run: many lines at once, one that breaks it, and several workers."""

import datetime
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from billing import renewals
from billing.models import Charge, Contract, Line, Term
from support import term_end, tickets
from support.models import Ticket
from tests.factories import ContractFactory, LineFactory, UserFactory

TERM_END = datetime.date(2027, 1, 1)


def lines_due(count, *, on, **fields):
    return [LineFactory(on=on, **fields) for _ in range(count)]


def poisoned(*, on):
    """A line whose next charge is greater than a charge can be."""
    line = LineFactory(on=on, contracted=2_000_000_000)
    Line.objects.filter(pk=line.pk).update(monthly_unit_price=Decimal("999999999999"))
    return line


@pytest.mark.django_db
class TestALineThatBreaksTheRun:
    def test_is_parked_with_a_ticket_for_staff_alone(self, today):
        bad = poisoned(on=today)

        term_end.run(zone="UTC", on=TERM_END)

        bad.refresh_from_db()
        assert bad.parked_at
        ticket = Ticket.objects.get()
        assert (ticket.category, ticket.line, ticket.internal) == ("PARKED", bad, True)
        assert not ticket.messages.public()

    def test_does_not_hold_up_the_others_in_its_batch(self, today):
        good = lines_due(6, on=today)
        bad = poisoned(on=today)

        done = term_end.run(zone="UTC", on=TERM_END, most=100)

        renewed = Term.objects.filter(starts_on=TERM_END)
        assert set(renewed.values_list("line", flat=True)) == {one.pk for one in good}
        assert done["parked"] == 1
        assert not Charge.objects.filter(line=bad, billed_on__gt=today)

    def test_is_left_alone_until_it_is_released(self, today, support):
        bad = poisoned(on=today)
        term_end.run(zone="UTC", on=TERM_END)
        assert not term_end.run(zone="UTC", on=TERM_END)
        Line.objects.filter(pk=bad.pk).update(monthly_unit_price=1)

        tickets.release(Ticket.objects.get(), by=support, on=TERM_END)
        term_end.run(zone="UTC", on=TERM_END)

        assert Term.objects.filter(line=bad, starts_on=TERM_END).exists()
        assert Ticket.objects.get().state == Ticket.State.SOLVED


def records():
    """What a run leaves, without the order in which it came to be."""
    charges = Charge.objects.order_by("line", "period_starts_on").values_list(
        "line", "period_starts_on", "cause", "quantity", "amount", "billed_on"
    )
    terms = Term.objects.order_by("line", "starts_on").values_list(
        "line", "starts_on", "ends_on", "contracted", "billed_until", "outcome"
    )
    return list(charges), list(terms)


@pytest.mark.django_db(transaction=True)
def test_three_runs_at_once_write_everything_once(today):
    lines = lines_due(40, on=today)
    asker = UserFactory()
    for line in lines[:10]:
        renewals.end(line, by=asker, on=today)
    start = threading.Barrier(3)
    failures = []

    def work():
        try:
            start.wait()
            term_end.run(zone="UTC", on=TERM_END, most=7)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failures == []
    assert Ticket.objects.count() == 10
    assert Term.objects.filter(starts_on=TERM_END).count() == 40
    assert Charge.objects.filter(period_starts_on=TERM_END).count() == 30
    before = records()
    term_end.run(zone="UTC", on=TERM_END)
    assert records() == before


@pytest.mark.django_db
def test_hourly_runs_and_one_late_run_leave_the_same_records(today):
    asker = UserFactory()
    daily, late = (
        LineFactory(contract=ContractFactory(account__timezone=zone), on=today)
        for zone in ("Europe/Lisbon", "Asia/Tokyo")
    )
    for line in (daily, late):
        Line.objects.filter(pk=line.pk).update(monthly_unit_price=7)
        renewals.end(line, by=asker, on=today)
    end = TERM_END + datetime.timedelta(days=40)
    day = today
    while day <= end:
        term_end.run(zone="Europe/Lisbon", on=day)
        day += datetime.timedelta(days=1)
    term_end.run(zone="Asia/Tokyo", on=end)

    charged = [
        list(
            line.charges.order_by("period_starts_on").values_list(
                "period_starts_on", "quantity", "amount", "billed_on"
            )
        )
        for line in (daily, late)
    ]
    assert charged[0] == charged[1]
    termed = [
        list(
            line.terms.order_by("starts_on").values_list(
                "starts_on", "ends_on", "billed", "outcome"
            )
        )
        for line in (daily, late)
    ]
    assert termed[0] == termed[1]


@pytest.mark.django_db
class TestAContractThatEnds:
    def test_tells_sales_once_and_no_customer(self, today):
        contract = ContractFactory(auto_renews=False, ends_on=TERM_END)
        line = LineFactory(contract=contract, on=today)

        term_end.run(zone="UTC", on=TERM_END)
        term_end.run(zone="UTC", on=TERM_END)

        ticket = Ticket.objects.get()
        assert (ticket.category, ticket.internal) == ("CONTRACT", True)
        assert str(line.plan) in ticket.messages.get().body
        assert Contract.objects.get().wound_up_on == TERM_END
        line.refresh_from_db()
        assert line.ends_on == TERM_END

    def test_closes_what_was_asked_for_as_moot(self, today, admin, account):
        contract = ContractFactory(account=account)
        line = LineFactory(contract=contract, on=today)
        renewals.end(line, by=admin, on=today, ticket_wanted=True)
        Contract.objects.update(auto_renews=False, ends_on=TERM_END)

        term_end.run(zone="UTC", on=TERM_END)

        ticket = Ticket.objects.get(line=line, category="CANCELLATION")
        assert ticket.state == Ticket.State.SOLVED
        assert ticket.change.state == "MOOT"


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_lines(
    today, django_assert_max_num_queries
):
    lines_due(12, on=today)

    with django_assert_max_num_queries(50):
        term_end.run(zone="UTC", on=TERM_END)


@pytest.mark.django_db
def test_a_line_parked_twice_has_one_open_ticket(today):
    line = LineFactory(on=today)

    tickets.park(line.pk, because="First.", on=today)
    tickets.park(line.pk, because="Again.", on=today)

    assert Ticket.objects.open().parked().count() == 1
    assert Line.objects.get(pk=line.pk).parked_at <= timezone.now()
