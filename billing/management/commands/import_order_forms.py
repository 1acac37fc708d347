"""manage.py import_order_forms FILE [--dry-run] [--on DAY]"""

from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from accounts import clock
from billing import sales_files, sales_imports
from marketplace.catalogue_files import Fault
from marketplace.catalogue_imports import Outcome, Refused


class Command(BaseCommand):
    help = (
        "Take contracts and signed order forms from a file of the sales system: all or"
        " nothing. What began is charged; the same file again changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would change, and stop."
        )
        parser.add_argument(
            "--on",
            type=date.fromisoformat,
            metavar="DAY",
            help="The local day of every account, as 2026-11-23 (its own today if left"
            " out): periods that began by then are charged.",
        )

    def handle(self, *, file, dry_run, on, verbosity, **options):
        said, faults = sales_files.reading(self.text(file))
        self.refuse(file, faults)
        with transaction.atomic():
            try:
                outcome = sales_imports.take_in(
                    said,
                    day_of=lambda zone: on or clock.today(zone),
                    each=lambda rows: tqdm(rows, unit="record", disable=not verbosity),
                )
            except Refused as refusal:
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

    def refuse(self, path: Path, faults: list[Fault]) -> None:
        if faults:
            lines = "\n".join(f"  {fault}" for fault in faults)
            count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
            raise CommandError(f"{path} has {count}; nothing was imported.\n{lines}")

    def report(self, outcome: Outcome, *, dry_run: bool) -> None:
        if not outcome.rows:
            self.stdout.write("Nothing to change: everything is as the file says.")
            return
        done = {
            "would be added" if dry_run else "added": outcome.added,
            "would be changed" if dry_run else "changed": outcome.changed,
        }
        for verb, rows in done.items():
            for kind, count in sorted(rows.items()):
                plural = "" if count == 1 else "s"
                self.stdout.write(f"{count} {kind}{plural} {verb}.")
        if dry_run:
            self.stdout.write("A dry run: nothing was changed.")
