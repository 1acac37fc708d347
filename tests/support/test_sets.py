"""Tickets of the term end are opened as a set: as many questions for many as for few."""

import datetime

import pytest

from billing import renewals
from billing.models import RenewalChange
from journal.models import Activity
from support import tickets
from support.models import Evidence, Message, Ticket
from tests.factories import ContractFactory, LineFactory

TERM_END = datetime.date(2027, 1, 1)


@pytest.fixture
def changes(account, admin, today):
    """Twelve undecided ends on lines of one contract."""
    contract = ContractFactory(account=account)
    for _ in range(12):
        renewals.end(LineFactory(contract=contract, on=today), by=admin, on=today)
    return RenewalChange.objects.select_related(
        "line__plan__app", "target_plan", "new_line", "asked_by", "account"
    )


def test_a_constant_number_of_queries(changes, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        tickets.propose_due(changes, on=TERM_END)

    assert Ticket.objects.count() == 12
    assert Evidence.objects.count() == 12
    assert Message.objects.count() == 12
    assert Activity.objects.filter(verb="ticket.opened").count() == 12


def test_repeated_it_opens_nothing(changes):
    tickets.propose_due(changes, on=TERM_END)

    assert tickets.propose_due(changes, on=TERM_END) == 0
    assert Message.objects.count() == 12
