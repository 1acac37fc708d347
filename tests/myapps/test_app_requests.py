"""Asking for an app: one open request, answered by a seat or with a word (ADR 38)."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts import authority, roles
from journal.models import Activity
from myapps import app_requests, seats
from myapps.models import AppRequest
from tests import factories

pytestmark = pytest.mark.django_db
State = AppRequest.State


@pytest.fixture
def ask(app, on, present):
    def do(user, reason="For my calls", app=app):
        return app_requests.ask(app, reason=reason, by=user, on=on, at=present)

    return do


def test_a_request_waits_with_its_reason(ask, member, app):
    request = ask(member, "  For my calls ")

    assert (request.state, request.reason) == (State.OPEN, "For my calls")
    assert request.account == member.account
    assert Activity.objects.get(verb="request.asked").app == app.slug


def test_one_is_open_for_a_person_and_app(ask, member, on):
    first = ask(member)
    with pytest.raises(ValidationError) as refusal:
        ask(member)
    assert refusal.value.code == "asked"

    app_requests.withdraw(first, by=member, on=on)

    assert ask(member).state == State.OPEN


def test_the_database_says_so_too(ask, member, app, on, present):
    ask(member)

    name = "one_open_request_per_person_and_app"
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        AppRequest.objects.create(
            account=member.account, app=app, user=member, reason="again",
            asked_on=on, asked_at=present,
        )  # fmt: skip


def test_a_reason_is_needed(ask, member):
    with pytest.raises(ValidationError) as refusal:
        ask(member, "   ")

    assert refusal.value.code == "no_reason"


def test_nobody_takes_somebody_elses_back(ask, member, admin, on):
    request = ask(member)

    with pytest.raises(PermissionDenied):
        app_requests.withdraw(request, by=admin, on=on)


def test_several_are_refused_with_one_word(ask, people, admin, on):
    requests = [ask(user) for user in people(3)]

    with pytest.raises(ValidationError) as refusal:
        app_requests.refuse(requests, word="", by=admin, on=on)
    assert refusal.value.code == "no_word"
    app_requests.refuse(requests[:2], word="Not this year.", by=admin, on=on)

    states = AppRequest.objects.order_by("pk").values_list("state", "word")
    refused = (State.REFUSED, "Not this year.")
    assert list(states) == [refused, refused, (State.OPEN, "")]


def test_what_was_answered_meanwhile_refuses_all(ask, people, admin, on):
    requests = [ask(user) for user in people(2)]
    app_requests.withdraw(requests[0], by=requests[0].user, on=on)

    with pytest.raises(ValidationError) as refusal:
        app_requests.refuse(requests, word="No.", by=admin, on=on)

    assert refusal.value.code == "decided"
    assert AppRequest.objects.open().count() == 1


def test_installing_answers_those_who_got_a_seat_alone(
    ask, plan, contract, install, people, admin
):
    mine, others = people(2)
    ask(mine)
    ask(others)

    install(plan, [mine])

    assert AppRequest.objects.get(user=mine).state == State.APPROVED
    assert AppRequest.objects.get(user=mine).decided_by == admin
    assert AppRequest.objects.get(user=others).state == State.OPEN


def test_adding_users_answers_them(ask, plan, contract, install, signed, people, on):
    installation = install(plan, people(1))
    user = people(1)[0]
    ask(user)

    signature = signed("add", permission=authority.MANAGE)
    seats.add(installation, [user], signed=signature, on=on)

    assert AppRequest.objects.get().state == State.APPROVED


def test_auto_install_answers_them(ask, plan, contract, install, account, people, on):
    role = factories.RoleFactory(account=account)
    install(plan, people(1), roles={role: True})
    user = people(1)[0]
    ask(user)

    roles.join(role, [user], by=None, on=on)

    assert AppRequest.objects.get().state == State.APPROVED


def test_a_purchase_that_is_taken_back_answers_nothing(
    ask, plan, contract, install, member
):
    ask(member)

    with transaction.atomic():
        install(plan, [member])
        transaction.set_rollback(True)

    assert AppRequest.objects.get().state == State.OPEN


def test_who_has_a_seat_asks_for_nothing(ask, plan, contract, install, member):
    install(plan, [member])

    with pytest.raises(ValidationError) as refusal:
        ask(member)

    assert refusal.value.code == "has_seat"


# The pages


@pytest.fixture
def page(client_of, present):
    def get(user, name, *args, **query):
        return client_of(user).get(reverse(f"myapps:{name}", args=args), query)

    return get


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_a_user_asks_on_the_apps_page_and_sees_what_became_of_it(
    client_of, member, admin, plan, contract, page, on
):
    client = client_of(member)
    assert reverse("myapps:request-app", args=["box"]) in words(
        page(member, "app", "box")
    )

    client.post(reverse("myapps:request-app", args=["box"]), {"reason": "Calls"})
    assert "waits for an answer" in words(page(member, "app", "box"))

    request = AppRequest.objects.get()
    app_requests.refuse([request], word="We have Zoom.", by=admin, on=on)
    assert "We have Zoom." in words(page(member, "app", "box"))


def test_those_with_install_see_how_many_want_the_same_app(
    ask, people, admin, page, plan, contract
):
    for user in people(4):
        ask(user, f"Because {user}")
    other = factories.AppFactory()
    ask(people(1)[0], app=other)

    rows = page(admin, "app-requests").context["page"].object_list

    assert [(row["app"].slug, row["people"]) for row in rows] == [
        ("box", 4),
        (other.slug, 1),
    ]
    assert len(rows[0]["newest"]) == 2
    assert rows[0]["more"] == 2


def test_another_accounts_requests_are_not_seen(
    ask, member, stranger, page, plan, contract
):
    ask(member)

    assert page(stranger, "app-requests").context["page"].object_list == []
    assert page(stranger, "app-request", "box").context["people"] == 0


def test_approving_leads_to_the_install_page_with_these_people_chosen(
    ask, people, admin, client_of, plan, contract, present
):
    asked = [ask(user) for user in people(3)]
    client = client_of(admin)

    answer = client.post(
        reverse("myapps:app-request", args=["box"]),
        {"approve": 1, "requests": [one.pk for one in asked[:2]]},
    )

    assert answer.url.startswith(reverse("myapps:install", args=["box"]))
    chosen = client.get(answer.url).context["form"].chosen_users
    assert {user.pk for user in chosen} == {one.user_id for one in asked[:2]}
    assert AppRequest.objects.open().count() == 3


def test_approving_what_is_installed_leads_to_add_users(
    ask, member, admin, client_of, plan, contract, install, people, present
):
    install(plan, people(1))
    request = ask(member)

    answer = client_of(admin).post(
        reverse("myapps:app-request", args=["box"]),
        {"approve": 1, "requests": [request.pk]},
    )

    assert answer.url == (
        f"{reverse('myapps:add-users', args=['box'])}?users={member.pk}"
    )


def test_who_has_only_install_is_told_whom_to_ask_to_add_users(
    ask, member, account, plan, contract, install, people, page, on
):
    install(plan, people(1))
    role = factories.RoleFactory(account=account)
    authority.grant(role, authority.INSTALL, by=None, on=on, delegates=True)
    user = factories.UserFactory(account=account)
    roles.join(role, [user], by=None, on=on)
    ask(member)

    assert "takes the permission Manage" in words(page(user, "app-request", "box"))


def test_what_cannot_be_bought_leads_to_sales(ask, member, admin, page, app, contract):
    factories.PlanFactory(app=app, on_request=True)
    ask(member)

    shown = words(page(admin, "app-request", "box"))

    assert "Ask sales" in shown
    assert "category=SALES&amp;app=box&amp;people=1" in shown


def test_refusing_on_the_page_needs_a_word(ask, member, admin, client_of, plan):
    request = ask(member)
    address = reverse("myapps:app-request", args=["box"])
    client = client_of(admin)

    assert client.post(address, {"requests": [request.pk]}).status_code == 422
    client.post(address, {"requests": [request.pk], "word": "Too dear."})

    assert AppRequest.objects.get().state == State.REFUSED


def test_the_pages_ask_the_same_for_many_as_for_few(
    ask, people, admin, client_of, plan, contract, django_assert_max_num_queries
):
    for number in range(6):
        wanted = factories.PlanFactory(price=Decimal(1)).app
        for user in people(number + 1):
            ask(user, app=wanted)
            ask(user)
    client = client_of(admin)
    client.get("/requests/")

    with django_assert_max_num_queries(16):
        client.get("/requests/")
    with django_assert_max_num_queries(25):
        client.get("/requests/box/")
