"""Contracts and order forms from the sales system: all or nothing, once."""

import copy
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from billing.models import Charge, Contract, Line, OrderForm
from journal.models import Activity
from marketplace.models import Plan
from tests.billing.situations import D, day
from tests.factories import AppFactory, PlanFactory

pytestmark = pytest.mark.django_db

DEMO = Path(__file__).parents[2] / "demo"


@pytest.fixture
def said():
    """One contract and one order form with a base plan, an add-on and one not listed."""
    app = AppFactory(slug="slack")
    PlanFactory(app=app, code="pro")
    PlanFactory(app=app, code="whole", per_account=True)
    PlanFactory(app=app, code="extra", add_on=True)
    contract = {
        "account": "harbour-lines",
        "name": "Harbour Lines",
        "currency": "USD",
        "timezone": "Europe/Lisbon",
        "locale": "pt-PT",
        "starts_on": "2026-01-31",
        "term_months": 12,
        "billing_frequency_months": 1,
        "auto_renews": True,
        "billed_until": None,
    }
    line = {
        "app": "slack",
        "plan": "pro",
        "kind": "base",
        "quantity": 40,
        "monthly_unit_price": "7.25",
        "starts_on": "2026-01-31",
    }
    not_listed = {
        "plan": "pro-2023",
        "plan_name": "Pro (2023)",
        "charge_model": "per_seat",
        "not_listed": True,
    }
    form = {
        "number": "OF-1",
        "account": "harbour-lines",
        "signed_on": "2026-01-30",
        "signed_by": "ana@harbour.example",
        "install_link_to": "rui@harbour.example",
        "lines": [
            line,
            line | {"plan": "extra", "kind": "add_on", "quantity": 2},
            line | not_listed,
        ],
    }
    return {"note": "", "contracts": [contract], "order_forms": [form]}


@pytest.fixture
def bring(tmp_path):
    """Import a file's content; returns what the command says."""

    def bring(said, *options, on="2026-11-23"):
        file = tmp_path / "order_forms.json"
        file.write_text(said if isinstance(said, str) else json.dumps(said))
        out = StringIO()
        call_command(
            "import_order_forms", file, *options, on=day(on), stdout=out, verbosity=0
        )
        return out.getvalue()

    return bring


def fault_of(bring, said):
    with pytest.raises(CommandError) as refused:
        bring(said)
    assert not OrderForm.objects.filter(number="OF-NEW").exists()
    return str(refused.value)


def test_accounts_contracts_and_lines_are_as_the_file_says(bring, said):
    out = bring(said)

    contract = Contract.objects.get()
    pro, extra, kept = Line.objects.order_by("pk")
    assert "1 account added." in out
    assert contract.account.timezone == "Europe/Lisbon"
    assert (pro.monthly_unit_price, pro.anchor_on) == (D("7.25"), day("2026-01-31"))
    assert (extra.plan.kind, extra.terms.get().contracted) == ("ADD_ON", 2)
    assert (kept.plan.name, kept.plan.listed) == ("Pro (2023)", False)
    form = OrderForm.objects.get()
    assert (form.content, form.install_link_to) == (
        said["order_forms"][0], "rui@harbour.example",
    )  # fmt: skip


def test_what_began_is_charged_period_by_period_as_of_the_form(bring, said):
    bring(said)

    charges = Charge.objects.filter(line__plan__code="pro").order_by("starts_on")
    assert [str(c.billed_on) for c in charges][-2:] == ["2026-09-30", "2026-10-31"]
    assert {(c.amount, c.origin) for c in charges} == {(D("290.00"), "ORDER_FORM")}


def test_the_same_file_again_changes_nothing_and_says_so(bring, said):
    bring(said)
    rows = Charge.objects.count(), Activity.objects.count()

    out = bring(said)

    assert out == "Nothing to change: everything is as the file says.\n"
    assert (Charge.objects.count(), Activity.objects.count()) == rows


def test_a_price_written_otherwise_is_the_same_content(bring, said):
    bring(said)
    said["order_forms"][0]["lines"][0]["monthly_unit_price"] = "7.250"

    assert "Nothing to change" in bring(said)


def test_a_dry_run_says_what_would_change_and_changes_nothing(bring, said):
    out = bring(said, "--dry-run")

    assert "1 order form would be added." in out
    assert not Account.objects.exists()


def test_a_known_number_with_another_content_shows_the_difference(bring, said):
    bring(said)
    said["order_forms"][0]["lines"][0]["quantity"] = 45
    said["order_forms"][0]["signed_on"] = "2026-01-29"

    fault = fault_of(bring, said)

    assert (
        "$.order_forms[0].lines[0].quantity: is 45, but OF-1 was recorded with 40."
    ) in fault.replace('"', "")
    assert "$.order_forms[0].signed_on: is" in fault
    assert "2 faults" in fault


def test_a_known_contract_with_other_conditions_shows_the_difference(bring, said):
    bring(said)
    said["contracts"][0]["billing_frequency_months"] = 3

    assert (
        "$.contracts[0].billing_frequency_months: is 3, but the contract from"
        " 2026-01-31 was recorded with 1."
    ) in fault_of(bring, said)


def test_an_account_moves_where_the_file_says(bring, said):
    bring(said)
    said["contracts"][0]["timezone"] = "Europe/Berlin"

    assert "1 account changed." in bring(said)


def test_another_form_for_the_same_plan_is_another_line(bring, said):
    bring(said)
    second = copy.deepcopy(said["order_forms"][0])
    second["number"] = "OF-2"
    second["lines"][0] |= {"quantity": 10, "starts_on": "2026-12-31"}
    del second["lines"][1:]
    said["order_forms"].append(second)

    bring(said)

    later = Line.objects.get(order_form__number="OF-2")
    assert (later.began_on, later.charges.count()) == (None, 0)
    assert later.terms.get().ends_on == day("2027-01-31")


def _set(said, path, value):
    *way, last = path
    at = said
    for step in way:
        at = at[step]
    at[last] = value


CONTRACT, FORM = ("contracts", 0), ("order_forms", 0)
LINE = (*FORM, "lines", 0)


@pytest.mark.parametrize(
    ("path", "value", "place", "words"),
    [
        ((*CONTRACT, "timezone"), "Lisbon", "$.contracts[0].timezone", "Europe/Lisbon"),
        ((*CONTRACT, "currency"), "XYZ", "$.contracts[0].currency", "ISO 4217"),
        ((*CONTRACT, "locale"), "xx-XX", "$.contracts[0].locale", "pt-PT"),
        (
            (*CONTRACT, "billing_frequency_months"),
            5,
            "$.contracts[0].billing_frequency_months",
            "Write one of 1, 2, 3, 4, 6, 12.",
        ),
        ((*CONTRACT, "term_months"), 0, "$.contracts[0].term_months", "from 1 to 120"),
        ((*CONTRACT, "starts_on"), "0206-01-31", "$.contracts[0].starts_on", "1990"),
        ((*CONTRACT, "starts_on"), "31/01/2026", "$.contracts[0].starts_on", "2026-01"),
        ((*CONTRACT, "auto_renews"), "yes", "$.contracts[0].auto_renews", "true"),
        (
            (*CONTRACT, "billed_until"),
            "2025-01-01",
            "$.contracts[0].billed_until",
            "before the contract starts",
        ),
        ((*CONTRACT, "surprise"), 1, "$.contracts[0].surprise", "not known here"),
        ((*FORM, "account"), "nobody", "$.order_forms[0].account", "no account"),
        ((*FORM, "signed_by"), "Ana", "$.order_forms[0].signed_by", "an address"),
        ((*FORM, "lines"), [], "$.order_forms[0].lines", "is empty"),
        ((*LINE, "app"), "slak", "$.order_forms[0].lines[0].app", "no app of the"),
        ((*LINE, "plan"), "gold", "$.order_forms[0].lines[0].plan", "pro, whole"),
        ((*LINE, "kind"), "add_on", "$.order_forms[0].lines[0].kind", 'Write "base"'),
        ((*LINE, "quantity"), 0, "$.order_forms[0].lines[0].quantity", "from 1"),
        ((*LINE, "quantity"), 2.5, "$.order_forms[0].lines[0].quantity", "whole"),
        ((*LINE, "plan"), "whole", "$.order_forms[0].lines[0].quantity", "Write 1."),
        (
            (*LINE, "monthly_unit_price"),
            "-7.25",
            "$.order_forms[0].lines[0].monthly_unit_price",
            "0 or more",
        ),
        (
            (*LINE, "monthly_unit_price"),
            7.25,
            "$.order_forms[0].lines[0].monthly_unit_price",
            'text in quotes, as "7.25"',
        ),
        (
            (*LINE, "monthly_unit_price"),
            "999999999999",
            "$.order_forms[0].lines[0].monthly_unit_price",
            None,
        ),
        (
            (*LINE, "starts_on"),
            "2026-01-30",
            "$.order_forms[0].lines[0].starts_on",
            "Its contracts run from 2026-01-31.",
        ),
        (
            (*LINE, "not_listed"),
            True,
            "$.order_forms[0].lines[0].plan_name",
            "Write text",
        ),
    ],
)
def test_every_fault_has_its_place_and_what_would_be_right(
    bring, said, path, value, place, words
):
    _set(said, path, value)
    if words is None:
        said["order_forms"][0]["lines"][0]["quantity"] = 1_000_000
        words = "comes to"

    fault = fault_of(bring, said)

    assert f"{place}: " in fault
    assert words in fault
    assert not Account.objects.exists()
    assert not Plan.objects.filter(listed=False).exists()


def test_all_faults_are_told_at_once(bring, said):
    said["contracts"][0]["timezone"] = "Lisbon"
    said["order_forms"][0]["lines"][0]["quantity"] = 0
    said["order_forms"][0]["lines"][1]["kind"] = "extra"

    assert "3 faults; nothing was imported" in fault_of(bring, said)


def test_a_number_twice_in_a_file_is_refused(bring, said):
    said["order_forms"].append(copy.deepcopy(said["order_forms"][0]))

    assert "$.order_forms[1].number" in fault_of(bring, said)


def test_overlapping_contracts_are_refused(bring, said):
    said["contracts"].append(said["contracts"][0] | {"starts_on": "2026-06-15"})

    fault = fault_of(bring, said)

    assert "$.contracts[1].starts_on: is 2026-06-15." in fault
    assert "next term end on 31 Jan 2027" in fault
    assert "1 fault;" in fault


def test_a_successor_starts_where_the_contract_before_ends(bring, said):
    first = said["contracts"][0]
    first["auto_renews"] = False
    said["contracts"].append(first | {"starts_on": "2027-01-31", "term_months": 24})

    bring(said)

    assert Contract.objects.count() == 2
    assert not Line.objects.exclude(ends_on=None).exists()


def test_two_contracts_say_the_same_of_their_account(bring, said):
    first = said["contracts"][0]
    said["contracts"].append(
        first | {"starts_on": "2027-01-31", "name": "Harbour Ferries"}
    )

    assert "$.contracts[1].name" in fault_of(bring, said)


def test_a_plan_said_not_to_be_listed_that_is_listed_is_refused(bring, said):
    said["order_forms"][0]["lines"][2]["plan"] = "pro"

    assert "$.order_forms[0].lines[2].not_listed: is true, but" in fault_of(bring, said)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"contracts": []}', '{"a": 1, "a": 2}']
)
def test_what_is_no_sales_file_is_refused_in_words(bring, text):
    with pytest.raises(CommandError, match="nothing was imported"):
        bring(text)


def test_a_missing_file_is_refused_in_words():
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_order_forms", "nowhere.json")


def test_the_demo_file_is_taken_as_it_is(db):
    call_command("import_catalogue", DEMO / "catalogue.json", verbosity=0)

    for _ in range(2):
        call_command(
            "import_order_forms", DEMO / "order_forms.json", on=day("2026-11-23"),
            verbosity=0, stdout=StringIO(),
        )  # fmt: skip

    assert (Contract.objects.count(), OrderForm.objects.count()) == (8, 10)
    assert Line.objects.filter(began_on=None).count() == 2  # they start later
    zoom = Plan.objects.get(code="enterprise-2023")
    assert (zoom.listed, zoom.lines.get().terms.last().contracted) == (False, 200)
