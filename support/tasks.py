"""The hourly run and the notices: the clock and one call, for each time zone."""

import logging
from collections import Counter
from datetime import date, datetime, timedelta

from celery import shared_task
from django.conf import settings

from accounts import clock
from support import (
    bulk_jobs,
    findings,
    hold_alerts,
    incoming_mails,
    lapses,
    mailboxes,
    notices,
    term_end,
)

log = logging.getLogger(__name__)


@shared_task
def end_terms() -> None:
    """Every hour: each account is due on its own local day. Periods are charged too."""
    for zone in term_end.zones():
        term_end.run(
            zone=zone,
            on=clock.today(zone),
            lead_days=settings.TERM_END_LEAD_DAYS,
            most=settings.TERM_END_BATCH,
        )


@shared_task
def send_notices() -> None:
    """Every hour: tell those who manage apps which terms come to their end."""
    for zone in term_end.zones():
        notices.send(
            zone=zone,
            on=clock.today(zone),
            marks=settings.NOTICE_DAYS,
            at=clock.now(),
            places=places(),
        )


@shared_task
def tell_of_holds() -> None:
    """Every hour: tell staff of tickets that have held money for a set number of days."""
    for zone in term_end.zones():
        hold_alerts.tell(
            zone=zone,
            on=clock.today(zone),
            marks=settings.HELD_ALERT_DAYS,
            at=clock.now(),
            places=places(),
        )


@shared_task
def wake_tickets() -> None:
    """Every hour: those that waited until today wake, those solved long enough close, and
    what a partner did not set up has its ticket.
    """
    for zone in term_end.zones():
        pass_time(zone=zone, on=clock.today(zone), at=clock.now())


def pass_time(*, zone: str, on: date, at: datetime) -> Counter:
    """What a day brings to the tickets of a time zone: see `lapses` and `findings`."""
    return Counter(
        woken=lapses.wake(zone=zone, on=on),
        closed=lapses.close(
            zone=zone,
            solved_by=at - timedelta(days=settings.SOLVED_CLOSES_DAYS),
            on=on,
        ),
        opened=findings.failures(zone=zone, on=on),
    )


@shared_task
def tell_differences() -> None:
    """Every day: what does not reconcile has its ticket."""
    findings.differences(findings.reconciled(), on=clock.today)


def places() -> dict[str, str]:
    """The names and addresses that every mail gives (T18)."""
    return {
        "vendor": settings.VENDOR_NAME,
        "terms": settings.TERMS_ADDRESS,
        "support": settings.SUPPORT_ADDRESS,
        "public": settings.PUBLIC_ADDRESS,
    }


@shared_task
def work_bulk_jobs() -> None:
    """Every minute, and when nudged: carry out the bulk jobs that were begun."""
    bulk_jobs.work(at=clock.now())


def nudge_bulk_jobs() -> None:
    """Ask a worker to begin now. A courtesy: without it the next tick does."""
    try:
        work_bulk_jobs.apply_async(retry=False, expires=60)
    except Exception as failure:  # whatever the broker's library raises
        log.info("Bulk jobs wait for the next tick: %s", failure)


@shared_task
def read_mail() -> None:
    """Every minute, where a mailbox is named: take in the answers that came by email."""
    if settings.MAILBOX_URL:
        take_mail(settings.MAILBOX_URL)


def take_mail(url: str) -> Counter:
    """Take in what is unread in a mailbox; how many came to which outcome.

    An email on which taking it in fails is kept aside, and logged.
    """
    outcomes = Counter()

    def take(raw: bytes) -> None:
        try:
            mail = incoming_mails.take(
                raw, desk=settings.SUPPORT_ADDRESS, at=clock.now(), on=clock.today
            )
        except Exception:
            log.exception("An email could not be taken in")
            mail = incoming_mails.give_up(raw, words="It could not be taken in.")
        outcomes[mail.outcome] += 1

    mailboxes.read(url, take)
    return outcomes
