"""News from the journal, heard inside the transaction that made it."""

from django.dispatch import receiver

from accounts import mails
from journal.signals import digest_due, told


@receiver(told, dispatch_uid="accounts_told")
def _told(sender, *, user, notice_id, said, at, account, **news):
    mails.notice(user, notice_id=notice_id, said=said, account=account, at=at)


@receiver(digest_due, dispatch_uid="accounts_digest_due")
def _digest_due(sender, *, waiting, at, **news):
    mails.digests(waiting, at=at)
