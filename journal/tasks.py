"""Delivering what was promised."""

import logging

from celery import shared_task
from django.utils import timezone

from journal import outbox

log = logging.getLogger(__name__)


@shared_task
def deliver_outbox() -> None:
    """Every minute, and when nudged: send the emails that are due."""
    outbox.deliver(at=timezone.now())


def nudge() -> None:
    """Ask a worker to deliver now. A courtesy: without it the next tick delivers."""
    try:
        deliver_outbox.apply_async(retry=False, expires=60)
    except Exception as failure:  # whatever the broker's library raises
        log.info("The outbox waits for the next tick: %s", failure)
