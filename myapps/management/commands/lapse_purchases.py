from datetime import date

from django.core.management.base import BaseCommand

from accounts import clock
from accounts.models import Account
from myapps import purchases


class Command(BaseCommand):
    help = "Close the purchases nobody approved in time, as the hourly task does."

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            help="the local day of every account, as 2027-01-31 (its own today if left out)",
        )

    def handle(self, *, on, **options):
        zones = Account.objects.values_list("timezone", flat=True).distinct()
        lapsed = sum(
            purchases.lapse(zone=zone, on=on or clock.today(zone)) for zone in zones
        )
        self.stdout.write(f"{lapsed} purchases lapsed.")
