"""The hourly run and the notices: the clock and one call, for each time zone."""

from celery import shared_task
from django.conf import settings

from accounts import clock
from support import notices, term_end


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


def places() -> dict[str, str]:
    """The names and addresses that every mail gives (T18)."""
    return {
        "vendor": settings.VENDOR_NAME,
        "terms": settings.TERMS_ADDRESS,
        "support": settings.SUPPORT_ADDRESS,
        "public": settings.PUBLIC_ADDRESS,
    }
