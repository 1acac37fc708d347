"""One JSON object a line, each with the id of the request that caused it."""

import json
import logging

import pytest

from config import logs


@pytest.fixture
def lines(caplog):
    """What the console would show, parsed."""
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(logs.RequestIdFilter())
    form = logs.JsonLines()
    return lambda: [json.loads(form.format(record)) for record in caplog.records]


@pytest.mark.django_db
def test_an_answer_carries_its_id_and_so_does_its_line(client, lines):
    answer = client.get("/login/")

    (line,) = [line for line in lines() if line["logger"] == "access"]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/login/", 200)


@pytest.mark.django_db
def test_an_id_given_by_a_proxy_is_kept(client):
    answer = client.get("/login/", headers={"X-Request-ID": "edge-20261123-0007"})

    assert answer.headers["X-Request-ID"] == "edge-20261123-0007"


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["short", "x" * 65, 'a"forged":"line', "line\tbreak"])
def test_an_id_that_could_forge_a_line_is_not_kept(client, given):
    answer = client.get("/login/", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] != given


@pytest.mark.django_db
def test_a_missing_page_is_logged_under_the_same_id(client, lines):
    answer = client.get("/no-such-page/")

    ids = {line["request_id"] for line in lines()}
    assert ids == {answer.headers["X-Request-ID"]}


def test_a_task_logs_under_its_own_id(lines):
    token = logs.request_id.set("-")
    try:
        logs._name_task(task_id="6e1a4f2f")
        logging.getLogger("support").info("Done")
        assert lines()[0]["request_id"] == "6e1a4f2f"
    finally:
        logs.request_id.reset(token)
