"""Sales operations read the money history and write none of it."""

import pytest
from django.contrib import admin

from billing import renewals
from billing.models import Charge, Contract, Increase, Line
from tests.billing.situations import D, buy, day, plan_of
from tests.factories import AccountFactory, ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = day("2026-11-23")
MODELS = ["contract", "orderform", "line", "charge", "order", "renewalchange"]


@pytest.fixture
def client(present, client_of, sales):
    return client_of(sales)


@pytest.fixture
def line(account):
    """Bought on an order form, grown, and asked to be lower."""
    buyer = UserFactory(account=account)
    line = LineFactory(
        contract=ContractFactory(account=account), plan=plan_of(price="10"),
        contracted=10, on=TODAY,
    )  # fmt: skip
    buy(account, line.plan, 12, on=TODAY, by=buyer)
    renewals.lower(line, to=4, by=buyer, on=TODAY)
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
            if model is not Contract:
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
