"""T7: Install and Manage, given to a role, is purchasing authority."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts import authority, roles
from journal.models import Activity
from tests.factories import RoleFactory


@pytest.fixture
def buyers(account, admin):
    return RoleFactory(account=account, name="Buyers")


@pytest.mark.parametrize("permission", [authority.INSTALL, authority.MANAGE])
def test_it_is_not_given_without_accepting_what_it_delegates(
    buyers, admin, today, permission
):
    with pytest.raises(ValidationError) as refusal:
        authority.grant(buyers, permission, by=admin, on=today)

    assert refusal.value.code == "not_accepted"
    assert permission not in authority.granted(buyers)


@pytest.mark.parametrize("permission", [authority.INSTALL, authority.MANAGE])
def test_the_acceptance_is_recorded_with_who_when_and_by_which_role(
    buyers, admin, today, permission
):
    authority.grant(buyers, permission, by=admin, on=today, delegates=True)

    entry = Activity.objects.get(
        verb="authority.delegated", subject=f"role:{buyers.pk}"
    )
    assert entry.actor_id == admin.pk
    assert entry.on == today
    assert entry.authority == "manage_roles: Administrators"
    assert f"accounts.{entry.data['permission']}" == permission


def test_whoever_is_in_the_role_has_it_by_that_role(buyers, admin, member, today):
    authority.grant(buyers, authority.INSTALL, by=admin, on=today, delegates=True)
    roles.join(buyers, [member], by=admin, on=today)

    assert authority.role_for(member, authority.INSTALL) == buyers
    assert not authority.held(member, authority.MANAGE)


def test_of_several_roles_the_first_by_name_is_named(buyers, account, admin, today):
    authority.grant(buyers, authority.INSTALL, by=admin, on=today, delegates=True)
    roles.join(buyers, [admin], by=admin, on=today)

    assert authority.role_for(admin, authority.INSTALL).name == "Administrators"


def test_somebody_who_left_the_role_has_it_no_more(buyers, admin, member, today):
    authority.grant(buyers, authority.INSTALL, by=admin, on=today, delegates=True)
    roles.join(buyers, [member], by=admin, on=today)
    roles.leave(buyers, [member], by=admin, on=today)

    assert not authority.held(member, authority.INSTALL)


def test_a_role_of_one_account_is_no_authority_in_another(stranger, account):
    assert stranger not in authority.holders(account, authority.INSTALL)


@pytest.mark.usefixtures("present")
class TestThePermissionsPage:
    @pytest.fixture
    def save(self, client_of, admin, buyers):
        def post(*permissions, **fields):
            return client_of(admin).post(
                reverse("accounts:role-permissions", args=[buyers.pk]),
                {"permissions": permissions, **fields},
            )

        return post

    def test_it_says_in_so_many_words_what_is_delegated(
        self, client_of, admin, buyers, settings
    ):
        page = client_of(admin).get(
            reverse("accounts:role-permissions", args=[buyers.pk])
        )

        text = page.content.decode()
        assert "delegate purchasing authority" in text
        assert "I accept that everybody in this role can then buy" in text
        assert settings.TERMS_ADDRESS in text

    def test_without_the_acceptance_nothing_is_given(self, save, buyers):
        response = save(authority.INSTALL, authority.MANAGE_ROLES)

        assert response.status_code == 422
        assert authority.granted(buyers) == {authority.LAUNCH}

    def test_with_it_both_are_given(self, save, buyers):
        save(authority.INSTALL, authority.MANAGE, delegates="on")

        assert authority.granted(buyers) == {authority.INSTALL, authority.MANAGE}

    def test_launch_and_manage_roles_need_no_acceptance(self, save, buyers):
        save(authority.LAUNCH, authority.MANAGE_ROLES)

        assert authority.granted(buyers) == {authority.LAUNCH, authority.MANAGE_ROLES}

    def test_keeping_what_was_accepted_once_asks_nothing_again(self, save, buyers):
        save(authority.INSTALL, delegates="on")

        save(authority.INSTALL, authority.LAUNCH)

        assert authority.granted(buyers) == {authority.INSTALL, authority.LAUNCH}

    def test_a_colleague_without_manage_roles_cannot_give_it_to_themselves(
        self, client_of, member, buyers
    ):
        response = client_of(member).post(
            reverse("accounts:role-permissions", args=[buyers.pk]),
            {"permissions": [authority.INSTALL], "delegates": "on"},
        )

        assert response.status_code == 403
        assert authority.granted(buyers) == {authority.LAUNCH}
