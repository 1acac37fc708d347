"""manage.py import_catalogue FILE [--supplement FILE] [--dry-run]"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from accounts import clock
from marketplace import catalogue_files, catalogue_imports, list_prices


class Command(BaseCommand):
    help = (
        "Take apps, plans and dated list prices from a catalogue file: all or nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--supplement",
            type=Path,
            help="Partners, descriptions and addresses that the catalogue lacks.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would change, and stop."
        )

    def handle(self, *, file, supplement, dry_run, verbosity, **options):
        entries, faults = catalogue_files.catalogue(self.text(file))
        self.refuse(file, faults)
        more = catalogue_imports.NO_SUPPLEMENT
        if supplement:
            more, faults = catalogue_files.supplement(self.text(supplement))
            self.refuse(supplement, faults)
        with transaction.atomic():
            try:
                outcome = catalogue_imports.take_in(
                    entries,
                    more,
                    by=None,
                    on=clock.today(list_prices.LATEST_DAY),
                    each=lambda rows: tqdm(rows, unit="app", disable=not verbosity),
                )
            except catalogue_imports.Refused as refusal:
                self.refuse(file, refusal.faults)
            transaction.set_rollback(dry_run)
        self.report(outcome, dry_run=dry_run)

    def text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(
                f"{path} is not UTF-8 at byte {error.start}. Save it as UTF-8."
            ) from error

    def refuse(self, path: Path, faults: list[catalogue_files.Fault]) -> None:
        if faults:
            lines = "\n".join(f"  {fault}" for fault in faults)
            raise CommandError(
                f"{path} has {len(faults)} faults; nothing was imported.\n{lines}"
            )

    def report(self, outcome: catalogue_imports.Outcome, *, dry_run: bool) -> None:
        for left in outcome.left:
            self.stdout.write(f"Not in the file, left as it is: {left}.")
        if not outcome.rows:
            self.stdout.write("Nothing to change: everything is as the file says.")
            return
        done = {
            "would be added" if dry_run else "added": outcome.added,
            "would be changed" if dry_run else "changed": outcome.changed,
            "would be removed" if dry_run else "removed": outcome.removed,
        }
        for verb, rows in done.items():
            for kind, count in sorted(rows.items()):
                plural = "" if count == 1 else "s"
                self.stdout.write(f"{count} {kind}{plural} {verb}.")
        if dry_run:
            self.stdout.write("A dry run: nothing was changed.")
