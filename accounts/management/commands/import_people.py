from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from accounts import clock, imports


class Command(BaseCommand):
    help = (
        "Import people and their roles from a CSV file. All of it or nothing; the same "
        "file again changes nothing. People missing from the file are left as they are."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Say what would change; change nothing.",
        )

    def handle(self, *, file, dry_run, **options):
        try:
            data = file.read_bytes()
        except OSError as failure:
            raise CommandError(f"{file} cannot be read: {failure.strerror}.") from None
        rows, problems = imports.read(data)
        problems = sorted([*problems, *imports.check(rows)])
        if problems:
            self._refuse(file, problems)
        with (
            transaction.atomic(),
            tqdm(
                total=len(rows),
                unit=" people",
                file=self.stderr._out,
                disable=options["verbosity"] == 0,
            ) as bar,
        ):
            try:
                changes = imports.bring(rows, day_of=_today, tell=bar.update)
            except ValidationError as refusal:
                self._refuse(file, refusal.messages)
            transaction.set_rollback(dry_run)
        self._tell(changes, dry_run)

    def _tell(self, changes, dry_run):
        if not changes:
            self.stdout.write("Nothing to change.")
            return
        self.stdout.write("This would change:" if dry_run else "Changed:")
        for what, count in changes.items():
            self.stdout.write(f"  {what}: {count}")

    def _refuse(self, file, problems):
        for problem in problems:
            self.stderr.write(f"{file}: {problem}")
        raise CommandError(
            f"Nothing was imported. Mend {len(problems)} places in {file}."
        )


def _today(account):
    return clock.today(account.timezone)
