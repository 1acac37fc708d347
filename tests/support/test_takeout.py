"""An account takes along everything it has, and nothing that is not its own."""

import csv
import io
import zipfile

import pytest
from django.apps import apps
from django.urls import reverse

from accounts import authority, roles
from journal.models import Activity
from support import takeout, tickets
from support.models import Message
from tests import factories

pytestmark = pytest.mark.django_db

# Tables with an account that say nothing the account does not have in another file.
ELSEWHERE = {
    "accounts.AccountGroupPermission": "in roles.csv",
    "accounts.AccountUserPermission": "unused",
    "accounts.IdentityProvider": "its own settings and secret",
    "accounts.Job": "what became of a file of people",
    "accounts.User": "people.csv",
    "accounts.Role": "roles.csv",
    "accounts.ApiKey": "api_keys.csv, without what opens something",
    "billing.BatchedCharge": "in batches.csv",
    "billing.LimitChange": "in activity.csv",
    "billing.Closing": "in batches.csv",
    "billing.Batch": "batches.csv",
    "billing.Acknowledgement": "acknowledgements.csv",
    "marketplace.Offer": "shown in the marketplace",
    "myapps.CalendarFeed": "secret addresses",
    "myapps.InstallLink": "secret addresses",
    "myapps.UsageReport": "what partners say",
    "support.Ticket": "tickets.csv",
}


def files_of(response):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    return {
        name.removesuffix(".csv"): list(
            csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig")))
        )
        for name in archive.namelist()
        if name.endswith(".csv")
    }


def test_it_holds_what_the_account_has(client, admin, present):
    client.force_login(admin)

    answer = client.post(reverse("support:takeout"))
    files = files_of(answer)

    assert answer.headers["Content-Disposition"].endswith('.zip"')
    assert [row["email"] for row in files["people"]] == ["alice@harbour.example"]
    assert files["roles"][0]["name"] == "Administrators"
    assert "manage_roles" in files["roles"][0]["permissions"]
    assert files["role_members"]
    assert files["activity"][-1]["verb"] == "account.exported"


def test_nothing_of_another_account_is_in_it(client, admin, stranger, present):
    client.force_login(admin)

    files = files_of(client.post(reverse("support:takeout")))

    said = str(files)
    assert "Charlie" not in said
    assert "Meridian" not in said


def test_what_staff_say_among_themselves_stays_there(client, admin, support, present):
    ticket = tickets.open(
        admin.account, category="INSTALL", subject="Help", by=admin,
        on=present.date(), body="Please",
    )  # fmt: skip
    Message.objects.create(
        ticket=ticket, author=support, internal=True, body="Psst", on=present.date()
    )
    client.force_login(admin)

    files = files_of(client.post(reverse("support:takeout")))

    assert "Psst" not in str(files)
    assert any(row["body"] == "Please" for row in files["messages"])


def test_who_takes_it_is_recorded(client, admin, present):
    client.force_login(admin)

    client.post(reverse("support:takeout"))

    entry = Activity.objects.get(verb="account.exported")
    assert entry.actor_id == admin.pk


def test_who_manages_roles_alone_does_not_get_the_money(client, account, present):
    keeper = factories.UserFactory(account=account)
    role = factories.RoleFactory(account=account, name="Keepers")
    authority.grant(role, authority.MANAGE_ROLES, by=None, on=role.created_on)
    roles.join(role, [keeper], by=None, on=role.created_on)
    client.force_login(keeper)

    assert client.post(reverse("support:takeout")).status_code == 403


def test_a_table_with_an_account_is_taken_along_or_says_why_not():
    ours = {"accounts", "marketplace", "billing", "myapps"}
    with_account = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ours
        and any(field.name == "account" for field in model._meta.fields)
    }
    taken = {model._meta.label for model in takeout.WHOLE.values()}

    assert with_account - taken == set(ELSEWHERE) & with_account


def test_a_table_is_whole(admin, today):
    plan = factories.PlanFactory()
    line = factories.LineFactory(contract__account=admin.account, plan=plan)

    found = dict(takeout.tables(admin.account))

    assert [row[0] for row in found["lines"]] == [line.pk]
    assert "monthly_unit_price" in found["lines"].titles
