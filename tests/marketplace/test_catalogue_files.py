"""What is wrong in a catalogue file is said with its place and what would be right."""

import json

import pytest

from marketplace import catalogue_files

PLAN = "$.apps[0].plans[0]"


def faults_of(catalogue):
    return catalogue_files.catalogue(json.dumps(catalogue))[1]


def places(catalogue):
    return [fault.place for fault in faults_of(catalogue)]


def test_the_real_file_has_no_fault(real):
    assert faults_of(real) == []


def test_a_feature_said_twice_is_kept_once(small, plan_entry):
    plan_entry["features"] = ["Calls", "Chat", "Calls"]

    [app], faults = catalogue_files.catalogue(json.dumps(small))

    assert faults == []
    assert app.plans[0].features == ["Calls", "Chat"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code", "two words"),
        ("code", ""),
        ("name", 7),
        ("name", "x" * 201),
        ("kind", "addon"),
        ("kind", ["base"]),
        ("charge_model", None),
        ("unit", "x" * 61),
        ("description", None),
        ("monthly_price", "nine"),
        ("price_on_request", "no"),
        ("features", "Calls"),
        ("list_prices", {}),
        ("name", "\ud800"),
    ],
)
def test_a_bad_value_is_named_by_its_place(small, plan_entry, name, value):
    plan_entry[name] = value

    assert f"{PLAN}.{name}" in places(small)


@pytest.mark.parametrize(
    "price", ["-1", "1e3", "NaN", "8.1234567", " 8", "8,75", "", True, None, "9" * 13]
)
def test_a_price_is_a_plain_exact_amount(small, plan_entry, price):
    plan_entry["list_prices"][0]["monthly_price"] = price

    [fault] = faults_of(small)

    assert fault.place == f"{PLAN}.list_prices[0].monthly_price"
    assert '"8.75"' in fault.right


@pytest.mark.parametrize("day", ["2026-02-30", "2026-2-3", "yesterday", 20260203, None])
def test_a_day_is_a_day_of_the_calendar(small, plan_entry, day):
    plan_entry["list_prices"][0]["effective_from"] = day

    assert places(small) == [f"{PLAN}.list_prices[0].effective_from"]


def test_two_prices_from_one_day_contradict(small, plan_entry):
    plan_entry["list_prices"][1]["effective_from"] = "2024-01-01"

    [fault] = faults_of(small)

    assert fault.place == f"{PLAN}.list_prices[1].effective_from"
    assert "8.00" in fault.wrong


def test_a_currency_is_one_of_the_iso_list(small, plan_entry):
    plan_entry["list_prices"][0]["currency"] = "usd"

    assert places(small) == [f"{PLAN}.list_prices[0].currency"]


def test_a_price_on_request_cannot_stand_beside_a_price(small, plan_entry):
    plan_entry["price_on_request"] = True

    assert places(small) == [f"{PLAN}.monthly_price"]


def test_a_price_after_it_went_on_request_contradicts(small, plan_entry):
    plan_entry |= {"price_on_request": True, "monthly_price": None}
    plan_entry["list_prices"][1]["effective_from"] = "2026-02-01"

    [fault] = faults_of(small)

    assert fault.place == f"{PLAN}.list_prices"
    assert "2026-02-01" in fault.wrong


def test_a_plan_that_is_not_on_request_has_a_price(small, plan_entry):
    plan_entry["list_prices"] = []

    assert places(small) == [f"{PLAN}.list_prices"]


def test_the_monthly_price_is_one_of_the_list(small, plan_entry):
    plan_entry["monthly_price"] = "7.00"

    [fault] = faults_of(small)

    assert (fault.place, "8.00, 9.00" in fault.right) == (f"{PLAN}.monthly_price", True)


def test_every_fault_is_told_at_once(small, plan_entry):
    del plan_entry["unit"]
    plan_entry["colour"] = "red"
    small["apps"].append({"slug": "other"})

    found = places(small)

    assert f"{PLAN}.unit" in found
    assert f"{PLAN}.colour" in found
    assert "$.apps[1].plans" in found


def test_two_apps_cannot_share_a_slug(small):
    small["apps"].append(small["apps"][0])

    assert places(small) == ["$.apps[1].slug"]


def test_two_plans_of_an_app_cannot_share_a_code(small, plan_entry):
    small["apps"][0]["plans"].append(plan_entry)

    assert places(small) == ["$.apps[0].plans[1].code"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"apps": []}',
        "[]",
        "null",
        '{"apps": [1]}',
        '{"apps": [], "apps": []}',
        '{"apps": ' + "[" * 100_000,
        '{"apps": [{"slug": ' + "9" * 5000 + "}]}",
    ],
)
def test_what_is_no_catalogue_is_a_fault_not_a_crash(text):
    _entries, faults = catalogue_files.catalogue(text)

    assert faults


def test_broken_json_is_placed_by_line_and_column():
    _entries, [fault] = catalogue_files.catalogue('{"apps": [\n  {"slug" "chat"}]}')

    assert fault.place == "line 2, column 11"


def test_details_name_a_partner_of_the_file(supplement):
    supplement["apps"][0]["partner"] = "nobody"

    _supplement, [fault] = catalogue_files.supplement(json.dumps(supplement))

    assert fault.place == "$.apps[0].partner"


def test_an_address_is_one_that_a_browser_opens(supplement):
    supplement["apps"][0]["launch_address"] = "javascript:alert(1)"

    _supplement, [fault] = catalogue_files.supplement(json.dumps(supplement))

    assert fault.place == "$.apps[0].launch_address"
