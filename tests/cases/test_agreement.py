"""Everything that says what an account was charged, or will be, says the same: the ledger,
its sums, the overview's figures, spending by app, plan, role and team, statements and what
is foreseen. To the cent, on random histories in four currencies.
"""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from billing import batches, forecasts, spending, statements
from billing import charges as ledger
from billing.models import Charge
from myapps import cost_shares, figures, foresight, overview_pages
from tests import factories
from tests.cases.histories import History
from tests.cases.test_previews import tried

pytestmark = pytest.mark.django_db
TEAMS = ["", "North", "South", "Überland"]


class Shared(History):
    """A history of people in teams and roles, with payments taken back and handed off."""

    def __init__(self, dice):
        super().__init__(dice)
        for person in self.people:
            person.team = dice.choice(TEAMS)
            person.save(update_fields=["team"])

    def _activates(self):
        some = self.dice.sample(self.people, 3)
        self.activates(
            self.any_installation(), self.role(*some), auto=self.dice.random() < 0.5
        )

    def _somebody_joins(self):
        roles = list(self.account.roles.exclude(pk=self.administrators.pk))
        if roles:
            self.joins(self.dice.choice(roles), self.dice.choice(self.people))

    def _moves_team(self):
        person = self.dice.choice(self.people)
        person.team = self.dice.choice(TEAMS)
        person.save(update_fields=["team"])

    def _takes_back(self):
        found = list(
            Charge.objects.of(self.account)
            .exclude(reason="REVERSAL")
            .filter(reversed_by=None)
        )
        if found:
            ledger.reverse([self.dice.choice(found)], on=self.day)

    def _hands_off(self):
        batches.close(zone=self.zone, on=self.day - timedelta(days=1))

    DEEDS = [
        *History.DEEDS,
        *[_activates, _somebody_joins, _moves_team, _takes_back, _hands_off],
    ]


def summed(pairs):
    """Sums by key, those that are nothing left out."""
    found = defaultdict(Decimal)
    for key, amount in pairs:
        found[key] += amount
    return {key: amount for key, amount in found.items() if amount}


def drawn(tables, column):
    """A column of a chart's tables, by currency and month: only what has happened."""
    return {
        (table.columns[column].unit, row[0]): row[column + 1]
        for table in tables
        for row in table.rows[: len(table.rows) - table.to_come]
        if row[column + 1]
    }


@given(st.integers(0, 2**32))
@tried(25)
def test_all_that_tells_of_money_agrees(seed):
    history = Shared(dice := random.Random(seed))
    history.lives(through=dice.randint(2, 12))
    account, on = history.account, history.day
    charges = Charge.objects.of(account).select_related("line")
    everything = list(charges)
    months = summed(
        ((c.currency, c.billed_on.replace(day=1)), c.amount) for c in everything
    )
    total = summed((c.currency, c.amount) for c in everything)

    # Sums of the ledger
    by_month = spending.by_month(account)
    assert summed(((one.currency, one.month), one.amount) for one in by_month) == months
    assert summed(spending.totals(account).items()) == total

    # By app, plan, role and team
    plans = summed(
        ((c.line.plan_id, c.currency, c.billed_on.replace(day=1)), c.amount)
        for c in everything
    )
    ways = cost_shares.each(account, charges.select_related(None), "", "role", "team")
    idle = []
    for shares in ways.values():
        assert plans == summed(
            ((one.plan_id, one.currency, one.month), one.amount) for one in shares
        )
        unused = [one for one in shares if one.group == cost_shares.UNUSED]
        idle.append(
            summed(
                ((one.plan_id, one.currency, one.month), one.amount) for one in unused
            )
        )
    assert idle[0] == idle[1] == idle[2]

    # Statements
    stated = statements.listed(
        account, on=max([on, *(c.billed_on for c in everything)])
    )
    assert total == summed(
        (one.currency, one.total) for statement in stated for one in statement.totals
    )
    for statement in stated:
        shares = cost_shares.of(account, statements.ledger(statement), by="role")
        by_app = summed(
            ((one.app_id, one.currency), one.total)
            for one in statements.by_app(statement)
        )
        assert by_app == summed(
            ((one.app_id, one.currency), one.amount)
            for one in cost_shares.by_app_and_group(shares)
        )
        assert summed((one.currency, one.total) for one in statement.totals) == summed(
            (one.currency, one.amount) for one in cost_shares.by_group(shares)
        )

    # The overview, and what is foreseen
    to_come = forecasts.committed(account, on=on, use=history.use())
    first = figures.months(on, back=figures.PAST - 1)[0]
    lately = {key: amount for key, amount in months.items() if key[1] >= first}
    spend = figures.spend(account, on=on, to_come=to_come)
    last = {table.columns[-1].unit: len(table.columns) - 1 for table in spend}
    assert lately == {
        (table.columns[-1].unit, row[0]): row[-1]
        for table in spend
        for row in table.rows[: len(table.rows) - table.to_come]
        if row[-1]
    }
    for table in spend:
        assert all(sum(row[1:-1]) == row[-1] for row in table.rows)
        assert last[table.columns[-1].unit] >= 1
    assert drawn(figures.unused(account, on=on), 2) == lately
    committed = summed((one.currency, one.amount) for one in to_come)
    assert committed == summed(
        (table.columns[-1].unit, row[-1])
        for table in spend
        for row in table.rows[len(table.rows) - table.to_come :]
    )
    money = overview_pages.money(account, on=on)
    this = on.replace(day=1)
    assert committed == summed((one["currency"], one["committed"]) for one in money)
    assert summed(
        (currency, amount)
        for (currency, month), amount in months.items()
        if month == this
    ) == summed((one["currency"], one["charged"]) for one in money)


@given(st.integers(0, 2**32))
@tried(10)
def test_what_is_foreseen_for_a_day_is_then_in_the_ledger(seed):
    history = Shared(dice := random.Random(seed))
    history.lives(through=dice.randint(0, 5))
    account = history.account
    history.hourly_run()
    before = spending.totals(account)
    foreseen = forecasts.committed(account, on=history.day, use=history.use())
    nearest = min((one.due_on for one in foreseen), default=None)
    if nearest is None or nearest <= history.day:
        return
    due = [one for one in foreseen if one.due_on == nearest]
    if account.lines.filter(terms__ends_on__lte=nearest, terms__outcome="").exists():
        return  # another term begins before: what it is charged was not committed

    history.until(nearest)

    after = spending.totals(account)
    assert summed((one.currency, one.amount) for one in due) == summed(
        (currency, amount - before.get(currency, 0))
        for currency, amount in after.items()
    )


def test_an_account_without_anything_has_nothing_to_tell(db):
    account = factories.AccountFactory()
    history_of_nothing = Charge.objects.of(account)

    assert cost_shares.of(account, history_of_nothing, by="team") == []
    assert spending.totals(account) == {}


@given(st.integers(0, 2**32))
@tried(15)
def test_what_staying_costs_is_what_is_committed(seed):
    """Where no term of the app ends before another: what comes then is foreseen too."""
    history = Shared(dice := random.Random(seed))
    history.lives(through=dice.randint(0, 8))
    account, on = history.account, history.day
    for installation in account.installations.standing().filter(ends_on=None):
        try:
            outlook = foresight.if_uninstalled(installation, on=on)
        except ValidationError:
            continue
        app = installation.app
        books = forecasts.read(account, on=on, app=app, use=history.use())
        ends = {one.ends_on for one in books.courses if one.line.plan.is_base}
        if ends != {outlook.until}:
            continue
        committed = foresight.committed(account, on=on, app=app)
        assert outlook.staying == sum(
            one.amount for one in committed if one.line.plan.is_base
        )
