from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import clock, erasures
from accounts.models import Account


class Command(BaseCommand):
    help = "Erase whom their company deactivated long enough ago, as the tick does."

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            help="the local day of every account, as 2027-01-31 (its own today if left out)",
        )

    def handle(self, *, on, **options):
        days = settings.ERASE_DEACTIVATED_DAYS
        if not days:
            raise CommandError(
                "ERASE_DEACTIVATED_DAYS is 0: nobody is erased by itself."
            )
        gone = sum(
            erasures.erase_overdue(
                zone=zone, days=days, on=on or clock.today(zone), at=clock.now()
            )
            for zone in Account.objects.timezones()
        )
        self.stdout.write(f"{gone} people erased.")
