"""The clock and one call: what accounts do by themselves."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import answers, clock, erasures, jobs
from accounts.models import Account
from journal import notices, outbox

log = logging.getLogger(__name__)


@shared_task
def forget_answers() -> None:
    """Every day: forget the answers to API calls of more than thirty days ago."""
    answers.forget(at=timezone.now())


@shared_task
def work_jobs() -> None:
    """Every minute, and when nudged: carry out the files of people that were begun."""
    jobs.work(at=clock.now())


@shared_task
def send_digests() -> None:
    """Every hour: mail the digests of those for whom it is eight o'clock, or was."""
    notices.send_digests(at=clock.now())


@shared_task
def forget_notices() -> None:
    """Every day: drop the notices that were kept long enough."""
    kept = timedelta(days=settings.NOTICE_DAYS_KEPT)
    notices.forget(before=clock.now() - kept)


@shared_task
def erase_people() -> None:
    """Every day: erase whom their company deactivated long enough ago, where the
    product is set to.
    """
    if days := settings.ERASE_DEACTIVATED_DAYS:
        for zone in Account.objects.timezones():
            erasures.erase_overdue(
                zone=zone, days=days, on=clock.today(zone), at=clock.now()
            )


@shared_task
def forget_mails() -> None:
    """Every day: forget the words of emails that were delivered long enough ago."""
    kept = timedelta(days=settings.MAIL_DAYS_KEPT)
    outbox.forget_words(before=clock.now() - kept)


def nudge_jobs() -> None:
    """Ask a worker to begin now. A courtesy: without it the next tick does."""
    try:
        work_jobs.apply_async(retry=False, expires=60)
    except Exception as failure:  # whatever the broker's library raises
        log.info("Files of people wait for the next tick: %s", failure)
