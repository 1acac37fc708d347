"""The clock and one call: what accounts do by themselves."""

import logging

from celery import shared_task
from django.utils import timezone

from accounts import answers, clock, jobs

log = logging.getLogger(__name__)


@shared_task
def forget_answers() -> None:
    """Every day: forget the answers to API calls of more than thirty days ago."""
    answers.forget(at=timezone.now())


@shared_task
def work_jobs() -> None:
    """Every minute, and when nudged: carry out the files of people that were begun."""
    jobs.work(at=clock.now())


def nudge_jobs() -> None:
    """Ask a worker to begin now. A courtesy: without it the next tick does."""
    try:
        work_jobs.apply_async(retry=False, expires=60)
    except Exception as failure:  # whatever the broker's library raises
        log.info("Files of people wait for the next tick: %s", failure)
