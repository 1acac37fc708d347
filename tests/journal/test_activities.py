"""The journal: append-only, and each verb is a sentence."""

import ast
import re

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts import roles
from journal import activities
from journal.models import Activity
from tests.factories import RoleFactory, UserFactory

ROOMS = ["accounts", "marketplace", "billing", "myapps", "support"]


@pytest.fixture
def activity(account, admin, today):
    return activities.record(
        "role.joined", account=account, by=admin, on=today, subject=account, role="A"
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal_activity SET verb = 'x'",
        "DELETE FROM journal_activity",
        "TRUNCATE journal_activity",
    ],
)
def test_activity_is_refused_any_change(activity, change):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)

    assert Activity.objects.filter(pk=activity.pk, verb="role.joined").exists()


def test_activity_rolls_back_with_what_it_tells_of(account, admin, today):
    with transaction.atomic():
        roles.create(account, name="Agents", by=admin, on=today)
        transaction.set_rollback(True)

    assert not Activity.objects.filter(data__role="Agents").exists()


def test_a_list_of_users_is_kept_short_with_its_count(account, admin, today):
    people = UserFactory.build_batch(70)
    for number, person in enumerate(people, 1000):
        person.pk = number

    written = activities.record(
        "role.joined", account=account, by=admin, on=today, subject=admin, users=people
    )

    assert written.data["users"] == list(range(1000, 1050))
    assert written.data["users_count"] == 70
    assert written.subject == f"user:{admin.pk}"


def test_no_name_of_a_person_stands_in_the_journal(account, admin, member, today):
    roles.join(RoleFactory(account=account), [member], by=admin, on=today)

    data = str(list(Activity.objects.values()))
    assert "Brito" not in data
    assert member.email not in data


@pytest.mark.parametrize(
    ("users", "count", "said"),
    [
        ([], 0, "Ana added nobody to Agents."),
        ([2], 1, "Ana added Bob to Agents."),
        ([2, 3], 2, "Ana added Bob and Eve to Agents."),
        ([2, 3, 4], 3, "Ana added Bob and 2 others to Agents."),
        ([99], 1, "Ana added somebody no longer here to Agents."),
    ],
)
def test_a_sentence_names_who_and_counts_the_rest(users, count, said):
    activity = Activity(
        verb="role.joined",
        actor_id=1,
        data={"users": users, "users_count": count, "role": "Agents"},
    )

    assert activities.sentence(activity, {1: "Ana", 2: "Bob", 3: "Eve"}) == said


def test_who_did_it_may_be_the_calendar_or_an_import():
    data = {"role": "Agents", "users": [2], "users_count": 1}

    assert activities.sentence(Activity(verb="role.left", data=data), {2: "Bob"}) == (
        "The calendar removed Bob from Agents."
    )
    data["source"] = "import"
    assert activities.sentence(Activity(verb="role.left", data=data), {2: "Bob"}) == (
        "An import removed Bob from Agents."
    )


def test_the_names_that_sentences_want_are_few(activity, admin):
    activity.data = {"users": list(range(100, 150))}

    assert activities.people([activity]) == {admin.pk, 100, 101}


def written_verbs():
    """Every verb that the code of the rooms records: the first argument of a call
    whose noun the journal knows, and the nouns that a module puts before its verbs.
    """
    nouns = {verb.partition(".")[0] for verb in activities.SENTENCES}
    for room in ROOMS:
        for file in (settings.BASE_DIR / room).glob("*.py"):
            text = file.read_text()
            for call in ast.walk(ast.parse(text)):
                if not (isinstance(call, ast.Call) and call.args):
                    continue
                said = str(getattr(call.args[0], "value", ""))
                if re.fullmatch(r"\w+\.\w+", said) and said.partition(".")[0] in nouns:
                    yield said
            for noun in re.findall(r"record\(\s*f\"(\w+)\.\{verb\}\"", text):
                for verb in re.findall(r"_record\(\s*\"(\w+)\"", text):
                    yield f"{noun}.{verb}"


def test_every_verb_that_is_recorded_has_a_sentence():
    verbs = set(written_verbs())

    assert {"role.joined", "person.created", "terms.accepted"} <= verbs
    assert {"app.installed", "seats.added", "account.created"} <= verbs
    assert verbs - set(activities.SENTENCES) == set()


@pytest.mark.parametrize("verb", sorted(activities.SENTENCES))
def test_every_sentence_can_be_said_without_its_data(verb):
    said = activities.sentence(Activity(verb=verb, data={}), {})

    assert said.endswith((".", ": ", "?"))
    assert "%(" not in said
