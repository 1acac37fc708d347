"""The install page: it shows what a click does, and the click does exactly that."""

import re
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from accounts import roles
from billing.models import Charge, Order
from marketplace import offers
from myapps.models import Installation, Seat
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(app):
    return reverse("myapps:install", args=[app.slug])


@pytest.fixture
def browser(client_of, admin, present, version, contract):
    return client_of(admin)


def hidden(response, name):
    """What a hidden field of the page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    return found and found[1]


def carry(response):
    return {name: hidden(response, name) or "" for name in ("key", "agreed", "shown")}


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_the_page_offers_the_plan_under_contract_first(browser, url, plan, line):
    factories.PlanFactory(app=plan.app, code="other", price=Decimal(1), position=0)
    line()

    page = browser.get(url)

    assert re.search(rf'value="{plan.pk}" checked', page.content.decode())
    assert "In your contract: 10" in text(page)


def test_a_choice_is_reviewed_and_bought_without_scripts(
    browser, url, plan, people, version
):
    users = people(2)
    chosen = {"plan": plan.pk, "users": [user.pk for user in users]}

    review = browser.post(url, chosen | {"review": 1})

    assert "2 × $10.00" in text(review)
    assert not Order.objects.exists()

    answer = browser.post(
        url,
        chosen | carry(review) | {"accept_terms": version.pk, "confirm": 1},
    )

    installation = Installation.objects.get()
    assert answer.status_code == 302
    assert answer.url == reverse("myapps:installation", args=["box"])
    assert installation.seats.count() == 2
    assert Charge.objects.get().amount == Decimal("20.00")
    assert installation.order.terms_version == version.version


def test_htmx_is_answered_with_the_panels_alone(browser, url, plan, people):
    page = browser.post(
        url,
        {"plan": plan.pk, "users": [people(1)[0].pk]},
        headers={"HX-Request": "true"},
    )

    assert page.content.decode().strip().startswith('<div id="install-panels"')


def test_a_direct_click_without_a_review_buys_nothing(
    browser, url, plan, people, version
):
    chosen = {"plan": plan.pk, "users": [people(1)[0].pk], "key": "k"}

    answer = browser.post(url, chosen | {"accept_terms": version.pk, "confirm": 1})

    assert answer.status_code == 409
    assert not Order.objects.exists()


def test_an_effect_that_changed_keeps_the_choice_and_buys_nothing(
    browser, url, plan, people, version, on
):
    users = people(2)
    chosen = {"plan": plan.pk, "users": [users[0].pk, users[1].pk]}
    review = browser.post(url, chosen | {"review": 1})
    plan.list_prices.update(monthly_price=Decimal("12.00"))

    answer = browser.post(
        url, chosen | carry(review) | {"accept_terms": version.pk, "confirm": 1}
    )

    assert answer.status_code == 409
    assert "2 × $12.00" in text(answer)
    assert answer.content.decode().count(" checked") >= 3
    assert not Order.objects.exists()

    answer = browser.post(
        url, chosen | carry(answer) | {"accept_terms": version.pk, "confirm": 1}
    )

    assert Charge.objects.get().amount == Decimal("24.00")


def test_without_accepting_the_terms_nothing_is_bought(browser, url, plan, people):
    chosen = {"plan": plan.pk, "users": [people(1)[0].pk]}
    review = browser.post(url, chosen | {"review": 1})

    answer = browser.post(url, chosen | carry(review) | {"confirm": 1})

    assert answer.status_code == 422
    assert "Accept the current purchase terms" in text(answer)
    assert not Order.objects.exists()


def test_a_second_click_leads_to_the_same_installation(
    browser, url, plan, people, version
):
    chosen = {"plan": plan.pk, "users": [people(1)[0].pk]}
    review = browser.post(url, chosen | {"review": 1})
    click = chosen | carry(review) | {"accept_terms": version.pk, "confirm": 1}

    first, second = browser.post(url, click), browser.post(url, click)

    assert first.url == second.url
    assert Order.objects.count() == 1


def test_pasted_addresses_seat_whom_they_name_and_name_back_the_others(
    browser, url, plan, people, account, version
):
    one, other = people(2)
    gone = factories.UserFactory(account=account, is_active=False)
    elsewhere = factories.UserFactory()
    emails = f"{one.email}, {other.email.upper()}\nnobody@here.example {gone.email}"
    emails += f" {elsewhere.email}"
    chosen = {"plan": plan.pk, "users": [one.pk], "emails": emails}

    review = browser.post(url, chosen | {"review": 1})

    assert "2 addresses are nobody here" in text(review)
    assert "nobody@here.example" in text(review)
    assert elsewhere.email in text(review)
    assert "Deactivated people get no seat" in text(review)
    assert "2 × $10.00" in text(review)

    browser.post(
        url, chosen | carry(review) | {"accept_terms": version.pk, "confirm": 1}
    )

    assert set(Seat.objects.values_list("user", flat=True)) == {one.pk, other.pk}


def test_a_role_is_sent_as_one_value_and_seats_its_members(
    browser, url, plan, people, account, version, on
):
    agents = factories.RoleFactory(account=account, name="Agents")
    members = people(3)
    roles.join(agents, members, by=None, on=on)
    chosen = {
        "plan": plan.pk,
        "users": [members[0].pk],
        "roles": [agents.pk],
        "auto": [agents.pk],
    }

    review = browser.post(url, chosen | {"review": 1})

    assert "3 × $10.00" in text(review)

    browser.post(
        url, chosen | carry(review) | {"accept_terms": version.pk, "confirm": 1}
    )

    activation = Installation.objects.get().activations.get()
    assert activation.auto_install
    assert Seat.objects.filter(role=agents).count() == 2
    assert Seat.objects.count() == 3


def test_auto_install_alone_is_asked_back(browser, url, plan, account, people):
    agents = factories.RoleFactory(account=account, name="Agents")
    chosen = {"plan": plan.pk, "users": [people(1)[0].pk], "auto": [agents.pk]}

    page = browser.post(url, chosen | {"review": 1})

    assert "Choose Agents too" in text(page)
    assert browser.post(url, chosen | carry(page) | {"confirm": 1}).status_code == 422


def test_add_ons_and_unlisted_plans_are_refused(
    browser, url, app, plan, people, account
):
    add_on = factories.PlanFactory(
        app=app, add_on=True, name="Shield", price=Decimal(1)
    )
    unlisted = factories.PlanFactory(app=app, listed=False, name="Old book")
    foreign = factories.PlanFactory(price=Decimal(1))

    page = browser.get(url)
    assert "Shield" not in text(page)
    assert "Old book" not in text(page)
    for one, words in [
        (add_on, "Add-on plans cannot be bought here"),
        (unlisted, "not listed"),
        (foreign, "Choose a plan"),
    ]:
        chosen = {"plan": one.pk, "users": [people(1)[0].pk], "key": "k"}
        answer = browser.post(url, chosen | {"confirm": 1})
        assert answer.status_code == 422
        assert words in text(answer)
    assert not Order.objects.exists()


def test_plans_on_request_are_shown_and_cannot_be_chosen(
    browser, url, app, plan, people
):
    asked = factories.PlanFactory(app=app, on_request=True, name="Enterprise")

    page = browser.get(url)

    assert re.search(rf'value="{asked.pk}"[^>]* disabled', page.content.decode())
    answer = browser.post(
        url, {"plan": asked.pk, "users": [people(1)[0].pk], "review": 1}
    )
    assert "on request" in text(answer)
    assert hidden(answer, "agreed") is None


def test_a_contracted_plan_that_is_not_listed_leads_to_support_until_it_is_offered(
    browser, url, app, plan, line, people, account, support, on
):
    old = factories.PlanFactory(app=app, listed=False, code="old", name="Old book")
    line(plan=old)

    page = browser.get(url)
    assert "You have Old book under contract, but it is not listed" in text(page)
    assert "category=INSTALL&amp;app=box&amp;plan=old" in page.content.decode()

    offers.offer(old, account=account, by=support, on=on)
    page = browser.post(url, {"plan": old.pk, "users": [people(1)[0].pk], "review": 1})
    assert "Covered by your contract" in text(page)


def test_without_a_contract_the_panel_says_so(
    client_of, admin, present, version, url, plan, people
):
    browser = client_of(admin)

    page = browser.post(url, {"plan": plan.pk, "users": [people(1)[0].pk], "review": 1})

    assert "no current contract" in text(page)
    assert hidden(page, "agreed") is None


def test_the_indicative_summary_shows_none_of_the_accounts_own_terms(
    browser, url, plan, line, people
):
    line()

    page = browser.post(url, {"plan": plan.pk, "users": [people(1)[0].pk], "review": 1})

    panel = (
        page.content.decode().split('class="panel-indicative"')[1].split("</section")[0]
    )
    assert "$10.00" in panel
    assert "7.25" not in panel


def test_an_installed_app_leads_to_its_installation(
    browser, url, plan, line, people, install
):
    line()
    install(plan, people(1))

    assert browser.get(url).url == reverse("myapps:installation", args=["box"])


def test_colleagues_and_people_chosen_elsewhere(
    browser, client_of, url, plan, member, stranger, present
):
    assert client_of(member).get(url).status_code == 403
    chosen = {"plan": plan.pk, "users": [stranger.pk]}
    page = browser.post(url, chosen | {"review": 1})
    assert "not in your account" in text(page)
    assert stranger.display_name not in text(page)
    browser.post(url, chosen | carry(page) | {"confirm": 1})
    assert not Order.objects.exists()


@pytest.mark.parametrize("partly", [False, True])
def test_as_many_queries_for_500_people_as_for_5(
    browser, url, plan, people, account, on, django_assert_max_num_queries, partly
):
    headers = {"HX-Request": "true"} if partly else {}

    def queries(number):
        users = people(number)
        role = factories.RoleFactory(account=account)
        roles.join(role, users[: number // 2], by=None, on=on)
        emails = " ".join(user.email for user in users[:5])
        asked = {"plan": plan.pk, "roles": [role.pk], "emails": emails}
        asked["users"] = [user.pk for user in users[-number // 2 :]]
        with django_assert_max_num_queries(25) as captured:
            answer = browser.post(url, asked | {"review": 1}, headers=headers)
        assert answer.status_code == 200
        return len(captured)

    browser.get(url)
    assert queries(5) == queries(500)


def test_find_keeps_what_was_chosen(browser, url, plan, account, people):
    ana = factories.UserFactory(account=account, display_name="Ana Zuckerova")
    other = people(1)[0]

    page = browser.post(
        url, {"plan": plan.pk, "users": [other.pk], "q": "zuck", "find": 1}
    )

    html = page.content.decode()
    assert re.search(rf'value="{other.pk}" checked', html)
    assert f'value="{ana.pk}"' in html


def test_the_catalogue_asks_what_is_installed_or_contracted(
    browser, plan, line, people, install
):
    other = factories.PlanFactory(app__slug="zoom")
    line(plan=other)
    address = reverse("myapps:catalogue-states")

    before = text(browser.get(f"{address}?{urlencode({'app': 'zoom'})}"))
    install(plan, people(1))
    after = browser.get(f"{address}?app=box&app=zoom&app=none").content.decode()

    assert before == "Under contract"
    assert 'id="app-state-box"' in after
    assert "Installed" in after
    assert "app-state-none" not in after


def test_within_25_queries_when_another_plan_is_replaced(
    browser, url, app, plan, line, people, account, on, django_assert_max_num_queries
):
    other = factories.PlanFactory(app=app, name="Starter", price=Decimal("5.00"))
    for _ in range(3):
        line(plan=other, on=on)
    users = people(3)
    role = factories.RoleFactory(account=account)
    roles.join(role, users[:1], by=None, on=on)
    asked = {"plan": plan.pk, "users": [users[1].pk], "roles": [role.pk]}

    with django_assert_max_num_queries(25):
        page = browser.post(url, asked | {"emails": users[2].email, "review": 1})

    assert "Instead of Starter" in text(page)
    assert "If Support approves" in text(page)


def test_nothing_that_replaces_what_is_signed_is_chosen_beforehand(
    browser, url, app, line
):
    factories.PlanFactory(app=app, price=Decimal(0), name="Free")
    line(plan=factories.PlanFactory(app=app, listed=False))

    page = browser.get(url)

    assert not re.search(r'name="plan"[^>]* checked', page.content.decode())
    assert hidden(page, "agreed") is None


@pytest.mark.parametrize(
    ("price", "words"), [(Decimal("1.00"), "Install and purchase"), (0, "Install")]
)
def test_the_button_says_whether_it_purchases(
    browser, url, app, people, contract, price, words
):
    plan = factories.PlanFactory(app=app, price=Decimal(price))

    page = browser.post(url, {"plan": plan.pk, "users": [people(1)[0].pk], "review": 1})

    button = re.search(
        r'<button[^>]*name="confirm"[^>]*>(.*?)</button>', page.content.decode()
    )
    assert button[1] == words


def test_htmx_also_moves_the_steps(browser, url, plan, people):
    page = browser.post(
        url,
        {"plan": plan.pk, "users": [people(1)[0].pk]},
        headers={"HX-Request": "true"},
    ).content.decode()

    assert 'id="install-steps" hx-swap-oob="true"' in page
