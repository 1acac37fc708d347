"""64 administrators add people at the contracted boundary, all at once (DESIGN 5.2).

`WITHOUT_LOCKS=1 pytest tests/myapps/test_boundary.py` takes the row locks away: the same
test then fails, which shows what they hold.
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet

from accounts import authority, roles, terms
from accounts.models import User
from billing.models import Charge, Increase, Order, Term
from billing.orders import EffectChanged
from myapps import installs, seats, signing
from myapps.models import Installation, Seat, SeatEvent
from tests import factories

ADMINISTRATORS, SUBMITS, THREADS = 64, 3, 64
CONTRACTED, FIRST = 40, 8
ON = date(2026, 11, 23)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("crowd"),
]


@pytest.fixture(autouse=True)
def locks(monkeypatch):
    """The row locks, unless somebody wants to see what happens without them."""
    if os.environ.get("WITHOUT_LOCKS"):
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **how: rows)


@pytest.fixture
def plan():
    return factories.PlanFactory(price=Decimal("10.00"))


@pytest.fixture
def administrators(account):
    role = factories.RoleFactory(account=account, name="Administrators")
    for permission in (authority.INSTALL, authority.MANAGE):
        authority.grant(role, permission, by=None, on=ON, delegates=True)
    version = factories.TermsVersionFactory()
    users = factories.UserFactory.create_batch(ADMINISTRATORS, account=account)
    roles.join(role, users, by=None, on=ON)
    for user in users:
        terms.accept(user, version=version, on=ON)
    return users


@pytest.fixture
def line(account, plan):
    contract = factories.ContractFactory(
        account=account, starts_on=date(2026, 1, 31), frequency_months=1
    )
    return factories.LineFactory(
        contract=contract,
        plan=plan,
        contracted=CONTRACTED,
        monthly_unit_price=Decimal("7.25"),
        on=ON,
    )


@pytest.fixture
def installation(account, line, plan, administrators):
    users = factories.UserFactory.create_batch(FIRST, account=account)
    signed = sign(administrators[0], "install", None, authority.INSTALL)
    return installs.install(account, plan, users, roles={}, signed=signed, on=ON)


def sign(user, key, agreed, permission=authority.MANAGE):
    return signing.sign(
        User.objects.get(pk=user.pk), permission, key=key, agreed=agreed, summary=None,
        on=ON,
    )  # fmt: skip


def insist(installation, admin, new):
    """Look at the effect, agree to it, click; again when it changed meanwhile.

    Answers the order, or None while another submit of the same key is being placed.
    """
    try:
        installation = Installation.objects.get(pk=installation.pk)
        agreed = seats.effect(installation, [new], on=ON).digest
        while True:
            signed = sign(admin, f"key-{admin.pk}", agreed)
            try:
                return seats.add(installation, [new], signed=signed, on=ON).pk
            except EffectChanged as changed:
                agreed = changed.effect.digest
            except ValidationError as refusal:
                if refusal.code != "in_progress":
                    raise
                return None
    finally:
        connection.close()


def test_seats_and_charges_are_exact(account, line, installation, administrators):
    people = factories.UserFactory.create_batch(ADMINISTRATORS, account=account)
    clicks = list(zip(administrators, people, strict=True)) * SUBMITS
    random.Random(7).shuffle(clicks)
    charged = Charge.objects.count()

    with ThreadPoolExecutor(THREADS) as threads:
        bought = list(threads.map(lambda one: insist(installation, *one), clicks))
        again = [one for one, order in zip(clicks, bought, strict=True) if not order]
        bought += threads.map(lambda one: insist(installation, *one), again)

    seated, above = FIRST + ADMINISTRATORS, FIRST + ADMINISTRATORS - CONTRACTED
    assert len(set(bought) - {None}) == ADMINISTRATORS
    assert Order.objects.filter(kind="USERS").count() == ADMINISTRATORS
    assert Seat.objects.filter(installation=installation).count() == seated
    assert SeatEvent.objects.filter(kind="ADDED").count() == seated
    term = Term.objects.open().get(line=line)
    assert (term.contracted, term.peak, term.billed) == (CONTRACTED, seated, seated)
    grown = Increase.objects.order_by("from_quantity")
    assert [one.from_quantity for one in grown] == list(range(CONTRACTED, seated))
    new = Charge.objects.filter(reason="INCREASE")
    assert new.count() == above == Charge.objects.count() - charged
    assert {(one.quantity, one.days, one.period_days) for one in new} == {(1, 7, 30)}
    assert new.total() == above * Decimal("1.69")  # 7.25 × 7 ÷ 30
