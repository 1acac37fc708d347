"""Files of people: the real one, again, and everything that can be wrong."""

import csv
import io
from datetime import date

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import authority, imports, roles, signals
from accounts.models import Role, User
from journal.models import Activity
from tests.factories import AccountFactory, RoleFactory

PEOPLE = settings.BASE_DIR / "demo/people.csv"
HEADER = "account,email,display_name,roles,team,active\n"
BOSS = "harbour-lines,boss@harbour.example,Boss,Administrators,,true\n"


@pytest.fixture
def demo_accounts(db):
    with PEOPLE.open(encoding="utf-8", newline="") as file:
        slugs = {row["account"] for row in csv.DictReader(file)}
    return [AccountFactory(slug=slug) for slug in sorted(slugs)]


@pytest.fixture
def bring(tmp_path, capsys):
    """Import a text; answers what was said."""

    def run(text, *options):
        file = tmp_path / "people.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        out = io.StringIO()
        call_command("import_people", str(file), *options, stdout=out, verbosity=0)
        return out.getvalue()

    return run


@pytest.fixture
def refused(bring, capsys):
    """Import a text that is refused; answers the complaints."""

    def run(text):
        with pytest.raises(CommandError) as refusal:
            bring(text)
        return str(refusal.value), capsys.readouterr().err

    return run


def test_the_real_file_comes_in_whole(demo_accounts):
    out = io.StringIO()
    call_command("import_people", str(PEOPLE), stdout=out, verbosity=0)

    assert User.objects.count() == 676
    assert User.objects.filter(is_active=False).count() == 15
    assert "people added: 676" in out.getvalue()
    for account in demo_accounts:
        assert authority.holders(account, authority.INSTALL).count() == 2
        agents = account.roles.get(name="Agents")
        assert authority.granted(agents) == {authority.LAUNCH}


def test_the_real_file_again_changes_nothing(demo_accounts):
    call_command("import_people", str(PEOPLE), stdout=io.StringIO(), verbosity=0)
    written = Activity.objects.count()
    out = io.StringIO()

    call_command("import_people", str(PEOPLE), stdout=out, verbosity=0)

    assert out.getvalue() == "Nothing to change.\n"
    assert Activity.objects.count() == written


def test_a_dry_run_says_the_same_and_changes_nothing(bring, account):
    said = bring(HEADER + BOSS, "--dry-run")

    assert "would change" in said
    assert "people added: 1" in said
    assert not User.objects.exists()
    assert not Role.objects.exists()


def test_names_in_any_script_stay_as_they_are(bring, account):
    bring(
        "\ufeff" + HEADER + BOSS + 'harbour-lines,Z@Harbour.Example,"陈, 嘉欣",,,true\n'
    )

    assert User.objects.get(email="z@harbour.example").display_name == "陈, 嘉欣"


def test_a_line_says_everything_of_its_person(bring, account, member):
    agents = RoleFactory(account=account, name="Agents")
    roles.join(agents, [member], by=None, on=date(2026, 1, 1))

    said = bring(
        HEADER
        + BOSS
        + f"harbour-lines,{member.email},Roberto,supervisors,Sales,false\n"
    )

    member.refresh_from_db()
    assert (member.display_name, member.team) == ("Roberto", "Sales")
    assert not member.is_active
    assert [group.role.name for group in member.groups.all()] == ["supervisors"]
    for words in ("changed: 1", "left a role: 1", "joined a role: 2", "deactivated: 1"):
        assert words in said


def test_roles_are_found_in_whatever_case(bring, account, administrators):
    bring(HEADER + BOSS.replace("Administrators", "ADMINISTRATORS"))

    assert account.roles.count() == 1


def test_people_missing_from_the_file_are_left(bring, account, admin):
    bring(HEADER + BOSS)

    admin.refresh_from_db()
    assert admin.is_active
    assert authority.held(admin, authority.MANAGE_ROLES)


def test_joining_is_news_for_those_who_are_active(bring, account):
    told = []

    def hear(sender, **news):
        told.append((news["role"].name, len(news["users"]), news["source"]))

    signals.joined_role.connect(hear)
    try:
        bring(
            HEADER
            + BOSS
            + "harbour-lines,a@harbour.example,A,Agents,,true\n"
            + "harbour-lines,b@harbour.example,B,Agents,,true\n"
            + "harbour-lines,c@harbour.example,C,Agents,,false\n"
        )
    finally:
        signals.joined_role.disconnect(hear)

    assert sorted(told) == [("Administrators", 1, "import"), ("Agents", 2, "import")]


def test_everything_wrong_is_told_with_its_place(refused, account, stranger):
    said, complaints = refused(
        HEADER
        + BOSS
        + "nowhere,a@x.example,A,Agents,,true\n"
        + "harbour-lines,not an address,,Agents;;Agents,,yes\n"
        + f"harbour-lines,{stranger.email},Charlie,,,true\n"
        + "harbour-lines,BOSS@harbour.example,Again,,,true\n"
        + "harbour-lines,short@x.example\n"
    )

    assert "9 places" in said
    for place in (
        "line 3, column 1 (account): There is no account 'nowhere'.",
        "line 4, column 2 (email): 'not an address' is not an email address.",
        "line 4, column 3 (display_name): It is empty.",
        "line 4, column 4 (roles): A role has no name.",
        "line 4, column 4 (roles): A role is named twice.",
        "line 4, column 6 (active): 'yes' is neither true nor false.",
        "line 5, column 2 (email): charlie@meridian.example signs in for somebody else",
        "line 6, column 2 (email): boss@harbour.example stands on line 2 already.",
        "line 7, column 2 (email): The line has 2 fields.",
    ):
        assert place.replace("somebody else", "somebody other") in complaints
    assert not account.users.exists()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"", "line 1, column 1 (account): The first line names nothing."),
        (b"account,mail\n", "line 1, column 2 (email): The first line names"),
        (
            HEADER.encode() + b"harbour-lines,a@x.example,Andr\xe9,,,true\n",
            "line 2, column 3 (display_name): Byte 31 of the line is not UTF-8.",
        ),
        (
            HEADER.encode() + b'harbour-lines,a@x.example,"Open,,,true\n',
            "line 2, column 1 (account): The line cannot be read",
        ),
        (
            HEADER.encode() + b"harbour-lines,a@x.example,A\x00B,,,true\n",
            "line 2, column 3 (display_name): There is a zero byte in it.",
        ),
        (
            HEADER.encode() + b"harbour-lines,a@x.example," + b"A" * 201 + b",,,true\n",
            "line 2, column 3 (display_name): It has 201 characters.",
        ),
    ],
    ids=["empty", "header", "latin-1", "quote", "zero", "long"],
)
def test_a_file_of_bad_form_is_refused_at_its_place(refused, account, text, place):
    assert place in refused(text)[1]


def test_a_line_break_inside_quotes_does_not_move_the_places(refused, account):
    _, complaints = refused(
        HEADER + 'harbour-lines,a@x.example,"A\nB",,,true\nharbour-lines,b,B,,,true\n'
    )

    assert "line 4, column 2 (email)" in complaints


def test_an_import_cannot_leave_an_account_without_a_manager(
    refused, account, admin, member
):
    _, complaints = refused(
        HEADER
        + f"harbour-lines,{member.email},Changed,Agents,,true\n"
        + f"harbour-lines,{admin.email},Alice,Administrators,,false\n"
    )

    assert "line 3, column 6 (active): Nobody active in harbour-lines" in complaints
    member.refresh_from_db()
    assert member.display_name == "Bob Brito"
    assert not account.roles.filter(name="Agents").exists()


def test_managers_may_be_exchanged_in_one_file(bring, account, admin):
    bring(HEADER + f"harbour-lines,{admin.email},Alice,,,false\n" + BOSS)

    boss = User.objects.get(email="boss@harbour.example")
    assert list(authority.holders(account, authority.MANAGE_ROLES)) == [boss]


def test_a_refusal_in_one_account_brings_nothing_into_another(account, stranger):
    rows, problems = imports.read(
        (HEADER + BOSS + f"meridian-care,{stranger.email},Charlie,,,true\n").encode()
    )
    assert not problems

    with pytest.raises(ValidationError) as refusal:
        imports.bring(rows, day_of=lambda account: date(2026, 11, 23))

    assert "line 3, column 4 (roles)" in refusal.value.messages[0]
    assert not account.users.exists()


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_people", str(tmp_path / "nobody.csv"))


def test_a_large_file_takes_no_more_queries_than_a_small_one(stranger):
    def queries(slug, people):
        AccountFactory(slug=slug)
        lines = [
            f"{slug},p{n}@{slug}.example,P {n},Agents,,true" for n in range(people)
        ]
        lines.append(f"{slug},boss@{slug}.example,Boss,Administrators,,true")
        rows, _ = imports.read((HEADER + "\n".join(lines)).encode())
        with CaptureQueriesContext(connection) as captured:
            imports.bring(rows, day_of=lambda account: date(2026, 11, 23))
        return len(captured)

    assert queries("large", 3000) == queries("small", 3)


def test_one_who_signs_in_for_the_vendor_is_nobodys_employee(refused, account, support):
    _, complaints = refused(
        HEADER + BOSS + f"harbour-lines,{support.email},Sofia,,,true\n"
    )

    assert "line 3, column 2 (email)" in complaints
