"""The company's directory keeps people and roles: the requests that Okta and Entra ID
publish as theirs, and what must hold whoever sends them.
"""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from accounts import api_keys, authority, roles, terms
from accounts.models import Role, User
from accounts.roles import Membership
from billing.models import Charge
from journal.models import Activity, Message
from myapps import installs, role_activations, signing
from myapps.models import Seat
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ON = date(2026, 11, 23)
SCIM = "urn:ietf:params:scim"
USER = f"{SCIM}:schemas:core:2.0:User"
GROUP = f"{SCIM}:schemas:core:2.0:Group"
ENTERPRISE = f"{SCIM}:schemas:extension:enterprise:2.0:User"
PATCH = f"{SCIM}:api:messages:2.0:PatchOp"


class Directory:
    """A directory that calls us, as Okta and Entra ID do."""

    def __init__(self, client, user):
        self.client, self.account = client, user.account
        self.key, token = api_keys.create(
            audience="DIRECTORY", name="Directory", scopes=["directory:write"],
            by=user, at=AT, on=ON,
        )  # fmt: skip
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method, path, body=None, **headers):
        return self.client.generic(
            method,
            f"/scim/v2/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/scim+json",
            headers=self.headers | headers,
        )

    def get(self, path, **query):
        answer = self.client.get(f"/scim/v2/{path}", query, headers=self.headers)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def add(self, **said):
        body = {
            "schemas": [USER],
            "userName": "test.user@okta.local",
            "name": {"givenName": "Test", "familyName": "User"},
            "emails": [
                {"primary": True, "value": "test.user@okta.local", "type": "work"}
            ],
            "displayName": "Test User",
            "locale": "en-US",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        }
        return self.call("POST", "Users", body | said)

    def patch(self, path, *operations, **headers):
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return self.call("PATCH", path, body, **headers)

    def found(self, kind, filter):
        return [row["id"] for row in self.get(kind, filter=filter)["Resources"]]


@pytest.fixture
def directory(client, admin, present):
    return Directory(client, admin)


@pytest.fixture
def user(directory):
    """Somebody whom the directory added."""
    return User.objects.get(pk=directory.add().json()["id"])


def refusal(answer):
    said = answer.json()
    assert said["schemas"] == [f"{SCIM}:api:messages:2.0:Error"]
    assert said["status"] == str(answer.status_code)
    assert said["detail"]
    assert answer["Content-Type"].startswith("application/scim+json")
    return answer.status_code, said.get("scimType")


class TestDescribing:
    def test_what_the_service_can_do(self, directory):
        said = directory.get("ServiceProviderConfig")

        assert said["patch"] == {"supported": True}
        assert said["bulk"]["supported"] is False
        assert said["filter"] == {"supported": True, "maxResults": 200}
        assert said["etag"] == {"supported": True}
        assert said["authenticationSchemes"][0]["type"] == "oauthbearertoken"

    @pytest.mark.parametrize(
        ("path", "ids"),
        [("ResourceTypes", {"User", "Group"}), ("Schemas", {USER, ENTERPRISE, GROUP})],
    )
    def test_resource_types_and_schemas(self, directory, path, ids):
        listed = directory.get(path)

        assert {row["id"] for row in listed["Resources"]} == ids
        for one in ids:
            assert directory.get(f"{path}/{one}")["id"] == one
        assert refusal(directory.call("GET", f"{path}/Nothing")) == (404, None)

    def test_only_what_is_kept_is_declared(self, directory):
        declared = directory.get(f"Schemas/{USER}")["attributes"]

        assert {one["name"] for one in declared} == {
            *("userName", "name", "displayName", "active", "emails", "groups"),
        }


class TestOkta:
    """The requests of Okta's SCIM 2.0 reference, in their order."""

    def test_whether_somebody_is_here(self, directory, user):
        listed = directory.get(
            "Users",
            filter='userName eq "test.user@okta.local"',
            startIndex=1,
            count=100,
        )

        assert listed["totalResults"] == listed["itemsPerPage"] == 1
        assert listed["startIndex"] == 1
        assert listed["Resources"][0]["id"] == str(user.pk)
        nobody = directory.get("Users", filter='userName eq "x@okta.local"')
        assert (nobody["totalResults"], nobody["Resources"]) == (0, [])

    def test_somebody_is_added(self, directory):
        answer = directory.add()

        said, user = answer.json(), User.objects.get(email="test.user@okta.local")
        assert answer.status_code == 201
        assert answer["Location"].endswith(f"/scim/v2/Users/{user.pk}")
        assert answer["ETag"] == said["meta"]["version"]
        assert said["id"] == str(user.pk)
        assert said["userName"] == said["emails"][0]["value"] == user.email
        assert said["externalId"] == user.external_id == "00ujl29u0le5T6Aj10h7"
        assert said["displayName"] == user.display_name == "Test User"
        assert said["active"] is True
        assert said["meta"]["resourceType"] == "User"
        assert "password" not in said
        assert user.account == directory.account

    def test_nobody_gets_a_password_by_it(self, directory, user):
        assert not user.has_usable_password()

    def test_somebody_is_read(self, directory, user):
        assert directory.get(f"Users/{user.pk}")["userName"] == user.email

    def test_a_profile_is_replaced(self, directory, user):
        said = directory.get(f"Users/{user.pk}")
        said["name"] = {"givenName": "Another", "middleName": "Excited"}
        said["displayName"] = "Another User"

        answer = directory.call("PUT", f"Users/{user.pk}", said)

        user.refresh_from_db()
        assert answer.status_code == 200
        assert answer.json()["displayName"] == user.display_name == "Another User"

    @pytest.mark.parametrize(
        "operations", [[{"op": "replace", "value": {"active": False}}]]
    )
    def test_somebody_is_deactivated(self, directory, user, operations):
        answer = directory.patch(f"Users/{user.pk}", *operations)

        user.refresh_from_db()
        assert answer.status_code == 200
        assert answer.json()["active"] is False
        assert not user.is_active

    def test_and_activated_again(self, directory, user):
        directory.patch(
            f"Users/{user.pk}", {"op": "replace", "value": {"active": False}}
        )
        directory.patch(
            f"Users/{user.pk}", {"op": "replace", "value": {"active": True}}
        )

        user.refresh_from_db()
        assert user.is_active

    def test_a_group_is_pushed(self, directory, user):
        answer = directory.call(
            "POST",
            "Groups",
            {
                "schemas": [GROUP],
                "displayName": "Test SCIMv2",
                "members": [{"value": str(user.pk), "display": user.email}],
            },
        )

        role = Role.objects.get(name="Test SCIMv2")
        assert answer.status_code == 201
        assert answer.json()["members"][0]["value"] == str(user.pk)
        assert list(role.members) == [user]
        assert authority.granted(role) == {authority.LAUNCH}

    def test_a_group_is_renamed_without_a_path(self, directory):
        role = factories.RoleFactory(account=directory.account)

        answer = directory.patch(
            f"Groups/{role.pk}",
            {"op": "replace", "value": {"id": str(role.pk), "displayName": "New name"}},
        )

        role.refresh_from_db()
        assert answer.status_code == 204
        assert role.name == "New name"

    def test_members_come_and_go(self, directory, user, member):
        role = factories.RoleFactory(account=directory.account)
        roles.join(role, [member], by=None, on=ON)

        directory.patch(
            f"Groups/{role.pk}",
            {"op": "remove", "path": f'members[value eq "{member.pk}"]'},
            {"op": "add", "path": "members", "value": [{"value": str(user.pk)}]},
        )

        assert list(role.members) == [user]

    def test_all_members_are_replaced(self, directory, user, member):
        role = factories.RoleFactory(account=directory.account)
        roles.join(role, [member], by=None, on=ON)

        directory.patch(
            f"Groups/{role.pk}",
            {
                "op": "replace",
                "path": "members",
                "value": [{"value": str(user.pk), "display": "test.user@okta.local"}],
            },
        )

        assert list(role.members) == [user]

    def test_a_group_is_deleted(self, directory, user):
        role = factories.RoleFactory(account=directory.account)

        assert directory.call("DELETE", f"Groups/{role.pk}").status_code == 204
        assert not Role.objects.filter(pk=role.pk).exists()
        assert refusal(directory.call("GET", f"Groups/{role.pk}")) == (404, None)


class TestEntra:
    """The requests of Entra ID's provisioning tutorial, in their order."""

    def test_somebody_is_added(self, directory):
        answer = directory.call(
            "POST",
            "Users",
            {
                "schemas": [USER, ENTERPRISE],
                "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
                "userName": "Test_User_ab6490ee@testuser.com",
                "active": True,
                "emails": [
                    {
                        "primary": True,
                        "type": "work",
                        "value": "Test_User_ab6490ee@testuser.com",
                    }
                ],
                "meta": {"resourceType": "User"},
                "name": {
                    "formatted": "givenName familyName",
                    "familyName": "familyName",
                    "givenName": "givenName",
                },
                "roles": [],
                ENTERPRISE: {"department": "Sales", "employeeNumber": "7"},
            },
        )

        user = User.objects.get(email="test_user_ab6490ee@testuser.com")
        assert answer.status_code == 201
        assert user.display_name == "givenName familyName"
        assert user.team == "Sales"
        assert answer.json()[ENTERPRISE] == {"department": "Sales"}

    @pytest.mark.parametrize(
        "filter",
        [
            'userName eq "TEST.user@okta.local"',
            'externalId eq "00ujl29u0le5T6Aj10h7"',
            'emails[type eq "work"].value eq "Test.User@okta.local"',
            'emails.value eq "test.user@okta.local"',
            'emails eq "test.user@okta.local"',
            'emails[type eq "work" and value eq "test.user@okta.local"]',
            'userName sw "test." and active eq true',
            'not (userName ne "test.user@okta.local")',
            'displayName co "st us"',
            'displayName ew "USER" or id eq "1"',
            'externalId pr and userName eq "test.user@okta.local"',
        ],
    )
    def test_somebody_is_found(self, directory, user, filter):
        assert directory.found("Users", filter) == [str(user.pk)]

    @pytest.mark.parametrize(
        "filter",
        [
            'externalId eq "00UJL29u0le5T6Aj10h7"',
            'emails[type eq "home"].value eq "test.user@okta.local"',
            'id eq "nobody"',
            'id eq "99999999999999999999"',
            'userName eq "test.user@okta.local" and active eq false',
        ],
    )
    def test_nobody_is_found(self, directory, user, filter):
        assert directory.found("Users", filter) == []

    def test_an_address_of_work_is_replaced(self, directory, user):
        answer = directory.patch(
            f"Users/{user.pk}",
            {
                "op": "Replace",
                "path": 'emails[type eq "work"].value',
                "value": "updatedEmail@microsoft.com",
            },
            {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        )

        user.refresh_from_db()
        assert answer.status_code == 200
        assert user.email == "updatedemail@microsoft.com"
        assert answer.json()["userName"] == answer.json()["emails"][0]["value"]
        assert user.display_name == "Test User"

    def test_a_user_name_is_replaced(self, directory, user):
        directory.patch(
            f"Users/{user.pk}",
            {
                "op": "Replace",
                "path": "userName",
                "value": "5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.com",
            },
        )

        user.refresh_from_db()
        assert user.email.startswith("5b50642d-")

    @pytest.mark.parametrize("value", [False, "False", "false"])
    def test_somebody_is_deactivated(self, directory, user, value):
        directory.patch(
            f"Users/{user.pk}", {"op": "Replace", "path": "active", "value": value}
        )

        user.refresh_from_db()
        assert not user.is_active

    def test_several_values_come_in_one_operation(self, directory, user):
        directory.patch(
            f"Users/{user.pk}",
            {
                "op": "Replace",
                "value": {
                    "displayName": "Bjfe",
                    "name.givenName": "Bj",
                    "name.familyName": "Fe",
                    f"{ENTERPRISE}:department": "Marketing",
                    "active": "False",
                },
            },
        )

        user.refresh_from_db()
        assert (user.display_name, user.team) == ("Bjfe", "Marketing")
        assert not user.is_active

    def test_a_department_comes_and_goes(self, directory, user):
        path = f"{ENTERPRISE}:department"
        directory.patch(f"Users/{user.pk}", {"op": "Add", "path": path, "value": "HR"})
        user.refresh_from_db()
        came = user.team
        directory.patch(f"Users/{user.pk}", {"op": "Remove", "path": path})

        user.refresh_from_db()
        assert (came, user.team) == ("HR", "")

    def test_what_is_not_kept_is_read_over(self, directory, user):
        answer = directory.patch(
            f"Users/{user.pk}",
            {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "+1"},
            {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "3"},
            {"op": "Add", "path": "title", "value": "Chief"},
        )

        assert answer.status_code == 200

    def test_somebody_is_deleted(self, directory, user):
        answer = directory.call("DELETE", f"Users/{user.pk}")

        user.refresh_from_db()
        assert answer.status_code == 204
        assert not user.is_active
        assert directory.get(f"Users/{user.pk}")["active"] is False

    def test_a_group_is_added_and_found_without_its_members(self, directory):
        answer = directory.call(
            "POST",
            "Groups",
            {
                "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/Group"],
                "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
                "displayName": "displayName",
                "meta": {"resourceType": "Group"},
            },
        )

        role = Role.objects.get(name="displayName")
        listed = directory.get(
            "Groups",
            excludedAttributes="members",
            filter='displayName eq "displayName"',
        )
        assert answer.status_code == 201
        assert role.external_id == "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"
        assert [row["id"] for row in listed["Resources"]] == [str(role.pk)]
        assert "members" not in listed["Resources"][0]

    def test_a_group_is_renamed_and_members_are_added_and_removed(
        self, directory, user
    ):
        role = factories.RoleFactory(account=directory.account)

        renamed = directory.patch(
            f"Groups/{role.pk}",
            {
                "op": "Replace",
                "path": "displayName",
                "value": "1879db59-3bdf-4490-ad68-ab880a269474updatedDisplayName",
            },
        )
        added = directory.patch(
            f"Groups/{role.pk}",
            {
                "op": "Add",
                "path": "members",
                "value": [{"$ref": None, "value": str(user.pk)}],
            },
        )
        there = directory.found(
            "Groups", f'id eq "{role.pk}" and members eq "{user.pk}"'
        )
        removed = directory.patch(
            f"Groups/{role.pk}",
            {
                "op": "Remove",
                "path": "members",
                "value": [{"$ref": None, "value": str(user.pk)}],
            },
        )

        assert [one.status_code for one in (renamed, added, removed)] == [204] * 3
        assert there == [str(role.pk)]
        assert not role.members.exists()


class TestWhatFollows:
    """Joining and leaving are what they are when somebody clicks (T6, 3.22)."""

    @pytest.fixture
    def role(self, directory, admin, account):
        """A role with Auto Install, for an app of two contracted seats, one of them taken."""
        version = factories.TermsVersionFactory()
        terms.accept(admin, version=version, on=ON)
        plan = factories.PlanFactory(price=10)
        factories.LineFactory(
            contract=factories.ContractFactory(account=account),
            plan=plan,
            contracted=2,
            on=ON,
        )
        sign = {"agreed": None, "summary": None, "on": ON}
        installation = installs.install(
            account, plan, [admin], roles={}, on=ON,
            signed=signing.sign(admin, authority.INSTALL, key="install", **sign),
        )  # fmt: skip
        role = factories.RoleFactory(account=account)
        role_activations.activate(
            installation, role, auto_install=True, on=ON,
            signed=signing.sign(admin, authority.MANAGE, key="activate", **sign),
        )  # fmt: skip
        return role

    def join(self, directory, role, *users):
        members = [{"value": str(user.pk)} for user in users]
        return directory.patch(
            f"Groups/{role.pk}", {"op": "add", "path": "members", "value": members}
        )

    def test_who_joins_gets_a_seat_and_is_billed_above_what_is_contracted(
        self, directory, role, user, member
    ):
        before = Charge.objects.count()

        self.join(directory, role, user)
        covered = Charge.objects.count()
        self.join(directory, role, member)

        seated = set(Seat.objects.values_list("user", flat=True))
        assert seated >= {user.pk, member.pk}
        assert covered == before
        assert Charge.objects.filter(reason="INCREASE").get().quantity == 1

    def test_who_is_deactivated_has_no_seat_and_no_bill_changes(
        self, directory, role, user
    ):
        self.join(directory, role, user)
        total = Charge.objects.count()

        directory.patch(
            f"Users/{user.pk}", {"op": "replace", "value": {"active": False}}
        )

        assert not Seat.objects.filter(user=user).exists()
        assert Charge.objects.count() == total

    def test_who_leaves_keeps_the_seat(self, directory, role, user):
        self.join(directory, role, user)

        directory.patch(
            f"Groups/{role.pk}",
            {"op": "remove", "path": f'members[value eq "{user.pk}"]'},
        )

        assert Seat.objects.filter(user=user).exists()

    def test_the_journal_says_that_the_directory_did_it(
        self, directory, user, client_of
    ):
        told = Activity.objects.get(verb="person.created")
        assert told.actor_id is None
        assert told.data["source"] == "directory"

        page = client_of(User.objects.get(email="alice@harbour.example")).get(
            reverse("accounts:directory")
        )
        assert "The company&#x27;s directory added Test User" in page.content.decode()


class TestRefusing:
    def test_an_address_that_is_taken(self, directory, user, stranger):
        again = directory.add()
        elsewhere = directory.add(userName=stranger.email, externalId="2")
        same_id = directory.add(userName="other@okta.local", emails=[])
        moved = directory.patch(
            f"Users/{user.pk}",
            {"op": "replace", "path": "userName", "value": stranger.email.upper()},
        )

        for answer in (again, elsewhere, same_id, moved):
            assert refusal(answer) == (409, "uniqueness")

    def test_a_name_or_id_that_a_role_has(self, directory):
        body = {"schemas": [GROUP], "displayName": "Sales", "externalId": "7"}
        assert directory.call("POST", "Groups", body).status_code == 201

        named = directory.call("POST", "Groups", body | {"displayName": "SALES"})
        same_id = directory.call("POST", "Groups", body | {"displayName": "Other"})

        assert refusal(named) == refusal(same_id) == (409, "uniqueness")

    def test_the_last_who_manages_roles_stays(self, directory, admin, administrators):
        answers = [
            directory.patch(
                f"Users/{admin.pk}", {"op": "replace", "value": {"active": False}}
            ),
            directory.call("DELETE", f"Users/{admin.pk}"),
            directory.call("DELETE", f"Groups/{administrators.pk}"),
            directory.patch(
                f"Groups/{administrators.pk}", {"op": "remove", "path": "members"}
            ),
        ]

        admin.refresh_from_db()
        assert [refusal(answer) for answer in answers] == [(409, None)] * 4
        assert admin.is_active
        assert list(administrators.members) == [admin]

    @pytest.mark.parametrize(
        ("body", "scim_type"),
        [
            ({"userName": "no address"}, "invalidValue"),
            ({"userName": None}, "invalidValue"),
            ({"userName": "x" * 300 + "@okta.local"}, "invalidValue"),
            ({"displayName": "x" * 201}, "invalidValue"),
            ({"externalId": "x" * 201}, "invalidValue"),
            ({"displayName": "a\x00b"}, "invalidValue"),
            ({ENTERPRISE: {"department": "x" * 81}}, "invalidValue"),
            ({"active": "perhaps"}, "invalidValue"),
            ({"emails": "me"}, "invalidSyntax"),
        ],
    )
    def test_what_cannot_be_kept(self, directory, body, scim_type):
        answer = directory.add(**body)

        status, said = refusal(answer)
        assert status == 400
        assert said in {scim_type, "invalidValue", "invalidSyntax"}
        assert not User.objects.filter(email__contains="okta").exists()

    @pytest.mark.parametrize("depth", [400, 900, 50_000])
    def test_what_nests_too_deeply(self, directory, depth):
        deep = "[" * depth + "]" * depth
        nested = f'{{"schemas": ["{USER}"], "userName": {deep}}}'
        answer = directory.client.post(
            "/scim/v2/Users", nested, "application/scim+json", headers=directory.headers
        )

        assert refusal(answer)[0] == 400

    @pytest.mark.parametrize(
        "filter", ["(" * 3000, "not (" * 900, 'a eq "b" and ' * 3000]
    )
    def test_a_filter_that_nests_too_deeply(self, directory, filter):
        answer = directory.client.get(
            "/scim/v2/Users", {"filter": filter}, headers=directory.headers
        )

        assert refusal(answer)[0] == 400

    @pytest.mark.parametrize(
        ("operation", "scim_type"),
        [
            ({"op": "replace", "path": "emails[type eq", "value": 1}, "invalidPath"),
            ({"op": "replace", "path": "userName", "value": {}}, "invalidValue"),
            ({"op": "jump", "path": "active"}, None),
            ({"op": "replace", "path": "id", "value": "9"}, "mutability"),
            ({"op": "remove", "path": "userName"}, "mutability"),
            ({"op": "remove"}, "noTarget"),
        ],
    )
    def test_what_cannot_be_patched(self, directory, user, operation, scim_type):
        before = User.objects.filter(pk=user.pk).values().get()

        status, said = refusal(directory.patch(f"Users/{user.pk}", operation))

        assert status == 400
        assert scim_type is None or said == scim_type
        assert User.objects.filter(pk=user.pk).values().get() == before

    @pytest.mark.parametrize(
        ("operation", "scim_type"),
        [
            (
                {"op": "add", "path": "members", "value": [{"value": "x"}]},
                "invalidValue",
            ),
            (
                {"op": "add", "path": "members", "value": [{"value": "1"}]},
                "invalidValue",
            ),
            ({"op": "add", "path": "members", "value": [{}]}, "invalidValue"),
            (
                {"op": "remove", "path": 'members[display eq "x"]'},
                "invalidFilter",
            ),
            ({"op": "replace", "path": "displayName", "value": ""}, "invalidValue"),
        ],
    )
    def test_what_a_role_cannot_be(self, directory, operation, scim_type):
        role = factories.RoleFactory(account=directory.account)

        answer = directory.patch(f"Groups/{role.pk}", operation)

        assert refusal(answer) == (400, scim_type)
        assert not role.members.exists()

    @pytest.mark.parametrize(
        "filter",
        [
            "userName eq",
            'nothing eq "x"',
            "active gt true",
            'meta.created gt "2026-01-01T00:00:00Z"',
            'userName eq "\x00"',
        ],
    )
    def test_a_filter_that_cannot_be_answered(self, directory, filter):
        answer = directory.client.get(
            "/scim/v2/Users", {"filter": filter}, headers=directory.headers
        )

        status, said = refusal(answer)
        assert (status, said) in {(400, "invalidFilter"), (400, "invalidValue")}

    @pytest.mark.parametrize("sent", ["", "{", "[]", "null", '"x"', "7"])
    def test_what_is_no_resource(self, directory, sent):
        answer = directory.client.post(
            "/scim/v2/Users", sent, "application/scim+json", headers=directory.headers
        )

        assert refusal(answer)[0] == 400

    def test_what_an_address_does_not_answer(self, directory, user):
        assert refusal(directory.call("DELETE", "Users")) == (405, None)
        assert refusal(directory.call("POST", f"Users/{user.pk}", {})) == (405, None)
        answer = directory.client.post(
            "/scim/v2/Users", "a=b", "text/plain", headers=directory.headers
        )
        assert refusal(answer) == (415, None)


class TestTheDoor:
    def test_other_keys_and_sessions_open_nothing(
        self, directory, client_of, admin, sales, user
    ):
        _key, token = api_keys.create(
            audience="ACCOUNT",
            name="Ours",
            scopes=["apps:read"],
            by=admin,
            at=AT,
            on=ON,
        )
        other = {"Authorization": f"Bearer {token}"}
        wrong = {"Authorization": "Bearer ak_0.0"}

        for path in ("Users", f"Users/{user.pk}", "Groups", "ServiceProviderConfig"):
            address = f"/scim/v2/{path}"
            assert refusal(client_of(admin).get(address)) == (401, None)
            assert refusal(directory.client.get(address, headers=wrong)) == (401, None)
            assert refusal(directory.client.get(address, headers=other)) == (403, None)
            assert "Bearer" in client_of(sales).get(address)["WWW-Authenticate"]

    def test_a_directory_key_opens_nothing_else(self, directory):
        for address in ("/api/v1/people/", "/api/v1/batches/"):
            answer = directory.client.get(address, headers=directory.headers)
            assert answer.status_code == 403

    def test_it_outlives_who_made_it_and_ends_when_revoked(
        self, directory, admin, administrators
    ):
        other = factories.UserFactory(account=directory.account)
        roles.join(administrators, [other], by=None, on=ON)
        User.objects.filter(pk=admin.pk).update(is_active=False)
        assert directory.get("Users")["totalResults"] == 2

        api_keys.revoke(directory.key, by=other, at=AT, on=ON)

        assert refusal(directory.call("GET", "Users")) == (401, None)

    def test_another_accounts_people_and_roles_do_not_exist(self, directory, stranger):
        theirs = stranger.account.roles.get()
        off = {"op": "replace", "value": {"active": False}}
        join = {"op": "add", "path": "members", "value": [{"value": str(stranger.pk)}]}
        mine = factories.RoleFactory(account=directory.account)

        met = [
            directory.call("GET", f"Users/{stranger.pk}"),
            directory.patch(f"Users/{stranger.pk}", off),
            directory.call("DELETE", f"Users/{stranger.pk}"),
            directory.call("GET", f"Groups/{theirs.pk}"),
            directory.patch(f"Groups/{theirs.pk}", join),
            directory.call("DELETE", f"Groups/{theirs.pk}"),
        ]

        stranger.refresh_from_db()
        assert [refusal(answer) for answer in met] == [(404, None)] * 6
        assert refusal(directory.patch(f"Groups/{mine.pk}", join)) == (
            400,
            "invalidValue",
        )
        assert stranger.is_active
        assert directory.found("Users", f'userName eq "{stranger.email}"') == []
        assert directory.found("Groups", f'id eq "{theirs.pk}"') == []


class TestVersions:
    def test_what_was_read_before_somebody_changed_it_is_not_overwritten(
        self, directory, user
    ):
        path = f"Users/{user.pk}"
        first = directory.call("GET", path)["ETag"]
        change = {"op": "replace", "path": "displayName", "value": "Once"}
        assert directory.patch(path, change, **{"If-Match": first}).status_code == 200

        late = directory.patch(path, change, **{"If-Match": first})

        assert refusal(late) == (412, None)
        assert directory.call("GET", path)["ETag"] != first

    def test_an_unchanged_resource_is_not_sent_again(self, directory, user):
        path = f"Users/{user.pk}"
        version = directory.call("GET", path)["ETag"]

        answer = directory.call("GET", path, **{"If-None-Match": version})

        assert (answer.status_code, answer.content) == (304, b"")

    def test_a_role_has_another_version_when_somebody_joins(self, directory, user):
        role = factories.RoleFactory(account=directory.account)
        path = f"Groups/{role.pk}"
        first = directory.call("GET", path)["ETag"]
        directory.patch(
            path, {"op": "add", "path": "members", "value": [{"value": str(user.pk)}]}
        )

        second = directory.call("GET", path)
        without = directory.call("GET", f"{path}?excludedAttributes=members")

        assert second["ETag"] != first
        assert without["ETag"] == second["ETag"]
        assert "members" not in without.json()
        renamed = {"op": "replace", "path": "displayName", "value": "X"}
        late = directory.patch(path, renamed, **{"If-Match": first})
        assert refusal(late) == (412, None)


class TestManyPeople:
    @pytest.fixture
    def crowd(self, directory, account):
        """5,000 people, all in one role."""
        users = [
            User(
                account=account, email=f"p{n}@crowd.example", display_name=f"P {n}",
                external_id=f"x{n}", password="!",
            )
            for n in range(5_000)
        ]  # fmt: skip
        User.objects.bulk_create(users)
        role = factories.RoleFactory(account=account)
        rows = [Membership(user=user, group=role.group) for user in users]
        Membership.objects.bulk_create(rows)
        return role

    def test_a_call_takes_as_many_queries_as_for_few(
        self, directory, crowd, member, django_assert_max_num_queries
    ):
        add = {"op": "add", "path": "members", "value": [{"value": str(member.pk)}]}
        gone = {"op": "remove", "path": f'members[value eq "{member.pk}"]'}
        off = {"op": "replace", "value": {"active": False}}
        calls = [
            lambda: directory.add(),
            lambda: directory.get("Users", filter='userName eq "p7@crowd.example"'),
            lambda: directory.get("Users", startIndex=4_001, count=200),
            lambda: directory.patch(f"Groups/{crowd.pk}", add),
            lambda: directory.patch(f"Groups/{crowd.pk}", gone),
            lambda: directory.patch(f"Users/{member.pk}", off),
            lambda: directory.get("Groups", excludedAttributes="members"),
        ]
        directory.get("Users", count=1)

        for call in calls:
            with django_assert_max_num_queries(30):
                call()

    def test_pages_follow_one_another(self, directory, crowd):
        seen, start = [], 1
        while start <= 5_001:
            page = directory.get("Users", startIndex=start, count=1_000)
            assert page["itemsPerPage"] <= 200
            seen += [row["id"] for row in page["Resources"]]
            start += page["itemsPerPage"]

        assert page["totalResults"] == 5_001
        assert len(set(seen)) == len(seen) == 5_001
        assert directory.get("Users", count=0)["Resources"] == []
        assert directory.get("Users", startIndex=-5, count=1)["startIndex"] == 1
        assert directory.get("Users", startIndex=9_999)["Resources"] == []


class TestThePage:
    def test_the_key_is_shown_once_with_what_to_enter(self, client_of, admin, present):
        browser = client_of(admin)
        page = browser.get(reverse("accounts:directory")).content.decode()
        assert "Make the key" in page
        assert "/scim/v2" in page

        made = browser.post(reverse("accounts:add-directory-key")).content.decode()
        after = browser.get(reverse("accounts:directory")).content.decode()

        key = admin.account.api_keys.get()
        assert f"{key.prefix}." in made
        assert key.audience == "DIRECTORY"
        assert "Secret Token" in made
        token = made.split(f"{key.prefix}.")[1].split("<")[0].split('"')[0]
        assert api_keys.find(f"{key.prefix}.{token}", at=AT) == key
        assert token not in after
        assert "Rotate: make a second key" in after

    def test_two_keys_at_a_time_so_that_the_directory_changes_over(
        self, client_of, admin, present
    ):
        browser = client_of(admin)
        make = reverse("accounts:add-directory-key")
        for _ in range(2):
            assert browser.post(make).status_code == 200

        third = browser.post(make)

        assert third.status_code == 422
        assert "Two keys of this name are live" in third.content.decode()
        first = admin.account.api_keys.order_by("id").first()
        browser.post(reverse("accounts:revoke-api-key", args=[first.pk]))
        assert browser.post(make).status_code == 200

    def test_a_colleague_rotates_what_somebody_else_made(
        self, client_of, admin, administrators, account, present
    ):
        other = factories.UserFactory(account=account)
        roles.join(administrators, [other], by=None, on=ON)
        client_of(admin).post(reverse("accounts:add-directory-key"))

        client_of(other).post(reverse("accounts:add-directory-key"))

        assert account.api_keys.live(at=AT + timedelta(days=1)).count() == 2

    def test_who_does_not_manage_roles_does_not_see_it(
        self, client_of, member, sales, present
    ):
        for somebody in (member, sales):
            browser = client_of(somebody)
            assert browser.get(reverse("accounts:directory")).status_code == 403
            assert (
                browser.post(reverse("accounts:add-directory-key")).status_code == 403
            )

    def test_provisioned_people_ask_for_a_password(self, directory, user, client):
        client.post(reverse("password_reset"), {"email": user.email})

        assert Message.objects.get().recipient == user.email
