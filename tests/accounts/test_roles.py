"""Roles: who is in them, and that somebody can always manage them."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import authority, people, roles, signals
from accounts.models import Role, User
from journal.models import Activity
from tests.factories import RoleFactory, UserFactory


@pytest.fixture
def agents(account):
    return RoleFactory(account=account, name="Agents")


@pytest.fixture
def news():
    """What the signals told, in order."""
    told = []

    def hear(signal, **news):
        told.append(news)

    for signal in (signals.joined_role, signals.left_role, signals.user_deactivated):
        signal.connect(hear)
    yield told
    for signal in (signals.joined_role, signals.left_role, signals.user_deactivated):
        signal.disconnect(hear)


def test_a_new_role_may_launch_and_nothing_else(agents):
    assert authority.granted(agents) == {authority.LAUNCH}


def test_a_name_is_free_only_once_in_whatever_case(agents, account, admin, today):
    with pytest.raises(ValidationError) as refusal:
        roles.create(account, name="  AGENTS ", by=admin, on=today)

    assert refusal.value.code == "role_exists"


def test_another_account_may_use_the_same_name(agents, stranger, today):
    role = roles.create(stranger.account, name="Agents", by=stranger, on=today)

    assert role.account == stranger.account


def test_only_new_members_are_news(agents, admin, member, news, today):
    other = UserFactory(account=admin.account)
    roles.join(agents, [member], by=admin, on=today)
    news.clear()

    joined = roles.join(agents, [member, other, other], by=admin, on=today)

    assert joined == [other]
    assert [told["users"] for told in news] == [[other]]
    assert news[0]["source"] == "page"


def test_joining_again_is_no_news_and_no_activity(agents, admin, member, news, today):
    roles.join(agents, [member], by=admin, on=today)
    written = Activity.objects.count()
    news.clear()

    assert roles.join(agents, [member], by=admin, on=today) == []
    assert not news
    assert Activity.objects.count() == written


def test_who_is_deactivated_joins_without_news(agents, admin, member, news, today):
    people.deactivate([member], by=admin, on=today)
    news.clear()

    assert roles.join(agents, [member], by=admin, on=today) == [member]
    assert not news


def test_users_of_another_account_are_refused(agents, admin, member, stranger, today):
    with pytest.raises(ValidationError) as refusal:
        roles.join(agents, [member, stranger], by=admin, on=today)

    assert refusal.value.code == "stranger"
    assert not agents.members.exists()


def test_leaving_tells_who_was_in_it(agents, admin, member, news, today):
    roles.join(agents, [member], by=admin, on=today)
    news.clear()

    assert roles.leave(agents, [member, admin], by=admin, on=today) == [member]
    assert news[0]["users"] == [member]
    assert news[0]["deleted"] is False


def test_deleting_a_role_tells_its_members_while_it_still_exists(
    agents, admin, member, today
):
    roles.join(agents, [member], by=admin, on=today)
    heard = []

    def hear(sender, *, role, users, deleted, role_name, **news):
        heard.append((Role.objects.filter(pk=role.pk).exists(), role_name, deleted))

    signals.left_role.connect(hear)
    try:
        roles.delete(agents, by=admin, on=today)
    finally:
        signals.left_role.disconnect(hear)

    assert heard == [(True, "Agents", True)]
    assert not Role.objects.filter(name="Agents").exists()
    assert User.objects.filter(pk=member.pk).exists()


def test_a_role_deleted_meanwhile_takes_nobody(agents, admin, member, today):
    roles.delete(Role.objects.get(pk=agents.pk), by=admin, on=today)

    with pytest.raises(ValidationError) as refusal:
        roles.join(agents, [member], by=admin, on=today)

    assert refusal.value.code == "role_gone"


def test_many_join_and_leave_in_as_many_queries_as_one(account, agents, admin, today):
    def queries(people):
        with CaptureQueriesContext(connection) as captured:
            roles.join(agents, people, by=admin, on=today)
            roles.leave(agents, people, by=admin, on=today)
        return len(captured)

    one, many = (
        [UserFactory(account=account)],
        UserFactory.create_batch(300, account=account),
    )
    queries(one)  # the admin's own authority is asked once

    assert queries(many) == queries(one)


def test_renaming_keeps_members_and_permissions(agents, admin, member, today):
    roles.join(agents, [member], by=admin, on=today)

    roles.rename(agents, name="Front office", by=admin, on=today)

    agents = Role.objects.get(pk=agents.pk)
    assert agents.name == "Front office"
    assert agents.group.name == f"{agents.account_id}/Front office"
    assert list(agents.members) == [member]


def test_renaming_in_another_case_is_allowed(agents, admin, today):
    assert roles.rename(agents, name="AGENTS", by=admin, on=today).name == "AGENTS"


@pytest.mark.parametrize(
    "loss",
    [
        lambda role, admin, on: roles.leave(role, [admin], by=admin, on=on),
        lambda role, admin, on: roles.delete(role, by=admin, on=on),
        lambda role, admin, on: people.deactivate([admin], by=admin, on=on),
        lambda role, admin, on: authority.revoke(
            role, authority.MANAGE_ROLES, by=admin, on=on
        ),
    ],
    ids=["leaving", "deletion", "deactivation", "revoking"],
)
def test_somebody_active_always_manages_roles(
    loss, account, administrators, admin, today
):
    with pytest.raises(ValidationError) as refusal:
        loss(administrators, admin, today)

    assert refusal.value.code == "last_manager"
    assert list(authority.holders(account, authority.MANAGE_ROLES)) == [admin]


def test_somebody_inactive_does_not_count(account, administrators, admin, today):
    other = UserFactory(account=account, is_active=False)
    roles.join(administrators, [other], by=admin, on=today)

    with pytest.raises(ValidationError):
        roles.leave(administrators, [admin], by=admin, on=today)


def test_a_second_role_that_manages_roles_is_enough(
    agents, administrators, admin, member, today
):
    authority.grant(agents, authority.MANAGE_ROLES, by=admin, on=today)
    roles.join(agents, [member], by=admin, on=today)

    roles.delete(administrators, by=admin, on=today)

    assert authority.held(member, authority.MANAGE_ROLES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["leave", "deactivate"])
def test_two_who_remove_each_other_at_once_cannot_both_succeed(
    how, administrators, admin, today
):
    other = UserFactory(account=admin.account)
    roles.join(administrators, [other], by=None, on=today)
    together, outcomes = threading.Barrier(2), []

    def remove(user, by):
        together.wait(10)
        try:
            if how == "leave":
                roles.leave(administrators, [user], by=by, on=today)
            else:
                people.deactivate([user], by=by, on=today)
            outcomes.append("removed")
        except ValidationError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=remove, args=pair)
        for pair in [(admin, other), (other, admin)]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcomes) == ["last_manager", "removed"]
    assert authority.holders(admin.account, authority.MANAGE_ROLES).count() == 1
