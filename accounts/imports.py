"""Files of people, as a customer's directory exports them.

One line a person: account, email, display_name, roles (with ; between), team, active.
A line says everything of its person: who is in other roles leaves them. People whom
the file does not name are left as they are.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority, people, roles
from accounts.models import Account, Role, User
from journal import activities

COLUMNS = ["account", "email", "display_name", "roles", "team", "active"]
LONGEST = {"email": 254, "display_name": 200, "team": 80}
LONGEST_ROLE = 100
ADMINISTRATORS = "administrators"
AT_ONCE = 5_000


class Problem(NamedTuple):
    """What is wrong at a place in the file, and what would be right."""

    line: int
    column: int
    wrong: str
    right: str

    def __str__(self):
        name = COLUMNS[self.column - 1] if self.column <= len(COLUMNS) else "?"
        place = f"line {self.line}, column {self.column} ({name})"
        return f"{place}: {self.wrong} {self.right}"


class Row(NamedTuple):
    """One person of the file."""

    line: int
    account: str
    email: str
    display_name: str
    roles: tuple[str, ...]
    team: str
    active: bool


def read(data: bytes) -> tuple[list[Row], list[Problem]]:
    """Take a file apart: what it says, and everything that is wrong with its form."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        return [], [_not_utf8(data, failure.start)]
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, [])
    except csv.Error as failure:
        return [], [Problem(1, 1, f"The line cannot be read: {failure}.", _header())]
    if [name.strip() for name in header] != COLUMNS:
        return [], [_wrong_header(header)]
    rows, problems = [], []
    at = lines.line_num + 1
    while True:
        try:
            fields = next(lines, None)
        except csv.Error as failure:
            problems.append(
                Problem(
                    at,
                    1,
                    f"The line cannot be read: {failure}.",
                    'Close every " and write a " inside quotes twice.',
                )
            )
            break
        if fields is None:
            break
        if fields:
            row, wrong = _row(at, fields)
            problems += wrong
            rows += [row] if row else []
        at = lines.line_num + 1
    return rows, problems + _repeated(rows)


def check(rows: Iterable[Row]) -> list[Problem]:
    """What the file says that the database contradicts."""
    rows = list(rows)
    accounts = _accounts(rows)
    problems = [
        Problem(
            row.line,
            1,
            f"There is no account {row.account!r}.",
            "Write the short name of an account, and import contracts before people.",
        )
        for row in rows
        if row.account not in accounts
    ]
    elsewhere = {
        user.email.lower(): user
        for user in _users_of_addresses(row.email for row in rows)
    }
    for row in rows:
        user, account = elsewhere.get(row.email), accounts.get(row.account)
        if user and account and user.account_id != account.pk:
            problems.append(
                Problem(
                    row.line,
                    2,
                    f"{row.email} signs in for somebody other than {row.account}.",
                    "Use another address: a person belongs to one account.",
                )
            )
    return problems


@transaction.atomic
def bring(
    rows: Iterable[Row],
    *,
    day_of: Callable[[Account], date],
    tell: Callable[[int], object] = lambda people: None,
    by: User | None = None,
    new_roles: bool = True,
) -> Counter:
    """Make the accounts say what the rows say; answers how many of what changed.

    `day_of` answers an account's local day; `tell` hears how many people are done.
    Roles that an account lacks are created: Administrators with all permissions,
    purchasing authority included, others with Launch; or, without `new_roles`, refused
    (no_role). Refuses (ValidationError with
    one message a place, code last_manager) what would leave an account without anybody
    active to manage roles. All or nothing. What is true already is no change.
    """
    by_account = defaultdict(list)
    for row in rows:
        by_account[row.account].append(row)
    changes, refusals = Counter(), []
    found = Account.objects.filter(slug__in=by_account).order_by("pk")
    for account in found.select_for_update(no_key=True):
        theirs = by_account[account.slug]
        managers = set(
            authority.holders(account, authority.MANAGE_ROLES).values_list(
                "email", flat=True
            )
        )
        try:
            with transaction.atomic():
                changes += _bring_account(
                    account,
                    theirs,
                    tell=tell,
                    new_roles=new_roles,
                    by=by,
                    on=day_of(account),
                )
        except ValidationError as refusal:
            if refusal.code != "last_manager":
                raise
            refusals.append(_no_manager(account, theirs, managers))
    if refusals:
        raise ValidationError([str(problem) for problem in refusals])
    return changes


def _bring_account(account, rows, *, tell, new_roles, by, on):
    changes = Counter()
    users = {
        user.email: user for user in _users_of_addresses(row.email for row in rows)
    }
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        changes["people added"] += _add(account, some, users, by=by, on=on)
        changes["people changed"] += _change(account, some, users, by=by, on=on)
        tell(len(some))
    told = {"by": by, "on": on, "source": "import"}
    came_back = [
        users[row.email]
        for row in rows
        if row.active and not users[row.email].is_active
    ]
    changes["people reactivated"] += len(people.reactivate(came_back, **told))
    leaving = []
    if not new_roles:
        _refuse_new_roles(account, rows)
    for role, wanted in _roles(account, rows, users, changes, on=on):
        members = set(role.members.values_list("pk", flat=True))
        joining = [user for user in wanted.values() if user.pk not in members]
        leaving.append((role, members - set(wanted)))
        changes["joined a role"] += len(roles.join(role, joining, **told))
    known = {user.pk: user for user in users.values()}
    for role, gone in leaving:
        gone = [known[pk] for pk in sorted(gone) if pk in known]
        changes["left a role"] += len(roles.leave(role, gone, **told))
    left = [
        users[row.email]
        for row in rows
        if users[row.email].is_active and not row.active
    ]
    changes["people deactivated"] += len(people.deactivate(left, **told))
    if authority.without_manager([account]):
        raise ValidationError("", code="last_manager")
    return +changes


def _refuse_new_roles(account, rows):
    known = {name.casefold() for name in account.roles.values_list("name", flat=True)}
    for name in sorted({name for row in rows for name in row.roles}):
        if name.casefold() not in known:
            raise ValidationError(
                _("There is no role %(role)s. Add it first, or correct the file."),
                code="no_role",
                params={"role": name},
            )


def _add(account, rows, users, *, by, on):
    new = [
        User(
            account=account,
            email=row.email,
            display_name=row.display_name,
            team=row.team,
            is_active=row.active,
            password=make_password(None),
        )
        for row in rows
        if row.email not in users
    ]
    if new:
        User.objects.bulk_create(new)
        users.update((user.email, user) for user in new)
        _record("person.created", account, new, by=by, on=on)
    return len(new)


def _change(account, rows, users, *, by, on):
    changed = []
    for row in rows:
        user = users[row.email]
        if (user.display_name, user.team) != (row.display_name, row.team):
            user.display_name, user.team = row.display_name, row.team
            changed.append(user)
    if changed:
        User.objects.bulk_update(changed, ["display_name", "team"], batch_size=1000)
        _record("person.changed", account, changed, by=by, on=on)
    return len(changed)


def _roles(account, rows, users, changes, *, on):
    """Each role of the account, with the users whom the file puts into it, by id."""
    known = {role.name.casefold(): role for role in account.roles.all()}
    wanted = {name: {} for name in known}
    for row in rows:
        for name in row.roles:
            if name.casefold() not in known:
                known[name.casefold()] = _new_role(account, name, on=on)
                wanted[name.casefold()] = {}
                changes["roles created"] += 1
            user = users[row.email]
            wanted[name.casefold()][user.pk] = user
    return [(known[name], members) for name, members in wanted.items()]


def _new_role(account, name, *, on) -> Role:
    told = {"by": None, "on": on, "source": "import"}
    role = roles.create(account, name=name, **told)
    if name.casefold() == ADMINISTRATORS:
        for permission in authority.ALL:
            authority.grant(role, permission, delegates=True, **told)
    return role


def _record(verb, account, users, *, by, on):
    activities.record(
        verb,
        account=account,
        by=by,
        on=on,
        subject=account,
        authority=authority.acting(by, authority.MANAGE_ROLES),
        users=users,
        source="import",
    )


def _accounts(rows):
    return {
        account.slug: account
        for account in Account.objects.filter(slug__in={row.account for row in rows})
    }


def _users_of_addresses(addresses):
    addresses = list(addresses)
    for start in range(0, len(addresses), AT_ONCE):
        yield from User.objects.filter(email__in=addresses[start : start + AT_ONCE])


def _row(line, fields):
    if len(fields) != len(COLUMNS):
        return None, [
            Problem(
                line,
                min(len(fields), len(COLUMNS)),
                f"The line has {len(fields)} fields.",
                f"Write {len(COLUMNS)}, with a comma between: {','.join(COLUMNS)}.",
            )
        ]
    values = dict(zip(COLUMNS, map(str.strip, fields), strict=True))
    values["email"] = values["email"].lower()
    names = [name.strip() for name in values["roles"].split(";") if values["roles"]]
    problems = [
        Problem(line, COLUMNS.index(column) + 1, wrong, right)
        for column, wrong, right in _wrong(values, names)
    ]
    if problems:
        return None, problems
    values["roles"] = tuple(names)
    values["active"] = values["active"] == "true"
    return Row(line, **values), []


def _wrong(values, names):
    for column, value in values.items():
        if "\x00" in value:
            yield column, "There is a zero byte in it.", "Remove it."
        if len(value) > LONGEST.get(column, len(value)):
            yield (
                column,
                f"It has {len(value)} characters.",
                f"Use at most {LONGEST[column]}.",
            )
    if not values["account"]:
        yield "account", "It is empty.", "Write the short name of an account."
    try:
        validate_email(values["email"])
    except ValidationError:
        yield (
            "email",
            f"{values['email']!r} is not an email address.",
            "Write one such as ana@company.example.",
        )
    if not values["display_name"]:
        yield "display_name", "It is empty.", "Write the person's name."
    if "" in names:
        yield (
            "roles",
            "A role has no name.",
            "Write one ; between two names, none at the end.",
        )
    for name in names:
        if len(name) > LONGEST_ROLE:
            yield (
                "roles",
                f"The role {name[:20]}… has {len(name)} characters.",
                f"Use at most {LONGEST_ROLE}.",
            )
    if len({name.casefold() for name in names}) < len(names):
        yield "roles", "A role is named twice.", "Name each role once."
    if values["active"] not in {"true", "false"}:
        yield (
            "active",
            f"{values['active']!r} is neither true nor false.",
            "Write true or false.",
        )


def _repeated(rows):
    first, problems = {}, []
    for row in rows:
        if row.email in first:
            problems.append(
                Problem(
                    row.line,
                    2,
                    f"{row.email} stands on line {first[row.email]} already.",
                    "Give each person one line.",
                )
            )
        first.setdefault(row.email, row.line)
    return problems


def _no_manager(account, rows, managers):
    """The place to mend: the last line that takes a manager away, or the first line."""
    lost = [row for row in rows if row.email in managers] or rows[:1]
    row = lost[-1]
    column = COLUMNS.index("roles" if row.active else "active") + 1
    return Problem(
        row.line,
        column,
        f"Nobody active in {account.slug} would be left who can manage roles.",
        "Keep at least one active person in a role that manages roles, "
        "such as Administrators.",
    )


def _not_utf8(data, position):
    line = data.count(b"\n", 0, position) + 1
    before = data[data.rfind(b"\n", 0, position) + 1 : position]
    return Problem(
        line,
        before.count(b",") + 1,
        f"Byte {len(before) + 1} of the line is not UTF-8.",
        "Save the file as UTF-8.",
    )


def _header():
    return f"Begin the file with the line {','.join(COLUMNS)}."


def _wrong_header(header):
    pairs = list(zip(header, COLUMNS, strict=False))
    column = next(
        (
            number
            for number, (is_, should) in enumerate(pairs, 1)
            if is_.strip() != should
        ),
        min(len(header), len(COLUMNS) - 1) + 1,
    )
    named = ",".join(header) or "nothing"
    return Problem(1, column, f"The first line names {named}.", _header())
