"""manage.py end_terms [--on DAY] [--zone ZONE]"""

from collections import Counter
from datetime import date

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts import clock
from support import term_end

WORDS = {
    "begun": "signed lines begun",
    "lines": "lines carried forward",
    "tickets": "tickets opened",
    "closed": "installations closed",
    "contracts": "contracts ended",
    "parked": "lines parked",
}


class Command(BaseCommand):
    help = (
        "Carry every line to its account's day, as the hourly task does: charge the"
        " periods that began, renew or end terms, open billing tickets. Safe to repeat."
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
        parser.add_argument(
            "--batch",
            type=int,
            default=settings.TERM_END_BATCH,
            help="Lines in one transaction.",
        )

    def handle(self, *, on, zone, batch, **options):
        done = Counter()
        for name in [zone] if zone else term_end.zones():
            done += term_end.run(
                zone=name,
                on=on or clock.today(name),
                lead_days=settings.TERM_END_LEAD_DAYS,
                most=batch,
            )
        for key, words in WORDS.items():
            if done[key]:
                self.stdout.write(f"{done[key]:>8,} {words}")
        if not done:
            self.stdout.write("Nothing was due.")
