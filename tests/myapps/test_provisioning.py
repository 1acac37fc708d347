"""The handshake with a partner: confirmed, refused or unanswered (3.20)."""

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError

from accounts import authority, roles
from billing.models import Charge
from myapps import provisioning, seats
from myapps.models import Installation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def app():
    app = factories.AppFactory(slug="box", name="Box")
    factories.EndpointFactory(partner_id=app.partner_id)
    return app


@pytest.fixture
def installation(install, plan, people, contract):
    """Two people, self-serve at 10.00, waiting for the partner."""
    return install(plan, people(2))


def owed(account):
    return Charge.objects.of(account).total()


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def test_an_app_whose_partner_has_no_endpoint_is_active_at_once(
    install, people, contract
):
    plan = factories.PlanFactory(price=Decimal("10.00"))

    assert install(plan, people(1)).state == "ACTIVE"


def test_others_wait_seven_days_for_an_answer(installation, on):
    assert installation.state == "INSTALLING"
    assert installation.confirm_by == on + timedelta(days=7)


def test_confirmed_it_is_active_and_stays_billed(
    installation, partner_user, account, on
):
    provisioning.confirm(installation, by=partner_user, on=on, answer="Workspace 7")

    installation.refresh_from_db()
    assert (installation.state, installation.answer) == ("ACTIVE", "Workspace 7")
    assert owed(account) == Decimal("20.00")


def test_refused_everything_is_reversed_in_full_and_once(
    installation, partner_user, account, on
):
    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")

    installation.refresh_from_db()
    assert (installation.state, installation.closed_on) == ("FAILED", on)
    assert installation.answer == "No workspace"
    assert installation.seats.count() == 0
    assert owed(account) == 0
    assert Charge.objects.filter(reason="REVERSAL").count() == 1
    with refused_with("answered"):
        provisioning.refuse(installation, by=partner_user, on=on, reason="Again")
    assert Charge.objects.filter(reason="REVERSAL").count() == 1


def test_what_came_after_the_install_is_reversed_too(
    installation, partner_user, account, people, signed, on
):
    seats.add(installation, people(3), signed=signed("more"), on=on)
    assert owed(account) == Decimal("50.00")

    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")

    assert owed(account) == 0


def test_signed_lines_stay_and_their_peak_is_as_it_was(
    install, plan, line, people, partner_user, account, on
):
    signed_line = line(contracted=3, on=on)
    before = owed(account)
    installation = install(plan, people(5))
    assert owed(account) > before
    assert signed_line.terms.get(outcome="").billed == 5

    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")

    signed_line.refresh_from_db()
    assert signed_line.ends_on is None
    assert signed_line.terms.get(outcome="").billed == 3
    assert owed(account) == before


def test_a_refusal_needs_a_reason(installation, partner_user, on):
    with refused_with("no_reason"):
        provisioning.refuse(installation, by=partner_user, on=on, reason="  ")


def test_silence_for_seven_days_is_a_failure(installation, account, on):
    assert not provisioning.expire(installation.pk, on=on + timedelta(days=6))

    assert provisioning.expire(installation.pk, on=on + timedelta(days=7))
    assert not provisioning.expire(installation.pk, on=on + timedelta(days=7))

    installation.refresh_from_db()
    assert installation.state == Installation.State.FAILED
    assert owed(account) == 0


def test_a_late_answer_is_refused_even_before_the_job_ran(
    installation, partner_user, on
):
    late = on + timedelta(days=7)

    for answer in (
        lambda: provisioning.confirm(installation, by=partner_user, on=late),
        lambda: provisioning.refuse(
            installation, by=partner_user, on=late, reason="Sorry"
        ),
    ):
        with refused_with("answered"):
            answer()


def test_the_administrator_may_try_again(
    installation, partner_user, install, plan, people, account, on
):
    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")

    again = install(plan, people(1), key="again")

    assert again.state == "INSTALLING"
    assert owed(account) == Decimal("10.00")


def test_trying_again_asks_for_the_same_plan_people_and_roles(
    install,
    plan,
    people,
    account,
    admin,
    partner_user,
    contract,
    client_of,
    present,
    on,
):
    role = factories.RoleFactory(account=account)
    roles.join(role, people(2), by=admin, on=on)
    (alone,) = people(1)
    installation = install(plan, [alone], roles={role: True})
    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")
    browser = client_of(admin)

    page = browser.get(f"/apps/{plan.app.slug}/activity/").content.decode()
    again = browser.get(f"/marketplace/{plan.app.slug}/again/")

    assert "“No workspace”" in page
    assert f'href="/marketplace/{plan.app.slug}/again/"' in page
    asked = parse_qs(urlsplit(again.url).query)
    assert asked == {
        "plan": [str(plan.pk)],
        "roles": [str(role.pk)],
        "auto": [str(role.pk)],
        "users": [str(alone.pk)],
    }
    form = browser.get(again.url).context["form"]
    assert form.is_valid()
    assert (form.chosen_plan, form.count()) == (plan, 3)


def test_without_the_install_permission_nobody_is_led_to_try_again(
    installation, partner_user, account, client_of, present, on
):
    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")
    manager = factories.UserFactory(account=account)
    role = factories.RoleFactory(account=account)
    authority.grant(role, authority.MANAGE, by=None, on=on, delegates=True)
    roles.join(role, [manager], by=None, on=on)

    page = client_of(manager).get("/apps/box/activity/").content.decode()

    assert "/again/" not in page
    assert "Install permission can try again" in page


def test_my_apps_shows_since_when_and_what_the_partner_said(
    installation, partner_user, admin, client_of, present, on
):
    browser = client_of(admin)
    waiting = browser.get("/apps/box/users/").content.decode()
    provisioning.confirm(installation, by=partner_user, on=on, answer="Workspace 7")
    confirmed = browser.get("/apps/box/users/").content.decode()

    assert "Since Nov 23, 2026" in waiting
    assert "“Workspace 7”" in confirmed
