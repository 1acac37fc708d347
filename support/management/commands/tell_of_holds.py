"""manage.py tell_of_holds [--on DAY] [--zone ZONE]"""

from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts import clock
from support import hold_alerts, tasks, term_end


class Command(BaseCommand):
    help = (
        "Tell staff of tickets that hold money too long, as the hourly task does. Each"
        " is told of once for each mark of HELD_ALERT_DAYS."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            metavar="DAY",
            help="The local day of every account (its own today if left out).",
        )
        parser.add_argument("--zone", help="One time zone only, as Pacific/Auckland.")

    def handle(self, *, on, zone, **options):
        told = sum(
            hold_alerts.tell(
                zone=name,
                on=on or clock.today(name),
                marks=settings.HELD_ALERT_DAYS,
                at=clock.now(),
                places=tasks.places(),
            )
            for name in ([zone] if zone else term_end.zones())
        )
        self.stdout.write(f"Told of {told:,} ticket{'' if told == 1 else 's'}.")
