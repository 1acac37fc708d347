from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from support import tasks


class Command(BaseCommand):
    help = "Take in the answers that came by email, as the tick does."

    def add_arguments(self, parser):
        parser.add_argument(
            "--mailbox",
            default=settings.MAILBOX_URL,
            help="maildir:///folder or imaps://user:password@host/INBOX (MAILBOX_URL"
            " if left out)",
        )

    def handle(self, *, mailbox, **options):
        if not mailbox:
            raise CommandError("Name a mailbox: --mailbox, or MAILBOX_URL.")
        try:
            outcomes = tasks.take_mail(mailbox)
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        except OSError as failure:
            raise CommandError(f"The mailbox cannot be read: {failure}") from failure
        for outcome, number in sorted(outcomes.items()):
            self.stdout.write(f"{number} {outcome}")
        self.stdout.write(f"{sum(outcomes.values())} emails taken in.")
