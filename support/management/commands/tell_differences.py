"""manage.py tell_differences"""

from django.core.management.base import BaseCommand

from accounts import clock
from support import findings


class Command(BaseCommand):
    help = (
        "Compute every charge a second time and open a ticket for each difference that"
        " has none yet, as the daily task does."
    )

    def handle(self, **options):
        found = findings.reconciled()
        opened = findings.differences(found, on=clock.today)
        self.stdout.write(
            f"{len(found):,} differences, {opened:,} tickets opened."
            if found
            else "No differences."
        )
