"""T14: what an order form covers is installed here or by an emailed link, at no charge."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import authority, clock, roles
from billing.models import Charge, Order
from journal.models import Activity, Message
from myapps import install_links, mails
from myapps.models import Installation, InstallLink
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(account):
    return factories.ContractFactory(account=account, starts_on=date(2026, 1, 31))


@pytest.fixture
def plan():
    return factories.PlanFactory(
        app__slug="box", app__name="Box", name="Business", price=Decimal("15.00")
    )


@pytest.fixture
def line(contract, plan, today):
    """Three seats at 7.25, all periods up to today charged already."""
    line = factories.LineFactory(
        contract=contract,
        plan=plan,
        number="OF-77",
        contracted=3,
        monthly_unit_price=Decimal("7.25"),
        on=today,
    )
    line.order_form.install_link_to = "alice@harbour.example"
    line.order_form.save()
    return line


@pytest.fixture
def charged(line):
    """What was charged before anybody installed."""
    return Charge.objects.count()


@pytest.fixture
def send(line, admin, present, today):
    """Send a link, by default to Alice; answers the address in the letter."""

    def do(to=admin, line=line):
        mails.install_link(line, to=to, by=None, at=present, on=today)
        letter = Message.objects.latest("id")
        return re.search(r"/install/[\w-]+/", letter.body)[0]

    return do


@pytest.fixture
def version():
    return factories.TermsVersionFactory()


def click(browser, address, version, **chosen):
    page = browser.post(address, chosen | {"review": 1}).content.decode()
    names = ("key", "agreed", "shown")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in names}
    carried = {name: one[1] for name, one in found.items() if one}
    signed = {"accept_terms": version.pk, "confirm": 1}
    return browser.post(address, chosen | carried | signed)


def test_up_to_the_contracted_quantity_nothing_is_charged(
    client_of, admin, account, send, charged, version
):
    users = factories.UserFactory.create_batch(3, account=account)
    address = send()

    answer = click(client_of(admin), address, version, users=[u.pk for u in users])

    assert answer.status_code == 302
    assert Installation.objects.get().seats.count() == 3
    assert Charge.objects.count() == charged


def test_more_users_are_billed_at_the_contracted_price(
    client_of, admin, account, send, charged, version
):
    users = factories.UserFactory.create_batch(5, account=account)

    click(client_of(admin), send(), version, users=[user.pk for user in users])

    charge = Charge.objects.latest("id")
    assert (charge.quantity, charge.days, charge.period_days) == (2, 7, 30)
    assert charge.amount == Decimal("3.38")  # 2 × 7.25 × 7 ÷ 30


def test_the_letter_names_what_is_covered_and_the_terms(send, settings):
    send()
    letter = Message.objects.get()

    for words in (letter.body, letter.html):
        assert "OF-77" in words
        assert "3 users" in words
        assert "$7.25" in words
        assert settings.TERMS_ADDRESS in words
        assert settings.PUBLIC_ADDRESS in words
    assert letter.recipient == "alice@harbour.example"


def test_the_token_is_kept_nowhere(send):
    token = send().split("/")[2]

    assert InstallLink.objects.get().digest != token
    assert len(token) >= 43


def test_looking_does_not_use_a_link_up(client_of, admin, send, version):
    browser, address = client_of(admin), send()

    for _ in range(3):
        assert browser.get(address).status_code == 200
    assert browser.head(address).status_code in {200, 405}

    assert InstallLink.objects.get().used_at is None


def test_a_link_leads_through_sign_in(client, send):
    address = send()

    answer = client.get(address)

    assert answer.status_code == 302
    assert answer.url == f"{reverse('login')}?next={address}"


def test_a_link_works_once(client_of, admin, send, version, member):
    browser, address = client_of(admin), send()
    click(browser, address, version, users=[member.pk])

    answer = browser.get(address)

    assert answer.status_code == 410
    assert "has been used" in answer.content.decode()


def test_a_double_click_is_one_installation(client_of, admin, send, version, member):
    browser, address = client_of(admin), send()
    page = browser.post(address, {"users": [member.pk], "review": 1}).content.decode()
    sent = {
        name: re.search(rf'name="{name}" value="([^"]*)"', page)[1]
        for name in ("key", "agreed", "shown")
    } | {"users": [member.pk], "accept_terms": version.pk, "confirm": 1}

    first, second = browser.post(address, sent), browser.post(address, sent)

    assert first.status_code == second.status_code == 302
    assert first.url == second.url
    assert Order.objects.count() == 1


def test_a_link_is_good_for_seven_days(client_of, admin, send, present):
    address = send()
    clock.set_to(present + timedelta(days=7))

    answer = client_of(admin).get(address)

    assert answer.status_code == 410
    assert "older than seven days" in answer.content.decode()


def test_a_newer_link_revokes_the_older(client_of, admin, send):
    older, newer = send(), send()

    assert client_of(admin).get(older).status_code == 410
    assert client_of(admin).get(newer).status_code == 200


def test_a_link_taken_back_works_no_more(client_of, admin, send, sales, present, today):
    address = send()

    install_links.revoke(InstallLink.objects.get(), by=sales, at=present, on=today)

    assert client_of(admin).get(address).status_code == 410


def test_a_link_is_for_one_person(client_of, send, member, stranger, version):
    address = send()

    assert client_of(member).get(address).status_code == 403
    assert click(client_of(member), address, version).status_code == 403
    elsewhere = client_of(stranger).get(address)
    guessed = client_of(stranger).get("/install/guess/")
    assert elsewhere.status_code == guessed.status_code == 404
    for page in (elsewhere.content.decode(), guessed.content.decode()):
        assert "This link is not for your sign-in" in page
        assert "charlie@meridian.example" in page
        assert "Business" not in page
    assert not Installation.objects.exists()


def test_without_install_authority_a_link_says_whom_to_ask_and_waits(
    client_of, member, admin, send, account, today
):
    address = send(to=member)

    answer = client_of(member).get(address)

    assert answer.status_code == 403
    assert "none of your roles holds Install" in answer.content.decode()
    assert admin.display_name in answer.content.decode()
    buyers = factories.RoleFactory(account=account, name="Buyers")
    authority.grant(buyers, authority.INSTALL, by=admin, on=today, delegates=True)
    roles.join(buyers, [member], by=admin, on=today)
    assert client_of(member).get(address).status_code == 200


def test_an_app_that_is_installed_needs_no_link(
    client_of, admin, send, version, member
):
    first, browser = send(), client_of(admin)
    InstallLink.objects.update(revoked_at=None)
    click(browser, first, version, users=[member.pk])

    answer = browser.get(send())

    assert answer.status_code == 409
    assert "is installed" in answer.content.decode()


def test_a_link_for_what_starts_later_would_cover_nothing_yet(
    client_of, admin, contract, send, today, version, member
):
    later = factories.LineFactory(
        contract=contract,
        plan=factories.PlanFactory(price=Decimal(1)),
        starts_on=today + timedelta(days=8),
        began_on=None,
    )
    address = send(line=later)

    assert client_of(admin).get(address).status_code == 409
    assert (
        click(client_of(admin), address, version, users=[member.pk]).status_code == 409
    )
    assert not Order.objects.exists()


def test_the_command_sends_each_link_once(line, admin, present, capsys):
    call_command("send_install_links")
    call_command("send_install_links")

    assert InstallLink.objects.count() == 1
    assert "0 install links sent." in capsys.readouterr().out

    call_command("send_install_links", form="OF-77", again=True)

    assert InstallLink.objects.filter(revoked_at=None).count() == 1
    assert Message.objects.count() == 2


def test_the_command_names_what_it_cannot_send(line, present, capsys):
    call_command("send_install_links", form="OF-77")

    assert "Nobody active of Harbour Lines signs in with" in capsys.readouterr().err
    with pytest.raises(CommandError, match="no order form NONE"):
        call_command("send_install_links", form="NONE")


def test_sales_send_a_link_again_and_take_it_back_in_the_admin(
    client_of, sales, line, admin, present
):
    browser = client_of(sales)
    address = reverse("admin:myapps_installlink_changelist")

    added = browser.post(reverse("admin:myapps_installlink_add"), {"line": line.pk})
    assert added.status_code == 302
    assert InstallLink.objects.get().recipient == admin

    for action in ("send_again", "take_back"):
        links = InstallLink.objects.filter(revoked_at=None)
        browser.post(
            address,
            {"action": action, "_selected_action": [link.pk for link in links]},
        )

    assert InstallLink.objects.count() == 2
    assert not InstallLink.objects.filter(revoked_at=None).exists()
    assert browser.get(address).status_code == 200


@pytest.mark.parametrize(
    ("happens", "status", "title", "way_on"),
    [
        ("used", 410, "Box is installed", "Manage Box"),
        ("revoked", 410, "This link was taken back", "Ask for a new link"),
        ("expired", 410, "This link is too old", "Ask for a new link"),
        ("ended", 410, "This link covers nothing any more", "See Box in the"),
    ],
)
def test_each_refusal_is_a_page_that_leads_on(
    client_of, admin, send, version, member, line, today, happens, status, title, way_on
):
    address, browser = send(), client_of(admin)
    if happens == "used":
        click(browser, address, version, users=[member.pk])
    elif happens == "revoked":
        send()
    elif happens == "expired":
        clock.set_to(clock.now() + timedelta(days=7))
    else:
        type(line).objects.filter(pk=line.pk).update(ends_on=today)

    answers = [browser.get(address), click(browser, address, version)]

    assert [answer.status_code for answer in answers] == [status, status]
    for page in (answer.content.decode() for answer in answers):
        assert title in page
        assert way_on in page


@pytest.fixture
def desk(client_of, sales, present):
    return client_of(sales)


def act(desk, link, action):
    address = reverse("admin:myapps_installlink_changelist")
    asked = {"action": action, "_selected_action": [link.pk]}
    return desk.post(address, asked, follow=True).content.decode()


def page_of(desk, link):
    address = reverse("admin:myapps_installlink_change", args=[link.pk])
    return desk.get(address).content.decode()


def test_a_links_page_offers_to_send_it_again_and_to_take_it_back(desk, send, sales):
    send()
    first = InstallLink.objects.get()
    before = page_of(desk, first)

    assert "1 link sent." in act(desk, first, "send_again")
    second = InstallLink.objects.latest("pk")
    assert "1 link taken back." in act(desk, second, "take_back")
    assert "0 links taken back." in act(desk, second, "take_back")
    after = page_of(desk, second)

    assert 'value="send_again"' in before
    assert 'value="take_back"' in before
    assert 'value="take_back"' not in after
    assert "Simon Stone took back a link to install Box." in after
    told = Activity.objects.filter(verb__startswith="link.").order_by("id")
    assert [(one.verb, one.actor_id) for one in told] == [
        ("link.issued", None),
        ("link.issued", sales.pk),
        ("link.revoked", sales.pk),
    ]


def test_a_used_link_is_neither_sent_again_nor_taken_back(
    desk, client_of, admin, send, version, member
):
    click(client_of(admin), send(), version, users=[member.pk])
    link = InstallLink.objects.get()

    assert "0 links sent." in act(desk, link, "send_again")
    assert "0 links taken back." in act(desk, link, "take_back")

    link.refresh_from_db()
    assert link.revoked_at is None
    assert 'value="send_again"' not in page_of(desk, link)


@pytest.mark.parametrize("why", ["inactive", "ended"])
def test_a_link_that_would_be_of_no_use_is_not_sent(
    desk, admin, line, send, today, why
):
    send()
    link = InstallLink.objects.get()
    if why == "inactive":
        type(admin).objects.filter(pk=admin.pk).update(is_active=False)
    else:
        type(line).objects.filter(pk=line.pk).update(ends_on=today)

    said = act(desk, link, "send_again")
    asked = {"line": line.pk, "recipient": admin.pk}
    refused = desk.post(reverse("admin:myapps_installlink_add"), asked)

    words = {"inactive": "can no longer sign in", "ended": "would cover nothing"}[why]
    assert words in said
    assert words in refused.content.decode()
    assert InstallLink.objects.count() == 1
