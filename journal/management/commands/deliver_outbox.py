from functools import partial

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from journal import calls, outbox, webhooks


class Command(BaseCommand):
    help = "Send the emails and webhooks that are due, as the worker does all the time."

    def add_arguments(self, parser):
        parser.add_argument("--most", type=int, default=1000)

    def handle(self, *, most, **options):
        sent = outbox.deliver(at=timezone.now(), most=most)
        send = partial(calls.post, loopback=settings.WEBHOOK_LOOPBACK_ALLOWED)
        arrived = webhooks.deliver(now=timezone.now, send=send, most=most)
        self.stdout.write(f"Emails sent: {sent}. Webhooks arrived: {arrived}.")
