import json
from datetime import date
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import clock
from accounts.models import Account
from demo import cast, handed_off, story


class Command(BaseCommand):
    help = (
        "Load the demo: the real files of demo/, and some weeks of life in them made by"
        " the product's own functions. With --on the clock is set to that day."
    )

    def add_arguments(self, parser):
        parser.add_argument("--on", type=date.fromisoformat, help="As 2026-11-23.")

    def handle(self, *, on, verbosity, **options):
        if Account.objects.exists():
            raise CommandError(
                "This database has accounts already. The demo goes into an empty one:"
                " remove var/ or point DATABASE_URL elsewhere."
            )
        if on and not settings.CLOCK_SETTABLE:
            raise CommandError("--on sets the clock, and CLOCK_SETTABLE is off here.")
        day = on or clock.today("UTC")
        if day < story.FIRST_DAY:
            raise CommandError(
                f"The demo's contracts begin in 2026: choose {story.FIRST_DAY} or later."
            )
        files = Path(settings.BASE_DIR) / "demo"
        with transaction.atomic():  # interrupted, it leaves nothing
            story.tell(on=day, files=files, quiet=verbosity == 0, pin=bool(on))
            handed_off.close(on=day)
        settings.DEMO_SIGN_INS.parent.mkdir(parents=True, exist_ok=True)
        settings.DEMO_SIGN_INS.write_text(json.dumps(cast.told()), "utf-8")
        self.stdout.write(f"The demo is loaded, as of {day}.")
