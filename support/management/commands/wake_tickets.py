"""manage.py wake_tickets [--on DAY] [--zone ZONE]"""

from collections import Counter
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand

from accounts import clock
from support import tasks, term_end

WORDS = {
    "woken": "waiting tickets woken",
    "closed": "solved tickets closed",
    "opened": "tickets opened for what a partner did not set up",
}


class Command(BaseCommand):
    help = (
        "Wake the tickets that waited until a day, close those solved long enough, and"
        " open those of failed installations, as the hourly task does. Safe to repeat."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            metavar="DAY",
            help="The local day of every account, as 2027-01-31 (its own today if left"
            " out).",
        )
        parser.add_argument("--zone", help="One time zone only, as Pacific/Auckland.")

    def handle(self, *, on, zone, **options):
        done = Counter()
        for name in [zone] if zone else term_end.zones():
            done += tasks.pass_time(
                zone=name, on=on or clock.today(name), at=self.moment(on, name)
            )
        for key, words in WORDS.items():
            if done[key]:
                self.stdout.write(f"{done[key]:>8,} {words}")
        if not done:
            self.stdout.write("Nothing was due.")

    def moment(self, on, zone):
        if on is None:
            return clock.now()
        return datetime.combine(on, time(0), ZoneInfo(zone)).astimezone(UTC)
