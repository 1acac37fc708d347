"""The demo: real files, and some weeks of life in them.

Everything here is done through the product's own functions, by the people who would do
it, on the days they would; between them runs what runs every hour.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone
from tqdm import tqdm

from accounts import authority, clock, people, roles, terms
from accounts.models import Account, Role, TermsVersion, User
from billing import contracts
from demo import cast, sandbox, talks, wishes, writing_aids
from journal import endpoints, webhooks
from journal.calls import Answer
from marketplace import offers
from marketplace.models import App, Plan
from myapps import (
    add_ons,
    installs,
    plans,
    provisioning,
    role_activations,
    seats,
    signing,
    summary,
    uninstalls,
)
from myapps.models import Installation
from support import approvals, term_end, tickets
from support.models import Ticket

FIRST_DAY = date(2026, 11, 16)
WEEKS = 10


def tell(*, on: date, files: Path, quiet: bool = False, pin: bool = False) -> None:
    """Load the files and live the weeks up to a day; `pin` leaves the clock there."""
    first = on - timedelta(weeks=WEEKS)
    _at(first)
    silent = {"verbosity": 0, "stdout": StringIO()}
    call_command(
        "import_catalogue", files / "catalogue.json",
        supplement=files / "supplement.json", **silent,
    )  # fmt: skip
    call_command("import_order_forms", files / "order_forms.json", **silent)
    call_command("import_people", files / "people.csv", **silent)
    TermsVersion.objects.create(
        version="2026-01",
        address="https://vendor.example/terms-of-service",
        effective_from=date(2024, 1, 1),
    )
    cast.enter()
    writing_aids.enter(on=first)
    for currency in ("USD", "EUR", "GBP"):
        approvals.set_limit(currency, Decimal(2_500))
    listening = _listen(at=_noon(first), on=first)
    days = {on: []}
    for before, event in [*EVENTS, *talks.events()]:
        days.setdefault(on - timedelta(days=before), []).append(event)
    for day, events in tqdm(sorted(days.items()), unit="day", disable=quiet):
        _at(day)
        _hourly_run()
        for event in events:
            event(day)
        _tell(listening)
    wishes.enter()
    clock.set_to(_noon(on) if pin else None)


def _listen(*, at: datetime, on: date) -> dict[str, sandbox.Partner]:
    """Three partners register endpoints: what is installed of theirs waits for them."""
    listening = {}
    for partner in cast.listening():
        endpoint, secret = endpoints.register(
            partner.pk, address=f"http://{cast.SANDBOX}/{partner.slug}",
            loopback=[cast.SANDBOX], by=_petra(), on=on, at=at,
        )  # fmt: skip
        listening[endpoint.asked_address] = sandbox.Partner(
            partner.slug, secrets=partial(list, [secret])
        )
    return listening


def _tell(listening: dict[str, sandbox.Partner]) -> None:
    """Deliver what was promised to the partners' software, without a network between."""

    def send(address, body, headers):
        reply = listening[address].take(body.encode(), headers)
        return Answer(reply.status, reply.headers, json.dumps(reply.said), took_ms=40)

    webhooks.deliver(now=timezone.now, send=send)


def _at(day: date) -> None:
    clock.set_to(_noon(day))


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _hourly_run() -> None:
    """What the days since the last one asked for: run late, it writes the same."""
    for zone in term_end.zones():
        term_end.run(zone=zone, on=clock.today(zone))


class _Company:
    """What the administrator of one account does."""

    def __init__(self, slug: str):
        self.slug = slug

    @property
    def account(self) -> Account:
        return Account.objects.get(slug=self.slug)

    @property
    def admin(self) -> User:
        return cast.administrator(self.account)

    def role(self, name: str) -> Role:
        return self.account.roles.get(name=name)

    def users(self, role: str, first: int, last: int) -> list[User]:
        """Active members of a role, counted by name from `first` up to `last`."""
        members = self.role(role).members.filter(is_active=True).order_by("email")
        return list(members[first:last])

    def installation(self, app: str) -> Installation:
        return Installation.objects.standing().get(account=self.account, app__slug=app)

    def signed(self, what: str, on: date, plan, seats, permission=authority.MANAGE):
        """The signature under an order that a page would have shown (T7, T8)."""
        user = self.admin
        currency = contracts.required(self.account, on=on).currency
        shown = summary.of(plan, seats=seats, currency=currency, on=on)
        if not terms.accepted(user, on):
            terms.accept(user, version=terms.current(on), on=on)
        return signing.sign(
            user, permission, key=f"demo:{what}:{on}", agreed=None, summary=shown, on=on
        )

    def today(self) -> date:
        return clock.today(self.account.timezone)

    def install(self, app, plan, *, users=None, roles=None):
        def event(day):
            on = self.today()
            bought = Plan.objects.get(app__slug=app, code=plan)
            people = self.users(*users) if users else []
            chosen = {self.role(name): auto for name, auto in (roles or {}).items()}
            seated = len(installs.chosen(self.account, people, chosen))
            installs.install(
                self.account,
                bought,
                people,
                roles=chosen,
                signed=self.signed(
                    f"install:{app}", on, bought, seated, authority.INSTALL
                ),
                on=on,
            )

        return event

    def add(self, app, *users):
        def event(day):
            on = self.today()
            installation, people = self.installation(app), list(self.users(*users))
            seated = installation.seats.count() + len(people)
            seats.add(
                installation, people, on=on,
                signed=self.signed(
                    f"add:{app}:{users}", on, installation.plan, seated
                ),
            )  # fmt: skip

        return event

    def remove(self, app, count, *, lower=False, ticket=False):
        def event(day):
            installation = self.installation(app)
            users = User.objects.filter(seats__installation=installation)
            seats.remove(
                installation, users.order_by("-email")[:count], by=self.admin,
                on=self.today(), lower=lower, ticket_wanted=ticket,
            )  # fmt: skip

        return event

    def change_plan(self, app, plan):
        def event(day):
            on = self.today()
            installation = self.installation(app)
            wanted = Plan.objects.get(app__slug=app, code=plan)
            seated = installation.seats.count()
            plans.change(
                installation, wanted, on=on,
                signed=self.signed(f"plan:{app}", on, wanted, seated),
            )  # fmt: skip

        return event

    def change_plan_at_renewal(self, app, plan):
        def event(day):
            plans.change_at_renewal(
                self.installation(app), Plan.objects.get(app__slug=app, code=plan),
                by=self.admin, on=self.today(), reason="We use few of its features.",
            )  # fmt: skip

        return event

    def uninstall(self, app, reason, *, ticket):
        def event(day):
            uninstalls.ask(
                self.installation(app), by=self.admin, on=self.today(), reason=reason,
                ticket_wanted=ticket,
            )  # fmt: skip

        return event

    def activate(self, app, role, *, auto):
        def event(day):
            on = self.today()
            installation, members = self.installation(app), self.role(role).members
            seated = (
                installation.seats.count()
                + members.exclude(seats__installation=installation).count()
            )
            role_activations.activate(
                installation, self.role(role), auto_install=auto, on=on,
                signed=self.signed(
                    f"role:{app}:{role}", on, installation.plan, seated
                ),
            )  # fmt: skip

        return event

    def limit(self, app, *, beyond):
        def event(day):
            installation = self.installation(app)
            role_activations.limit(
                installation, seats=installation.seats.count() + beyond,
                monthly_spend=None, by=self.admin, on=self.today(),
            )  # fmt: skip

        return event

    def join(self, role, *users):
        def event(day):
            roles.join(
                self.role(role), self.users(*users), by=self.admin, on=self.today()
            )

        return event

    def leave(self, role, first, last):
        def event(day):
            roles.leave(
                self.role(role),
                self.users(role, first, last),
                by=self.admin,
                on=self.today(),
            )

        return event

    def deactivate(self, *users):
        def event(day):
            people.deactivate(self.users(*users), by=self.admin, on=self.today())

        return event

    def ask(self, category, subject, body, *, app=""):
        def event(day):
            tickets.open(
                self.account, category=category, subject=subject, body=body,
                app=App.objects.get(slug=app) if app else None, by=self.admin,
                on=self.today(), origin=Ticket.Origin.CUSTOMER,
            )  # fmt: skip

        return event

    def confirm(self, app, words):
        def event(day):
            provisioning.confirm(
                self.installation(app), by=_petra(), on=self.today(), answer=words
            )

        return event

    def refuse(self, app, words):
        def event(day):
            provisioning.refuse(
                self.installation(app), by=_petra(), on=self.today(), reason=words
            )

        return event

    def add_on(self, app, quantity):
        def event(day):
            line = self.account.lines.add_ons().filter(app__slug=app).first()
            add_ons.activate(line, quantity=quantity, by=_petra(), on=self.today())

        return event

    def offer(self, app, plan):
        def event(day):
            offers.offer(
                Plan.objects.get(app__slug=app, code=plan), account=self.account,
                by=_sofia(), on=self.today(),
            )  # fmt: skip

        return event

    def answered(self, category, words, *, wait=False):
        """Support answers the account's newest ticket of a category."""

        def event(day):
            ticket = Ticket.objects.of(self.account).filter(category=category).last()
            tickets.assign(ticket, to=_sofia(), by=_sofia(), on=self.today())
            tickets.reply(ticket, words, by=_sofia(), on=self.today(), wait=wait)

        return event

    def closed(self, category):
        """Support finishes the account's newest ticket of a category."""

        def event(day):
            ticket = Ticket.objects.of(self.account).filter(category=category).last()
            for state in (Ticket.State.SOLVED, Ticket.State.CLOSED):
                tickets.move(ticket, state, by=_sofia(), on=self.today())

        return event

    def decided(self, app, *, approve, words):
        """Support decides the open billing ticket of an app."""

        def event(day):
            ticket = (
                Ticket.objects.of(self.account)
                .billing()
                .open()
                .filter(line__app__slug=app, change__state="UNDECIDED")
                .last()
            )
            tickets.assign(ticket, to=_sofia(), by=_sofia(), on=self.today())
            tickets.decide(
                ticket, approve=approve, word=words, by=_sofia(), on=self.today()
            )

        return event


def _petra() -> User:
    return User.objects.get(email=cast.PETRA)


def _sofia() -> User:
    return User.objects.get(email="sofia.santos@vendor.example")


HARBOUR = _Company("harbour-lines")
MERIDIAN = _Company("meridian-care")
VEGA = _Company("vega-logistics")
ASTER = _Company("aster-bank")
PINE = _Company("pine-street-clinic")
KESTREL = _Company("kestrel-air")
NORTHGATE = _Company("northgate-utilities")

EVENTS = [
    # Harbour Lines, month by month: every kind of thing happens here.
    (66, HARBOUR.install("slack", "pro", roles={"Supervisors": False, "Agents": True})),
    (64, HARBOUR.install("zoom", "business", users=("Agents", 0, 14),
                         roles={"Supervisors": False})),
    (58, HARBOUR.install("trello", "standard", users=("Back office", 0, 6))),
    (52, HARBOUR.install("figma", "professional", users=("Agents", 4, 10))),
    (51, HARBOUR.confirm("figma", "Your team space is ready.")),
    (47, HARBOUR.install("jira", "free", users=("Back office", 0, 5))),
    (45, HARBOUR.add("zoom", "Agents", 14, 22)),
    (40, HARBOUR.install("notion", "plus", users=("Supervisors", 0, 4))),
    (36, HARBOUR.install("clickup", "unlimited", roles={"Back office": True})),
    (35, HARBOUR.limit("clickup", beyond=2)),
    (30, HARBOUR.install("circleci", "performance", users=("Back office", 1, 3))),
    (28, HARBOUR.refuse("circleci", "Your domain is registered with another team of"
                        " ours. Write to us and we will merge them.")),
    (27, HARBOUR.ask("CHARGE", "Why were two more Zoom users charged in October?",
                     "We added eight users on one day. I expected the contract to cover"
                     " all of them.", app="zoom")),
    (26, HARBOUR.answered("CHARGE", "Your contract covers 25 Zoom users. With the eight"
                          " you added, 27 were active, so two were charged from that day"
                          " to the end of the period, at your contracted price.")),
    (24, HARBOUR.join("Agents", "Back office", 0, 2)),
    (20, HARBOUR.change_plan("figma", "organization")),
    (19, HARBOUR.join("Back office", "Agents", 0, 5)),
    (15, HARBOUR.remove("slack", 4, lower=True, ticket=True)),
    (12, HARBOUR.deactivate("Agents", 20, 21)),
    (10, HARBOUR.uninstall("notion", "The team moved to another tool.", ticket=True)),
    (8, HARBOUR.leave("Supervisors", 3, 4)),
    (4, HARBOUR.install("zapier", "team", users=("Supervisors", 0, 2))),
    # Vega Logistics: an annual term that ends in the last days of November.
    (60, VEGA.install("jira", "premium", roles={"Agents": False})),
    (59, VEGA.install("clockify", "pro", users=("Agents", 0, 24))),
    (57, VEGA.install("postman", "professional", users=("Agents", 0, 9))),
    (57, VEGA.confirm("postman", "Your workspace is ready.")),
    (21, VEGA.remove("jira", 12, lower=True)),
    (18, VEGA.uninstall("clockify", "Time tracking moves into payroll.", ticket=True)),
    (6, VEGA.decided("clockify", approve=True, words="Approved as you asked. Clockify"
                     " works until the term ends and is not billed after it.")),
    (16, VEGA.change_plan_at_renewal("postman", "basic")),
    # Meridian Care: a large annual contract with an add-on.
    (62, MERIDIAN.install("salesforce", "enterprise", users=("Agents", 0, 96),
                          roles={"Supervisors": False})),
    (61, MERIDIAN.install("tableau", "explorer", users=("Agents", 0, 12))),
    (33, MERIDIAN.add("tableau", "Agents", 12, 19)),
    # Aster Bank: a contracted plan that is not listed any more.
    (63, ASTER.install("notion", "business", users=("Agents", 0, 84))),
    (14, ASTER.ask("INSTALL", "The Zoom plan we contracted is not in the marketplace",
                   "Our order form says Enterprise (2023 price book), 200 users. We"
                   " cannot find it on the app's page.", app="zoom")),
    # Pine Street Clinic bought self-serve before it signed.
    (25, PINE.install("trello", "premium", users=("Agents", 0, 5))),
    # Kestrel Air and Northgate Utilities: quarterly and half-yearly.
    (44, KESTREL.install("wrike", "business", roles={"Supervisors": False},
                         users=("Agents", 0, 24))),
    (43, KESTREL.install("databox", "professional", users=("Supervisors", 0, 2))),
    (41, KESTREL.ask("INSTALL", "Wrike does not open for two supervisors",
                     "They have seats since yesterday, and see an empty page.",
                     app="wrike")),
    (40, KESTREL.answered("INSTALL", "Both had to sign in to Wrike once more. They"
                          " write that it opens now.")),
    (39, KESTREL.closed("INSTALL")),
    (23, MERIDIAN.ask("SALES", "What would Salesforce Unlimited cost us?",
                      "We think of moving half of our agents.", app="salesforce")),
    (22, MERIDIAN.answered("SALES", "For how many users, and from which day? Then sales"
                           " can make an offer.", wait=True)),
    (42, NORTHGATE.install("dropbox", "business", users=("Agents", 0, 41))),
    (38, NORTHGATE.install("canva", "teams", users=("Back office", 0, 8))),
    (38, NORTHGATE.confirm("canva", "Your brand kit is ready.")),
    (13, NORTHGATE.change_plan("canva", "pro")),
    (5, NORTHGATE.decided("canva", approve=False, words="Your order form fixes Teams"
                          " until its term ends, so both plans run until then.")),
]  # fmt: skip
