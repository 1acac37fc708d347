"""The whole schema, as an account's software, a partner's and the desk's: no 5xx, no
answer outside the schema, no authentication ignored.

`make fuzz` tries 5,000 cases for each; FUZZ_CASES and FUZZ_SEED say how many and which.
Every case is taken back, so that what it needs is still there for the next one.
"""

import logging
import os
import sys
import traceback
from contextlib import contextmanager

import pytest
import schemathesis
from django.core.signals import (
    got_request_exception,
    request_finished,
    request_started,
)
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from accounts.models import ApiKey
from config.api_rates import KeyThrottle
from config.wsgi import application
from tests.api.firms import Firm, program
from tests.fuzz import things

CASES = int(os.environ.get("FUZZ_CASES", "100"))
SEED = int(os.environ.get("FUZZ_SEED", "3"))
OWN_SHARE = 0.85
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EMPTY = {"/api/v1/partner/installations/{id}/differences/"}
"""Lists of rows that no address names."""
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def unhurried(settings, monkeypatch):
    """No line for each of thousands of requests, and no throttle."""
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    }
    rates = {"key": "100000/min", "anonymous": "100000/min"}
    monkeypatch.setattr(KeyThrottle, "THROTTLE_RATES", rates)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@contextmanager
def own_connection():
    """Every request in the test's own transaction: none closes its connection."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@pytest.fixture
def schema(db):
    with own_connection():
        return schemathesis.openapi.from_wsgi(
            "/api/v1/schema/?format=json", application
        )


@pytest.fixture
def firm(admin, present, today):
    return Firm(admin, today)


@pytest.fixture
def identities(firm, partner_user, support):
    """Who calls, by audience: each with something in every list of theirs."""
    return {
        ApiKey.Audience.ACCOUNT: things.account(firm),
        ApiKey.Audience.PARTNER: things.partner(firm, partner_user),
        ApiKey.Audience.SUPPORT: things.desk(firm, support),
    }


@pytest.mark.parametrize("audience", ["ACCOUNT", "PARTNER", "SUPPORT"])
def test_no_case_breaks_it(schema, identities, audience):
    caller = program(identities[audience], audience=audience)
    operations = [result.ok() for result in schema.get_all_operations()]
    ours = [one for one in operations if things.audience_of(one) == audience]
    others = [one for one in operations if one not in ours]
    known = things.known(caller, ours)
    assert ours
    assert {path for path, rows in known.items() if not rows} <= EMPTY
    tried, failures, confirmed = 0, {}, set()

    for group, share in ((ours, OWN_SHARE), (others, 1 - OWN_SHARE)):
        each = max(1, -(-int(CASES * share) // len(group)))
        for operation in group:
            tried += attempt(operation, caller, known, each, failures, confirmed)
            sys.stderr.write(f"{audience}: {tried} tried, {operation.label}\n")

    assert not failures, "\n\n".join(failures.values())
    assert tried >= CASES


def attempt(operation, caller, known, cases: int, failures, confirmed) -> int:
    """Try so many cases of an operation, half of them outside of its schema; what fails
    is kept under its kind. That authentication is not ignored is asked until it is
    `confirmed`, once an operation. Answers how many were tried.
    """
    tried = 0

    def run(case, random):
        nonlocal tried
        tried += 1
        things.enliven(case, known, random)
        _call(case, caller.token, failures, confirmed)

    for mode in MODES:
        wanted = cases - cases // 2 if mode == MODES[0] else cases - tried
        if wanted > 0:
            one = given(case=operation.as_strategy(mode), random=st.randoms())(run)
            try:
                seed(SEED)(_so_many(wanted)(one))()
            except (Unsatisfiable, pytest.skip.Exception):
                continue  # nothing can be wrong with a call that takes nothing
    while tried < cases:
        before = tried
        one = given(case=operation.as_strategy(MODES[0]), random=st.randoms())(run)
        seed(SEED + tried)(_so_many(cases - tried)(one))()
        if tried == before:
            break
    return tried


def _so_many(cases: int):
    return settings(
        max_examples=cases,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def _call(case, token: str, failures: dict, confirmed: set) -> None:
    raised = []

    def note(sender, **signal):
        raised.append(traceback.format_exc(limit=-6))

    got_request_exception.connect(note)
    try:
        with own_connection(), transaction.atomic():
            _validated(case, token, failures, confirmed, raised)
            transaction.set_rollback(True)
    finally:
        got_request_exception.disconnect(note)


def _validated(case, token: str, failures, confirmed, raised: list[str]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    label = case.operation.label
    asked = CHECKS if label in confirmed else [*CHECKS, checks.ignored_auth]
    try:
        answer = case.call_and_validate(headers=headers, checks=asked)
        if answer.status_code < 300:
            confirmed.add(label)
        connection.check_constraints()
    except FailureGroup as group:
        for failure in group.exceptions:
            kind = f"{case.operation.label}: {type(failure).__name__}"
            told = "\n".join([kind, str(failure), case.as_curl_command(), *raised])
            if kind not in failures:
                sys.stderr.write(f"{told}\n\n")  # also of a run that is cut off
            failures.setdefault(kind, told)
