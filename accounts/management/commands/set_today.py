"""manage.py set_today DAY | --clear"""

from datetime import UTC, date, datetime, time

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import clock


class Command(BaseCommand):
    help = (
        "Set the clock of web, worker and beat to noon (UTC) of a day, or let it run"
        " again. For demos and tests: refused in production."
    )

    def add_arguments(self, parser):
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("day", nargs="?", type=_day, help="As 2026-12-01.")
        which.add_argument("--clear", action="store_true", help="Let it run again.")

    def handle(self, *, day, clear, **options):
        noon = day and datetime.combine(day, time(12), UTC)
        try:
            clock.set_to(noon)
        except ValidationError as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write("The clock runs." if clear else f"It is {day} now.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is not a day. Write it as 2026-12-01.") from None
