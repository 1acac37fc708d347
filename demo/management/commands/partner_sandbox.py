import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import clock
from demo import cast, partners, sandbox


class Command(BaseCommand):
    help = (
        "Play partners: a small HTTP service that takes webhooks, verifies them and"
        " answers installations through the API. Without --secret it plays the partners"
        " of the demo. GET /control shows what it was told, POST /control/PARTNER with"
        ' {"behaviour": "fail"} changes what it does.'
    )

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=int(cast.SANDBOX[-4:]))
        parser.add_argument(
            "--api",
            default=f"{settings.PUBLIC_ADDRESS}/api/v1",
            help="where the API is, as %(default)s",
        )
        parser.add_argument(
            "--behave",
            metavar="[PARTNER=]BEHAVIOUR",
            action="append",
            default=[],
            help="; ".join(
                f"{name}: {what}" for name, what in sandbox.BEHAVIOURS.items()
            ),
        )
        parser.add_argument("--seconds", type=float, help="how long slow waits")
        parser.add_argument(
            "--partner", default="partner", help="with --secret: its name"
        )
        parser.add_argument(
            "--secret",
            action="append",
            help="of its endpoint, as whsec_…; twice for two",
        )
        parser.add_argument(
            "--key", default="", help="with --secret: its key to the API"
        )

    def handle(self, *, host, port, api, behave, seconds, **options):
        played = self.played(f"{host}:{port}", **options)
        for one in behave:
            name, _equals, behaviour = one.rpartition("=")
            if behaviour not in sandbox.BEHAVIOURS:
                raise CommandError(f"Choose one of {', '.join(sandbox.BEHAVIOURS)}.")
            for partner in played:
                if name in ("", partner.name):
                    partner.behaviour = behaviour
        for partner in played:
            partner.seconds = partner.seconds if seconds is None else seconds
        with sandbox.Sandbox((host, port), played, api=api) as server:
            for partner in played:
                where = server.address(partner.name)
                self.stdout.write(f"{partner.name} at {where}: {partner.behaviour}")
            sys.stdout.flush()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                return

    def played(self, place, *, partner, secret, key, **options):
        if secret:
            return [sandbox.Partner(partner, secrets=lambda: secret, key=key)]
        if not settings.DEMO:
            raise CommandError("Without the demo, say --secret and --key.")
        at = timezone.now()
        return partners.ready(place, at=at, on=clock.today("UTC"))
