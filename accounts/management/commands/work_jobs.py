from django.core.management.base import BaseCommand

from accounts import clock, jobs


class Command(BaseCommand):
    help = "Bring in the files of people that were begun, as the minute's task does."

    def handle(self, **options):
        done = jobs.work(at=clock.now())
        self.stdout.write(f"{done} lines of files of people done.")
