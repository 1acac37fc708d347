"""Keys to the API: shown once, two at a time, revoked at once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts import api_keys, people
from accounts.models import ApiKey
from journal.models import Activity

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ON = date(2026, 11, 23)


def make(user, name="Payroll", **asked):
    asked = {"audience": "ACCOUNT", "scopes": ["apps:read"]} | asked
    return api_keys.create(name=name, by=user, at=AT, on=ON, **asked)


def refused(code, call, *args, **kwargs):
    with pytest.raises(ValidationError) as refusal:
        call(*args, **kwargs)
    return refusal.value.code == code


class TestMaking:
    def test_only_the_hash_of_the_secret_is_kept(self, admin):
        key, token = make(admin)

        secret = token.partition(".")[2]
        assert len(secret) >= 43
        assert secret not in str(ApiKey.objects.filter(pk=key.pk).values().get())
        assert api_keys.find(token, at=AT) == key

    def test_two_of_a_name_live_at_a_time_and_a_third_is_refused(self, admin):
        first, one = make(admin)
        second, two = api_keys.rotate(first, by=admin, at=AT, on=ON)

        assert api_keys.find(one, at=AT) == first
        assert api_keys.find(two, at=AT) == second
        assert refused("two_live", make, admin)
        api_keys.revoke(first, by=admin, at=AT, on=ON)
        make(admin)

    def test_without_authority_nobody_makes_one(self, member):
        with pytest.raises(PermissionDenied):
            make(member)

    def test_an_audience_belongs_to_a_kind_of_person(
        self, admin, partner_user, support
    ):
        with pytest.raises(PermissionDenied):
            make(admin, audience="PARTNER", scopes=["installations:read"])
        with pytest.raises(PermissionDenied):
            make(support, audience="INVOICING", scopes=["batches:read"])
        make(partner_user, audience="PARTNER", scopes=["installations:read"])

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ({"name": " "}, "no_name"),
            ({"scopes": []}, "scope"),
            ({"scopes": ["batches:read"]}, "scope"),
            ({"expires_at": AT}, "expired"),
        ],
    )
    def test_what_cannot_be_made_is_refused(self, admin, asked, code):
        assert refused(code, make, admin, **asked)

    def test_it_stands_in_the_activity(self, admin):
        make(admin)

        assert Activity.objects.of(admin.account).filter(verb="key.created").exists()


class TestFinding:
    @pytest.mark.parametrize(
        "token",
        ["", ".", "ak_", "ak_0.x", "x" * 5000, "ak_000000000000.", "\x00.\x00"],
    )
    def test_anything_else_opens_nothing(self, admin, token):
        make(admin)

        assert api_keys.find(token.replace("\x00", "0"), at=AT) is None

    def test_another_secret_opens_nothing(self, admin):
        _key, token = make(admin)

        assert (
            api_keys.find(token[:-1] + ("A" if token[-1] != "A" else "B"), at=AT)
            is None
        )

    def test_an_expired_one_opens_nothing(self, admin):
        _key, token = make(admin, expires_at=AT + timedelta(days=1))

        assert api_keys.find(token, at=AT + timedelta(hours=23))
        assert api_keys.find(token, at=AT + timedelta(days=1)) is None

    def test_a_revoked_one_opens_nothing(self, admin):
        key, token = make(admin)
        api_keys.revoke(key, by=admin, at=AT, on=ON)

        assert api_keys.find(token, at=AT) is None

    def test_one_of_a_deactivated_person_opens_nothing(self, admin, member):
        member.groups.add(*admin.groups.all())
        _key, token = make(type(member).objects.get(pk=member.pk))
        people.deactivate([member], by=admin, on=ON)

        assert api_keys.find(token, at=AT) is None

    def test_a_directory_key_outlives_who_made_it(self, admin, member):
        member.groups.add(*admin.groups.all())
        maker = type(member).objects.get(pk=member.pk)
        key, token = make(maker, audience="DIRECTORY", scopes=["directory:write"])
        people.deactivate([member], by=admin, on=ON)

        assert api_keys.find(token, at=AT) == key

    def test_its_use_is_written_down_once_a_minute(
        self, admin, django_assert_num_queries
    ):
        key, token = make(admin)

        api_keys.find(token, at=AT)
        with django_assert_num_queries(1):
            api_keys.find(token, at=AT + timedelta(seconds=59))
        key.refresh_from_db()
        assert key.last_used_at == AT


class TestRevoking:
    def test_who_manages_roles_revokes_a_colleagues(self, admin, member):
        member.groups.add(*admin.groups.all())
        key, _token = make(type(member).objects.get(pk=member.pk))

        assert api_keys.revoke(key, by=admin, at=AT, on=ON).revoked_at == AT

    def test_a_stranger_does_not(self, admin, stranger):
        key, _token = make(admin)

        with pytest.raises(PermissionDenied):
            api_keys.revoke(key, by=stranger, at=AT, on=ON)


class TestPages:
    def test_the_secret_is_shown_once(self, client, admin, present):
        client.force_login(admin)
        sent = {
            "audience": "ACCOUNT",
            "name": "Payroll",
            "scopes": ["apps:read"],
            "lasts": "0",
        }

        made = client.post(reverse("accounts:add-api-key"), sent)

        key = ApiKey.objects.get()
        token = made.context["token"]
        assert token in made.text
        assert "no-store" in made["Cache-Control"]
        assert api_keys.find(token, at=AT) == key
        listed = client.get(reverse("accounts:api-keys")).text
        assert key.prefix in listed
        assert token not in listed

    def test_a_bad_choice_is_told_and_makes_nothing(self, client, admin, present):
        client.force_login(admin)
        sent = {"audience": "ACCOUNT", "name": "Payroll", "scopes": ["nothing"]}

        answer = client.post(reverse("accounts:add-api-key"), sent)

        assert answer.status_code == 422
        assert not ApiKey.objects.exists()

    def test_rotating_makes_a_second_and_says_when_it_cannot(
        self, client, admin, present
    ):
        client.force_login(admin)
        key, _token = make(admin)
        address = reverse("accounts:rotate-api-key", args=[key.pk])

        assert client.post(address).context["token"]
        assert client.post(address).status_code == 422
        assert ApiKey.objects.count() == 2

    def test_revoking_asks_first(self, client, admin, present):
        client.force_login(admin)
        key, token = make(admin)
        address = reverse("accounts:revoke-api-key", args=[key.pk])

        assert client.get(address).status_code == 200
        assert api_keys.find(token, at=AT)
        client.post(address)
        assert api_keys.find(token, at=AT) is None

    def test_a_hundred_keys_take_no_more_queries_than_one(
        self, client, admin, present, django_assert_max_num_queries
    ):
        for number in range(30):
            make(admin, name=f"Program {number}")
        client.force_login(admin)

        with django_assert_max_num_queries(14):
            client.get(reverse("accounts:api-keys"))


def test_every_scope_is_read_or_write_and_has_words():
    for scopes in api_keys.SCOPES.values():
        for scope, words in scopes.items():
            assert scope.rpartition(":")[2] in {"read", "write"}
            assert str(words)
