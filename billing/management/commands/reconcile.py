"""manage.py reconcile [--account SLUG]"""

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from accounts.models import Account
from billing import reconcile
from billing.models import Charge


class Command(BaseCommand):
    help = (
        "Compute every charge a second time and name each difference. Ends with an"
        " error when there is one."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--account", metavar="SLUG", help="One account only, as harbour-lines."
        )

    def handle(self, *, account, **options):
        one = Account.objects.filter(slug=account).first() if account else None
        if account and one is None:
            raise CommandError(f"There is no account {account}.")
        outermost = not connection.in_atomic_block
        with transaction.atomic():
            if outermost:  # what is written meanwhile is no difference
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                    )
            found = 0
            for difference in reconcile.differences(one):
                self.stdout.write(str(difference))
                found += 1
            charges = Charge.objects.filter(**({"account": one} if one else {})).count()
        if found:
            plural = "" if found == 1 else "s"
            raise CommandError(f"{found} difference{plural} in {charges:,} charges.")
        self.stdout.write(f"No differences in {charges:,} charges.")
