"""Who comes in: keys, audiences, scopes and authority, on every route of the router."""

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.permissions import SAFE_METHODS

from accounts import api_keys, authority, clock, people, roles
from accounts.models import ApiKey, User
from tests import factories
from tests.api.firms import Program, program
from tests.api.test_strangers import audience_of, of_accounts, routes

pytestmark = pytest.mark.django_db

SOME = {"installation": 1, "pk": 1, "id": 1, "slug": "an-app", "number": "T-000001"}


def calls(route):
    kwargs = {one: SOME.get(one, 1) for one in route.ids}
    return [(method, reverse(route.name, kwargs=kwargs)) for method in route.actions]


def door_of(route, method):
    """The door that an action of a route has, as the view itself would choose."""
    view = route.viewset()
    view.action = route.actions[method]
    handler = getattr(route.viewset, view.action)
    for name, value in getattr(handler, "kwargs", {}).items():
        setattr(view, name, value)
    (door,) = view.get_permissions()
    return door


class TestKeys:
    @pytest.mark.parametrize("sent", [None, "Bearer ak_0.0"])
    def test_nothing_opens_without_a_key_that_opens(self, sent):
        for route in routes():
            for method, path in calls(route):
                answer = Program(None)(method, path, {}, Authorization=sent)

                assert answer.status_code == 401, path
                assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
                assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "sent", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer é", "Token ak_0.0"]
    )
    def test_nothing_else_is_a_key(self, sent):
        assert Program(None).get("people/", Authorization=sent).status_code == 401

    def test_a_key_in_the_address_or_a_session_opens_nothing(self, firm, api):
        anonymous = Program(None)
        anonymous.client.force_login(firm.admin)

        assert anonymous.get("installations/").status_code == 401
        assert anonymous.get(f"installations/?key={api.token}").status_code == 401

    @pytest.mark.parametrize(
        ("kind", "audience", "path"),
        [
            ("SALES", "INVOICING", "batches/"),
            ("SUPPORT", "SUPPORT", "desk/tickets/"),
            ("PARTNER", "PARTNER", "partner/installations/"),
        ],
    )
    def test_who_has_other_work_by_now_opens_nothing_with_the_old_key(
        self, present, kind, audience, path
    ):
        person = factories.UserFactory(account=None, kind=kind)
        theirs = program(person, audience=audience)
        assert theirs.get(path).status_code == 200

        other = "SUPPORT" if kind != "SUPPORT" else "PARTNER"
        User.objects.filter(pk=person.pk).update(kind=other)

        assert theirs.get(path).status_code == 401

    def test_changed_over_a_key_lasts_no_longer(self, firm):
        year = timedelta(days=365)
        mine = program(firm.admin, expires_at=clock.now() + year)
        key = api_keys.find(mine.token, at=clock.now())

        newer, _token = api_keys.rotate(key, by=key.user, at=clock.now(), on=firm.on)

        assert newer.expires_at - clock.now() <= year + timedelta(days=1)

    def test_a_revoked_key_opens_nothing_from_the_next_call_on(self, firm, api):
        key = ApiKey.objects.get(prefix=api.token.partition(".")[0])
        assert api.get("installations/").status_code == 200
        api_keys.revoke(key, by=firm.admin, at=clock.now(), on=firm.on)

        assert api.get("installations/").status_code == 401

    def test_an_expired_key_opens_nothing(self, firm):
        late = program(firm.admin, expires_at=clock.now() + timedelta(hours=1))
        assert late.get("installations/").status_code == 200
        past = clock.now() - timedelta(hours=1)
        ApiKey.objects.filter(prefix=late.token.partition(".")[0]).update(
            expires_at=past
        )

        assert late.get("installations/").status_code == 401

    def test_a_key_of_somebody_deactivated_opens_nothing(
        self, firm, administrators, member
    ):
        roles.join(administrators, [member], by=firm.admin, on=firm.on)
        theirs = program(member)
        assert theirs.get("installations/").status_code == 200
        people.deactivate([member], by=firm.admin, on=firm.on)

        assert theirs.get("installations/").status_code == 401


class TestScopesAndAuthority:
    def test_without_the_scope_nothing_opens(self, firm):
        scopes = set(api_keys.SCOPES["ACCOUNT"])
        without = {one: program(firm.admin, *(scopes - {one})) for one in scopes}

        for route in of_accounts():
            for method, path in calls(route):
                _audience, scope, *_permissions = door_of(route, method).authority
                kind = "read" if method.upper() in SAFE_METHODS else "write"

                answer = without[f"{scope}:{kind}"](method, path, {})

                said = (method, path, answer.status_code, answer.json()["code"])
                assert said == (method, path, 403, "scope")

    def test_without_the_authority_nothing_opens(self, firm):
        """Whoever made the key lost the authority since."""
        wanted = {
            frozenset(door_of(route, method).authority[2:])
            for route in of_accounts()
            for method in route.actions
        }
        without = {
            permissions: _program_without(permissions, firm) for permissions in wanted
        }

        for route in of_accounts():
            for method, path in calls(route):
                permissions = frozenset(door_of(route, method).authority[2:])
                if not permissions:
                    continue

                answer = without[permissions](method, path, {})

                said = (method, path, answer.status_code, answer.json()["code"])
                assert said == (method, path, 403, "authority")

    def test_a_key_for_another_audience_is_refused(self, firm, partner_user, sales):
        makers = {
            "ACCOUNT": firm.admin,
            "PARTNER": partner_user,
            "SUPPORT": sales,
            "INVOICING": sales,
        }
        programs = {
            audience: program(person, audience=audience)
            for audience, person in makers.items()
        }

        for route in routes():
            for audience in programs.keys() - {audience_of(route.viewset)}:
                for method, path in calls(route):
                    answer = programs[audience](method, path, {})

                    said = (path, answer.status_code, answer.json()["code"])
                    assert said == (path, 403, "audience")


def _program_without(permissions, firm) -> Program:
    person = _with({authority.INSTALL, authority.MANAGE}, firm)
    theirs = program(person)
    _left_with(set(authority.ALL) - permissions, person, firm)
    return theirs


def _with(permissions, firm) -> User:
    person = factories.UserFactory(account=firm.account)
    role = factories.RoleFactory(account=firm.account)
    for name in permissions:
        authority.grant(role, name, by=None, on=firm.on, delegates=True)
    roles.join(role, [person], by=None, on=firm.on)
    return User.objects.get(pk=person.pk)


def _left_with(permissions, person, firm) -> None:
    for group in person.groups.all():
        role = group.role
        authority.arrange(role, permissions, by=None, on=firm.on, delegates=True)


class TestTheCode:
    def test_every_view_and_action_has_a_door_of_opens(self):
        for route in routes():
            (door,) = route.viewset.permission_classes
            assert hasattr(door, "authority"), route.name
            for method in route.actions:
                assert hasattr(door_of(route, method), "authority"), route.name

    def test_every_unsafe_handler_is_remembered(self):
        """`Idempotency-Key` on every unsafe call (3.18)."""
        unsafe = [
            (route.name, method, getattr(route.viewset, action))
            for route in routes()
            for method, action in route.actions.items()
            if method.upper() not in SAFE_METHODS
        ]

        assert len(unsafe) > 10
        assert not [
            (name, method)
            for name, method, handler in unsafe
            if not getattr(handler, "remembered", False)
        ]
