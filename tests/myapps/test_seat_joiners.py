"""manage.py seat_joiners: what a crash left without an outcome is found again (3.21)."""

import io

import pytest
from django.core.management import call_command

from accounts import roles
from myapps.models import JoinEvent, Seat
from tests import factories

pytestmark = pytest.mark.django_db


def carry_out():
    said = io.StringIO()
    call_command("seat_joiners", stdout=said)
    return said.getvalue().strip()


def test_joins_without_an_outcome_are_settled_once(
    install, plan, people, account, contract, on
):
    agents = factories.RoleFactory(account=account, name="Agents")
    installation = install(plan, people(1), roles={agents: True})
    users = people(2)
    roles.join(agents, users, by=None, on=on)
    assert Seat.objects.filter(installation=installation).count() == 3
    JoinEvent.objects.update(outcome="", decided_on=None)
    Seat.objects.filter(user=users[0]).delete()

    assert carry_out() == "2 joins settled."

    assert Seat.objects.filter(installation=installation).count() == 3
    assert not JoinEvent.objects.waiting().exists()
    assert carry_out() == "0 joins settled."
