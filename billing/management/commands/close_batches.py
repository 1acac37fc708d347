"""manage.py close_batches [--on DAY]"""

from datetime import date

from django.core.management.base import BaseCommand, CommandError

from accounts import clock
from billing import batches


class Command(BaseCommand):
    help = (
        "Close billing days: charges up to a day leave in batches, one for each account,"
        " day and currency, as the hourly task does."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            metavar="DAY",
            help="the last billing day to close, as 2026-11-22 (yesterday if left out)",
        )

    def handle(self, *, on, **options):
        made = 0
        for zone in batches.zones():
            yesterday = clock.today(zone) - batches.DAY
            if on and on > yesterday:
                raise CommandError(
                    f"{on} is not over in {zone}: close {yesterday} at most."
                )
            made += batches.close(zone=zone, on=on or yesterday)
        self.stdout.write(f"{made} batch{'' if made == 1 else 'es'} closed.")
