"""What partners are told: one event a change, the whole state in it, and never a price."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts import people as colleagues
from accounts import roles
from billing import order_forms
from journal.models import Endpoint, Message
from myapps import (
    endings,
    joins,
    partner_events,
    plans,
    provisioning,
    seats,
    uninstalls,
)
from myapps.models import Installation, JoinEvent
from support import term_end
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
THREE = Decimal("3.00")


@pytest.fixture
def endpoint(app):
    """The partner of Box listens."""
    return Endpoint.objects.create(
        partner_id=app.partner_id,
        address="https://partner.example/hooks",
        verified_at=datetime(2026, 1, 1, tzinfo=UTC),
        secret="whsec_c2VjcmV0",
    )


@pytest.fixture
def installation(install, plan, people, contract, endpoint):
    """Two people on Business, confirmed; what was told so far is forgotten."""
    installation = install(plan, people(2))
    Installation.objects.filter(pk=installation.pk).update(state="ACTIVE")
    Message.objects.all().delete()
    installation.refresh_from_db()
    return installation


def told(kind=None):
    """What was told, oldest first: (type, data)."""
    found = Message.objects.webhooks().order_by("pk")
    if kind:
        found = found.filter(event=kind)
    return [
        (said["type"], said["data"])
        for said in (json.loads(message.body) for message in found)
    ]


def the_only_one():
    ((kind, data),) = told()
    return kind, data


def test_an_install_tells_the_whole_state(
    install, plan, people, contract, account, endpoint, on
):
    bought = install(plan, people(2))

    kind, data = the_only_one()
    state = data["installation"]
    assert kind == "app.installed"
    assert state["id"] == bought.pk
    assert state["app"] == "box"
    assert state["account"] == {
        "id": account.pk,
        "name": "Harbour Lines",
        "timezone": "UTC",
    }
    assert state["plan"] == {"code": "business", "name": "Business"}
    assert state["installed_on"] == on.isoformat()
    assert state["seats_count"] == 2
    seated = bought.seats.select_related("user").order_by("user_id")
    assert state["seats"] == [
        {"id": s.user_id, "email": s.user.email, "name": s.user.display_name}
        for s in seated
    ]
    assert Message.objects.get().thread == f"installation:{bought.pk}"


def test_people_added_are_one_event_with_the_difference_and_the_whole(
    installation, people, signed, on
):
    new = people(3)

    seats.add(installation, new, signed=signed("more"), on=on)

    kind, data = the_only_one()
    assert kind == "app.updated"
    assert {one["id"] for one in data["change"]["added"]} == {u.pk for u in new}
    assert data["change"]["removed"] == []
    assert data["change"]["plan"] is None
    assert data["installation"]["seats_count"] == 5
    assert {u.pk for u in new} <= {one["id"] for one in data["installation"]["seats"]}
    assert Message.objects.get().collapses


def test_ten_thousand_are_one_event_that_counts_them(
    installation, account, signed, on, django_assert_max_num_queries
):
    many = factories.UserFactory._meta.model.objects.bulk_create(
        [
            factories.UserFactory.build(
                account=account, email=f"many{n}@people.example"
            )
            for n in range(10_000)
        ]
    )

    seats.add(installation, many, signed=signed("many"), on=on)

    _kind, data = the_only_one()
    assert data["change"]["added_count"] == 10_000
    assert len(data["change"]["added"]) == partner_events.MOST_PEOPLE
    assert data["installation"]["seats_count"] == 10_002
    assert data["installation"]["seats"] is None
    assert len(Message.objects.get().body) < 200_000
    with django_assert_max_num_queries(10):
        partner_events.repeated(installation, on=on)


def test_people_removed_are_told(installation, admin, on):
    gone = installation.seats.first().user

    seats.remove(installation, [gone], by=admin, on=on)

    _kind, data = the_only_one()
    assert [one["id"] for one in data["change"]["removed"]] == [gone.pk]
    assert data["installation"]["seats_count"] == 1


def test_removing_nobody_tells_nothing(installation, admin, member, on):
    seats.remove(installation, [member], by=admin, on=on)

    assert told() == []


def test_a_deactivated_persons_seat_is_told(installation, admin, on):
    gone = installation.seats.first().user

    colleagues.deactivate([gone], by=admin, on=on)

    _kind, data = the_only_one()
    assert [one["id"] for one in data["change"]["removed"]] == [gone.pk]


def test_joiners_of_an_activated_role_are_one_event_a_batch(
    install, plan, people, contract, account, admin, endpoint, on
):
    role = factories.RoleFactory(account=account)
    installation = install(plan, [admin], roles={role: True})
    Message.objects.all().delete()

    roles.join(role, people(40), by=admin, on=on)

    kind, data = the_only_one()
    assert kind == "app.updated"
    assert data["change"]["added_count"] == 40
    assert data["installation"]["seats_count"] == 41

    late = people(joins.AT_ONCE + 1)
    roles.join(role, late, by=admin, on=on)
    assert JoinEvent.objects.waiting().count() == len(late)
    joins.settle_all(installation.pk)
    assert [data["change"]["added_count"] for _kind, data in told()] == [40, len(late)]


def test_another_plan_now_is_told(installation, app, signed, on):
    pro = factories.PlanFactory(app=app, code="pro", name="Pro", price=Decimal(20))

    plans.change(installation, pro, signed=signed("pro"), on=on)

    _kind, data = the_only_one()
    assert data["change"]["plan"] == {
        "from": {"code": "business", "name": "Business"},
        "to": {"code": "pro", "name": "Pro"},
    }
    assert data["installation"]["plan"]["code"] == "pro"


def test_another_plan_at_renewal_is_told_when_it_comes():
    company = Company(starts_on=date(2026, 1, 1))
    business = factories.PlanFactory(app__slug="box", code="business", price=THREE)
    pro = factories.PlanFactory(app=business.app, code="pro", price=Decimal(5))
    Endpoint.objects.create(
        partner_id=business.app.partner_id,
        address="https://partner.example/hooks",
        verified_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    installation = company.installs(business, [company.admin])
    Installation.objects.update(state="ACTIVE", confirm_by=None)
    Message.objects.all().delete()
    change = plans.change_at_renewal(
        installation, pro, by=company.admin, on=company.day, ticket_wanted=True
    )[0]
    company.support_decides(change, approve=True)
    assert told() == []

    company.until(change.term_ends_on + timedelta(days=1))

    ((_kind, data),) = told("app.updated")
    assert data["change"]["plan"]["to"]["code"] == "pro"


def test_uninstalling_is_told_when_asked_taken_back_and_done(
    installation, line, app, admin, on
):
    shield = line(
        plan=factories.PlanFactory(app=app, add_on=True, code="shield"), contracted=4
    )

    uninstalls.ask(installation, by=admin, on=on, with_add_ons=[shield])
    installation.refresh_from_db()
    uninstalls.take_back(installation, by=admin, on=on)
    uninstalls.ask(installation, by=admin, on=on)
    installation.refresh_from_db()
    endings.close(installation.pk, on=installation.ends_on)

    said = told("app.uninstalled")
    assert [data["phase"] for _kind, data in said] == [
        *("scheduled", "taken_back", "scheduled", "done")
    ]
    first, back, _again, done = [data for _kind, data in said]
    assert first["installation"]["state"] == "ending"
    assert first["installation"]["ends_on"] == installation.ends_on.isoformat()
    assert [one["line"] for one in first["add_ons"]] == [shield.pk]
    assert back["installation"]["ends_on"] is None
    assert back["installation"]["state"] == "active"
    assert done["installation"]["state"] == "ended"
    assert done["installation"]["seats"] == []


def test_the_job_that_closes_tells_it_once(installation, admin, on):
    uninstalls.ask(installation, by=admin, on=on)
    installation.refresh_from_db()

    for _ in range(2):
        term_end.run(zone="UTC", on=installation.ends_on)

    assert [
        data["phase"]
        for _kind, data in told("app.uninstalled")
    ] == ["scheduled", "done"]  # fmt: skip


def test_silence_is_told_as_over_and_a_refusal_is_not(
    install, plan, people, contract, endpoint, partner_user, on
):
    def waiting(key):
        row = install(plan, people(1), key=key)
        Installation.objects.filter(pk=row.pk).update(
            state="INSTALLING", confirm_by=on + timedelta(days=7)
        )
        row.refresh_from_db()
        return row

    provisioning.refuse(waiting("first"), by=partner_user, on=on, reason="No room")
    assert told("app.uninstalled") == []

    provisioning.expire(waiting("second").pk, on=on + timedelta(days=7))

    ((_kind, data),) = told("app.uninstalled")
    assert (data["phase"], data["installation"]["state"]) == ("done", "failed")


def test_versions_grow_with_each_event(installation, people, signed, admin, on):
    for number in range(3):
        seats.add(installation, people(1), signed=signed(f"k{number}"), on=on)

    versions = [data["installation"]["version"] for _kind, data in told()]
    assert versions == sorted(set(versions))
    assert len(versions) == 3


def test_add_ons_are_told_when_their_order_form_is_recorded(
    contract, account, app, plan, endpoint, sales, on
):
    shield = factories.PlanFactory(app=app, add_on=True, code="shield", name="Shield")
    starts_on = on + timedelta(days=30)

    order_forms.record(
        account, number="OF-77", signed_on=on, signed_by="Ann", install_link_to="",
        entries=[
            {"plan": shield, "quantity": 4, "monthly_unit_price": "2.00",
             "starts_on": starts_on},
            {"plan": plan, "quantity": 4, "monthly_unit_price": "2.00",
             "starts_on": starts_on},
        ],
        content={}, by=sales, on=on,
    )  # fmt: skip

    kind, data = the_only_one()
    assert kind == "add_on.contracted"
    assert data["line"]["plan"] == {"code": "shield", "name": "Shield"}
    assert data["line"]["quantity"] == 4
    assert data["line"]["starts_on"] == starts_on.isoformat()
    assert data["line"]["account"]["name"] == "Harbour Lines"
    assert Message.objects.get().thread == f"line:{data['line']['id']}"


def test_no_event_tells_a_price_or_the_contract(
    installation, line, app, people, signed, admin, on
):
    shield = line(plan=factories.PlanFactory(app=app, add_on=True), contracted=4)
    seats.add(installation, people(1), signed=signed("more"), on=on)
    uninstalls.ask(installation, by=admin, on=on, with_add_ons=[shield])
    partner_events.contracted([shield], on=on)

    said = "".join(Message.objects.values_list("body", flat=True))
    for word in ("price", "amount", "currency", "USD", "7.25", "term", "contract_"):
        assert word not in said, word


def test_a_partner_without_an_endpoint_is_told_nothing(
    install, plan, people, contract, signed, admin, on
):
    installation = install(plan, people(1))
    seats.add(installation, people(2), signed=signed("more"), on=on)
    uninstalls.ask(installation, by=admin, on=on)

    installation.refresh_from_db()
    assert told() == []
    assert installation.version == 0
