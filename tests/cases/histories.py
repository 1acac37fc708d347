"""Histories at random: a company under some contract that buys, grows, changes its mind
and lets days pass, all through the product's own functions.
"""

from datetime import date, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from billing import renewals
from billing.forecasts import Use
from billing.models import Line, RenewalChange
from myapps import plans, seats, uninstalls
from myapps.models import Installation, Seat
from tests import factories
from tests.cases.company import Company

TERMS = [(12, 1), (12, 3), (12, 6), (12, 12), (24, 12), (6, 3), (1, 1), (3, 1)]
CURRENCIES = ["USD", "EUR", "JPY", "KWD"]


class History(Company):
    """A company whose dice decide what it signs, does and lets happen."""

    def __init__(self, dice):
        self.dice = dice
        start = date(2025, 1, 1) + timedelta(days=dice.randrange(400))
        term, frequency = dice.choice(TERMS)
        super().__init__(
            starts_on=start, term=term, frequency=frequency,
            currency=dice.choice(CURRENCIES), renews=dice.random() < 0.85,
        )  # fmt: skip
        self.apps = [factories.AppFactory() for _ in range(2)]
        self.plans = [self.lists(app) for app in self.apps for _ in range(2)]
        for plan in dice.sample(self.plans, dice.randint(0, 3)):
            self.signs(plan, self.quantity(plan), str(self.price()))
        self.hourly_run()
        self.people = self.hires(8)

    def lists(self, app):
        return factories.PlanFactory(
            app=app, per_account=self.dice.random() < 0.2, price=self.price(),
            price__currency=self.currency,
        )  # fmt: skip

    def price(self) -> Decimal:
        if self.dice.random() < 0.08:
            return Decimal(0)
        digits = self.dice.randrange(5)
        return Decimal(self.dice.randrange(1, 99 * 10**digits)) / 10**digits

    def quantity(self, plan) -> int:
        return 1 if plan.per_account else self.dice.randint(1, 7)

    def lives(self, *, through: int) -> None:
        """So many things happen, with days between them."""
        for _ in range(through):
            self.tries(self.dice.choice(self.DEEDS))
            self.passes(self.dice.choice([0, 0, 1, 5, 20, 31, 45]))

    def passes(self, days: int, *, hourly: bool = True) -> None:
        self.until(self.day + timedelta(days=days), hourly=hourly)

    def tries(self, deed) -> bool:
        """Do it unless a rule refuses."""
        try:
            with transaction.atomic():
                deed(self)
        except ValidationError:
            return False
        return True

    def standing(self):
        return list(
            Installation.objects.of(self.account)
            .working(on=self.day)
            .select_related("app", "plan__app", "account")
            .order_by("pk")
        )

    def any_installation(self):
        found = self.standing()
        if not found:
            raise ValidationError("Nothing is installed.", code="nothing")
        return self.dice.choice(found)

    def without_seat(self, installation):
        held = set(installation.seats.values_list("user", flat=True))
        return [user for user in self.people if user.pk not in held]

    def use(self) -> dict[int, Use]:
        return {
            one.plan_id: Use(one.seats.count(), one.ends_on)
            for one in Installation.objects.of(self.account).standing()
        }

    def other_plan(self, installation):
        return next(
            one for one in self.plans
            if one.app_id == installation.app_id and one.pk != installation.plan_id
        )  # fmt: skip

    # What may happen

    def _installs(self):
        plan = self.dice.choice(self.plans)
        self.installs(plan, self.dice.sample(self.people, self.dice.randint(1, 6)))

    def _adds(self):
        installation = self.any_installation()
        free = self.without_seat(installation)
        self.adds(installation, self.dice.sample(free, min(len(free), 3)))

    def _removes(self):
        installation = self.any_installation()
        held = list(Seat.objects.filter(installation=installation).order_by("pk"))
        users = [one.user for one in held[: self.dice.randint(1, 3)]]
        seats.remove(
            installation, users, by=self.admin, on=self.day,
            lower=self.dice.random() < 0.5,
        )  # fmt: skip

    def _switches(self):
        installation = self.any_installation()
        self.changes_plan(installation, self.other_plan(installation))

    def _switches_later(self):
        installation = self.any_installation()
        plans.change_at_renewal(
            installation, self.other_plan(installation), by=self.admin, on=self.day
        )

    def _uninstalls(self):
        uninstalls.ask(self.any_installation(), by=self.admin, on=self.day)

    def _keeps(self):
        uninstalls.take_back(self.any_installation(), by=self.admin, on=self.day)

    def _signs(self):
        plan = self.dice.choice(self.plans)
        self.signs(
            plan, self.quantity(plan), str(self.price()),
            starts_on=self.day + timedelta(days=self.dice.randrange(40)),
        )  # fmt: skip

    def _support(self):
        found = list(RenewalChange.objects.undecided().filter(account=self.account))
        if found:
            self.support_decides(
                self.dice.choice(found), approve=self.dice.random() < 0.6
            )

    def _ends_an_uninstalled_line(self):
        lines = list(Line.objects.of(self.account).running(on=self.day).renewing())
        if lines:
            renewals.end(self.dice.choice(lines), by=self.admin, on=self.day)

    DEEDS = [
        _installs, _installs, _installs, _adds, _adds, _removes, _switches,
        _switches_later, _uninstalls, _keeps, _signs, _support,
        _ends_an_uninstalled_line,
    ]  # fmt: skip
