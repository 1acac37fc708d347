"""Who is told that a role may do more or less, and that a file is brought in."""

import pytest

from accounts import authority, jobs, roles
from accounts.models import User
from journal import notices
from journal.models import Message, Notice
from tests.factories import JobFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def agents(account, member, today):
    """Bob is in it."""
    role = RoleFactory(account=account, name="Agents")
    roles.join(role, [member], by=None, on=today)
    Notice.objects.all().delete()
    return role


@pytest.fixture
def second(account, administrators, today):
    """Dana: manages roles as Alice does."""
    user = UserFactory(account=account, display_name="Dana Duarte")
    roles.join(administrators, [user], by=None, on=today)
    return user


def told():
    found = Notice.objects.order_by("pk")
    return list(found.values_list("user_id", "kind", "title"))


def test_members_and_the_others_who_manage_roles_are_told(
    agents, admin, second, member, today
):
    authority.grant(agents, authority.MANAGE, by=admin, on=today, delegates=True)

    assert told() == [
        (member.pk, "authority", "Your role Agents may do more: manage apps"),
        (second.pk, "role_authority", "The role Agents may do more: manage apps"),
    ]
    assert not Message.objects.exists()


def test_each_change_is_told_and_none_twice(agents, admin, member, today):
    for _ in range(2):
        authority.grant(agents, authority.MANAGE, by=admin, on=today, delegates=True)
    authority.revoke(agents, authority.MANAGE, by=admin, on=today)
    authority.grant(agents, authority.MANAGE, by=admin, on=today, delegates=True)

    assert [title for _pk, _kind, title in told()] == [
        "Your role Agents may do more: manage apps",
        "Your role Agents may do less: manage apps",
        "Your role Agents may do more: manage apps",
    ]


def test_of_launch_only_its_members_are_told(agents, admin, second, member, today):
    authority.revoke(agents, authority.LAUNCH, by=admin, on=today)

    assert [pk for pk, _kind, _title in told()] == [member.pk]


def test_a_new_role_is_no_news(account, admin, second, today):
    roles.create(account, name="Sellers", by=admin, on=today)

    assert told() == []


def test_ten_thousand_members_are_told_in_a_few_statements(
    agents, admin, account, today, django_assert_max_num_queries
):
    people = User.objects.bulk_create(
        User(account=account, email=f"p{n}@many.example", password="!")
        for n in range(10_000)
    )
    agents.group.user_set.add(*people)

    with django_assert_max_num_queries(24):
        authority.grant(agents, authority.MANAGE, by=admin, on=today, delegates=True)

    assert Notice.objects.count() == 10_001


def test_who_began_a_file_is_told_when_it_is_brought_in(account, admin, present):
    notices.choose(admin, {"job": "AT_ONCE"})
    job = jobs.begin(JobFactory(account=account, by=admin), at=present)

    jobs.work(at=present)
    jobs.work(at=present)

    ((pk, kind, title),) = told()
    assert (pk, kind) == (admin.pk, "job")
    assert title == f"{job.file_name} is brought in"
    assert Message.objects.get().subject == title
