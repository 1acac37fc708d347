"""Staff see an account's console as its customer does: to read, for a reason, recorded."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import path, reverse
from django.utils import timezone

from accounts import roles
from accounts.models import Account, User
from config import urls as every_url
from config import viewing as config_viewing
from journal import activities
from journal.models import Activity
from support import viewings
from support.models import ViewedPage, Viewing
from tests import factories
from tests.test_permission_matrix import PLACES, SALES, SUPPORT, World

pytestmark = pytest.mark.usefixtures("present")
UNSAFE = ["post", "put", "patch", "delete", "options"]


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


def begin(client, account, admin, reason="T-000001: the plan is missing"):
    return client.post(
        reverse("support:begin-viewing", args=[account.slug]),
        {"reason": reason, "seen_as": admin.pk},
    )


@pytest.fixture
def viewing(desk, account, admin):
    """Sofia sees the account as Alice does."""
    assert begin(desk, account, admin).status_code == 302
    return Viewing.objects.get()


def test_it_is_the_customers_console(desk, viewing, admin):
    page = desk.get(reverse("myapps:index")).content.decode()

    assert desk.get("/").headers["Location"] == reverse("myapps:overview")
    assert str(admin) in page
    assert f'href="{reverse("support:queue")}"' not in page


def test_its_frame_offers_nothing_that_is_refused_there(desk, viewing):
    pages = [
        desk.get(reverse(place)).content.decode()
        for place in ("myapps:index", "search")
    ]

    for page in pages:
        assert f'href="{reverse("accounts:profile")}"' not in page
        assert f'action="{reverse("accounts:language")}"' not in page


def test_its_account_reads_who_looked_and_why(
    viewing, account, support, client_of, admin
):
    told = Activity.objects.get(verb="account.entered")

    assert (told.account_id, told.actor_id) == (account.pk, support.pk)
    page = client_of(admin).get(reverse("myapps:account-activity")).content.decode()
    assert "T-000001: the plan is missing" in page
    assert activities.SENTENCES["account.entered"]


@pytest.mark.slow
def test_whatever_would_change_something_is_refused_at_every_address(client_of):
    world, met = World(), []
    client, admin = client_of(world.people[SUPPORT]), world.people["admin"]
    begin(client, admin.account, admin)
    before = dict(written())
    for place, (thing, _may, _stranger) in PLACES.items():
        address = reverse(place, kwargs=world.arguments[thing])
        if place == config_viewing.LEAVE:
            continue
        for verb in UNSAFE:
            status = getattr(client, verb)(address).status_code
            if status != 403:
                met.append(f"{verb} {address} met {status}")

    assert met == []
    assert dict(written()) == before


def written():
    """How many rows each table of ours has been written, in this transaction too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
            FROM pg_stat_xact_user_tables
            WHERE relname ~ '^(accounts|billing|journal|marketplace|myapps|support)_'
            """
        )
        return cursor.fetchall()


@pytest.mark.slow
def test_every_page_is_bannered_and_writes_nothing_but_that_it_was_seen(client_of):
    world, met, bare = World(), 0, []
    client, admin = client_of(world.people[SALES]), world.people["admin"]
    begin(client, admin.account, admin, reason="Renewal talk")
    before = dict(written())
    for place, (thing, _may, _stranger) in PLACES.items():
        address = reverse(place, kwargs=world.arguments[thing])
        answer = client.get(address)
        assert answer.status_code < 500, address
        page = answer.headers["Content-Type"].startswith("text/html")
        body = b"" if answer.streaming else answer.content
        if page and b"<body" in body:
            met += answer.status_code == 200
            assert b"writes something" not in body, address
            if b"viewing-bar" not in body or b"Renewal talk" not in body:
                bare.append(address)
    after = dict(written())

    assert bare == []
    assert met > 25
    changed = {table for table in after if after[table] != before.get(table, 0)}
    assert changed <= {"support_viewedpage"}


@pytest.mark.parametrize(
    "place",
    [
        "accounts:profile",
        "accounts:api-keys",
        "accounts:add-api-key",
        "accounts:rotate-api-key",
        "accounts:revoke-api-key",
        "accounts:directory",
        "accounts:add-directory-key",
        "password_change",
        "password_reset",
        "login",
    ],
)
def test_what_is_the_customers_own_is_not_shown(place, desk, viewing):
    arguments = (
        {"pk": 1} if place.endswith(("rotate-api-key", "revoke-api-key")) else {}
    )

    answer = desk.get(reverse(place, kwargs=arguments))

    assert answer.status_code == 403
    assert b"own" in answer.content


@pytest.mark.parametrize(
    "address", ["/admin/", "/api/v1/", "/scim/v2/Users", "/styleguide/"]
)
def test_nor_is_what_is_no_page_of_customers(address, desk, viewing):
    assert desk.get(address).status_code in {403, 404}


def test_nor_is_the_desk(desk, viewing):
    assert desk.get(reverse("support:queue")).status_code == 403


def test_what_a_page_would_write_as_it_opens_is_refused(
    desk, viewing, account, settings
):
    """PostgreSQL says no, whatever the page."""

    def writes(request):
        Account.objects.filter(pk=account.pk).update(name="Changed")

    every_url.urlpatterns.append(path("writes/", writes, name="writes"))
    config_viewing.ROOMS.add("")
    try:
        answer = desk.get("/writes/")
    finally:
        config_viewing.ROOMS.discard("")
        every_url.urlpatterns.pop()

    assert answer.status_code == 403
    assert b"viewing-bar" in answer.content
    account.refresh_from_db()
    assert account.name == "Harbour Lines"


def test_each_page_is_recorded(desk, viewing):
    desk.get(reverse("myapps:index"))
    desk.get(reverse("marketplace:catalogue"), {"q": "meetings"})

    seen = list(viewing.pages.values_list("address", flat=True))
    assert seen == [
        reverse("myapps:index"),
        reverse("marketplace:catalogue") + "?q=meetings",
    ]


def test_what_was_recorded_stays(desk, viewing):
    desk.get(reverse("myapps:index"))

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ViewedPage.objects.update(address="/")


def test_after_half_an_hour_it_is_over(desk, viewing):
    Viewing.objects.update(
        begun_at=viewing.begun_at - timedelta(minutes=30),
        ends_at=viewing.ends_at - timedelta(minutes=30),
    )

    answer = desk.post(reverse("accounts:profile"), {"display_name": "Mine"})

    assert answer.headers["Location"] == reverse("home")
    assert desk.get(reverse("support:queue")).status_code == 200
    assert not User.objects.filter(display_name="Mine").exists()
    assert desk.get(reverse("myapps:index")).status_code == 403


def test_no_viewing_is_longer(viewing):
    with pytest.raises(IntegrityError, match="half_an_hour"), transaction.atomic():
        Viewing.objects.update(ends_at=viewing.ends_at + timedelta(seconds=1))


def test_leaving_ends_it(desk, viewing):
    answer = desk.post(reverse("support:leave-viewing"))

    viewing.refresh_from_db()
    assert answer.headers["Location"] == reverse("support:accounts")
    assert viewing.left_at
    assert desk.get(reverse("support:queue")).status_code == 200


def test_signing_out_ends_it(desk, viewing):
    assert desk.post(reverse("logout")).status_code in {200, 302}

    viewing.refresh_from_db()
    assert viewing.left_at
    assert desk.get(reverse("support:queue")).status_code == 302


def test_it_ends_when_its_customer_manages_no_more(
    desk, viewing, admin, administrators, today
):
    heir = factories.UserFactory(account=admin.account)
    roles.join(administrators, [heir], by=None, on=today)
    roles.leave(administrators, [admin], by=None, on=today)

    assert desk.get(reverse("myapps:index")).headers["Location"] == reverse("home")


def test_or_when_who_looks_is_staff_no_more(desk, viewing, support):
    User.objects.filter(pk=support.pk).update(is_active=False)

    assert desk.get(reverse("myapps:index")).status_code == 302
    assert not viewing.pages.exists()


def test_the_next_one_ends_the_one_before(
    desk, viewing, account, admin, support, today
):
    viewings.begin(
        account, seen_as=admin, reason="Again", by=support, at=timezone.now(), on=today
    )

    viewing.refresh_from_db()
    assert viewing.left_at


@pytest.mark.parametrize("who", ["admin", "stranger", "partner_user"])
def test_only_staff_can(who, request, account, admin, today):
    with pytest.raises(PermissionDenied):
        viewings.begin(
            account, seen_as=admin, reason="Curious", by=request.getfixturevalue(who),
            at=timezone.now(), on=today,
        )  # fmt: skip


@pytest.mark.parametrize(
    "whom", ["member", "stranger", "sales", "support", "partner_user"]
)
def test_and_only_as_an_administrator_of_that_account(
    whom, request, account, admin, support, today
):
    with pytest.raises(ValidationError) as refusal:
        viewings.begin(
            account, seen_as=request.getfixturevalue(whom), reason="Help", by=support,
            at=timezone.now(), on=today,
        )  # fmt: skip

    assert refusal.value.code == "not_an_administrator"
    assert not Viewing.objects.exists()


def test_without_a_reason_it_does_not_begin(desk, account, admin):
    assert begin(desk, account, admin, reason=" ").status_code == 422
    assert not Viewing.objects.exists()
    assert not Activity.objects.filter(verb="account.entered").exists()


def test_a_viewing_in_another_session_is_nobodys(client_of, sales, viewing):
    """The number of somebody else's viewing opens nothing."""
    client = client_of(sales)
    session = client.session
    session[config_viewing.SESSION] = viewing.pk
    session.save()

    assert client.get(reverse("myapps:index")).headers["Location"] == reverse("home")
    assert not viewing.pages.exists()
