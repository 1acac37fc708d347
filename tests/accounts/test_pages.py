"""The pages on people, roles, permissions, terms and one's own profile."""

import re

import pytest
from django.urls import reverse

from accounts import authority, people, roles, terms
from accounts.models import Role, User
from journal.models import Activity, Message
from tests.factories import RoleFactory, TermsVersionFactory, UserFactory

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def agents(account, admin):
    return RoleFactory(account=account, name="Agents")


@pytest.fixture
def alice(client_of, admin):
    """The administrator's browser."""
    return client_of(admin)


def words(response):
    """What a page says, without its tags."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text)


def test_people_are_found_by_any_part_of_name_or_email(alice, account):
    for name in ("Inês Magalhães", "陈嘉欣", "Jürgen Müller-Lüdenscheidt"):
        UserFactory(account=account, display_name=name)
    url = reverse("accounts:people")

    assert "Inês Magalhães" in words(alice.get(url, {"q": "maga inês"}))
    assert "陈嘉欣" in words(alice.get(url, {"q": "嘉欣"}))
    found = words(alice.get(url, {"q": "LÜDEN"}))
    assert "Jürgen" in found
    assert "Inês" not in found


def test_people_are_filtered_by_role_and_state(alice, account, admin, agents, today):
    gone = UserFactory(account=account, display_name="Gone Person", is_active=False)
    here = UserFactory(account=account, display_name="Agent Person")
    roles.join(agents, [here, gone], by=admin, on=today)
    url = reverse("accounts:people")

    active = words(alice.get(url, {"role": agents.pk}))
    everybody = words(alice.get(url, {"role": agents.pk, "state": "all"}))
    deactivated = words(alice.get(url, {"state": "deactivated"}))

    assert "Agent Person" in active
    assert "Gone Person" not in active
    assert "Agent Person" in everybody
    assert "Gone Person" in everybody
    assert "Agent Person" not in deactivated


def test_nobody_found_is_said(alice):
    assert "Nobody matches" in words(
        alice.get(reverse("accounts:people"), {"q": "%zz"})
    )


@pytest.mark.parametrize("page", ["accounts:people", "accounts:roles"])
def test_a_list_takes_as_many_queries_for_many_rows(
    page, alice, account, admin, today, django_assert_max_num_queries
):
    def fill(count):
        for number in range(count):
            role = RoleFactory(account=account, name=f"{count} {number}")
            roles.join(role, [UserFactory(account=account)], by=admin, on=today)

    def queries():
        with django_assert_max_num_queries(25) as captured:
            assert alice.get(reverse(page)).status_code == 200
        return len(captured)

    fill(2)
    few = queries()
    fill(20)
    assert queries() == few


def test_a_person_is_added_and_invited(alice, account, agents, admin):
    response = alice.post(
        reverse("accounts:add-person"),
        {
            "display_name": "Dora Dias",
            "email": "Dora@Harbour.Example",
            "team": "Sales",
            "roles": [agents.pk],
        },
    )

    dora = User.objects.get(email="dora@harbour.example")
    assert response.url == reverse("accounts:person", args=[dora.pk])
    assert dora.account == account
    assert list(agents.members) == [dora]
    letter = Message.objects.get(recipient=dora.email)
    assert "Alice Almeida" in letter.subject
    assert "/reset/" in letter.body
    assert "terms" in letter.body.lower()
    assert "terms" in letter.html.lower()


def test_the_link_of_an_invitation_sets_the_password(client, alice, account):
    person = UserFactory(account=account)
    alice.post(reverse("accounts:invite-person", args=[person.pk]))
    link = re.search(r"http\S+(/reset/\S+)", Message.objects.get().body)[1]

    form = client.get(link, follow=True)
    set_it = form.redirect_chain[-1][0]
    secret = "a long enough secret 42"
    answer = client.post(set_it, {"password1": secret, "password2": secret})

    assert answer.status_code == 302
    person.refresh_from_db()
    assert person.check_password(secret)


def test_a_taken_address_is_refused_without_saying_whose(alice, stranger):
    response = alice.post(
        reverse("accounts:add-person"),
        {"display_name": "X", "email": stranger.email.upper()},
    )

    assert response.status_code == 422
    assert "Somebody already signs in with this address." in words(response)
    assert "Charlie" not in words(response)
    assert not Message.objects.exists()


def test_an_address_that_is_none_is_refused_at_its_field(alice):
    response = alice.post(
        reverse("accounts:add-person"), {"display_name": "X", "email": "nobody"}
    )

    assert response.status_code == 422
    assert "Enter a valid email address." in words(response)


def test_a_role_of_another_account_cannot_be_given(alice, stranger):
    theirs = stranger.account.roles.get()

    response = alice.post(
        reverse("accounts:add-person"),
        {"display_name": "X", "email": "x@x.example", "roles": [theirs.pk]},
    )

    assert response.status_code == 422
    assert not User.objects.filter(email="x@x.example").exists()


def test_details_and_roles_of_a_person_are_saved(alice, member, agents):
    alice.post(
        reverse("accounts:person", args=[member.pk]),
        {"display_name": " Roberto   Brito ", "team": "Sales"},
    )
    alice.post(
        reverse("accounts:person-roles", args=[member.pk]), {"roles": [agents.pk]}
    )

    member.refresh_from_db()
    assert (member.display_name, member.team) == ("Roberto Brito", "Sales")
    assert list(agents.members) == [member]


def test_the_last_manager_cannot_untick_their_own_role(alice, admin):
    response = alice.post(reverse("accounts:person-roles", args=[admin.pk]), {})

    assert response.status_code == 422
    assert "Nobody active would be left who can manage roles." in words(response)


def test_deactivation_asks_with_what_it_means_and_then_does_it(
    alice, client_of, member
):
    bob = client_of(member)
    url = reverse("accounts:deactivate-person", args=[member.pk])

    asked = words(alice.get(url))
    assert "No bill changes" in asked
    assert "seats are freed" in asked
    alice.post(url)

    member.refresh_from_db()
    assert not member.is_active
    assert bob.get(reverse("accounts:profile")).status_code == 302

    alice.post(reverse("accounts:reactivate-person", args=[member.pk]))
    member.refresh_from_db()
    assert member.is_active


def test_the_last_manager_cannot_be_deactivated(alice, admin):
    response = alice.post(reverse("accounts:deactivate-person", args=[admin.pk]))

    assert "Nobody active would be left who can manage roles." in words(response)
    admin.refresh_from_db()
    assert admin.is_active


def test_a_deactivated_person_gets_no_link(alice, member, admin, today):
    people.deactivate([member], by=admin, on=today)

    alice.post(reverse("accounts:invite-person", args=[member.pk]))

    assert not Message.objects.exists()


def test_a_role_is_added_renamed_and_deleted(alice, account):
    alice.post(reverse("accounts:add-role"), {"name": "Night shift"})
    role = Role.objects.get(name="Night shift")
    assert role.account == account

    alice.post(reverse("accounts:rename-role", args=[role.pk]), {"name": "Nights"})
    role.refresh_from_db()
    assert role.name == "Nights"

    asked = words(alice.get(reverse("accounts:delete-role", args=[role.pk])))
    assert "no longer in the role" in asked
    alice.post(reverse("accounts:delete-role", args=[role.pk]))
    assert not Role.objects.filter(pk=role.pk).exists()


@pytest.mark.parametrize("name", ["", "  ", "administrators", "x" * 101])
def test_a_name_that_cannot_be_is_refused(alice, admin, name):
    response = alice.post(reverse("accounts:add-role"), {"name": name})

    assert response.status_code == 422
    assert Role.objects.count() == 1


def test_people_join_by_ticks_and_by_pasted_addresses(alice, account, agents, member):
    eve = UserFactory(account=account, email="eve@harbour.example")

    alice.post(
        reverse("accounts:join-role", args=[agents.pk]),
        {"users": [member.pk], "emails": "Eve <EVE@harbour.example>;\n"},
    )

    assert set(agents.members) == {member, eve}


def test_unknown_addresses_are_named_back_and_nobody_joins(
    alice, agents, member, stranger
):
    response = alice.post(
        reverse("accounts:join-role", args=[agents.pk]),
        {
            "users": [member.pk],
            "emails": f"{member.email}, nobody@x.example {stranger.email}",
        },
    )

    assert response.status_code == 422
    assert "nobody@x.example" in words(response)
    assert stranger.email in words(response)
    assert "Charlie" not in words(response)
    assert not agents.members.exists()
    assert f'value="{member.pk}" checked' in response.content.decode()


def test_searching_without_script_keeps_ticks_and_adds_nobody(
    alice, account, agents, member
):
    UserFactory(account=account, display_name="Eve Esteves")

    response = alice.post(
        reverse("accounts:join-role", args=[agents.pk]),
        {"users": [member.pk], "q": "eve", "find": "1"},
    )

    assert response.status_code == 200
    assert "Eve Esteves" in words(response)
    assert f'value="{member.pk}" checked' in response.content.decode()
    assert not agents.members.exists()


def test_people_leave_by_ticks(alice, agents, admin, member, today):
    roles.join(agents, [member, admin], by=admin, on=today)

    alice.post(reverse("accounts:leave-role", args=[agents.pk]), {"users": [member.pk]})

    assert list(agents.members) == [admin]


def test_the_picker_puts_ticked_people_first_and_shows_who_is_in_the_role(
    alice, account, agents, admin, member, today
):
    eve = UserFactory(account=account, display_name="Eve Esteves")
    UserFactory(account=account, display_name="Zoe Zink", is_active=False)
    roles.join(agents, [eve], by=admin, on=today)

    response = alice.get(
        reverse("accounts:people-picker"),
        {"q": "e", "users": [member.pk], "role": agents.pk},
    )

    said = words(response)
    assert said.index("Bob Brito") < said.index("Alice Almeida") < said.index("Eve")
    assert "in this role" in said
    assert "Zoe" not in said


def test_the_picker_shows_fifty_and_says_that_there_are_more(alice, account):
    UserFactory.create_batch(60, account=account)

    response = alice.get(reverse("accounts:people-picker"))

    assert response.content.decode().count('type="checkbox"') == 50
    assert "Search to find others." in words(response)


def test_the_picker_never_shows_a_stranger(alice, stranger):
    response = alice.get(
        reverse("accounts:people-picker"), {"q": "charlie", "users": [stranger.pk]}
    )

    assert "Charlie" not in words(response)


def test_pasted_addresses_are_resolved_as_words_or_as_json(alice, member, stranger):
    url = reverse("accounts:resolve-people")
    pasted = {"emails": f"{member.email}\n{stranger.email}, {member.email}"}

    said = words(alice.post(url, pasted))
    answer = alice.post(url, pasted, headers={"accept": "application/json"}).json()

    assert "1 person found" in said
    assert stranger.email in said
    assert [user["id"] for user in answer["found"]] == [member.pk]
    assert answer["unknown"] == [stranger.email]


def test_ten_thousand_pasted_addresses_are_one_query(
    account, django_assert_num_queries
):
    pasted = "\n".join(f"p{number}@x.example" for number in range(10_000))

    with django_assert_num_queries(1):
        assert len(people.named(account, pasted).unknown) == 10_000


def test_terms_are_accepted_once_and_lead_on(alice, admin, today):
    version = TermsVersionFactory()
    url = reverse("accounts:terms")

    assert version.address in alice.get(url, {"next": "/roles/"}).content.decode()
    refused = alice.post(url, {"version": version.pk, "next": "/roles/"})
    assert refused.status_code == 200
    assert not terms.accepted(admin, today)

    accepted = alice.post(
        url, {"version": version.pk, "accept": "yes", "next": "/roles/"}
    )
    assert accepted.url == "/roles/"
    assert terms.accepted(admin, today)
    alice.post(url, {"version": version.pk, "accept": "yes"})
    assert Activity.objects.filter(verb="terms.accepted").count() == 1


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_terms_lead_nowhere_else(alice, elsewhere):
    version = TermsVersionFactory()

    response = alice.post(
        reverse("accounts:terms"),
        {"version": version.pk, "accept": "yes", "next": elsewhere},
    )

    assert response.url == reverse("accounts:terms")


def test_one_changes_ones_own_name_and_nothing_else(client_of, member):
    client_of(member).post(
        reverse("accounts:profile"),
        {"display_name": "Bobby", "team": "", "is_staff": "on", "kind": "SALES"},
    )

    member.refresh_from_db()
    assert member.display_name == "Bobby"
    assert (member.kind, member.is_staff) == ("CUSTOMER", False)


@pytest.mark.parametrize("who", ["support", "partner_user", "member"])
def test_everybody_sees_their_profile(client_of, request, who):
    user = request.getfixturevalue(who)

    assert user.email in words(client_of(user).get(reverse("accounts:profile")))


def test_a_forgotten_password_is_answered_through_the_outbox(
    client, member, mailoutbox
):
    for address in (member.email.upper(), "nobody@x.example"):
        response = client.post(reverse("password_reset"), {"email": address})
        assert response.url == reverse("password_reset_done")

    assert Message.objects.get().recipient == member.email
    assert not mailoutbox


ROW_PAGES = [
    ("accounts:person", "person"),
    ("accounts:deactivate-person", "person"),
    ("accounts:role", "role"),
    ("accounts:join-role", "role"),
    ("accounts:role-permissions", "role"),
    ("accounts:rename-role", "role"),
    ("accounts:delete-role", "role"),
]
POST_ONLY = [
    ("accounts:person-roles", "person"),
    ("accounts:invite-person", "person"),
    ("accounts:reactivate-person", "person"),
    ("accounts:leave-role", "role"),
]
PAGES = [
    "accounts:people",
    "accounts:add-person",
    "accounts:roles",
    "accounts:add-role",
    "accounts:people-picker",
    "accounts:terms",
]


@pytest.mark.parametrize(("name", "kind"), ROW_PAGES + POST_ONLY)
def test_what_belongs_to_strangers_does_not_exist(
    client_of, alice, admin, agents, member, stranger, support, name, kind
):
    row = member if kind == "person" else agents
    url = reverse(name, args=[row.pk])
    method = "post" if (name, kind) in POST_ONLY else "get"

    def status(client):
        return getattr(client, method)(url).status_code

    assert status(client_of(stranger)) == 404
    assert status(client_of(member)) == 403
    assert status(client_of(support)) == 403
    assert status(alice) in {200, 302, 422}


@pytest.mark.parametrize("name", PAGES)
def test_pages_open_to_authority_alone(
    client, client_of, alice, member, partner_user, name
):
    url = reverse(name)

    assert alice.get(url).status_code == 200
    assert client_of(member).get(url).status_code == 403
    assert client_of(partner_user).get(url).status_code == 403
    assert client.get(url).url == f"{reverse('login')}?next={url}"


def test_htmx_is_sent_to_sign_in_as_a_whole_page(client):
    response = client.get(
        reverse("accounts:people-picker"), headers={"hx-request": "true"}
    )

    assert response.headers["HX-Redirect"] == reverse("login")


def test_revoking_acts_on_the_next_request(client_of, admin, member, agents, today):
    authority.grant(agents, authority.MANAGE_ROLES, by=admin, on=today)
    roles.join(agents, [member], by=admin, on=today)
    bob = client_of(member)
    assert bob.get(reverse("accounts:people")).status_code == 200

    authority.revoke(agents, authority.MANAGE_ROLES, by=admin, on=today)

    assert bob.get(reverse("accounts:people")).status_code == 403
