"""What follows news from the journal."""

from django.db import connection, transaction
from django.dispatch import receiver

from journal import signals, tasks


@receiver(signals.promised)
def nudge_once(sender, *, kind, **news):
    """One nudge a transaction and kind, however many messages were written in it."""
    nudge = tasks.NUDGES[kind]
    if not any(hook[1] is nudge for hook in connection.run_on_commit):
        transaction.on_commit(nudge, robust=True)
