"""manage.py send_digests"""

from django.core.management.base import BaseCommand

from accounts import clock
from journal import notices


class Command(BaseCommand):
    help = "Mail the daily digests that are due, as the hourly task does."

    def handle(self, **options):
        sent = notices.send_digests(at=clock.now())
        self.stdout.write(f"Digests written: {sent:,}.")
