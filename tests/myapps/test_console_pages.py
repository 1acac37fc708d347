"""The pages of My Apps: who may open them, what they show, how many queries they take."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import authority, roles
from billing.models import Charge, RenewalChange
from journal.models import Activity
from myapps import joins, role_activations, seats, uninstalls
from myapps.models import Installation, JoinEvent, Seat
from tests import factories

pytestmark = pytest.mark.django_db
MOST_QUERIES = 25

OF_AN_APP = [
    *("users", "add-users", "people-options", "roles", "activate-role", "plan"),
    *("billing", "lower", "add-ons", "activity", "uninstall"),
]
OF_THE_ACCOUNT = ["index", "charges", "account-activity"]


@pytest.fixture
def browser(client_of, admin, present, version, contract):
    return client_of(admin)


@pytest.fixture
def box(line, install, plan, admin, people):
    """Ten signed at 7.25; Alice and two others have a seat."""
    line()
    return install(plan, [admin, *people(2)])


@pytest.fixture
def accepted(signed):
    """Alice accepted the terms already."""
    return signed("acceptance")


def address(name, installation=None, **words):
    args = [installation.app.slug] if installation else []
    return reverse(f"myapps:{name}", args=args, kwargs=words or None)


def hidden(response, name):
    """What a hidden field of the page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    return found[1] if found else ""


def carry(response):
    return {name: hidden(response, name) for name in ("key", "agreed")}


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def queries(browser, url):
    browser.get(url)
    with CaptureQueriesContext(connection) as taken:
        assert browser.get(url).status_code == 200
    return len(taken)


# Who may open them


@pytest.mark.parametrize("name", OF_AN_APP)
def test_each_page_of_an_app_opens_for_its_administrator_alone(
    name, browser, box, client_of, member, stranger
):
    url = address(name, box)

    assert browser.get(url).status_code == 200
    assert client_of(member).get(url).status_code == 403
    assert client_of(stranger).get(url).status_code == 404


@pytest.mark.parametrize("name", OF_THE_ACCOUNT)
def test_each_page_of_the_account_opens_for_its_administrator_alone(
    name, browser, box, client_of, member, stranger
):
    assert browser.get(address(name)).status_code == 200
    assert client_of(member).get(address(name)).status_code == 403
    assert "Box" not in text(client_of(stranger).get(address(name)))


def test_who_may_only_install_sees_my_apps_and_changes_nothing(
    box, client_of, member, account, present
):
    role = factories.RoleFactory(account=account)
    authority.grant(
        role, authority.INSTALL, by=None, on=role.created_on, delegates=True
    )
    roles.join(role, [member], by=None, on=role.created_on)
    browser = client_of(member)

    assert "Box" in text(browser.get(address("index")))
    assert browser.get(address("users", box)).status_code == 403


# My Apps


def test_without_apps_it_leads_to_the_marketplace(browser):
    page = text(browser.get(address("index")))

    assert "No apps yet" in page


def test_an_app_shows_plan_quantities_cost_and_term(browser, box):
    page = browser.get(address("index"))

    assert "3 active, 10 contracted, 10 billed" in page.content.decode()
    assert "$72.50" in text(page)
    assert "Business" in text(page)


def test_what_is_signed_and_not_installed_leads_to_installing(browser, line, plan):
    line()

    page = browser.get(address("index")).content.decode()

    assert "Signed, not installed" in page
    assert f'href="{reverse("myapps:app", args=[plan.app.slug])}">Install' in page


def test_what_is_paid_and_not_installed_leads_back(
    browser, box, admin, on, account, support
):
    uninstalls.ask(box, by=admin, on=on)
    Installation.objects.filter(pk=box.pk).update(closed_on=on, ends_on=on)
    Seat.objects.all().delete()

    assert "Paid, not installed" in text(browser.get(address("index")))


def test_signed_lines_of_the_future_are_named(browser, line, plan, today):
    line(starts_on=today.replace(month=12, day=31), began_on=None)

    assert "Starts Dec 31, 2026" in text(browser.get(address("index")))


def test_search_filter_and_sort(browser, box, install, account, people):
    for name, price in [("Apple", 3), ("Cherry", 90)]:
        app = factories.AppFactory(name=name, slug=name.lower(), category="Fruit")
        plan = factories.PlanFactory(app=app, price=Decimal(price))
        install(plan, people(1), key=name)

    def shown(**query):
        page = browser.get(address("index"), query).content.decode()
        body = page[page.index("<tbody>") :] if "<tbody>" in page else ""
        return re.findall(r"\b(Box|Apple|Cherry)</a>", body)

    assert shown() == ["Apple", "Box", "Cherry"]
    assert shown(q="fruit") == ["Apple", "Cherry"]
    assert shown(sort="-cost") == ["Cherry", "Box", "Apple"]
    assert shown(show="unused") == ["Box"]
    assert shown(q="nothing like it") == []


def test_my_apps_takes_as_many_queries_for_sixty_apps_as_for_one(
    browser, box, install, admin
):
    few = queries(browser, address("index"))
    for number in range(59):
        plan = factories.PlanFactory(price=Decimal(5))
        install(plan, [admin], key=f"app {number}")

    assert queries(browser, address("index")) == few <= MOST_QUERIES
    assert "1–50 of 60" in text(browser.get(address("index")))


# The pages of one app


def fill(box, admin, people, signed, on, account):
    """Many seats, roles, waiting people, charges, wishes and entries."""
    many = people(60)
    seats.add(box, many[:40], signed=signed("many"), on=on)
    for number in range(8):
        role = factories.RoleFactory(account=account)
        roles.join(role, many[number : number + 2], by=admin, on=on)
        role_activations.activate(
            box, role, auto_install=True, signed=signed(f"role {number}"), on=on
        )
    role_activations.limit(box, seats=1, monthly_spend=None, by=admin, on=on)
    roles.join(role, people(30), by=admin, on=on)
    seats.remove(box, many[:25], by=admin, on=on, lower=True)


@pytest.mark.parametrize("name", [*OF_AN_APP, "charges", "account-activity"])
def test_as_many_queries_for_many_rows_as_for_few(
    name, browser, box, admin, people, signed, on, account
):
    installation = box if name in OF_AN_APP else None
    role = factories.RoleFactory(account=account)
    roles.join(role, people(1), by=admin, on=on)
    role_activations.activate(
        box, role, auto_install=True, signed=signed("first role"), on=on
    )
    role_activations.limit(box, seats=1, monthly_spend=None, by=admin, on=on)
    roles.join(role, people(1), by=admin, on=on)
    seats.add(box, people(9), signed=signed("few"), on=on)
    seats.remove(box, [admin], by=admin, on=on, lower=True)
    few = queries(browser, address(name, installation))

    fill(box, admin, people, signed, on, account)

    assert queries(browser, address(name, installation)) <= few <= MOST_QUERIES


def test_pages_that_show_an_effect_keep_within_the_queries_too(
    browser, box, admin, people, signed, on, account
):
    """Also for somebody who has the current terms still to accept."""
    plus = factories.PlanFactory(app=box.app, code="plus", price=Decimal("20.00"))
    first, second = factories.RoleFactory.create_batch(2, account=account)
    activation = role_activations.activate(
        box, first, auto_install=True, signed=signed("role"), on=on
    )
    role_activations.limit(box, seats=1, monthly_spend=None, by=admin, on=on)
    roles.join(first, people(3), by=admin, on=on)
    roles.join(second, people(30), by=admin, on=on)
    factories.TermsVersionFactory(version="2026-11", effective_from="2026-11-01")
    waiting = list(JoinEvent.objects.queued().values_list("pk", flat=True))
    slug = box.app.slug

    for url, query in [
        (reverse("myapps:change-plan", args=[slug, plus.code]), {}),
        (reverse("myapps:auto-install", args=[slug, activation.pk]), {}),
        (address("activate-role", box), {"role": second.pk}),
        (address("seat-waiting", box), {"joins": waiting}),
        (address("add-users", box), {"roles": second.pk}),
        (address("remove-users", box), {"users": admin.pk}),
    ]:
        browser.get(url, query)
        with CaptureQueriesContext(connection) as taken:
            assert browser.get(url, query).status_code == 200
        assert len(taken) <= MOST_QUERIES, (url, len(taken))


def test_without_an_installation_there_is_only_its_bill(browser, line, plan):
    line()
    slug = plan.app.slug

    assert browser.get(f"/apps/{slug}/").url == f"/apps/{slug}/billing/"
    assert browser.get(f"/apps/{slug}/billing/").status_code == 200
    assert browser.get(f"/apps/{slug}/users/").status_code == 404


# Users


def test_a_choice_is_reviewed_and_bought_without_scripts(
    browser, box, people, accepted, on
):
    chosen = {"users": [user.pk for user in people(8)]}
    url = address("add-users", box)
    key = {"key": hidden(browser.get(url), "key")}

    review = browser.post(url, chosen | key)
    assert review.status_code == 200
    assert "1 × $7.25 × 7 ÷ 30 days" in text(review)
    assert box.seats.count() == 3

    done = browser.post(url, chosen | carry(review))
    assert done.status_code == 302
    assert box.seats.count() == 11
    assert Charge.objects.latest("id").amount == Decimal("1.69")

    again = browser.post(url, chosen | carry(review))
    assert again.status_code == 302
    assert Charge.objects.filter(reason="INCREASE").count() == 1


def test_htmx_is_answered_with_the_panel_alone(browser, box, people):
    answer = browser.post(
        address("add-users-effect", box),
        {"users": [user.pk for user in people(2)]},
        headers={"HX-Request": "true"},
    )

    assert "<html" not in answer.content.decode()
    assert "Covered by your contract" in text(answer)
    assert hidden(answer, "agreed")
    assert box.seats.count() == 3


def test_when_the_effect_changed_nothing_is_bought_and_the_new_one_is_shown(
    browser, box, people, accepted, signed, on
):
    chosen = {"users": [user.pk for user in people(7)]}
    url = address("add-users", box)
    review = browser.post(url, chosen | {"key": "one"})
    seats.add(box, people(4), signed=signed("a colleague"), on=on)

    answer = browser.post(url, chosen | {"key": "one"} | carry(review))

    assert answer.status_code == 409
    assert "Nothing was bought" in text(answer)
    assert box.seats.count() == 7
    again = browser.post(url, chosen | carry(answer))
    assert again.status_code == 302
    assert box.seats.count() == 14


def test_the_first_purchase_asks_to_accept_the_terms(browser, box, people, version):
    factories.TermsVersionFactory(version="2026-11", effective_from="2026-11-01")
    chosen = {"users": [people(1)[0].pk]}
    url = address("add-users", box)
    review = browser.post(url, chosen)

    refused = browser.post(url, chosen | carry(review))
    assert refused.status_code == 422
    assert "Accept the current purchase terms" in text(refused)

    accepting = {"accept_terms": hidden(review, "accept_terms")}
    box_value = re.search(r'name="accept_terms" value="(\d+)"', review.content.decode())
    accepting["accept_terms"] = box_value[1]
    assert browser.post(url, chosen | carry(refused) | accepting).status_code == 302


def test_pasted_addresses_are_named_back_when_nobody_has_them(browser, box, people):
    (user,) = people(1)

    answer = browser.post(
        address("add-users", box), {"emails": f"{user.email}, nobody@nowhere.example"}
    )

    assert answer.status_code == 422
    assert "nobody@nowhere.example" in text(answer)


def test_people_of_other_accounts_cannot_be_chosen(browser, box, stranger):
    answer = browser.post(address("add-users", box), {"users": [stranger.pk]})

    assert answer.status_code == 422
    assert box.seats.count() == 3


def test_who_has_a_seat_is_offered_but_cannot_be_ticked(browser, box, admin):
    page = browser.get(address("people-options", box), {"q": "Alice"})

    assert re.search(rf'value="{admin.pk}" disabled', page.content.decode())


def test_selected_people_are_removed_after_a_page_that_asks(browser, box):
    two = list(box.seats.values_list("user", flat=True))[:2]
    url = address("remove-users", box)

    asks = browser.post(url, {"users": two})
    assert asks.status_code == 200
    assert box.seats.count() == 3

    browser.post(url, {"users": two, "confirmed": "1"})
    assert box.seats.count() == 1


def test_who_is_no_longer_in_the_role_goes_by_one_click(
    browser, box, people, account, admin, signed, on
):
    role = factories.RoleFactory(account=account)
    left, other = people(2)
    roles.join(role, [left, other], by=admin, on=on)
    role_activations.activate(
        box, role, auto_install=False, signed=signed("role"), on=on
    )
    roles.leave(role, [left], by=admin, on=on)
    page = browser.get(address("users", box))
    assert "No longer in the role" in text(page)
    assert re.search(rf'name="only" value="{left.pk}"', page.content.decode())

    browser.post(address("remove-users", box), {"only": left.pk, "users": other.pk})

    assert not Seat.objects.filter(user=left).exists()
    assert Seat.objects.filter(user=other).exists()


# Roles


def test_a_role_is_activated_with_auto_install_after_its_effect(
    browser, box, people, account, admin, accepted, on
):
    role = factories.RoleFactory(account=account, name="Agents")
    roles.join(role, people(3), by=admin, on=on)
    url = address("activate-role", box)
    chosen = {"role": role.pk, "auto_install": "on"}

    review = browser.post(url, chosen)
    assert "3 active people are in the role; 3 without a seat" in text(review)
    assert browser.post(url, chosen | carry(review)).status_code == 302

    assert browser.post(url, chosen | carry(review)).status_code == 302
    assert box.seats.count() == 6
    activation = box.activations.get()
    assert activation.auto_install
    switch = reverse("myapps:auto-install", args=[box.app.slug, activation.pk])
    off = carry(browser.get(switch))
    for _click in range(2):
        assert browser.post(switch, off).status_code == 302
    assert not box.activations.standing().get().auto_install


def test_people_who_wait_are_seated_by_an_order_or_refused(
    browser, box, people, account, admin, signed, on
):
    role = factories.RoleFactory(account=account)
    role_activations.activate(
        box, role, auto_install=True, signed=signed("role"), on=on
    )
    browser.post(address("limits", box), {"seats": "3"})
    roles.join(role, people(2), by=admin, on=on)
    first, second = JoinEvent.objects.queued()
    assert "2 people wait" in text(browser.get(address("users", box)))
    url = address("seat-waiting", box)

    review = browser.post(url, {"joins": first.pk})
    assert browser.post(url, {"joins": first.pk} | carry(review)).status_code == 302
    browser.post(address("refuse-waiting", box), {"joins": second.pk})

    assert box.seats.count() == 4
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.outcome, second.outcome) == ("SEATED", "REFUSED")
    assert joins.waiting() == []


# Plan


def test_both_ways_to_another_plan_stand_side_by_side(browser, box, accepted):
    other = factories.PlanFactory(
        app=box.app, code="plus", name="Plus", price=Decimal("20.00")
    )
    url = reverse("myapps:change-plan", args=[box.app.slug, other.code])

    page = browser.get(url)
    assert "If Support approves the early end" in text(page)
    assert "If Support declines it" in text(page)
    assert "Change at renewal" in text(page)

    assert browser.post(url, {"when": "now"} | carry(page)).status_code == 302
    box.refresh_from_db()
    assert box.plan == other


def test_at_renewal_it_is_a_wish_and_charges_nothing(browser, box):
    other = factories.PlanFactory(app=box.app, code="plus", price=Decimal("20.00"))
    url = reverse("myapps:change-plan", args=[box.app.slug, other.code])
    before = Charge.objects.count()

    browser.post(url, {"when": "renewal", "reason": "Cheaper"})

    wish = RenewalChange.objects.get()
    assert (wish.kind, wish.target_plan, wish.reason) == ("PLAN", other, "Cheaper")
    assert Charge.objects.count() == before


# Billing


def test_lowering_never_goes_below_those_in_use(browser, box):
    url = address("lower", box)

    refused = browser.post(url, {"quantity": 2})
    assert refused.status_code == 422
    assert "3 people are active" in text(refused)

    saves = browser.get(url, {"quantity": 4}, headers={"HX-Request": "true"})
    assert "6 × $7.25" in text(saves)
    browser.post(url, {"quantity": 4})
    assert RenewalChange.objects.get().target_quantity == 4


def test_a_wish_is_taken_back_on_the_billing_page(browser, box, admin, on):
    (wish,) = seats.lower_to(box, 5, by=admin, on=on)

    browser.post(reverse("myapps:withdraw", args=[box.app.slug, wish.pk]))

    wish.refresh_from_db()
    assert wish.state == RenewalChange.State.WITHDRAWN


def test_the_end_of_an_uninstalled_app_is_not_taken_back_alone(browser, box, admin, on):
    uninstalls.ask(box, by=admin, on=on)
    wish = RenewalChange.objects.get()

    browser.post(reverse("myapps:withdraw", args=[box.app.slug, wish.pk]))

    wish.refresh_from_db()
    assert wish.state == RenewalChange.State.UNDECIDED


def test_a_wish_of_another_account_is_not_found(browser, box, stranger, client_of):
    wish = seats.lower_to(box, 5, by=box.installed_by, on=box.installed_on)[0]

    url = reverse("myapps:withdraw", args=[box.app.slug, wish.pk])

    assert client_of(stranger).post(url).status_code == 404


def test_charges_filter_by_app_and_month_and_the_total_is_their_sum(
    browser, box, install, people, line, plan, on
):
    app = factories.AppFactory(name="Other", slug="other")
    install(
        factories.PlanFactory(app=app, price=Decimal("3.00")), people(2), key="other"
    )

    everything = browser.get(address("charges"))
    other = browser.get(address("charges"), {"app": "other"})
    none = browser.get(address("charges"), {"app": "other", "month": "2019-01"})

    total = Charge.objects.total()
    assert f"${total:,.2f}" in text(everything)
    assert "$6.00" in text(other)
    assert "Box" not in other.content.decode().split("<tbody>")[1]
    assert none.status_code == 200


# Uninstall, launcher, activity


def test_uninstalling_says_until_when_it_works_and_can_be_taken_back(
    browser, box, plan
):
    url = address("uninstall", box)
    assert "Jan 30, 2027" in text(browser.get(url))

    browser.post(url, {"ticket": "now", "reason": "No longer needed"})
    box.refresh_from_db()
    assert str(box.ends_on) == "2027-01-31"
    wish = RenewalChange.objects.get()
    assert (wish.ticket_wanted, wish.reason) == (True, "No longer needed")
    assert "Keep Box" in text(browser.get(url))

    browser.post(address("keep", box))
    box.refresh_from_db()
    assert box.ends_on is None


def test_the_launcher_shows_whoever_has_a_seat_the_apps_that_work_today(
    box, client_of, member, signed, on, admin, present
):
    seats.add(box, [member], signed=signed("member"), on=on)
    app = box.app
    app.launch_address = "https://box.example/open"
    app.save()
    browser = client_of(member)

    page = browser.get(address("launcher"))
    assert "Box" in text(page)
    assert "cannot open apps" in text(page)
    assert app.launch_address not in page.content.decode()

    role = factories.RoleFactory(account=member.account)
    roles.join(role, [member], by=admin, on=on)
    page = client_of(member).get(address("launcher"))
    assert 'action="/launcher/box/" target="_blank"' in page.content.decode()

    Installation.objects.filter(pk=box.pk).update(ends_on=on)
    assert "Ended on" in text(browser.get(address("launcher")))


def test_the_launcher_takes_as_many_queries_for_many_apps(box, browser, install, admin):
    few = queries(browser, address("launcher"))
    for number in range(12):
        plan = factories.PlanFactory(price=Decimal(5))
        install(plan, [admin], key=f"app {number}")

    assert queries(browser, address("launcher")) == few <= MOST_QUERIES


def test_activity_tells_of_this_app_in_sentences(browser, box, admin):
    page = text(browser.get(address("activity", box)))

    assert "Alice Almeida installed Box on Business." in page
    assert Activity.objects.filter(app="box").exists()
