"""A company with something in every list of its API, and a program that calls it."""

import itertools
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.test import Client

from accounts import api_keys, authority, clock, roles, terms
from accounts.models import ApiKey, User
from billing.models import Charge, Line, Order, RenewalChange
from myapps import installs, role_activations, seats, signing
from myapps.models import Installation, JoinEvent, RoleActivation, Seat
from support import tickets
from support.models import Ticket
from tests import factories

CONTRACT_FROM = date(2026, 1, 31)
_numbers = itertools.count(1)


class Program:
    """Somebody's software: its key, and a name of its own for each unsafe call."""

    def __init__(self, token: str | None):
        self.client = Client(raise_request_exception=False)
        self.token = token

    def __call__(self, method: str, path: str, body=None, **headers):
        if method.upper() not in {"GET", "HEAD", "OPTIONS"}:
            headers.setdefault("Idempotency-Key", f"call-{next(_numbers)}")
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.generic(
            method.upper(),
            path if path.startswith("/api/") else f"/api/v1/{path}",
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers={name: text for name, text in headers.items() if text is not None},
        )

    def get(self, path, **asked):
        return self("GET", path, **asked)

    def post(self, path, body=None, **asked):
        return self("POST", path, {} if body is None else body, **asked)

    def patch(self, path, body, **asked):
        return self("PATCH", path, body, **asked)


def program(user: User, *scopes: str, audience=ApiKey.Audience.ACCOUNT, **asked):
    """A program with a fresh key of somebody; all scopes unless some are named."""
    user = User.objects.get(pk=user.pk)
    _key, token = api_keys.create(
        audience=audience,
        name=f"Program {next(_numbers)}",
        scopes=scopes or api_keys.SCOPES[audience],
        by=user,
        at=clock.now(),
        on=date(2026, 11, 23),
        **asked,
    )
    return Program(token)


@dataclass
class Firm:
    """Ten seats of Business signed at 7.25, listed at 10.00; three people seated, one
    waiting; a role with Auto Install; an add-on; a lower quantity asked for.
    """

    admin: User
    on: date

    def __post_init__(self):
        self.account = self.admin.account
        version = factories.TermsVersionFactory()
        terms.accept(self.admin, version=version, on=self.on)
        self.contract = factories.ContractFactory(
            account=self.account, starts_on=CONTRACT_FROM
        )
        self.app = factories.AppFactory()
        self.plan = self._plan("Business", "10.00")
        self.other_plan = self._plan("Enterprise", "20.00")
        self.add_on = factories.PlanFactory(
            app=self.app, name="Storage", add_on=True, price=Decimal("3.00")
        )
        self.line = self._line(self.plan, 10, "7.25")
        self.add_on_line = self._line(self.add_on, 2, "3.00")
        self.people = factories.UserFactory.create_batch(5, account=self.account)
        self.role = factories.RoleFactory(account=self.account, name="Callers")
        self.installation = installs.install(
            self.account, self.plan, self.people[:3], roles={},
            signed=self.signature(authority.INSTALL), on=self.on,
        )  # fmt: skip
        self.activation = role_activations.activate(
            self.installation, self.role, auto_install=True, signed=self.signature(),
            on=self.on,
        )  # fmt: skip
        role_activations.limit(
            self.installation, seats=3, monthly_spend=None, by=self.admin, on=self.on
        )
        roles.join(self.role, [self.people[3]], by=self.admin, on=self.on)
        (self.waiting,) = JoinEvent.objects.queued().filter(account=self.account)
        (self.change,) = seats.lower_to(self.installation, 5, by=self.admin, on=self.on)
        self.installation.refresh_from_db()
        self.ticket = tickets.open(
            self.account, category="CHARGE", subject="Why this charge?",
            by=self.admin, on=self.on,
        )  # fmt: skip

    def signature(self, permission=authority.MANAGE):
        return signing.sign(
            self.admin, permission, key=f"key-{next(_numbers)}", agreed=None,
            summary=None, on=self.on,
        )  # fmt: skip

    @property
    def address(self) -> str:
        return f"installations/{self.installation.pk}/"

    def _plan(self, name, price):
        return factories.PlanFactory(
            app=self.app, code=name.lower(), name=name, price=Decimal(price)
        )

    def _line(self, plan, contracted, price):
        return factories.LineFactory(
            contract=self.contract, plan=plan, contracted=contracted,
            monthly_unit_price=Decimal(price), on=self.on,
        )  # fmt: skip

    def written(self) -> dict:
        """Everything that a call could have changed for it, as it stands."""
        kinds = [
            *(Installation, Seat, RoleActivation, JoinEvent),
            *(Line, Charge, Order, RenewalChange, Ticket),
        ]
        return {
            kind.__name__: list(
                kind.objects.filter(account=self.account).order_by("pk").values()
            )
            for kind in kinds
        }
