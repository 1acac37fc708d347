"""manage.py tell_of_list_prices [--on DAY]"""

from datetime import date

from django.core.management.base import BaseCommand

from accounts import clock
from accounts.models import Account
from billing import price_changes


class Command(BaseCommand):
    help = (
        "Tell those who have a plan month to month of its list price to come, as the"
        " daily task does. Each is told once of a price."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            metavar="DAY",
            help="The local day of every account (its own today if left out).",
        )

    def handle(self, *, on, **options):
        told = sum(
            price_changes.tell(zone=zone, on=on or clock.today(zone), at=clock.now())
            for zone in Account.objects.timezones()
        )
        self.stdout.write(f"Notices written: {told:,}.")
