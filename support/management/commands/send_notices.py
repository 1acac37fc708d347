"""manage.py send_notices [--on DAY] [--zone ZONE]"""

from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts import clock
from support import notices, tasks, term_end


class Command(BaseCommand):
    help = (
        "Tell those who manage apps of terms that come to their end, as the hourly task"
        " does. Each is told once."
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
        sent = sum(
            notices.send(
                zone=name,
                on=on or clock.today(name),
                marks=settings.NOTICE_DAYS,
                at=clock.now(),
                places=tasks.places(),
            )
            for name in ([zone] if zone else term_end.zones())
        )
        self.stdout.write(f"Notices written: {sent:,}.")
