from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from journal import webhooks


class Command(BaseCommand):
    help = "Drop what is kept of old webhook deliveries, as the worker does every hour."

    def add_arguments(self, parser):
        parser.add_argument("--on", type=date.fromisoformat, help="As 2026-11-23.")

    def handle(self, *, on, **options):
        at = datetime.combine(on, time(), UTC) if on else timezone.now()
        kept = timedelta(days=settings.WEBHOOK_DAYS_KEPT)
        dropped = webhooks.forget(before=at - kept)
        self.stdout.write(f"Attempts dropped: {dropped}.")
