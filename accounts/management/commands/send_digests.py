"""manage.py send_digests [--at MOMENT]"""

from datetime import UTC, datetime

from django.core.management.base import BaseCommand

from accounts import clock
from journal import notices


class Command(BaseCommand):
    help = "Mail the daily digests that are due, as the hourly task does."

    def add_arguments(self, parser):
        parser.add_argument(
            "--at",
            type=datetime.fromisoformat,
            metavar="MOMENT",
            help="As 2026-11-23T08:00, in UTC where it names no zone (now if left out).",
        )

    def handle(self, *, at, **options):
        if at and at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        sent = notices.send_digests(at=at or clock.now())
        self.stdout.write(f"Digests written: {sent:,}.")
