"""Handing the money off: the clock and one call, for each time zone."""

from celery import shared_task

from accounts import clock
from accounts.models import Account
from billing import batches, price_changes


@shared_task
def close_batches() -> None:
    """Every hour: each account's billing day is closed once it is over."""
    for zone in batches.zones():
        batches.close(zone=zone, on=clock.today(zone) - batches.DAY)


@shared_task
def tell_of_list_prices() -> None:
    """Every day: tell those who have a plan month to month of its price to come."""
    for zone in Account.objects.timezones():
        price_changes.tell(zone=zone, on=clock.today(zone), at=clock.now())
