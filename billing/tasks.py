"""Handing the money off: the clock and one call, for each time zone."""

from celery import shared_task

from accounts import clock
from billing import batches


@shared_task
def close_batches() -> None:
    """Every hour: each account's billing day is closed once it is over."""
    for zone in batches.zones():
        batches.close(zone=zone, on=clock.today(zone) - batches.DAY)
