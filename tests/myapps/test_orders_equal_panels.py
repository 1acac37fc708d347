"""What the panel showed is, to the cent, what the order and its charges record (3.17).

Hundreds of cases at random: contracts of every frequency, signed lines or none, prices
with six digits, currencies of 0, 2 and 3 digits, Per Seat and Per Account, installs,
additions and plan changes, on days all over the term.
"""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from accounts import authority, roles, terms
from billing import effects
from billing.models import Charge
from myapps import installs, plans, seats, signing, summary
from tests import factories

pytestmark = pytest.mark.django_db

CURRENCIES = ["USD", "EUR", "JPY", "KWD"]
TERMS = [(12, 1), (12, 3), (12, 6), (12, 12), (24, 12), (6, 3), (1, 1), (36, 4)]
CASES = 240


class Case:
    """A company at random, and what its administrator agrees to."""

    def __init__(self, seed):
        self.dice = dice = random.Random(seed)
        self.currency = dice.choice(CURRENCIES)
        term, frequency = dice.choice(TERMS)
        start = date(2024, 1, 1) + timedelta(days=dice.randrange(700))
        self.on = start + timedelta(days=dice.randrange(500))
        self.account = factories.AccountFactory()
        self.contract = factories.ContractFactory(
            account=self.account,
            currency=self.currency,
            starts_on=start,
            term_months=term,
            frequency_months=frequency,
        )
        app = factories.AppFactory()
        self.plans = [
            factories.PlanFactory(
                app=app,
                per_account=dice.random() < 0.3,
                price=self.price(),
                price__currency=self.currency,
            )
            for _ in range(2)
        ]
        for plan in self.plans:
            for _ in range(dice.choice([0, 0, 1, 1, 2])):
                self.sign_line(plan, start)
        self.admin = factories.UserFactory(account=self.account)
        role = factories.RoleFactory(account=self.account)
        for permission in (authority.INSTALL, authority.MANAGE):
            authority.grant(role, permission, by=None, on=start, delegates=True)
        roles.join(role, [self.admin], by=None, on=start)
        version = factories.TermsVersionFactory(effective_from=date(2020, 1, 1))
        terms.accept(self.admin, version=version, on=self.on)
        self.people = factories.UserFactory.create_batch(9, account=self.account)

    def price(self):
        """Zero at times; otherwise with up to six digits."""
        if self.dice.random() < 0.1:
            return Decimal(0)
        digits = self.dice.randrange(7)
        return Decimal(self.dice.randrange(1, 99 * 10**digits)) / 10**digits

    def sign_line(self, plan, start):
        quantity = 1 if plan.per_account else self.dice.randrange(1, 8)
        factories.LineFactory(
            contract=self.contract,
            plan=plan,
            contracted=quantity,
            monthly_unit_price=self.price(),
            starts_on=start,
            on=self.on,
        )

    def some(self, least=0):
        return self.dice.sample(self.people, self.dice.randint(least, 9))

    def signed(self, shown, permission=authority.MANAGE):
        said = summary.of(
            self.plans[0], seats=shown.units, currency=self.currency, on=self.on
        )
        return signing.sign(
            self.admin, permission, key=f"{self.dice.random()}", agreed=shown.digest,
            summary=said, on=self.on,
        )  # fmt: skip


def shown_on_the_page(effect, plan):
    """The panel as it stands on the page; the same fragment is on the order's."""
    return render_to_string("myapps/_effect.html", {"effect": effect, "plan": plan})


def check(case, shown, order, before):
    """The order is the panel; its charges are the panel's sums, and there are no more."""
    order.refresh_from_db()
    kept = effects.loaded(order.effect)
    assert order.effect_digest == shown.digest == kept.digest
    assert shown_on_the_page(kept, order.plan) == shown_on_the_page(shown, order.plan)
    new = Charge.objects.of(case.account).exclude(pk__in=before)
    parts = list(shown.growth.parts) if shown.growth else [
        line.first for line in shown.opened
    ]  # fmt: skip
    owed = sorted(
        (part.starts_on, part.ends_on, part.quantity, part.days, part.amount)
        for part in parts
        if part.unit_price
    )
    assert owed == sorted(
        (one.starts_on, one.ends_on, one.quantity, one.days, one.amount) for one in new
    )
    assert sum((one.amount for one in new), Decimal(0)) == shown.first_amount
    assert all(one.order_id == order.pk for one in new)


@pytest.mark.parametrize("seed", range(CASES))
def test_the_panel_is_what_is_recorded(seed):
    case = Case(seed)
    before = set(Charge.objects.values_list("pk", flat=True))
    plan = case.dice.choice(case.plans)
    first = case.some(least=1)

    shown = installs.effect(case.account, plan, seats=len(first), on=case.on)
    installation = installs.install(
        case.account, plan, first, roles={},
        signed=case.signed(shown, authority.INSTALL), on=case.on,
    )  # fmt: skip
    check(case, shown, installation.order, before)

    before = set(Charge.objects.values_list("pk", flat=True))
    more = [user for user in case.people if user not in first]
    if more:
        case.on += timedelta(days=case.dice.choice([0, 0, 1, 20, 45]))
        shown = seats.effect(installation, more, on=case.on)
        order = seats.add(installation, more, signed=case.signed(shown), on=case.on)
        check(case, shown, order, before | carried())

    before = set(Charge.objects.values_list("pk", flat=True))
    other = next(one for one in case.plans if one != plan)
    shown = plans.effect(installation, other, on=case.on)
    order = plans.change(installation, other, signed=case.signed(shown), on=case.on)
    check(case, shown, order, before)


def carried():
    """Charges of periods that began meanwhile: the hourly run's, carried forward."""
    return set(Charge.objects.filter(order=None).values_list("pk", flat=True))
