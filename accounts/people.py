"""People of an account: who they are, and whether they may sign in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority, languages, roles, second_factors, signals
from accounts.models import Account, Role, User
from journal import activities


@transaction.atomic
def create(
    account: Account,
    *,
    email: str,
    display_name: str,
    team: str = "",
    in_roles: Iterable[Role] = (),
    external_id: str = "",
    by: User | None,
    on: date,
    source: str = "page",
) -> User:
    """Add a person, who sets a password by a link sent to their address.

    Refuses an address that somebody signs in with already (email_taken), a directory's
    id that somebody of the account has (id_taken), and roles of another account
    (stranger).
    """
    account = Account.objects.locked(account.pk)
    in_roles = list(in_roles)
    if any(role.account_id != account.pk for role in in_roles):
        raise ValidationError(_("Choose roles of this account."), code="stranger")
    user = User(
        account=account,
        email=email.strip().lower(),
        display_name=" ".join(display_name.split()),
        team=" ".join(team.split()),
        external_id=external_id,
    )
    _check_free(user)
    user.set_unusable_password()
    user.full_clean(exclude=["password"])
    user.save()
    _record("created", account, [user], by=by, on=on, source=source)
    for role in in_roles:
        roles.join(role, [user], by=by, on=on, source=source)
    return user


@transaction.atomic
def change(
    user: User,
    *,
    display_name: str,
    team: str,
    email: str | None = None,
    external_id: str | None = None,
    by: User | None,
    on: date,
    source: str = "page",
) -> User:
    """Correct a person's name and team. The address they sign in with, and what the
    company's directory calls them, stay unless they are given.

    Refuses an address that somebody signs in with already (email_taken), a directory's
    id that somebody of the account has (id_taken), and a person who was erased (erased).
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.erased_at:
        raise ValidationError(
            _("This person was erased. Add them anew."), code="erased"
        )
    wanted = {
        "display_name": " ".join(display_name.split()),
        "team": " ".join(team.split()),
        "email": user.email if email is None else email.strip().lower(),
        "external_id": user.external_id if external_id is None else external_id,
    }
    changed = [name for name in wanted if getattr(user, name) != wanted[name]]
    if changed:
        for name in changed:
            setattr(user, name, wanted[name])
        _check_free(user)
        user.full_clean(exclude=["password"], validate_constraints=False)
        user.save(update_fields=changed)
        _record("changed", user.account, [user], by=by, on=on, source=source)
    return user


@transaction.atomic
def speak(user: User, *, language: str) -> None:
    """Write to a person in a language from now on. Refuses one that the product does not
    have (unknown_language).
    """
    if language not in languages.OFFERED:
        raise ValidationError(
            _("Choose one of the languages offered."), code="unknown_language"
        )
    user.language = language
    user.save(update_fields=["language"])


@transaction.atomic
def invited(user: User, *, by: User, on: date, at: datetime) -> None:
    """Keep that a person is sent a link to set a password; former links end."""
    user.invited_at = at
    user.save(update_fields=["invited_at"])
    _record("invited", user.account, [user], by=by, on=on)


class Named(NamedTuple):
    """The people that a pasted list of addresses names."""

    found: list[User]
    inactive: list[User]
    unknown: list[str]


def named(account: Account, pasted: str) -> Named:
    """Who of an account a pasted list means: addresses with commas, semicolons, spaces
    or line breaks between, also as Ana <ana@x.example>. What nobody of the account
    signs in with is named back as it was written, once.
    """
    written = {}
    for words in re.split(r"[,;\n\r]+", pasted):
        bracketed = re.findall(r"<([^<>]*)>", words)
        for address in bracketed or words.split():
            written.setdefault(address.strip().lower(), address.strip())
    written.pop("", None)
    users = {
        user.email: user
        for user in User.objects.filter(account=account, email__in=written)
    }
    theirs = [users[address] for address in written if address in users]
    return Named(
        found=[user for user in theirs if user.is_active],
        inactive=[user for user in theirs if not user.is_active],
        unknown=[text for address, text in written.items() if address not in users],
    )


@dataclass
class Row:
    """One row of a list that a program sent: whom it names, and why not."""

    field: str
    row: int
    given: str | int
    user: User | None = None
    code: str = ""


class Unlisted(ValidationError):
    """Rows that name nobody who can be chosen; nothing of the list is done (rows)."""

    def __init__(self, rows: Iterable[Row]):
        super().__init__(
            _(
                "Nothing was done. Correct the rows named in errors, then send all again."
            ),
            code="rows",
        )
        self.rows = list(rows)


def rows(
    account: Account, *, ids: Iterable[int] = (), emails: Iterable[str] = ()
) -> list[Row]:
    """Whom lists of ids and addresses name, each row with its code where it names
    nobody of the account (unknown), somebody named before (duplicate) or deactivated
    (inactive). One query for each list, however long.
    """
    found = [Row("users", number, pk) for number, pk in enumerate(ids)]
    found += [Row("emails", number, text) for number, text in enumerate(emails)]
    users = User.objects.filter(account=account)
    by_id, by_email = {}, {}
    if wanted := {row.given for row in found if row.field == "users"}:
        by_id = users.in_bulk(wanted)
    if wanted := {_address(row) for row in found if row.field == "emails"}:
        by_email = {user.email: user for user in users.filter(email__in=wanted)}
    seen = set()
    for row in found:
        row.user = (
            by_id.get(row.given)
            if row.field == "users"
            else by_email.get(_address(row))
        )
        if row.user is None:
            row.code = "unknown"
        elif row.user.pk in seen:
            row.code = "duplicate"
        elif not row.user.is_active:
            row.code = "inactive"
        seen.add(row.user and row.user.pk)
    return found


def chosen(found: Iterable[Row], *, also: Iterable[str] = ()) -> list[User]:
    """The users of rows, all or none of them: a row with a code refuses the list (rows),
    unless the code is one of `also`.
    """
    found = list(found)
    wrong = [row for row in found if row.code and row.code not in set(also)]
    if wrong:
        raise Unlisted(wrong)
    return [row.user for row in found if row.user]


def _address(row: Row) -> str:
    return str(row.given).strip().lower()


@transaction.atomic
def deactivate(
    users: Iterable[User], *, by: User | None, on: date, source: str = "page"
) -> list[User]:
    """Users may no longer sign in; answers those who could. They keep their roles.

    What becomes of their seats is told by the signal; no bill changes. Refuses users
    of several accounts (stranger), and what would leave nobody active to manage roles
    (last_manager).
    """
    users = _of_one_account(users)
    if not users:
        return []
    with authority.manager_kept(users[0].account_id) as account:
        gone = list(_among(users).active().order_by("id"))
        if not gone:
            return []
        _among(gone).update(is_active=False, deactivated_on=on)
        for user in [*users, *gone]:
            user.is_active = False
        second_factors.sign_out(gone)
        _record("deactivated", account, gone, by=by, on=on, source=source)
        signals.user_deactivated.send(
            User, account=account, users=gone, by=by, on=on, source=source
        )
    return gone


@transaction.atomic
def reactivate(
    users: Iterable[User], *, by: User | None, on: date, source: str = "page"
) -> list[User]:
    """Users may sign in again; answers those who could not.

    They are back in the roles they had. That is no joining: no seat comes back and
    nothing is bought by itself. Who was erased stays erased.
    """
    users = _of_one_account(users)
    if not users:
        return []
    account = Account.objects.locked(users[0].account_id)
    back = list(_among(users).filter(is_active=False, erased_at=None).order_by("id"))
    if not back:
        return []
    _among(back).update(is_active=True, deactivated_on=None)
    for user in [*users, *back]:
        user.is_active = True
    _record("reactivated", account, back, by=by, on=on, source=source)
    return back


def _check_free(user):
    others = User.objects.exclude(pk=user.pk)
    if others.filter(email__iexact=user.email).exists():
        raise ValidationError(
            _("Somebody already signs in with this address."), code="email_taken"
        )
    same = others.filter(account=user.account, external_id=user.external_id)
    if user.external_id and same.exists():
        raise ValidationError(
            _("Somebody of the account has this external id."), code="id_taken"
        )


def _of_one_account(users):
    users = list(users)
    accounts = {user.account_id for user in users}
    if len(accounts) > 1 or None in accounts:
        raise ValidationError(_("Choose people of one account."), code="stranger")
    return users


def _among(users):
    return User.objects.filter(pk__in=[user.pk for user in users])


def _record(verb, account, users, *, by, on, **data):
    subject = users[0] if len(users) == 1 else account
    activities.record(
        f"person.{verb}",
        account=account,
        by=by,
        on=on,
        subject=subject,
        authority=authority.acting(by, authority.MANAGE_ROLES),
        users=users,
        **data,
    )
