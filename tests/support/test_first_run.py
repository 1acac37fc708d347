"""An empty house is set up by answering questions, or by options alone."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import authority, terms
from accounts.models import Account, TermsVersion, User
from billing.models import Contract
from journal.models import Activity
from marketplace.models import Partner

PASSWORD = "quiet harbour 39"
OPTIONS = {
    "staff_name": "Simon Stone",
    "staff_email": "simon@vendor.example",
    "account_name": "Harbour Lines",
    "timezone": "Europe/Lisbon",
    "admin_name": "Alice Almeida",
    "admin_email": "alice@harbour.example",
    "delegates": "yes",
    "partner_name": "Ironwood Tools",
}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("present")]


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def passwords(monkeypatch):
    monkeypatch.setenv("FIRST_STAFF_PASSWORD", PASSWORD)
    monkeypatch.setenv("FIRST_ADMIN_PASSWORD", PASSWORD)


def run(**options):
    said = io.StringIO()
    call_command("first_run", no_input=True, stdout=said, **OPTIONS | options)
    return said.getvalue()


def refused(**options) -> str:
    with pytest.raises(CommandError) as refusal:
        run(**options)
    assert nobody_is_there()
    return str(refusal.value)


def nobody_is_there():
    kinds = [Account, User, TermsVersion, Partner]
    return not any(kind.objects.exists() for kind in kinds)


@pytest.mark.usefixtures("passwords")
class TestByOptions:
    def test_everything_is_there_to_start_with(self, today):
        run()

        account = Account.objects.get(slug="harbour-lines")
        alice = User.objects.get(email="alice@harbour.example")
        assert all(authority.held(alice, name) for name in authority.ALL)
        contract = Contract.objects.get(account=account)
        assert (contract.term_months, contract.frequency_months) == (12, 1)
        assert contract.starts_on == contract.billed_until == today
        assert terms.current(today).version == "1"
        assert Partner.objects.get().slug == "ironwood-tools"

    def test_a_contract_may_have_begun_long_ago(self, today):
        run(starts_on="2026-01-31", frequency_months="3", currency="EUR")

        contract = Contract.objects.get()
        assert contract.starts_on == date(2026, 1, 31)
        assert contract.billed_until == today
        assert terms.current(date(2026, 1, 31)) is not None

    def test_both_can_sign_in(self, client):
        run()

        for email in ("alice@harbour.example", "simon@vendor.example"):
            assert client.login(email=email, password=PASSWORD)
        answer = client.get(reverse("admin:index"))
        # The vendor's own set up a second factor first.
        assert answer.url.startswith(reverse("mfa_index"))

    def test_who_gave_purchasing_authority_is_in_the_journal(self):
        run()

        given = Activity.objects.filter(verb="authority.delegated")
        simon = User.objects.get(email="simon@vendor.example")
        assert [activity.actor_id for activity in given] == [simon.pk] * 2

    def test_a_house_with_accounts_is_left_alone(self):
        run()

        with pytest.raises(CommandError, match="accounts already"):
            run(account_name="Another", admin_email="b@x.example")
        assert Account.objects.count() == 1

    def test_somebody_who_signs_in_already_is_named(self, sales):
        with pytest.raises(CommandError, match="already"):
            run(staff_email=sales.email)
        assert not Account.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"delegates": "no"}, "--delegates: Without it"),
            ({"staff_email": "simon@"}, "--staff-email: Enter a valid email"),
            ({"timezone": "Lisbon"}, "--timezone: Lisbon is not a time zone"),
            ({"currency": "EURO"}, "--currency: "),
            ({"currency": "ABC"}, "--currency: ABC is not a currency"),
            ({"locale": "portuguese!"}, "--locale: portuguese! is no locale"),
            ({"starts_on": "soon"}, "--starts-on: Write a day as 2026-11-23."),
            ({"frequency_months": "5"}, "5 does not divide a term of 12 months"),
            ({"admin_email": "simon@vendor.example"}, "--admin-email: "),
            ({"auto_renews": "perhaps"}, "--auto-renews: Answer yes or no."),
            ({"staff_kind": "PARTNER"}, "--staff-kind: Answer SALES or SUPPORT."),
            ({"partner_name": None}, "--partner-name: This field is required."),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_a_wrong_answer_is_named_and_nothing_is_made(self, wrong, said):
        assert said in refused(**wrong)

    def test_every_fault_is_told_at_once(self):
        told = refused(timezone="Lisbon", currency="ABC", partner_name=None)

        assert {line.split(":")[0] for line in told.splitlines()} >= {
            "--timezone",
            "--currency",
            "--partner-name",
        }

    def test_a_password_that_is_the_address_is_refused(self, monkeypatch):
        monkeypatch.setenv("FIRST_ADMIN_PASSWORD", "alice@harbour.example")

        assert "too similar" in refused()

    def test_what_a_rule_refuses_in_the_end_leaves_nothing(self):
        assert "already" in refused(admin_email="SIMON@vendor.example")


def test_without_passwords_in_the_environment_nothing_is_made():
    told = refused()

    assert "FIRST_STAFF_PASSWORD: " in told
    assert "FIRST_ADMIN_PASSWORD: " in told


def type_in(monkeypatch, *answers):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))


def test_asked_one_by_one_a_wrong_answer_is_asked_again(monkeypatch):
    type_in(
        monkeypatch,
        *("Simon Stone", "simon", "simon@vendor.example", ""),
        *("password", PASSWORD, "other", PASSWORD, PASSWORD),
        *("2026-01", ""),
        *("Harbour Lines", "", "Mars/Base", "Europe/Lisbon", ""),
        *("Alice Almeida", "alice@harbour.example", "no", "yes", PASSWORD, PASSWORD),
        *("EUR", "", "12", "5", "3", "", ""),
        *("Ironwood Tools", ""),
    )
    said, heard = io.StringIO(), io.StringIO()

    call_command("first_run", stdout=said, stderr=heard)

    contract = Contract.objects.get()
    assert (contract.currency, contract.frequency_months) == ("EUR", 3)
    for words in [
        *("Enter a valid email", "too common", "two different passwords"),
        *("Mars/Base is not a time zone", "answer yes", "5 does not divide"),
    ]:
        assert words in heard.getvalue()
    assert "alice@harbour.example" in said.getvalue()


def test_stopped_in_the_middle_nothing_is_made(monkeypatch):
    type_in(monkeypatch, "Simon Stone", "simon@vendor.example")

    with pytest.raises(CommandError, match="nothing was set up"):
        call_command("first_run", stdout=io.StringIO())
    assert nobody_is_there()
