"""Purchases above an account's limit: a second person, whatever the door (ADR 34)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connections, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings, strategies

from accounts import authority, roles, terms
from accounts import people as account_people
from accounts.models import Account
from billing import approvals, effects, orders
from billing.models import Order
from myapps import installs, plans, purchases, role_activations, seats, signing
from myapps.models import WaitingPurchase
from myapps.purchases import Wanted
from tests import factories

pytestmark = pytest.mark.django_db
Kind, State = WaitingPurchase.Kind, WaitingPurchase.State


@pytest.fixture
def second(account, administrators, version, on):
    """Dana: holds what Alice holds."""
    user = factories.UserFactory(account=account, display_name="Dana Duarte")
    roles.join(administrators, [user], by=None, on=on)
    terms.accept(user, version=version, on=on)
    return user


@pytest.fixture
def limited(account, contract, admin, on):
    """More than 50.00 a month takes a second person."""

    def to(amount):
        approvals.set_limit(account, Decimal(amount), by=admin, on=on)

    return to


@pytest.fixture
def buy(signed, on, present):
    """What a click does: buy("key", Kind.USERS, plan, …)."""

    def do(key, kind, plan, *, permission=authority.MANAGE, reason="", by=None, **what):
        who = {"by": by} if by else {}
        signature = signed(key, permission=permission, **who)
        wanted = Wanted(kind, signature.by.account, plan, **what)
        return purchases.make(
            wanted, signed=signature, on=on, at=present, reason=reason,
            lapses_on=on + timedelta(days=14),
        )  # fmt: skip

    return do


@pytest.fixture
def waiting(limited, buy, plan, people):
    """Six people at 10.00 each wait for a second person."""
    limited("50")
    return buy(
        "six", Kind.INSTALL, plan, users=people(6), permission=authority.INSTALL,
        reason="The new team in Porto",
    )  # fmt: skip


@pytest.fixture
def approve(on, present):
    def do(waiting, by, agreed=None):
        if agreed is None:
            wanted = purchases.wanted_of(waiting)
            agreed = purchases.effect(wanted, on=on).digest
        return purchases.approve(waiting, by=by, agreed=agreed, on=on, at=present)

    return do


def test_what_is_not_above_the_limit_is_bought_at_once(limited, buy, plan, people):
    limited("50")

    order = buy(
        "five", Kind.INSTALL, plan, users=people(5), permission=authority.INSTALL
    )

    assert isinstance(order, Order)
    assert order.approved_by is None


def test_what_is_above_it_waits_and_buys_nothing(waiting, account):
    assert waiting.state == State.WAITING
    assert (waiting.monthly, waiting.currency) == (Decimal(60), "USD")
    assert not account.installations.exists()
    assert not account.orders.exists()


def test_the_second_person_buys_it_and_the_order_records_both(
    waiting, second, admin, approve
):
    order = approve(waiting, second)

    assert (order.placed_by, order.approved_by) == (admin, second)
    assert order.approved_authority == order.authority == authority.INSTALL
    assert order.approved_role_name == "Administrators"
    assert order.approved_at is not None
    waiting.refresh_from_db()
    assert (waiting.state, waiting.order) == (State.APPROVED, order)


def test_nobody_approves_their_own_purchase(waiting, admin, approve):
    with pytest.raises(ValidationError) as refusal:
        approve(waiting, admin)

    assert refusal.value.code == "own_purchase"
    assert not Order.objects.exists()


def test_the_database_keeps_an_order_from_being_seconded_by_its_asker(
    waiting, second, approve, install, limited, plan, on, present
):
    order = approve(waiting, second)
    fields = {f.attname: getattr(order, f.attname) for f in Order._meta.fields}
    fields |= {"id": None, "idempotency_key": "other"}

    own = "nobody_seconds_their_own_order"
    with pytest.raises(IntegrityError, match=own), transaction.atomic():
        Order.objects.create(**fields | {"approved_by_id": order.placed_by_id})


def test_somebody_without_the_authority_cannot_approve(waiting, member, approve):
    with pytest.raises(PermissionDenied):
        approve(waiting, member)


def test_manage_alone_does_not_second_an_install(
    waiting, account, version, on, approve
):
    role = factories.RoleFactory(account=account, name="Managers")
    authority.grant(role, authority.MANAGE, by=None, on=on, delegates=True)
    user = factories.UserFactory(account=account)
    roles.join(role, [user], by=None, on=on)
    terms.accept(user, version=version, on=on)

    with pytest.raises(PermissionDenied):
        approve(waiting, user)


def test_approving_twice_buys_once(waiting, second, approve):
    first = approve(waiting, second)

    assert approve(waiting, second, agreed="another click") == first
    assert Order.objects.count() == 1


def test_asking_twice_waits_once(waiting, buy, plan, admin):
    users = list(purchases.wanted_of(waiting).users)

    again = buy("six", Kind.INSTALL, plan, users=users, permission=authority.INSTALL)

    assert again == waiting


def test_a_key_that_asked_for_something_else_is_refused(waiting, buy, plan, people):
    with pytest.raises(ValidationError) as refusal:
        buy("six", Kind.INSTALL, plan, users=people(7), permission=authority.INSTALL)

    assert refusal.value.code == "key_reused"


def test_another_effect_than_was_shown_is_not_approved(waiting, second, approve, on):
    shown = purchases.effect(purchases.wanted_of(waiting), on=on).digest
    waiting.plan.list_prices.update(monthly_price=Decimal("11.00"))

    with pytest.raises(orders.EffectChanged):
        approve(waiting, second, agreed=shown)

    assert not Order.objects.exists()


def test_who_was_deactivated_meanwhile_is_named(waiting, second, approve, on, admin):
    user = purchases.wanted_of(waiting).users[0]
    account_people.deactivate([user], by=admin, on=on)

    with pytest.raises(ValidationError) as refusal:
        approve(waiting, second)

    assert refusal.value.code == "inactive"
    assert user.display_name in str(refusal.value)


def test_an_asker_who_lost_the_authority_buys_nothing(
    waiting, second, approve, admin, administrators, on
):
    roles.leave(administrators, [admin], by=second, on=on)

    with pytest.raises(ValidationError) as refusal:
        approve(waiting, second)

    assert refusal.value.code == "no_authority"


def test_an_asker_who_was_deactivated_buys_nothing(waiting, second, approve, admin, on):
    account_people.deactivate([admin], by=second, on=on)

    with pytest.raises(ValidationError) as refusal:
        approve(waiting, second)

    assert refusal.value.code == "no_authority"


def test_the_second_person_refuses_with_a_word(waiting, second, on):
    with pytest.raises(ValidationError) as refusal:
        purchases.refuse(waiting, word=" ", by=second, on=on)
    assert refusal.value.code == "no_word"

    purchases.refuse(waiting, word="Not this year.", by=second, on=on)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.word) == (State.REFUSED, "Not this year.")


def test_what_was_refused_is_not_approved_any_more(waiting, second, on, approve):
    purchases.refuse(waiting, word="No.", by=second, on=on)

    with pytest.raises(ValidationError) as refusal:
        approve(waiting, second)

    assert refusal.value.code == "decided"


def test_the_asker_takes_it_back_and_nobody_else_does(waiting, admin, second, on):
    with pytest.raises(PermissionDenied):
        purchases.withdraw(waiting, by=second, on=on)

    assert purchases.withdraw(waiting, by=admin, on=on).state == State.WITHDRAWN


def test_it_lapses_on_its_day_whether_a_job_ran_or_not(waiting, second, present):
    late = waiting.lapses_on

    with pytest.raises(ValidationError) as refusal:
        purchases.approve(waiting, by=second, agreed="", on=late, at=present)
    assert refusal.value.code == "lapsed"

    assert purchases.lapse(zone="UTC", on=late) == 1
    assert purchases.lapse(zone="UTC", on=late) == 0
    waiting.refresh_from_db()
    assert waiting.state == State.LAPSED


def test_what_the_contract_covers_needs_nobody(limited, buy, plan, line, people, on):
    line(on=on)
    limited("0")

    order = buy(
        "ten", Kind.INSTALL, plan, users=people(10), permission=authority.INSTALL
    )

    assert isinstance(order, Order)


def test_with_a_limit_of_nothing_everything_that_bills_waits(
    limited, buy, plan, people
):
    limited("0")

    waiting = buy(
        "one", Kind.INSTALL, plan, users=people(1), permission=authority.INSTALL
    )

    assert isinstance(waiting, WaitingPurchase)


def test_users_a_plan_a_role_and_auto_install_wait_like_an_install(
    limited, buy, plan, app, account, people, install, second, approve, on, admin
):
    installation = install(plan, people(1))
    role = factories.RoleFactory(account=account)
    roles.join(role, people(3), by=None, on=on)
    dear = factories.PlanFactory(app=app, code="dear", price=Decimal("90.00"))
    silent = factories.RoleFactory(account=account)
    activation = role_activations.activate(
        installation, silent, auto_install=False,
        signed=signed_by(admin, "silent", on), on=on,
    )  # fmt: skip
    limited("20")
    asked = [
        buy("u", Kind.USERS, plan, installation=installation, users=people(3)),
        buy("r", Kind.ROLE, plan, installation=installation, role=role),
        buy("a", Kind.AUTO, plan, installation=installation, activation=activation),
        buy("p", Kind.PLAN, dear, installation=installation),
    ]

    assert [one.state for one in asked] == [State.WAITING] * 4
    placed = [approve(one, second) for one in asked]

    assert [order.approved_by for order in placed] == [second] * 4
    assert installation.seats.count() == 7


def signed_by(user, key, on):
    return signing.sign(
        user, authority.MANAGE, key=key, agreed=None, summary=None, on=on
    )


def test_the_rules_themselves_refuse_without_a_second_person(
    limited, plan, people, install, signed, account, on
):
    """The verbs, as any door would call them: nothing leads around the limit."""
    installation = install(plan, people(1))
    role = factories.RoleFactory(account=account)
    roles.join(role, people(2), by=None, on=on)
    dear = factories.PlanFactory(app=plan.app, code="dear", price=Decimal("90.00"))
    other = factories.PlanFactory(price=Decimal("9.00"))
    limited("5")
    mine = {"permission": authority.MANAGE}
    doors = [
        lambda: installs.install(
            account, other, people(1), roles={}, signed=signed("i"), on=on
        ),
        lambda: seats.add(installation, people(1), signed=signed("s", **mine), on=on),
        lambda: plans.change(installation, dear, signed=signed("p", **mine), on=on),
        lambda: role_activations.activate(
            installation, role, auto_install=False, signed=signed("r", **mine), on=on
        ),
    ]

    for door in doors:
        with pytest.raises(ValidationError) as refusal:
            door()
        assert refusal.value.code == "needs_approval"


def test_auto_install_is_above_any_limit_where_a_seat_costs_something(
    limited, buy, account, plan, people, install
):
    installation = install(plan, people(1))
    free = install(factories.PlanFactory(price=Decimal(0)), people(1), key="free")
    limited("100000")

    paid = buy(
        "paid", Kind.ROLE, plan, installation=installation, auto_install=True,
        role=factories.RoleFactory(account=account),
    )  # fmt: skip
    gratis = buy(
        "gratis", Kind.ROLE, free.plan, installation=free, auto_install=True,
        role=factories.RoleFactory(account=account),
    )  # fmt: skip

    assert isinstance(paid, WaitingPurchase)
    assert isinstance(gratis, Order)


def test_whom_auto_install_seats_needs_no_approval_each(
    limited, account, plan, people, install, on
):
    role = factories.RoleFactory(account=account)
    installation = install(plan, people(1), roles={role: True})
    limited("0")

    with transaction.atomic():
        roles.join(role, people(2), by=None, on=on)

    assert installation.seats.count() == 3


def test_nobody_loosens_alone_how_far_auto_install_goes(
    limited, client_of, account, plan, people, install, admin, on, present
):
    role = factories.RoleFactory(account=account)
    installation = install(plan, people(1), roles={role: True})
    role_activations.limit(
        installation, seats=5, monthly_spend=None, by=admin, on=on
    )  # fmt: skip
    limited("0")
    address = reverse("myapps:limits", args=[plan.app.slug])

    refused = [client_of(admin).post(address, {"seats": n}) for n in ("6", "")]
    tighter = client_of(admin).post(address, {"seats": "4"})

    assert [answer.status_code for answer in refused] == [422, 422]
    assert tighter.status_code == 302
    installation.refresh_from_db()
    assert installation.seat_limit == 4


# The limit itself


def test_a_tighter_limit_counts_at_once(account, admin, on):
    assert approvals.set_limit(account, Decimal(100), by=admin, on=on) is None
    assert approvals.set_limit(account, Decimal(50), by=admin, on=on) is None

    assert approvals.limit_of(account) == Decimal(50)


@pytest.mark.parametrize("amount", [None, Decimal(200)])
def test_a_looser_limit_waits_for_somebody_else(account, admin, second, on, amount):
    approvals.set_limit(account, Decimal(100), by=admin, on=on)

    change = approvals.set_limit(account, amount, by=admin, on=on)

    assert approvals.limit_of(account) == Decimal(100)
    with pytest.raises(ValidationError) as refusal:
        approvals.decide_limit(change, approve=True, by=admin, on=on)
    assert refusal.value.code == "own_change"
    approvals.decide_limit(change, approve=True, by=second, on=on)
    assert approvals.limit_of(account) == amount


def test_nobody_loosens_the_limit_to_let_their_own_purchase_through(
    waiting, account, admin, approve, on
):
    change = approvals.set_limit(account, None, by=admin, on=on)

    with pytest.raises(ValidationError):
        approvals.decide_limit(change, approve=True, by=admin, on=on)
    with pytest.raises(ValidationError):
        approve(waiting, admin)

    assert not account.orders.exists()


def test_a_looser_limit_that_is_refused_or_taken_back_changes_nothing(
    account, admin, second, on
):
    approvals.set_limit(account, Decimal(100), by=admin, on=on)
    for who in (admin, second):
        change = approvals.set_limit(account, Decimal(900), by=admin, on=on)
        approvals.decide_limit(change, approve=False, by=who, on=on)

    assert approvals.limit_of(account) == Decimal(100)


def test_a_tighter_limit_takes_back_what_waits(account, admin, second, on):
    approvals.set_limit(account, Decimal(100), by=admin, on=on)
    change = approvals.set_limit(account, Decimal(900), by=admin, on=on)
    approvals.set_limit(account, Decimal(10), by=second, on=on)

    with pytest.raises(ValidationError) as refusal:
        approvals.decide_limit(change, approve=True, by=second, on=on)

    assert refusal.value.code == "decided"
    assert approvals.limit_of(account) == Decimal(10)


def test_the_second_person_must_not_be_the_signer_in_any_signature(
    limited, signed, plan, people, account, on, admin, present
):
    limited("5")
    signature = signed("i")
    own = signing.second(admin, authority.INSTALL, on=on, at=present)

    with pytest.raises(ValidationError) as refusal:
        installs.install(
            account, plan, people(1), roles={},
            signed=replace(signature, second=own), on=on,
        )  # fmt: skip

    assert refusal.value.code == "own_purchase"


# Many at once, and whatever the door


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_two_who_approve_at_once_buy_once(
    waiting, second, account, administrators, version, on, present
):
    third = factories.UserFactory(account=account)
    roles.join(administrators, [third], by=None, on=on)
    terms.accept(third, version=version, on=on)
    agreed = purchases.effect(purchases.wanted_of(waiting), on=on).digest
    start = Barrier(8)

    def click(user):
        try:
            start.wait()
            row = WaitingPurchase.objects.get(pk=waiting.pk)
            purchases.approve(row, by=user, agreed=agreed, on=on, at=present)
        except ValidationError as refusal:
            return refusal.code
        else:
            return user.pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(click, [second, third] * 4))

    order = Order.objects.get()
    assert answers == {order.approved_by_id, "decided"}
    assert account.installations.count() == 1


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    limit=strategies.integers(0, 60),
    price=strategies.integers(0, 12),
    steps=strategies.lists(
        strategies.tuples(
            strategies.sampled_from(["users", "plan", "role", "auto"]),
            strategies.integers(1, 4),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_no_order_above_the_limit_lacks_a_second_person(
    account, contract, admin, second, signed, buy, approve, on, limit, price, steps
):
    """Whatever is clicked, in whatever order: an order that bills more a month than the
    limit names two people, and every other one names one.
    """
    with transaction.atomic():
        app = factories.AppFactory()
        plans_ = [
            factories.PlanFactory(app=app, price=Decimal(price)),
            factories.PlanFactory(app=app, price=Decimal(price + 3)),
        ]
        first = factories.UserFactory(account=account)
        buy_first = signed(f"first {app.pk}")
        installation = installs.install(
            account, plans_[0], [first], roles={}, signed=buy_first, on=on
        )
        before = set(Order.objects.values_list("pk", flat=True))
        Account.objects.filter(pk=account.pk).update(approval_above=limit)
        for number, (door, count) in enumerate(steps):
            key = f"{app.pk} {number}"
            installation.refresh_from_db()
            users = factories.UserFactory.create_batch(count, account=account)
            what = {"installation": installation}
            if door == "users":
                made = buy(key, Kind.USERS, installation.plan, users=users, **what)
            elif door == "plan":
                other = plans_[installation.plan_id == plans_[0].pk]
                made = buy(key, Kind.PLAN, other, **what)
            else:
                role = factories.RoleFactory(account=account)
                roles.join(role, users, by=None, on=on)
                auto = door == "auto"
                made = buy(
                    key, Kind.ROLE, installation.plan, role=role, auto_install=auto,
                    **what,
                )  # fmt: skip
            if isinstance(made, WaitingPurchase) and number % 2 == 0:
                approve(made, second)
        placed = Order.objects.exclude(pk__in=before)
        for order in placed:
            above = effects.loaded(order.effect).monthly > limit
            standing = order.approved_by_id and not above
            assert not (above and order.approved_by_id is None)
            if standing:
                kept = WaitingPurchase.objects.get(order=order)
                assert kept.asked["auto_install"]
        transaction.set_rollback(True)


# The pages


def test_the_page_asks_for_approval_instead_of_buying(
    client_of, admin, second, plan, limited, present, version
):
    limited("5")
    client = client_of(admin)
    there = reverse("myapps:install", args=["box"])
    asked = {"plan": plan.pk, "users": [second.pk]}

    page = client.post(there, asked | {"review": 1})
    offer = page.context["offer"]
    assert "Ask for approval" in page.content.decode()
    assert second.display_name in page.content.decode()
    answer = client.post(
        there,
        asked
        | {
            "confirm": 1, "key": "one", "agreed": offer.effect.digest,
            "shown": offer.shown, "accept_terms": version.pk,
            "approval_reason": "For Porto",
        },
    )  # fmt: skip

    kept = WaitingPurchase.objects.get()
    assert answer.url == reverse("myapps:approval", args=[kept.pk])
    assert kept.reason == "For Porto"
    assert not Order.objects.exists()


def test_the_second_person_approves_on_the_page_what_it_shows(
    client_of, waiting, second, admin
):
    there = reverse("myapps:approval", args=[waiting.pk])
    client = client_of(second)
    page = client.get(there)
    assert "The new team in Porto" in page.content.decode()

    digest = page.context["click"].effect.digest
    answer = client.post(
        reverse("myapps:approve", args=[waiting.pk]), {"agreed": digest}
    )

    order = Order.objects.get()
    assert answer.url == reverse("myapps:order", args=[order.pk])
    shown = client.get(answer.url).content.decode()
    assert admin.display_name in shown
    assert second.display_name in shown


def test_a_changed_effect_comes_back_with_409(client_of, waiting, second):
    client = client_of(second)
    page = client.get(reverse("myapps:approval", args=[waiting.pk]))
    digest = page.context["click"].effect.digest
    waiting.plan.list_prices.update(monthly_price=Decimal("11.00"))

    answer = client.post(
        reverse("myapps:approve", args=[waiting.pk]), {"agreed": digest}
    )

    assert answer.status_code == 409
    assert answer.context["click"].effect.digest != digest
    assert not Order.objects.exists()


def test_the_asker_sees_no_approve_button_and_takes_it_back(client_of, waiting, admin):
    client = client_of(admin)
    page = client.get(reverse("myapps:approval", args=[waiting.pk]))
    assert "Approve and purchase" not in page.content.decode()

    client.post(reverse("myapps:withdraw-approval", args=[waiting.pk]))

    waiting.refresh_from_db()
    assert waiting.state == State.WITHDRAWN


def test_the_limit_is_set_on_its_page(client_of, account, admin, present):
    client, there = client_of(admin), reverse("myapps:approval-limit")

    assert client.post(there, {"asks": "above"}).status_code == 422
    client.post(there, {"asks": "above", "amount": "250"})

    assert approvals.limit_of(account) == 250


def test_the_pages_of_approvals_ask_little(
    client_of, waiting, second, django_assert_max_num_queries
):
    client = client_of(second)
    client.get(reverse("myapps:approvals"))

    with django_assert_max_num_queries(16):
        client.get(reverse("myapps:approvals"))
    with django_assert_max_num_queries(25):
        client.get(reverse("myapps:approval", args=[waiting.pk]))
