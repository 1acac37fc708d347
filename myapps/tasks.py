"""What the console owes those who joined, and those who wait for a partner."""

import logging

from celery import shared_task

from accounts import clock
from accounts.models import Account
from myapps import joins, provisioning, purchases

log = logging.getLogger(__name__)


@shared_task
def seat_joiners() -> None:
    """Every minute: settle the joins of activated roles that have no outcome yet (T6).

    What fails for one installation is left to the next tick and holds no other up.
    """
    for installation in joins.waiting():
        try:
            joins.settle_all(installation)
        except Exception:
            log.exception("Joins of installation %s are not settled", installation)


@shared_task
def fail_unconfirmed() -> None:
    """Every hour: an installation no partner confirmed in time is paid back (3.20)."""
    provisioning.expire_all(on=clock.today)


@shared_task
def lapse_purchases() -> None:
    """Every hour: purchases that nobody approved in time are closed, and told (ADR 34)."""
    for zone in Account.objects.values_list("timezone", flat=True).distinct():
        purchases.lapse(zone=zone, on=clock.today(zone))
