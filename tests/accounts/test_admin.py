"""The Django admin for sales operations: every list and form opens, and little writes."""

import pytest
from django.urls import reverse

from accounts import terms
from accounts.models import Account, TermsVersion, User
from journal.models import Activity
from tests.factories import RoleFactory, TermsVersionFactory

LISTS = [
    "accounts_account",
    "accounts_user",
    "accounts_role",
    "accounts_termsversion",
    "accounts_termsacceptance",
    "journal_activity",
    "journal_message",
]


@pytest.fixture
def desk(client_of, sales):
    return client_of(sales)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_and_is_searched(desk, account, admin, name):
    RoleFactory(account=account)
    url = reverse(f"admin:{name}_changelist")

    assert desk.get(url).status_code == 200
    assert desk.get(url, {"q": "harbour"}).status_code in {200, 302}


def test_an_account_is_kept(desk):
    desk.post(
        reverse("admin:accounts_account_add"),
        {
            "name": "Vega",
            "slug": "vega",
            "timezone": "Europe/Madrid",
            "locale": "es-ES",
        },
    )
    refused = desk.post(
        reverse("admin:accounts_account_add"),
        {"name": "Mars", "slug": "mars", "timezone": "Mars/Base", "locale": "en-US"},
    )

    assert Account.objects.get().slug == "vega"
    assert "is not a time zone" in refused.content.decode()


def test_a_member_of_staff_is_added(desk):
    desk.post(
        reverse("admin:accounts_user_add"),
        {
            "display_name": "Sam Stone",
            "email": "sam@vendor.example",
            "kind": "SUPPORT",
            "account": "",
            "usable_password": "false",
        },
    )

    sam = User.objects.get(email="sam@vendor.example")
    assert not sam.has_usable_password()
    assert sam.account is None


def test_a_customer_without_an_account_is_refused(desk):
    response = desk.post(
        reverse("admin:accounts_user_add"),
        {
            "display_name": "Lost",
            "email": "lost@x.example",
            "kind": "CUSTOMER",
            "account": "",
            "usable_password": "false",
        },
    )

    assert response.status_code == 200
    assert not User.objects.filter(email="lost@x.example").exists()


def test_a_customer_is_not_deactivated_past_the_rules(desk, admin):
    url = reverse("admin:accounts_user_change", args=[admin.pk])

    desk.post(url, {"display_name": "Alice B", "email": admin.email, "team": ""})

    admin.refresh_from_db()
    assert admin.display_name == "Alice B"
    assert admin.is_active
    assert (
        desk.post(reverse("admin:accounts_user_delete", args=[admin.pk])).status_code
        == 403
    )


def test_the_journal_is_read_only(desk, admin):
    entry = Activity.objects.first()
    url = reverse("admin:journal_activity_change", args=[entry.pk])

    assert desk.get(url).status_code == 200
    assert desk.post(url, {"verb": "x"}).status_code == 403


def test_a_version_of_the_terms_that_somebody_accepted_stays_as_it_was(
    desk, admin, today
):
    version = TermsVersionFactory()
    url = reverse("admin:accounts_termsversion_change", args=[version.pk])
    assert desk.get(url).status_code == 200
    terms.accept(admin, version=version, on=today)

    assert desk.post(url, {"version": "other"}).status_code == 403
    assert TermsVersion.objects.get().version == version.version
