"""manage.py export_batches --to FOLDER [--account SLUG] [--waiting] [--format csv|json]"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Account
from billing import batches
from billing.models import Batch


class Command(BaseCommand):
    help = (
        "Write closed batches as files, with a list of their SHA-256 sums that"
        " `sha256sum --check` reads. The same batch is the same file each time."
    )

    def add_arguments(self, parser):
        parser.add_argument("--to", required=True, type=Path, metavar="FOLDER")
        parser.add_argument("--account", metavar="SLUG", help="One account's batches.")
        parser.add_argument(
            "--waiting", action="store_true", help="Only those not acknowledged."
        )
        parser.add_argument(
            "--format", choices=["csv", "json"], action="append", default=[],
            help="Left out: both.",
        )  # fmt: skip

    def handle(self, *, to, account, waiting, format, **options):
        found = Batch.objects.select_related("account").order_by("account", "number")
        if account:
            if not Account.objects.filter(slug=account).exists():
                raise CommandError(f"There is no account {account}.")
            found = found.filter(account__slug=account)
        if waiting:
            found = found.waiting()
        to.mkdir(parents=True, exist_ok=True)
        sums, written = [], 0
        for batch in found.iterator(chunk_size=200):
            for ending, content in (("json", batch.content), ("csv", None)):
                if format and ending not in format:
                    continue
                text = batches.as_csv(batch) if content is None else content
                name = f"{batches.file_name(batch)}.{ending}"
                (to / name).write_bytes(text.encode())
                sums.append(f"{batches.checksum(text)}  {name}\n")
            written += 1
        (to / "SHA256SUMS").write_text("".join(sums))
        self.stdout.write(
            f"{written} batch{'' if written == 1 else 'es'} written to {to}."
        )
