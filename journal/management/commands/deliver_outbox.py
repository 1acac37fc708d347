from django.core.management.base import BaseCommand
from django.utils import timezone

from journal import outbox


class Command(BaseCommand):
    help = "Send the emails that are due, as the worker does every minute."

    def add_arguments(self, parser):
        parser.add_argument("--most", type=int, default=1000)

    def handle(self, *, most, **options):
        sent = outbox.deliver(at=timezone.now(), most=most)
        self.stdout.write(f"Emails sent: {sent}.")
