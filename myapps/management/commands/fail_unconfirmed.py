"""manage.py fail_unconfirmed [--on DAY]"""

from datetime import date

from django.core.management.base import BaseCommand

from accounts import clock
from myapps import provisioning


class Command(BaseCommand):
    help = (
        "Pay back the installations that no partner confirmed in time, as the hourly"
        " task does."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            metavar="DAY",
            help="The local day of every account (its own today if left out).",
        )

    def handle(self, *, on, **options):
        failed = provisioning.expire_all(on=lambda zone: on or clock.today(zone))
        self.stdout.write(
            f"{failed:,} installation{'' if failed == 1 else 's'} failed."
        )
