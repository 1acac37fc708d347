"""manage.py acknowledge_batch ACCOUNT NUMBER --checksum SHA256 --reference NAME"""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import clock
from billing import batches
from billing.models import Batch


class Command(BaseCommand):
    help = "Say that the invoicing system has taken a batch over, once."

    def add_arguments(self, parser):
        parser.add_argument("account", help="As harbour-lines.")
        parser.add_argument("number", type=int)
        parser.add_argument("--checksum", required=True, help="The document's SHA-256.")
        parser.add_argument(
            "--reference", required=True, help="What the invoicing system calls it."
        )

    def handle(self, *, account, number, checksum, reference, **options):
        found = Batch.objects.select_related("account")
        batch = found.filter(account__slug=account, number=number).first()
        if batch is None:
            raise CommandError(f"{account} has no batch {number}.")
        on = clock.today(batch.account.timezone)
        try:
            batches.acknowledge(
                batch, checksum=checksum, reference=reference, by=None, on=on
            )
        except ValidationError as refusal:
            raise CommandError(refusal.messages[0]) from None
        self.stdout.write(f"{batch.account} {number}: acknowledged as {reference}.")
