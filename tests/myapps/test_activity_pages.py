"""What happened: who may read which entries, filters, pages and where they lead."""

import datetime

import pytest
from django.urls import reverse

from accounts import authority, roles
from journal import activities
from journal.models import Activity
from myapps import activity_pages, happenings, seats
from tests import factories

pytestmark = pytest.mark.django_db
MOST_QUERIES = 25
ALL = reverse("myapps:account-activity")


@pytest.fixture
def box(contract, plan, install, admin, present):
    return install(plan, [admin])


@pytest.fixture
def keeper(account, today):
    """Manages roles, and nothing else."""
    user = factories.UserFactory(account=account, display_name="Kim Keeper")
    role = factories.RoleFactory(account=account, name="Keepers")
    authority.grant(role, authority.MANAGE_ROLES, by=None, on=today)
    roles.join(role, [user], by=None, on=today)
    return user


@pytest.fixture
def manager(account, today):
    """Manages apps, and nothing else."""
    user = factories.UserFactory(account=account, display_name="Mia Manager")
    role = factories.RoleFactory(account=account, name="Managers")
    authority.grant(role, authority.MANAGE, by=None, on=today, delegates=True)
    roles.join(role, [user], by=None, on=today)
    return user


def told(client, **asked):
    return client.get(ALL, asked).context["told"]


def verbs(client, **asked):
    return {one["row"].verb for one in told(client, **asked)}


@pytest.mark.parametrize("verb", sorted(activities.SENTENCES))
def test_every_verb_has_a_sign_and_readers(verb):
    verb = verb.partition(":")[0]
    elsewhere = ("listing.", "list_price.", "endpoint.", "deliveries.", "batch.")

    assert activity_pages.icon(verb)
    assert verb.startswith(elsewhere) or any(
        verb.startswith(kind.verbs) for kind in happenings.KINDS.values()
    ), "say in myapps.happenings.KINDS who may read it"


def test_no_verb_is_of_two_kinds():
    for verb in activities.SENTENCES:
        kinds = [k for k in happenings.KINDS.values() if verb.startswith(k.verbs)]
        assert len(kinds) < 2, verb


def test_an_entry_says_who_by_which_role_and_permission_and_leads_to_the_thing(
    box, admin, client_of
):
    page = client_of(admin).get(ALL).content.decode()

    assert "Alice Almeida installed Box on Business." in page
    assert "by the role Administrators, which may install apps" in page
    assert 'href="/apps/box/users/"' in page


def test_who_manages_apps_reads_nothing_of_people_and_roles(
    box, manager, admin, member, client_of, today
):
    roles.create(admin.account, name="Night shift", by=admin, on=today)

    assert "app.installed" in verbs(client_of(manager))
    assert "role.created" not in verbs(client_of(manager))
    assert "authority.delegated" in verbs(client_of(manager))


def test_who_manages_roles_reads_nothing_of_apps_and_money(
    box, keeper, admin, client_of, today
):
    roles.create(admin.account, name="Night shift", by=admin, on=today)

    assert "role.created" in verbs(client_of(keeper))
    assert "app.installed" not in verbs(client_of(keeper))
    assert "app.installed" not in verbs(client_of(keeper), kind="apps")
    assert not told(client_of(keeper), kind="apps", q="Box")
    assert "installed Box" not in client_of(keeper).get(ALL).content.decode()


def test_a_stranger_reads_nothing_of_another_account(box, stranger, client_of):
    assert not [
        one
        for one in told(client_of(stranger))
        if one["row"].account_id != stranger.account_id
    ]
    assert not told(client_of(stranger), q="Box")
    assert not told(client_of(stranger), person="Alice")


def test_a_member_is_refused(member, client_of):
    assert client_of(member).get(ALL).status_code == 403


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"app": "box"}, True),
        ({"kind": "apps"}, True),
        ({"kind": "people"}, False),
        ({"person": "almeida"}, True),
        ({"person": "bob"}, False),
        ({"since": "2026-11-23"}, True),
        ({"since": "2026-11-24"}, False),
        ({"until": "2026-11-22"}, False),
        ({"q": "business"}, True),
        ({"q": "nowhere"}, False),
        ({"app": "nonsense", "since": "nonsense"}, True),
    ],
)
def test_it_is_filtered(box, admin, member, client_of, asked, found):
    assert ("app.installed" in verbs(client_of(admin), **asked)) is found


def test_what_is_gone_is_told_without_a_link(box, admin, client_of, today):
    role = roles.create(admin.account, name="Night shift", by=admin, on=today)
    assert told(client_of(admin), q="Night")[0]["url"]

    roles.delete(role, by=admin, on=today)

    assert {one["url"] for one in told(client_of(admin), q="Night")} == {""}


def test_older_entries_follow_without_a_gap_or_a_double(box, admin, client_of, today):
    for number in range(90):
        activities.record(
            "limits.set",
            account=admin.account,
            by=admin,
            on=today,
            subject=box,
            app="box",
            name=f"Box {number}",
        )
    everything = list(
        Activity.objects.of(admin.account).order_by("-id").values_list("id", flat=True)
    )
    browser, address, seen = client_of(admin), ALL, []
    while address:
        context = browser.get(address).context
        seen += [one["row"].pk for one in context["told"]]
        address = context["older"] and f"{ALL}?{context['older']}"

    assert seen == everything


def test_a_number_that_is_none_shows_the_newest(box, admin, client_of):
    for before in ("x", "-1", "9" * 40):
        assert told(client_of(admin), before=before)


def test_it_takes_as_many_queries_for_many_entries(
    box, admin, people, signed, client_of, today, django_assert_max_num_queries
):
    for number, person in enumerate(people(10)):
        seats.add(box, [person], signed=signed(f"more {number}"), on=today)
        roles.create(admin.account, name=f"Role {number}", by=admin, on=today)

    browser = client_of(admin)
    with django_assert_max_num_queries(MOST_QUERIES):
        page = browser.get(ALL)

    assert len(page.context["told"]) > 20


def test_an_apps_own_page_tells_of_it_alone(box, admin, client_of, today):
    roles.create(admin.account, name="Night shift", by=admin, on=today)
    page = client_of(admin).get(reverse("myapps:activity", args=["box"]))

    assert {one["row"].app for one in page.context["told"]} == {"box"}
    assert page.context["told"][0]["on"] == datetime.date(2026, 11, 23)
