"""The demo's canned replies and macros work on the tickets that they are for."""

import pytest

from demo import writing_aids
from support import canned_replies, macros, tickets
from support.models import CannedReply, Macro
from tests.factories import LineFactory, TicketFactory


@pytest.fixture
def ticket(account, admin, today):
    line = LineFactory(account=account)
    return TicketFactory(
        account=account, requester=admin, state="OPEN", line=line,
        app=line.plan.app, plan=line.plan, term_ends_on=today,
    )  # fmt: skip


def test_every_reply_is_filled_in_without_a_rest(ticket, support, today):
    writing_aids.enter(on=today)

    for reply in CannedReply.objects.all():
        text = canned_replies.rendered(reply, ticket=ticket, by=support, on=today)
        assert not canned_replies.variables(text)


def test_every_macro_can_be_applied(ticket, support, today):
    writing_aids.enter(on=today)

    for macro in Macro.objects.all():
        macros.apply(macro, ticket, version=None, by=support, on=today)
        tickets.move(ticket, "OPEN", by=support, on=today)
    ticket.refresh_from_db()
    assert ticket.priority == 1
