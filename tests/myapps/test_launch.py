"""Opening an app: the seat, the permission, an app that works, and a token that only it
can use (3.19, ADR 35)."""

import datetime
import re

import jwt
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import authority, roles
from config import launch_keys
from journal.models import Activity
from marketplace import listings
from marketplace.models import App
from myapps import launch_tokens, launches, seats
from myapps.models import Installation, Seat
from tests import factories

pytestmark = pytest.mark.django_db
MOST_QUERIES = 25


@pytest.fixture
def box(contract, plan, install, admin, present):
    installation = install(plan, [admin])
    App.objects.filter(pk=plan.app_id).update(
        launch_address="https://box.apps.example/open?from=console"
    )
    return installation


@pytest.fixture
def open_box(client_of, box):
    """Press Launch as somebody."""

    def press(user):
        return client_of(user).post(reverse("myapps:launch", args=["box"]))

    return press


def sent(page):
    return re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]


def verified(token, client, audience="box", **options):
    """As docs/launch.md tells partners to do it."""
    keys = client.get("/.well-known/jwks.json").json()
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == kid)
    return jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience=audience,
        issuer=settings.PUBLIC_ADDRESS,
        options={"require": ["exp", "iat", "aud", "iss", "sub", "jti"]},
        **options,
    )


def test_launch_posts_a_token_that_the_app_verifies_by_the_published_keys(
    open_box, admin, box, client
):
    page = open_box(admin)
    claims = verified(sent(page), client)

    assert (
        'action="https://box.apps.example/open?from=console"' in page.content.decode()
    )
    assert claims["sub"] == str(admin.pk)
    assert (claims["name"], claims["email"]) == ("Alice Almeida", admin.email)
    assert (claims["account"], claims["plan"]) == ("harbour-lines", box.plan.code)
    assert claims["installation"] == box.pk
    assert claims["exp"] - claims["iat"] == 60


def test_the_token_says_no_more_than_an_app_needs(open_box, admin, client):
    claims = verified(sent(open_box(admin)), client)

    assert set(claims) == {
        *("iss", "aud", "sub", "iat", "exp", "jti"),
        *("name", "email", "account", "installation", "plan"),
    }


def test_no_two_launches_carry_the_same_id(open_box, admin, client):
    first, second = (verified(sent(open_box(admin)), client) for _ in range(2))

    assert first["jti"] != second["jti"]


def test_another_app_refuses_the_token(open_box, admin, client):
    with pytest.raises(jwt.InvalidAudienceError):
        verified(sent(open_box(admin)), client, audience="zoom")


def test_after_a_minute_it_is_worth_nothing(client):
    past = timezone.now() - datetime.timedelta(seconds=61)
    token = launch_tokens.issue(
        {"sub": "1"},
        issuer=settings.PUBLIC_ADDRESS,
        audience="box",
        keys=settings.LAUNCH_KEYS,
        at=past,
    )

    with pytest.raises(jwt.ExpiredSignatureError):
        verified(token, client)


def test_a_token_signed_by_anybody_else_is_refused(open_box, admin, client, tmp_path):
    claims = verified(sent(open_box(admin)), client)
    other = launch_keys.read(launch_keys.kept(tmp_path / "other.pem"))
    kid = launch_tokens.public(settings.LAUNCH_KEYS[0])["kid"]
    forged = jwt.encode(claims, other[0], algorithm="ES256", headers={"kid": kid})

    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged, client)


def test_a_key_is_changed_without_a_pause(open_box, admin, client, settings, tmp_path):
    before = sent(open_box(admin))
    new = launch_keys.read(launch_keys.kept(tmp_path / "new.pem"))
    settings.LAUNCH_KEYS = [*new, *settings.LAUNCH_KEYS]
    after = sent(open_box(admin))

    kids = [jwt.get_unverified_header(token)["kid"] for token in (before, after)]
    assert kids[0] != kids[1]
    assert verified(before, client)["sub"] == verified(after, client)["sub"]


def test_the_published_keys_hold_nothing_private(client):
    answer = client.get("/.well-known/jwks.json")

    assert {name for key in answer.json()["keys"] for name in key} == {
        *("crv", "kty", "x", "y", "use", "alg", "kid"),
    }
    assert answer["Cache-Control"] == "public, max-age=300"


def test_only_that_apps_origin_is_sent_to_and_nothing_is_kept(open_box, admin):
    page = open_box(admin)

    assert "form-action https://box.apps.example;" in (
        page["Content-Security-Policy"] + ";"
    )
    assert "script-src" not in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "same-origin"


def test_without_the_seat_a_colleague_is_refused(open_box, member, administrators):
    roles.join(administrators, [member], by=None, on=administrators.created_on)

    assert open_box(member).status_code == 403


def test_a_stranger_finds_nothing(open_box, stranger):
    assert open_box(stranger).status_code == 404


def test_without_the_permission_nothing_opens(
    open_box, box, member, signed, today, client_of
):
    seats.add(box, [member], signed=signed("member"), on=today)

    assert open_box(member).status_code == 403
    page = client_of(member).get(reverse("myapps:launcher")).content.decode()
    assert "You cannot open apps." in page
    assert 'action="/launcher/box/"' not in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": "INSTALLING"}, "still setting it up"),
        ({"ends_on": datetime.date(2026, 11, 23)}, "It was uninstalled"),
        ({"state": "FAILED"}, "It does not work"),
    ],
)
def test_an_app_that_does_not_work_is_not_opened(
    box, admin, client_of, today, changes, says
):
    if changes.get("state") == "INSTALLING":
        changes = changes | {"confirm_by": today}
    Installation.objects.filter(pk=box.pk).update(**changes)

    page = client_of(admin).post(reverse("myapps:launch", args=["box"]), follow=True)

    assert says in page.content.decode()
    assert "Box was not opened." in page.content.decode()


def test_it_opens_until_the_day_before_its_end(open_box, box, admin, today):
    tomorrow = today + datetime.timedelta(days=1)
    Installation.objects.filter(pk=box.pk).update(ends_on=tomorrow)

    assert open_box(admin).status_code == 200


def test_an_app_without_an_address_says_how_to_open_it(box, admin, client_of):
    App.objects.filter(slug="box").update(launch_address="")
    page = client_of(admin).get(reverse("myapps:launcher")).content.decode()

    assert "Ask an administrator how to open it." in page
    assert 'action="/launcher/box/"' not in page


def test_a_seat_keeps_the_day_and_the_journal_stays_quiet(
    open_box, box, admin, today, client_of
):
    before = Activity.objects.count()
    open_box(admin)

    assert Seat.objects.get(user=admin).last_launched_on == today
    assert Activity.objects.count() == before
    page = client_of(admin).get(reverse("myapps:users", args=["box"]))
    assert "Last opened" in page.content.decode()


def test_opening_all_the_time_is_slowed_down(open_box, admin):
    for _ in range(30):
        assert open_box(admin).status_code == 200

    assert open_box(admin).status_code == 302


def test_launch_takes_few_queries(open_box, admin, django_assert_max_num_queries):
    open_box(admin)

    with django_assert_max_num_queries(MOST_QUERIES):
        open_box(admin)


# Paid for, and shut out


def test_a_paid_seat_that_cannot_launch_is_shown_with_the_way_to_mend_it(
    box, admin, member, signed, today, client_of
):
    seats.add(box, [member], signed=signed("member"), on=today)
    url = reverse("myapps:users", args=["box"])

    page = client_of(admin).get(url).content.decode()
    assert "1 person has a seat and cannot open the app." in page
    assert "Let their roles launch apps" in page

    found = client_of(admin).get(url, {"cannot": "on"})
    assert [seat.user for seat in found.context["page"]] == [member]


def test_whoever_gets_launch_by_any_role_is_shut_out_no_more(
    account, box, admin, member, signed, today
):
    seats.add(box, [member], signed=signed("member"), on=today)
    role = factories.RoleFactory(account=account, name="Agents")
    authority.revoke(role, authority.LAUNCH, by=admin, on=today)
    roles.join(role, [member], by=admin, on=today)
    assert list(launches.cannot(Seat.objects.all(), account)) == [
        Seat.objects.get(user=member)
    ]

    authority.grant(role, authority.LAUNCH, by=admin, on=today)

    assert not launches.cannot(Seat.objects.all(), account)


def test_whoever_is_deactivated_cannot_launch(
    account, box, member, signed, today, administrators
):
    roles.join(administrators, [member], by=None, on=today)
    seats.add(box, [member], signed=signed("member"), on=today)
    type(member).objects.filter(pk=member.pk).update(is_active=False)

    assert [seat.user for seat in launches.cannot(Seat.objects.all(), account)] == [
        member
    ]


# Where an app is opened


@pytest.mark.parametrize(
    "address",
    [
        "http://box.example/open",
        "https://localhost/open",
        "https://10.0.0.1/open",
        "https://box.example:8000/open",
        "https://me:secret@box.example/open",
        "http://127.0.0.1:8790/box",
        "javascript:alert(1)",
    ],
)
def test_a_launch_address_leads_out_into_the_world(partner_user, today, address):
    partner = factories.PartnerFactory()
    details = {"name": "Box", "category": "Files", "launch_address": address}

    with pytest.raises(ValidationError) as refusal:
        listings.draft(partner, details=details, by=partner_user, on=today)

    assert "launch_address" in refusal.value.error_dict


def test_a_demos_partner_may_be_opened_on_this_machine(partner_user, today):
    app = listings.draft(
        factories.PartnerFactory(),
        details={
            "name": "Box",
            "category": "Files",
            "launch_address": "http://127.0.0.1:8790/box",
        },
        by=partner_user,
        on=today,
        loopback=["127.0.0.1:8790"],
    )

    assert app.launch_address == "http://127.0.0.1:8790/box"


def test_the_database_sends_no_token_over_plain_http(box):
    with pytest.raises(IntegrityError, match="opened_over_https"), transaction.atomic():
        App.objects.update(launch_address="http://box.example/")


def test_partners_read_how_it_is_verified(partner_user, admin, client_of, settings):
    address = reverse("myapps:portal-launching")
    page = client_of(partner_user).get(address)

    assert settings.PUBLIC_ADDRESS in page.content.decode()
    assert reverse("myapps:launch-keys") in page.content.decode()
    assert client_of(admin).get(address).status_code in {403, 404}
