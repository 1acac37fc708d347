"""manage.py forget_notices [--on DAY]"""

from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts import clock
from journal import notices


class Command(BaseCommand):
    help = "Drop the notices that were kept long enough, as the daily task does."

    def add_arguments(self, parser):
        parser.add_argument("--on", type=date.fromisoformat, help="As 2026-11-23.")

    def handle(self, *, on, **options):
        at = datetime.combine(on, time(), UTC) if on else clock.now()
        kept = timedelta(days=settings.NOTICE_DAYS_KEPT)
        dropped = notices.forget(before=at - kept)
        self.stdout.write(f"Notices dropped: {dropped:,}.")
