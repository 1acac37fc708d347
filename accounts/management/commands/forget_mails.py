from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts import clock
from journal import outbox


class Command(BaseCommand):
    help = "Forget the words of emails that were delivered long ago, as the tick does."

    def handle(self, **options):
        kept = timedelta(days=settings.MAIL_DAYS_KEPT)
        gone = outbox.forget_words(before=clock.now() - kept)
        self.stdout.write(f"{gone} emails forgotten.")
