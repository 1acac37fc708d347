from django.core.management.base import BaseCommand

from accounts import clock
from support import bulk_jobs


class Command(BaseCommand):
    help = "Carry out the bulk jobs that were begun, as the task of every minute does."

    def handle(self, **options):
        done = bulk_jobs.work(at=clock.now())
        self.stdout.write(f"{done} tickets of bulk jobs done.")
