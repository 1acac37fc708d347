"""The invoicing system fetches batches by its own key, and acknowledges each once."""

import base64
import csv
import hashlib
import io
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from accounts import api_keys
from billing import batches
from billing.models import Acknowledgement, Batch
from tests.billing.situations import day, plan_of
from tests.factories import AccountFactory, ContractFactory, LineFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIST = "/api/v1/batches/"


def key_of(user, **asked):
    asked = {
        "audience": "INVOICING",
        "scopes": ["batches:read", "batches:write"],
    } | asked
    _key, token = api_keys.create(name="Books", by=user, at=AT, on=AT.date(), **asked)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def key(sales, present):
    return key_of(sales)


@pytest.fixture
def closed(account):
    """Three batches of Harbour Lines and three of somebody else, in another currency."""
    for owner, currency in ((account, "USD"), (AccountFactory(), "EUR")):
        LineFactory(
            contract=ContractFactory(account=owner, currency=currency),
            plan=plan_of(price="1"),
            contracted=10,
            on=day("2026-03-15"),
        )
    batches.close(zone="UTC", on=day("2026-03-15"))
    return list(Batch.objects.order_by("id"))


def acknowledge(client, key, batch, name="one", **body):
    body = {"checksum": batch.checksum, "reference": "INV-7"} | body
    return client.post(
        f"{LIST}{batch.pk}/acknowledge/",
        body,
        "application/json",
        headers=key | {"Idempotency-Key": name},
    )


def test_batches_are_listed_oldest_first(client, key, closed):
    answer = client.get(LIST, headers=key).json()

    first = answer["results"][0]
    assert [row["id"] for row in answer["results"]] == [one.pk for one in closed]
    assert first == {
        "id": closed[0].pk,
        "account": "harbour-lines",
        "number": 1,
        "day": "2026-01-01",
        "currency": "USD",
        "count": 1,
        "total": "80.00",
        "checksum": closed[0].checksum,
        "closed_at": first["closed_at"],
        "acknowledgement": None,
    }


@pytest.mark.parametrize(
    ("asked", "many"),
    [
        ({"account": "harbour-lines"}, 3),
        ({"currency": "EUR"}, 3),
        ({"day_from": "2026-02-01", "day_to": "2026-02-28"}, 2),
        ({"acknowledged": "false"}, 5),
        ({"acknowledged": "true"}, 1),
        ({"account": "nobody"}, 0),
    ],
)
def test_the_list_is_filtered(client, key, closed, asked, many):
    acknowledge(client, key, closed[0])

    assert len(client.get(LIST, asked, headers=key).json()["results"]) == many


def test_a_batch_is_the_same_bytes_each_time(client, key, closed):
    address = f"{LIST}{closed[0].pk}/"

    first, acknowledged, second = (
        client.get(address, headers=key),
        acknowledge(client, key, closed[0]),
        client.get(address, headers=key),
    )

    assert acknowledged.status_code == 200
    assert first.content == second.content
    assert hashlib.sha256(first.content).hexdigest() == closed[0].checksum
    assert first["ETag"] == f'"{closed[0].checksum}"'
    digest = base64.b64encode(hashlib.sha256(first.content).digest()).decode()
    assert first["Repr-Digest"] == f"sha-256=:{digest}:"
    assert first.json()["lines"][0]["amount"] == "80.00"


def test_a_batch_is_fetched_as_a_table(client, key, closed):
    answer = client.get(f"{LIST}{closed[0].pk}/csv/", headers=key)

    (row,) = csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
    assert row["amount"] == "80.00"
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "harbour-lines-000001.csv" in answer["Content-Disposition"]
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer["Repr-Digest"] == f"sha-256=:{digest}:"


def test_it_is_acknowledged_once(client, key, closed, sales):
    first = acknowledge(client, key, closed[0])
    repeated = acknowledge(client, key, closed[0])
    again = acknowledge(client, key, closed[0], name="two", reference="INV-8")

    assert first.json()["acknowledgement"]["reference"] == "INV-7"
    assert repeated.json() == first.json()
    assert repeated["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.json()["code"]) == (409, "acknowledged")
    assert Acknowledgement.objects.get().acknowledged_by == sales


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"checksum": "0" * 64}, 422, "checksum"),
        ({"checksum": "short"}, 400, "invalid"),
        ({"reference": ""}, 400, "invalid"),
        ({"reference": "x" * 101}, 400, "invalid"),
    ],
)
def test_what_does_not_fit_is_refused(client, key, closed, body, status, code):
    answer = acknowledge(client, key, closed[0], **body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Acknowledgement.objects.exists()


def test_other_keys_open_nothing(client, sales, admin, support, closed, present):
    keys = {
        "none": {},
        "account": key_of(admin, audience="ACCOUNT", scopes=["billing:read"]),
        "support": key_of(support, audience="SUPPORT", scopes=["tickets:read"]),
        "reads only": key_of(sales, scopes=["batches:read"]),
    }
    address = f"{LIST}{closed[0].pk}/"

    met = {
        name: [
            client.get(LIST, headers=key).status_code,
            client.get(address, headers=key).status_code,
            client.get(f"{address}csv/", headers=key).status_code,
            acknowledge(client, key, closed[0]).status_code,
        ]
        for name, key in keys.items()
    }

    assert met == {
        "none": [401] * 4,
        "account": [403] * 4,
        "support": [403] * 4,
        "reads only": [200, 200, 200, 403],
    }
    assert not Acknowledgement.objects.exists()


def test_a_batch_that_does_not_exist(client, key):
    assert client.get(f"{LIST}1/", headers=key).status_code == 404
    assert client.get(f"{LIST}{2**63}/", headers=key).status_code in (404, 422)
    assert client.put(f"{LIST}1/", headers=key).status_code == 405
    assert client.delete(f"{LIST}1/", headers=key).status_code == 405


def test_as_many_queries_for_many_as_for_few(
    client, key, closed, django_assert_max_num_queries
):
    client.get(LIST, headers=key)

    with django_assert_max_num_queries(4):
        client.get(LIST, headers=key)


# The admin


def test_sales_look_at_batches_and_download_them(client_of, sales, closed, present):
    browser, batch = client_of(sales), closed[0]

    listed = browser.get("/admin/billing/batch/?q=harbour").content.decode()
    page = browser.get(f"/admin/billing/batch/{batch.pk}/change/").content.decode()
    file = browser.get(reverse("admin:billing_batch_file", args=[batch.pk, "json"]))
    table = browser.get(reverse("admin:billing_batch_file", args=[batch.pk, "csv"]))
    other = browser.get(reverse("admin:billing_batch_file", args=[batch.pk, "exe"]))
    waiting = browser.get("/admin/billing/batch/?acknowledgement__isempty=1")
    charges = browser.get(f"/admin/billing/charge/?batched__batch={batch.pk}")

    assert "harbour-lines" in listed or "Harbour Lines" in listed
    assert batch.checksum in page
    assert hashlib.sha256(file.content).hexdigest() == batch.checksum
    assert table.content.decode() == batches.as_csv(batch)
    assert other.status_code == 404
    assert waiting.status_code == 200
    assert "1 charge" in charges.content.decode()
    assert browser.post(f"/admin/billing/batch/{batch.pk}/change/").status_code == 403


def test_only_who_may_look_downloads(client_of, support, closed, present):
    support.is_staff = True
    support.save()
    address = reverse("admin:billing_batch_file", args=[closed[0].pk, "json"])

    assert client_of(support).get(address).status_code == 403
