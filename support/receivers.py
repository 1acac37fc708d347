"""News from billing and of the desk, heard inside the transaction that made it."""

from django.dispatch import receiver

from accounts import clock
from accounts.signals import user_erased
from billing.models import RenewalChange
from billing.signals import decrease_asked, decrease_settled
from support import adjustments, incoming_mails, mails, signals, tickets
from support.models import Ticket


@receiver(decrease_asked, dispatch_uid="support_decrease_asked")
def _asked(sender, *, change, by, on, **news):
    """A ticket at once where it was wanted; else the calendar opens it (3.12)."""
    replaced = change.kind == RenewalChange.Kind.REPLACED
    there = Ticket.objects.filter(
        line=change.line_id, term_ends_on=change.term_ends_on
    ).exists()
    if change.ticket_wanted or replaced or there:
        origin = Ticket.Origin.PLAN_CHANGE if replaced else Ticket.Origin.CUSTOMER
        tickets.propose(change, by=by, on=on, origin=origin, at=clock.now())


@receiver(decrease_settled, dispatch_uid="support_decrease_settled")
def _settled(sender, *, change, by, on, **news):
    adjustments.follow(change)
    tickets.settle(change, on=on, at=clock.now())


@receiver(signals.said, dispatch_uid="support_said")
def _said(sender, *, message, **news):
    """What staff tell a customer is mailed; what the calendar says, notices tell."""
    if message.author and message.author.kind in tickets.STAFF:
        mails.reply(message)


@receiver(signals.mentioned, dispatch_uid="support_mentioned")
def _mentioned(sender, *, message, people, **news):
    mails.mention(message, people)


@receiver(user_erased, dispatch_uid="support_user_erased")
def _erased(sender, *, user, address, **news):
    incoming_mails.forget(address)
