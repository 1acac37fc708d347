"""What waits for somebody in the demo: requests for apps, and a purchase (ADR 34, 38)."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from accounts import authority, clock, terms
from accounts.models import Account, User
from billing import approvals, contracts
from demo import sign_ins
from marketplace.models import App
from myapps import app_requests, purchases, signing, summary
from myapps.models import Installation
from myapps.purchases import Kind, Wanted

ASKED = [
    ("user009", "box", "We send drawings to the yard by mail and lose track of them."),
    ("user010", "box", "One place for the tariff sheets that all of us look up."),
]
LIMIT = Decimal(100)
MORE = 40


def enter() -> None:
    """Two people of a team want Box; forty more seats wait for a second person, who can
    sign in as the first can.
    """
    for name, slug, reason in ASKED:
        person = User.objects.get(email=f"{name}@harbour-lines.example")
        on = clock.today(person.account.timezone)
        app = App.objects.get(slug=slug)
        app_requests.ask(app, reason=reason, by=person, on=on, at=clock.now())
    _ask_for_seats(Account.objects.get(slug="northgate-utilities"), "canva")


def _ask_for_seats(account: Account, app: str) -> None:
    on = clock.today(account.timezone)
    both = authority.holders(account, authority.MANAGE).order_by("email")[:2]
    for one in both:
        one.set_password(sign_ins.PASSWORD)
        one.save(update_fields=["password"])
    admin = both[0]
    installation = Installation.objects.standing().get(account=account, app__slug=app)
    seated = installation.seats.values("user")
    users = list(account.users.active().exclude(pk__in=seated).order_by("email")[:MORE])
    if not terms.accepted(admin, on):
        terms.accept(admin, version=terms.current(on), on=on)
    approvals.set_limit(account, LIMIT, by=admin, on=on)
    shown = summary.of(
        installation.plan,
        seats=installation.seats.count() + len(users),
        currency=contracts.required(account, on=on).currency,
        on=on,
    )
    purchases.make(
        Wanted(
            Kind.USERS, account, installation.plan, installation=installation,
            users=users,
        ),
        signed=signing.sign(
            admin, authority.MANAGE, key="demo:approval", agreed=None, summary=shown,
            on=on,
        ),
        reason="The field crews make their own safety posters from January on.",
        on=on,
        at=clock.now(),
        lapses_on=on + timedelta(days=settings.APPROVAL_DAYS),
    )  # fmt: skip
