"""`manage.py first_run`: the first people and contract of an empty database."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from accounts import authority
from accounts.models import Account, User
from billing import contracts
from marketplace.models import Partner
from tests import factories

ANSWERS = {
    "staff": ["Simon Stone", "simon@vendor.example", "quiet harbour 12"],
    "account": ["Harbour Lines", "Europe/Lisbon"],
    "contract": ["eur", "2026-01-31", "12", "3"],
    "manager": ["Alice Almeida", "Alice@Harbour.example", "loud harbour 34"],
    "authority": ["yes"],
    "partner": ["Ironwood Tools"],
}


@pytest.fixture
def run(db, monkeypatch):
    """Run it with somebody who types these answers; what it said."""

    def typed(**changes):
        answers = [line for part in (ANSWERS | changes).values() for line in part]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
        said = io.StringIO()
        call_command("first_run", stdout=said)
        return said.getvalue()

    return typed


def test_it_creates_staff_account_contract_administrator_and_partner(run, today):
    run()

    account = Account.objects.get(slug="harbour-lines")
    contract = contracts.current(account, on=today)
    assert (contract.currency, contract.starts_on) == ("EUR", date(2026, 1, 31))
    assert (contract.term_months, contract.frequency_months) == (12, 3)
    assert Partner.objects.get().slug == "ironwood-tools"
    assert User.objects.get(email="simon@vendor.example").is_staff


def test_the_administrator_may_purchase_and_sign_in(run, client):
    run()

    alice = User.objects.get(email="alice@harbour.example")
    assert all(authority.held(alice, permission) for permission in authority.ALL)
    assert client.login(username=alice.email, password="loud harbour 34")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"account": ["Harbour Lines", "Lisbon", "Europe/Lisbon"]}, "not a time zone"),
        ({"contract": ["lions", "EUR", "2026-01-31", "", ""]}, "is not a currency"),
        ({"contract": ["EUR", "31.1.2026", "2026-01-31", "", ""]}, "is not a day"),
        ({"contract": ["EUR", "2026-01-31", "12", "5", "6"]}, "does not divide"),
        ({"authority": ["no", "yes"]}, "Answer yes"),
    ],
)
def test_a_wrong_answer_is_asked_for_again(run, changes, words):
    assert words in run(**changes)
    assert Account.objects.count() == 1


def test_stopped_in_the_middle_it_creates_nothing(run):
    with pytest.raises(CommandError, match="nothing is created"):
        run(partner=[])

    assert not User.objects.exists()


def test_one_address_for_two_people_creates_nothing(run):
    alice = ["Alice Almeida", "simon@vendor.example", "loud harbour 34"]

    with pytest.raises(CommandError, match="already signs in"):
        run(manager=alice)

    assert not User.objects.exists()


def test_a_database_in_use_is_left_alone(run):
    factories.UserFactory()

    with pytest.raises(CommandError, match="sign in already"):
        run()
