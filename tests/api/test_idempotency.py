"""The same call twice acts once (3.18)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts import api_keys, clock
from accounts.models import Remembered
from billing.models import Order
from myapps.models import Seat
from tests.api.firms import Firm, program

WHATEVER = {"effect_digest": None}


@pytest.mark.django_db
class TestAKey:
    def asked(self, firm):
        return {"users": [firm.people[4].pk]} | WHATEVER

    def test_the_same_call_gets_the_same_answer_and_acts_once(self, firm, api):
        sent = {"Idempotency-Key": "one"}
        first = api.post(firm.address + "seats/", self.asked(firm), **sent)
        orders = Order.objects.count()

        again = api.post(firm.address + "seats/", self.asked(firm), **sent)

        assert (again.status_code, again.json()) == (201, first.json())
        assert again["Idempotency-Replayed"] == "true"
        assert Order.objects.count() == orders

    @pytest.mark.parametrize("other", ["body", "address", "method"])
    def test_another_call_with_it_is_refused(self, firm, api, other):
        sent = {"Idempotency-Key": "one"}
        api.post(firm.address + "seats/", self.asked(firm), **sent)
        before = firm.written()
        calls = {
            "body": ("POST", "seats/", {"users": [firm.people[3].pk]} | WHATEVER),
            "address": ("POST", "seats/remove/", self.asked(firm)),
            "method": ("PATCH", "", {"seat_limit": 1}),
        }
        method, path, body = calls[other]

        answer = api(method, firm.address + path, body, **sent, **{"If-Match": "*"})

        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
        assert firm.written() == before

    def test_only_what_succeeded_is_remembered(self, firm, api):
        sent = {"Idempotency-Key": "one"}
        wrong = {"users": [10**9]} | WHATEVER
        assert api.post(firm.address + "seats/", wrong, **sent).status_code == 422
        assert not Remembered.objects.exists()

        right = api.post(firm.address + "seats/", self.asked(firm), **sent)

        assert right.status_code == 201

    @pytest.mark.parametrize("name", [None, "", " ", "x" * 101, "a\tb"])
    def test_every_unsafe_call_has_one(self, firm, api, name):
        before = firm.written()
        answer = api.post(
            firm.address + "seats/", self.asked(firm), **{"Idempotency-Key": name}
        )

        assert (answer.status_code, answer.json()["code"]) == (400, "no_key")
        assert firm.written() == before

    def test_two_programs_may_use_the_same_name(self, firm, api):
        sent = {"Idempotency-Key": "one"}
        api.post(firm.address + "keep/", **sent)
        api.post(firm.address + "seats/", self.asked(firm), **sent)

        other = program(firm.admin).post(
            firm.address + "seats/", {"users": [firm.people[3].pk]} | WHATEVER, **sent
        )

        assert other.status_code == 201

    def test_a_key_that_was_changed_over_is_the_same_program(self, firm, api):
        sent = {"Idempotency-Key": "one"}
        first = api.post(firm.address + "seats/", self.asked(firm), **sent)
        key = api_keys.find(api.token, at=clock.now())
        _key, token = api_keys.rotate(key, by=key.user, at=clock.now(), on=firm.on)

        again = type(api)(token).post(firm.address + "seats/", self.asked(firm), **sent)

        assert (again.status_code, again.json()) == (201, first.json())
        assert again["Idempotency-Replayed"] == "true"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_have_one_effect(admin, present, today):
    firm = Firm(admin, today)
    api = program(firm.admin)
    asked = {"users": [firm.people[4].pk]} | WHATEVER
    before = Order.objects.count()

    def call(_number):
        try:
            return program_of(api).post(
                firm.address + "seats/", asked, **{"Idempotency-Key": "one"}
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(call, range(20)))

    done = [one for one in answers if one.status_code == 201]
    busy = [one for one in answers if one.status_code == 409]
    assert len(done) + len(busy) == 20
    assert len({one.content for one in done}) == 1
    assert {one.json()["code"] for one in busy} <= {"in_progress"}
    assert Order.objects.count() == before + 1
    assert Seat.objects.filter(user=firm.people[4]).count() == 1


def program_of(api):
    """The same key in a client of its own: clients are not for several threads."""
    return type(api)(api.token)
