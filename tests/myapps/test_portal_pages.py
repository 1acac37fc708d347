"""The portal: partners answer installations and switch add-ons on, of their own apps."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import clock
from billing.models import Charge
from myapps.models import AddOnActivation, Installation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def app(partner_user):
    app = factories.AppFactory(slug="box", name="Box")
    factories.EndpointFactory(partner_id=app.partner_id)
    app.partner.members.add(partner_user)
    return app


@pytest.fixture
def browser(client_of, partner_user, present):
    return client_of(partner_user)


@pytest.fixture
def installation(install, plan, people, contract):
    return install(plan, people(2))


@pytest.fixture
def add_on(line, app):
    """Four units of an add-on signed with sales."""
    return line(
        plan=factories.PlanFactory(app=app, add_on=True, name="Shield"), contracted=4
    )


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_what_waits_for_an_answer_comes_first(browser, installation):
    page = text(browser.get(reverse("myapps:portal")))

    assert "Answer by Nov 29, 2026" in page
    assert "Harbour Lines" in page


def test_confirming_makes_it_active(browser, installation):
    address = reverse("myapps:portal-confirm", args=[installation.pk])

    browser.post(address, {"answer": "Ready"})

    installation.refresh_from_db()
    assert (installation.state, installation.answer) == ("ACTIVE", "Ready")


def test_refusing_needs_a_reason_and_pays_back(browser, installation, account):
    address = reverse("myapps:portal-refuse", args=[installation.pk])

    assert browser.post(address, {"answer": ""}).status_code == 422
    assert Charge.objects.of(account).total() == Decimal("20.00")

    browser.post(address, {"answer": "No free workspace"})

    assert Installation.objects.get().state == "FAILED"
    assert Charge.objects.of(account).total() == 0


def test_a_late_answer_is_told_so(browser, installation, present):
    clock.set_to(present + timedelta(days=7))

    answer = browser.post(reverse("myapps:portal-confirm", args=[installation.pk]))

    assert answer.status_code == 409
    assert "Too late to answer" in text(answer)


def test_contracted_units_are_switched_on_and_off(
    browser, installation, add_on, account
):
    browser.post(reverse("myapps:portal-confirm", args=[installation.pk]))
    charged = Charge.objects.of(account).total()
    address = reverse("myapps:portal-add-on", args=[add_on.pk])

    assert browser.post(address, {"quantity": 3}).status_code == 302
    too_many = browser.post(address, {"quantity": 2})
    activation = AddOnActivation.objects.get()
    browser.post(reverse("myapps:portal-deactivate", args=[activation.pk]))

    assert too_many.status_code == 422
    assert "choose a quantity from 1 to 1" in text(too_many)
    activation.refresh_from_db()
    assert activation.deactivated_on is not None
    assert Charge.objects.of(account).total() == charged


def test_an_add_on_waits_for_its_app(browser, add_on, plan):
    answer = browser.post(
        reverse("myapps:portal-add-on", args=[add_on.pk]), {"quantity": 1}
    )

    assert answer.status_code == 422
    assert "is not installed" in text(answer)


def test_listings_show_plans_and_prices(browser, plan):
    page = text(browser.get(reverse("myapps:portal-listings")))

    assert "Business" in page
    assert "$10.00" in page


def test_apps_of_other_partners_do_not_exist(
    client_of, present, installation, add_on, admin
):
    other = factories.UserFactory(account=None, kind="PARTNER")
    mine = factories.AppFactory()
    mine.partner.members.add(other)
    browser = client_of(other)

    for name, pk in [
        ("portal-installation", installation.pk),
        ("portal-add-on", add_on.pk),
    ]:
        assert browser.get(reverse(f"myapps:{name}", args=[pk])).status_code == 404
    for name in ("portal-confirm", "portal-refuse"):
        address = reverse(f"myapps:{name}", args=[installation.pk])
        assert browser.post(address, {"answer": "x"}).status_code == 404
    assert "Harbour" not in text(browser.get(reverse("myapps:portal")))
    assert "Shield" not in text(browser.get(reverse("myapps:portal-add-ons")))
    assert client_of(admin).get(reverse("myapps:portal")).status_code == 403
    installation.refresh_from_db()
    assert installation.state == "INSTALLING"


def test_pages_ask_as_much_for_many_rows_as_for_few(
    browser, installation, add_on, app, django_assert_max_num_queries
):
    def queries(name):
        with django_assert_max_num_queries(25) as captured:
            assert browser.get(reverse(f"myapps:{name}")).status_code == 200
        return len(captured)

    names = ["portal", "portal-add-ons", "portal-listings"]
    few = [queries(name) for name in names]
    for _ in range(6):
        other = factories.AppFactory(partner=app.partner)
        factories.PlanFactory(app=other, price=Decimal(1))
        factories.LineFactory(plan=factories.PlanFactory(app=other, add_on=True))
        Installation.objects.create(
            account=factories.AccountFactory(),
            contract=installation.contract,
            app=other,
            plan=installation.plan,
            order=installation.order,
            state="ACTIVE",
            installed_by=installation.installed_by,
            installed_on=installation.installed_on,
        )

    assert [queries(name) for name in names] == few
