from django.core.management.base import BaseCommand

from demo.sign_ins import PASSWORD, SIGN_INS


class Command(BaseCommand):
    help = "Print who can sign in to the demo."

    def handle(self, **options):
        width = max(len(sign_in.email) for sign_in in SIGN_INS)
        for sign_in in SIGN_INS:
            self.stdout.write(f"{sign_in.email:<{width}}  {PASSWORD}  {sign_in.shows}")
