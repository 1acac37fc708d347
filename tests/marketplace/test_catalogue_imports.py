"""A catalogue is taken in whole or not at all, and never rewrites what was listed."""

import datetime
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from journal.models import Activity
from marketplace import catalogue_imports, list_prices
from marketplace.models import App, ListPrice, Partner, Plan

A_MONTH = datetime.timedelta(days=31)


def history(plan, currency="USD"):
    rows = plan.list_prices.filter(currency=currency).order_by("effective_from")
    return [
        (str(row.effective_from), row.monthly_price, row.effective_until)
        for row in rows
    ]


def everything():
    return [
        list(model.objects.order_by("pk").values()) for model in (App, Plan, ListPrice)
    ]


@pytest.fixture
def chat(taken_in, small):
    """The small catalogue's plan, as it is stored."""
    taken_in(small)
    return Plan.objects.get()


def test_the_real_catalogue_comes_in_whole(taken_in, real):
    outcome = taken_in(real)

    assert dict(outcome.added) == {
        "partner": 37,
        "app": 37,
        "plan": 289,
        "list price": 347,
    }


def test_a_second_time_changes_nothing(taken_in, real, supplement, today):
    taken_in(real, supplement)
    before = everything()

    outcome = taken_in(real, supplement, on=today + A_MONTH)

    assert (outcome.rows, outcome.left) == (0, [])
    assert everything() == before


def test_each_price_ends_where_the_next_of_its_currency_begins(taken_in, real):
    taken_in(real)
    business = Plan.objects.get(app__slug="notion", code="business")

    assert history(business) == [
        ("2023-11-29", Decimal("18.00"), datetime.date(2027, 1, 15)),
        ("2027-01-15", Decimal("20.00"), None),
    ]
    assert history(business, "EUR") == [("2025-03-08", Decimal("16.56"), None)]


def test_going_on_request_closes_the_history_on_the_day_of_listing(
    taken_in, real, today
):
    taken_in(real)
    corporate = Plan.objects.get(app__slug="userguiding", code="corporate")

    assert corporate.price_on_request
    assert history(corporate)[-1][2] == datetime.date(2025, 1, 24)
    assert list_prices.of(corporate, currency="USD", on=today) is None


def test_an_app_may_have_add_ons_alone(taken_in, real):
    taken_in(real)

    assert not Plan.objects.base().filter(app__slug="okta").exists()
    assert Plan.objects.add_ons().filter(app__slug="okta").count() == 18


def test_without_details_an_app_belongs_to_a_partner_of_its_name(taken_in, small):
    taken_in(small)

    assert Partner.objects.get().name == "Chat"


def test_a_supplement_says_whose_app_it_is(taken_in, real, supplement):
    taken_in(real, supplement)
    figma = App.objects.get(slug="figma")

    assert figma.partner.name == "Studio Larkspur"
    assert figma.launch_address == "https://figma.apps.example/"
    assert Partner.objects.count() == 13


def test_a_supplement_may_come_later_and_stays(taken_in, small):
    taken_in(small)
    details = {
        "slug": "chat",
        "partner": "talkers",
        "tagline": "Chat",
        "description": "Team chat",
    }
    partner = {"slug": "talkers", "name": "Talkers", "website": ""}

    taken_in(small, {"partners": [partner], "apps": [details]})
    outcome = taken_in(small)

    assert App.objects.get().partner.name == "Talkers"
    assert outcome.rows == 0


def test_details_of_an_app_that_nobody_lists_are_refused(taken_in, small, supplement):
    with pytest.raises(catalogue_imports.Refused) as refusal:
        taken_in(small, supplement)

    assert "supplement $.apps[0].slug" in str(refusal.value)
    assert not App.objects.exists()


def test_another_price_for_a_past_day_shows_both(taken_in, small, plan_entry, chat):
    plan_entry["list_prices"][0]["monthly_price"] = "7.50"

    with pytest.raises(catalogue_imports.Refused) as refusal:
        taken_in(small)

    [fault] = refusal.value.faults
    assert fault.place == "$.apps[0].plans[0].list_prices"
    assert "8.000000 USD from 2024-01-01" in fault.wrong
    assert "7.50 USD" in fault.wrong


def test_a_price_slipped_into_the_past_is_refused(taken_in, small, plan_entry, chat):
    plan_entry["list_prices"].append(
        {"currency": "USD", "monthly_price": "1", "effective_from": "2025-01-01"}
    )

    with pytest.raises(catalogue_imports.Refused):
        taken_in(small)

    assert chat.list_prices.count() == 2


def test_a_price_left_out_of_the_past_is_refused(taken_in, small, plan_entry, chat):
    del plan_entry["list_prices"][0]

    with pytest.raises(catalogue_imports.Refused):
        taken_in(small)


def test_a_price_of_today_is_refused_and_of_tomorrow_taken(
    taken_in, small, plan_entry, chat, today
):
    tomorrow = today + datetime.timedelta(days=1)
    price = {"currency": "USD", "monthly_price": "9.90"}
    plan_entry["list_prices"].append(price | {"effective_from": str(today)})
    with pytest.raises(catalogue_imports.Refused):
        taken_in(small)

    price = price | {"effective_from": str(tomorrow)}
    plan_entry["list_prices"][-1] = price
    taken_in(small)

    assert history(chat)[1:] == [
        ("2026-01-01", Decimal("9.00"), tomorrow),
        (str(tomorrow), Decimal("9.90"), None),
    ]


def test_a_price_to_come_may_still_change(taken_in, small, plan_entry, chat):
    price = {"currency": "USD", "effective_from": "2027-06-01"}
    plan_entry["list_prices"].append(price | {"monthly_price": "10"})
    taken_in(small)
    plan_entry["list_prices"][-1] = price | {"monthly_price": "11"}

    outcome = taken_in(small)

    assert dict(outcome.changed) == {"list price": 1}
    assert history(chat)[-1] == ("2027-06-01", Decimal(11), None)


def test_another_currency_brings_its_own_history(taken_in, small, plan_entry, chat):
    plan_entry["list_prices"].append(
        {"currency": "EUR", "monthly_price": "8", "effective_from": "2025-01-01"}
    )

    taken_in(small)

    assert history(chat, "EUR") == [("2025-01-01", Decimal(8), None)]


def test_a_plan_listed_until_today_goes_on_request_tomorrow(
    taken_in, small, plan_entry, chat, today
):
    plan_entry |= {"price_on_request": True, "monthly_price": None, "list_prices": []}
    taken_in(small)
    taken_in(small, on=today + A_MONTH)

    assert history(chat)[-1][2] == today + datetime.timedelta(days=1)


def test_going_on_request_drops_what_was_to_come(taken_in, small, plan_entry, chat):
    plan_entry["list_prices"].append(
        {"currency": "USD", "monthly_price": "11", "effective_from": "2027-06-01"}
    )
    taken_in(small)
    plan_entry |= {"price_on_request": True, "monthly_price": None}
    del plan_entry["list_prices"][-1]

    outcome = taken_in(small)

    assert dict(outcome.removed) == {"list price": 1}
    assert len(history(chat)) == 2


def test_off_request_again_takes_a_price_to_come(
    taken_in, small, plan_entry, chat, today
):
    listed = dict(plan_entry)
    plan_entry |= {"price_on_request": True, "monthly_price": None}
    taken_in(small)
    plan_entry |= listed
    later = today + A_MONTH
    with pytest.raises(catalogue_imports.Refused):
        taken_in(small, on=later)

    plan_entry["list_prices"] = [
        *listed["list_prices"],
        {"currency": "USD", "monthly_price": "12", "effective_from": "2027-06-01"},
    ]
    taken_in(small, on=later)

    gap_begins = today + datetime.timedelta(days=1)
    assert [row[2] for row in history(chat)][1:] == [gap_begins, None]


def test_what_a_later_file_does_not_name_is_left_and_named(
    taken_in, small, plan_entry, chat
):
    other = {
        **small["apps"][0],
        "slug": "other",
        "plans": [{**plan_entry, "code": "x"}],
    }

    outcome = taken_in({"apps": [other]})
    assert outcome.left == ["app chat"]

    small["apps"][0]["plans"] = [{**plan_entry, "code": "basic"}]
    assert "plan chat/pro" in taken_in(small).left
    assert chat.list_prices.count() == 2


def test_one_fault_and_nothing_is_taken_in(taken_in, real, small, plan_entry, chat):
    plan_entry["list_prices"][0]["monthly_price"] = "7.50"
    before = everything()

    with pytest.raises(catalogue_imports.Refused):
        taken_in({"apps": [*real["apps"], *small["apps"]]})

    assert everything() == before


def test_the_journal_keeps_which_apps_changed(taken_in, small, plan_entry, chat):
    plan_entry["name"] = "Professional"
    taken_in(small)
    taken_in(small)

    verbs = Activity.objects.about("chat").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["app.listed", "app.revised"]


def test_the_command_tells_what_it_would_do_and_does_not(
    present, real, tmp_path, capsys
):
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(real))

    call_command("import_catalogue", file, dry_run=True)

    said = capsys.readouterr()
    assert "37 apps would be added." in said.out
    assert "37/37" in said.err
    assert not App.objects.exists()


def test_the_command_says_when_nothing_changes(present, small, tmp_path, capsys):
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(small))
    call_command("import_catalogue", file)
    capsys.readouterr()

    call_command("import_catalogue", file)

    assert "Nothing to change" in capsys.readouterr().out


def test_the_command_names_every_fault(present, small, plan_entry, tmp_path):
    plan_entry |= {"kind": "extra", "unit": 5}
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(small))

    with pytest.raises(CommandError, match=r"2 faults(.|\n)*kind(.|\n)*unit"):
        call_command("import_catalogue", file)


def test_a_file_that_cannot_be_read_is_said_so(present, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_catalogue", tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b'{"apps": "\xe9"}')
    with pytest.raises(CommandError, match="UTF-8"):
        call_command("import_catalogue", tmp_path / "latin.json")
