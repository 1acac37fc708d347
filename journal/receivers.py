"""What follows news from the journal."""

from django.db import connection, transaction
from django.dispatch import receiver

from journal import signals, tasks


@receiver(signals.promised)
def nudge_once(sender, **news):
    """One nudge a transaction, however many messages were written in it."""
    if not any(hook[1] is tasks.nudge for hook in connection.run_on_commit):
        transaction.on_commit(tasks.nudge, robust=True)
