"""One click is one order, and an order is exactly what was shown (3.17, 3.18)."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from billing import effects, orders
from billing.models import Order
from tests.billing.situations import D, buy, day, place, plan_of
from tests.factories import ContractFactory, LineFactory, UserFactory

TODAY = day("2026-11-23")


@pytest.fixture
def line(account):
    contract = ContractFactory(account=account)
    plan = plan_of(price="10.00")
    return LineFactory(contract=contract, plan=plan, contracted=10, on=TODAY)


@pytest.fixture
def buyer(account):
    return UserFactory(account=account)


def effect_of(line, units):
    return effects.of(line.account, line.plan, units=units, on=TODAY)


def body(**asked):
    return orders.body_digest(**asked)


@pytest.mark.django_db
def test_an_order_keeps_who_by_which_authority_and_what_was_shown(
    line, buyer, unreconciled
):
    effect = effect_of(line, 12)

    order = place(
        line.account, line.plan, effect, by=buyer, on=TODAY, agreed=effect.digest
    )

    order.refresh_from_db()
    assert (order.placed_by, order.role_name) == (buyer, "Administrators")
    assert (order.terms_version, order.placed_on) == ("2026-01", TODAY)
    assert order.effect["growth"]["parts"][0]["amount"] == "4.27"


@pytest.mark.django_db
def test_nothing_is_bought_when_the_effect_is_another_than_was_shown(line, buyer):
    shown = effect_of(line, 12)
    buy(line.account, line.plan, 11, on=TODAY, by=buyer)

    with pytest.raises(orders.EffectChanged) as changed:
        place(
            line.account, line.plan, effect_of(line, 12), by=buyer, on=TODAY,
            agreed=shown.digest,
        )  # fmt: skip

    assert changed.value.code == "effect_changed"
    assert changed.value.effect.growth.first.amount == D("2.13")


@pytest.mark.django_db
def test_without_a_contract_there_is_no_order(account, buyer):
    effect = effects.Effect(TODAY, 1, "Pro", "USD", 1, 1, 1)

    with pytest.raises(ValidationError) as refused:
        place(account, plan_of(), effect, by=buyer, on=TODAY)

    assert refused.value.code == "no_contract"


@pytest.mark.django_db
class TestTheKey:
    def test_a_new_key_has_placed_nothing(self, account):
        assert orders.repeated(account, key="k", body=body(users=[1])) is None

    def test_the_same_key_and_body_give_the_order_back(self, line, buyer):
        order = place(
            line.account, line.plan, effect_of(line, 1), by=buyer, on=TODAY, key="k"
        )

        assert orders.repeated(line.account, key="k", body="") == order

    def test_the_same_key_for_something_else_is_refused(self, line, buyer):
        place(line.account, line.plan, effect_of(line, 1), by=buyer, on=TODAY, key="k")

        with pytest.raises(ValidationError) as refused:
            orders.repeated(line.account, key="k", body=body(users=[2]))

        assert refused.value.code == "key_reused"

    def test_another_account_has_keys_of_its_own(self, line, buyer):
        place(line.account, line.plan, effect_of(line, 1), by=buyer, on=TODAY, key="k")
        other = ContractFactory().account

        assert orders.repeated(other, key="k", body=body(users=[2])) is None

    def test_an_order_without_a_key_is_refused(self, account):
        with pytest.raises(ValidationError) as refused:
            orders.repeated(account, key="", body="")

        assert refused.value.code == "no_key"


@pytest.mark.django_db(transaction=True)
def test_of_clicks_at_once_one_buys_and_the_others_are_told(line, buyer):
    """While the first holds its transaction open, a second is told to look again."""
    entered, done = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            orders.repeated(line.account, key="k", body="")
            place(
                line.account, line.plan, effect_of(line, 1), by=buyer, on=TODAY, key="k"
            )
            entered.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)

    with transaction.atomic(), pytest.raises(ValidationError) as refused:
        orders.repeated(line.account, key="k", body="")
    done.set()
    thread.join(10)

    assert refused.value.code == "in_progress"
    with transaction.atomic():
        assert orders.repeated(line.account, key="k", body="") == Order.objects.get()


@pytest.mark.django_db(transaction=True)
def test_sixteen_submits_of_one_form_are_one_order(line, buyer):
    outcomes = []

    def click():
        try:
            with transaction.atomic():
                order = orders.repeated(line.account, key="k", body="")
                order = order or place(
                    line.account, line.plan, effect_of(line, 1), by=buyer, on=TODAY,
                    key="k",
                )  # fmt: skip
                outcomes.append(order.pk)
        except ValidationError as refusal:
            outcomes.append(refusal.code)
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    order = Order.objects.get()
    assert len(outcomes) == 16
    assert set(outcomes) <= {order.pk, "in_progress"}
