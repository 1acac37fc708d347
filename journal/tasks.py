"""Delivering what was promised."""

import logging
from datetime import timedelta
from functools import partial

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from journal import calls, outbox, webhooks
from journal.models import Message

log = logging.getLogger(__name__)


@shared_task
def deliver_outbox() -> None:
    """Every ten seconds, and when nudged: send the emails that are due."""
    outbox.deliver(at=timezone.now())


@shared_task
def deliver_webhooks() -> None:
    """Every ten seconds, and when nudged: send the webhooks that are due.

    A task apart, so that no slow partner holds up an email.
    """
    allowed = settings.WEBHOOK_LOOPBACK_ALLOWED
    webhooks.deliver(now=timezone.now, send=partial(calls.post, loopback=allowed))


@shared_task
def forget_attempts() -> None:
    """Every hour: drop what was kept of old deliveries."""
    kept = timedelta(days=settings.WEBHOOK_DAYS_KEPT)
    webhooks.forget(before=timezone.now() - kept)


def nudge() -> None:
    """Ask a worker to send the emails now: see `_nudge`."""
    _nudge(deliver_outbox)


def nudge_webhooks() -> None:
    """Ask a worker to send the webhooks now: see `_nudge`."""
    _nudge(deliver_webhooks)


NUDGES = {Message.Kind.EMAIL: nudge, Message.Kind.WEBHOOK: nudge_webhooks}


def _nudge(task) -> None:
    """A courtesy: without it the next tick delivers."""
    try:
        task.apply_async(retry=False, expires=60)
    except Exception as failure:  # whatever the broker's library raises
        log.info("The outbox waits for the next tick: %s", failure)
