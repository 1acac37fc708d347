"""Sales operations read the money history and write none of it."""

import re

import pytest
from django.contrib import admin

from billing import batches, renewals
from billing.models import Charge, Contract, Increase, Line, OrderForm
from tests.billing.situations import D, buy, day, plan_of
from tests.factories import AccountFactory, ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = day("2026-11-23")
MODELS = [
    *("contract", "orderform", "line", "charge", "order", "renewalchange"),
    "batch",
]


@pytest.fixture
def client(present, client_of, sales):
    return client_of(sales)


@pytest.fixture
def line(account):
    """Bought on an order form, grown, asked to be lower, and handed off."""
    buyer = UserFactory(account=account)
    line = LineFactory(
        contract=ContractFactory(account=account), plan=plan_of(price="10"),
        contracted=10, on=TODAY,
    )  # fmt: skip
    buy(account, line.plan, 12, on=TODAY, by=buyer)
    renewals.lower(line, to=4, by=buyer, on=TODAY)
    batches.close(zone="UTC", on=TODAY)
    return line


@pytest.mark.parametrize("model", MODELS)
def test_each_list_is_searched_and_filtered(client, line, model):
    page = client.get(f"/admin/billing/{model}/?q=harbour")

    assert page.status_code == 200
    assert "Harbour Lines" in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_a_list_takes_the_same_queries_for_any_number(
    client, line, model, django_assert_max_num_queries
):
    for _ in range(15):
        LineFactory(contract=line.contract, on=TODAY)
    client.get(f"/admin/billing/{model}/")

    with django_assert_max_num_queries(14):
        client.get(f"/admin/billing/{model}/")


def test_a_line_shows_its_terms_its_charges_and_how_they_come_about(client, line):
    page = client.get(f"/admin/billing/line/{line.pk}/change/").content.decode()

    assert "2 × 8 × 8/30" in page
    assert "Lower the quantity at renewal" in page
    assert "884.27 USD" in page  # 11 × 80.00 + 4.27
    assert 'name="_save"' not in page


def test_a_line_leads_to_the_orders_that_let_it_grow(client, line):
    order = line.increases.get().order

    page = client.get(f"/admin/billing/line/{line.pk}/change/").content.decode()

    assert f'href="/admin/billing/order/{order.pk}/change/"' in page


def test_a_contract_shows_its_lines_its_orders_and_what_was_charged(client, line):
    address = f"/admin/billing/contract/{line.contract_id}/change/"

    page = client.get(address).content.decode()

    assert "884.27 USD" in page
    assert f"/admin/billing/line/{line.pk}/change/" in page
    assert "Users added" in page
    narrowed = re.search(r'href="([^"]*line__contract=[^"]*)"', page)[1]
    charges = client.get(narrowed.replace("&amp;", "&"))
    assert charges.status_code == 200
    assert "12 charges" in charges.content.decode()


def test_a_contract_takes_the_same_queries_for_any_number_of_lines(
    client, line, django_assert_max_num_queries
):
    for _ in range(15):
        LineFactory(contract=line.contract, on=TODAY)

    with django_assert_max_num_queries(20):
        client.get(f"/admin/billing/contract/{line.contract_id}/change/")


@pytest.mark.parametrize("model", [Line, Charge, Increase])
def test_money_is_not_written_here(client, line, model):
    row = model.objects.filter(account=line.account).first()
    name = model._meta.model_name

    for verb in ("add", f"{row.pk}/change", f"{row.pk}/delete"):
        answer = client.post(f"/admin/billing/{name}/{verb}/", {"amount": "0"})
        assert answer.status_code in (403, 404)


def test_nothing_in_billing_is_changed_or_deleted_by_anybody(rf, sales):
    request = rf.get("/")
    request.user = sales
    for model, pages in admin.site._registry.items():
        if model._meta.app_label == "billing":
            assert not pages.has_change_permission(request)
            assert not pages.has_delete_permission(request)
            if model not in (Contract, OrderForm):
                assert not pages.has_add_permission(request)


def asked(account, **fields):
    return {
        "account": account.pk,
        "currency": "usd",
        "starts_on": "2026-12-01",
        "term_months": 12,
        "frequency_months": 3,
        "auto_renews": "on",
        "billed_until": "",
    } | fields


ADD = "/admin/billing/contract/add/"


def test_a_contract_is_recorded_by_the_rule(client, sales):
    account = AccountFactory()

    answer = client.post(ADD, asked(account))

    contract = Contract.objects.get()
    assert answer.status_code == 302
    assert (contract.currency, contract.frequency_months) == ("USD", 3)
    assert account.contracts.get() == contract


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frequency_months": 5}, "does not divide a term of 12"),
        ({"currency": "DOL"}, "ISO 4217"),
        ({"starts_on": "2025-12-01"}, "which is not before"),
        ({"starts_on": "2027-02-01"}, "a successor starts at a term end"),
    ],
)
def test_what_the_rule_refuses_is_said_on_the_form(client, fields, words):
    contract = ContractFactory()

    answer = client.post(ADD, asked(contract.account, **fields))

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert Contract.objects.count() == 1


def test_a_successor_is_recorded_at_the_term_end(client, line):
    answer = client.post(ADD, asked(line.account, starts_on="2027-01-01"))

    assert answer.status_code == 302
    line.contract.refresh_from_db()
    assert line.contract.ends_on == day("2027-01-01")


def test_a_contract_that_does_not_renew_is_let_end_with_its_term(client, line):
    click = {"action": "let_end", "_selected_action": [line.contract_id]}

    first = client.post("/admin/billing/contract/", click, follow=True)
    again = client.post("/admin/billing/contract/", click, follow=True)

    line.refresh_from_db()
    contract = line.contract
    contract.refresh_from_db()
    assert contract.auto_renews is False
    assert line.ends_on == contract.ends_on == line.terms.get(outcome="").ends_on
    assert f"It ends on {contract.ends_on}." in first.content.decode()
    assert "already" in again.content.decode()


def test_amounts_stay_exact(line):
    assert Charge.objects.of(line.account).total() == D("884.27")
