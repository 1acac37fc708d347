"""manage.py seat_joiners"""

from django.core.management.base import BaseCommand

from myapps import joins


class Command(BaseCommand):
    help = (
        "Give everybody who joined a role with Auto Install their outcome, as the task"
        " does each minute. Each counts as of the day they joined. Safe to repeat."
    )

    def handle(self, **options):
        settled = sum(joins.settle_all(pk) for pk in joins.waiting())
        self.stdout.write(f"{settled:,} join{'' if settled == 1 else 's'} settled.")
