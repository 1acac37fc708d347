"""An app with plans, a contract and what an administrator's click needs."""

import datetime
from decimal import Decimal

import pytest

from accounts import authority, terms
from myapps import installs, signing, summary
from tests import factories


@pytest.fixture
def on(today):
    return today


@pytest.fixture
def contract(account):
    """A year from 31 January, billed monthly, in US dollars."""
    return factories.ContractFactory(
        account=account, starts_on=datetime.date(2026, 1, 31)
    )


@pytest.fixture
def app(db):
    return factories.AppFactory(slug="box", name="Box")


@pytest.fixture
def plan(app):
    """Listed at 10.00 a seat and month."""
    return factories.PlanFactory(
        app=app, code="business", name="Business", price=Decimal("10.00")
    )


@pytest.fixture
def people(account):
    """Make so many more people of the account: people(5)."""

    def make(number):
        return factories.UserFactory.create_batch(number, account=account)

    return make


@pytest.fixture
def version(db):
    return factories.TermsVersionFactory()


@pytest.fixture
def signed(admin, version, on):
    """Sign as somebody, by default Alice: signed("key"), signed("key", by=user)."""

    def sign(key, *, by=admin, agreed=None, permission=authority.INSTALL):
        terms.accept(by, version=version, on=on)
        return signing.sign(by, permission, key=key, agreed=agreed, summary=None, on=on)

    return sign


@pytest.fixture
def install(account, signed, on):
    """Install a plan for users and roles: install(plan, users, roles={role: True})."""

    def do(plan, users=(), *, roles=None, key="install", on=on, **how):
        return installs.install(
            account, plan, users, roles=roles or {}, signed=signed(key, **how), on=on
        )

    return do


@pytest.fixture
def line(contract, plan):
    """Ten seats of Business signed at 7.25, from the contract's start."""

    def make(**fields):
        fields = {"contracted": 10, "monthly_unit_price": Decimal("7.25")} | fields
        return factories.LineFactory(
            contract=contract, plan=fields.pop("plan", plan), **fields
        )

    return make


@pytest.fixture
def shown(on):
    """The digest of the summary a page would show, for what a form sends back."""

    def of(plan, seats, currency="USD"):
        return summary.of(plan, seats=seats, currency=currency, on=on)

    return of
