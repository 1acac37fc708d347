"""What every answer of the API has in common."""

import pytest
import yaml
from django.core.management import call_command
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_the_schema_is_valid_and_complete(capsys):
    call_command("spectacular", validate=True, fail_on_warn=True)

    document = yaml.safe_load(capsys.readouterr().out)
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    for operation in operations:
        assert "401" in operation["responses"]
        assert operation["security"] == [{"key": []}]
        assert operation["summary"]
        assert "\n" not in operation["summary"]


def test_an_address_that_does_not_exist_is_told_as_a_problem(client):
    answer = client.get("/api/v1/nothing/here/")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_the_docs_page_needs_no_inline_script(client):
    page = client.get(reverse("api-docs"))

    assert page.status_code == 200
    assert "<style" not in page.text
    assert "<script>" not in page.text
    assert client.get(reverse("api-docs") + "?script=").status_code == 200


def test_how_much_may_still_be_asked_is_told(client):
    left = [client.get("/api/v1/nothing/")["RateLimit"] for _call in range(3)]

    assert left == [f'"default";r={n};t=60' for n in (59, 58, 57)]
    assert client.get("/api/v1/nothing/")["RateLimit-Policy"] == '"default";q=60;w=60'


def test_too_many_calls_wait_as_long_as_they_are_told(client):
    answers = [client.get("/api/v1/nothing/") for _call in range(61)]

    assert [one.status_code for one in answers] == [404] * 60 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert answers[-1].json()["code"] == "throttled"
    assert "r=0" in answers[-1]["RateLimit"]


def test_nobody_gets_more_by_saying_to_come_from_elsewhere(client):
    left = [
        client.get("/api/v1/nothing/", headers={"X-Forwarded-For": f"192.0.2.{n}"})
        for n in range(3)
    ]

    assert [one["RateLimit"] for one in left] == [
        f'"default";r={n};t=60' for n in (59, 58, 57)
    ]
