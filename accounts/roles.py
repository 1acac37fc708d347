"""Roles: named sets of an account's users. Joining and leaving is news (T6)."""

from collections.abc import Iterable
from datetime import date

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts import authority, signals
from accounts.models import Account, Role, User
from journal import activities

Membership = User.groups.through


@transaction.atomic
def create(
    account: Account,
    *,
    name: str,
    external_id: str = "",
    by: User | None,
    on: date,
    source: str = "page",
) -> Role:
    """A new role without members. It may launch apps, which buys nothing.

    Refuses an empty or overlong name, and one the account already has, in whatever
    case (role_exists), or a directory's id it already has (id_taken).
    """
    account = Account.objects.locked(account.pk)
    name = _free_name(account, name)
    _check_id(account, external_id)
    group = Group.objects.create(name=f"{account.pk}/{name}")
    role = Role.objects.create(
        account=account,
        group=group,
        name=name,
        external_id=external_id,
        created_on=on,
    )
    _record("created", role, by=by, on=on, source=source)
    authority.grant(role, authority.LAUNCH, by=by, on=on, source=source)
    return role


@transaction.atomic
def rename(
    role: Role, *, name: str, by: User | None, on: date, source: str = "page"
) -> Role:
    """Give a role another name; who is in it and what it may do stays."""
    account = Account.objects.locked(role.account_id)
    role = _live(account, role)
    before, role.name = role.name, _free_name(account, name, besides=role)
    if role.name != before:
        role.group.name = f"{account.pk}/{role.name}"
        role.group.save(update_fields=["name"])
        role.save(update_fields=["name"])
        _record("renamed", role, by=by, on=on, before=before, source=source)
    return role


@transaction.atomic
def identify(role: Role, *, external_id: str) -> Role:
    """Keep what the company's directory calls a role. Refuses an id that another role
    of the account has (id_taken).
    """
    account = Account.objects.locked(role.account_id)
    role = _live(account, role)
    if role.external_id != external_id:
        _check_id(account, external_id, besides=role)
        role.external_id = external_id
        role.save(update_fields=["external_id"])
    return role


@transaction.atomic
def delete(
    role: Role, *, by: User | None, on: date, source: str = "page"
) -> list[User]:
    """End a role. Its members, the answer, leave it: seats they have stay and no bill
    changes.

    Refused when nobody active would be left to manage roles (last_manager).
    """
    with authority.manager_kept(role.account_id) as account:
        role = _live(account, role)
        members = list(role.members.order_by("id"))
        _record("deleted", role, by=by, on=on, users=members, source=source)
        signals.left_role.send(
            Role,
            account=account,
            role=role,
            role_name=role.name,
            users=members,
            deleted=True,
            by=by,
            on=on,
            source=source,
        )
        group = role.group
        Membership.objects.filter(group=group).delete()
        role.delete()
        group.delete()
    return members


@transaction.atomic
def join(
    role: Role,
    users: Iterable[User],
    *,
    by: User | None,
    on: date,
    source: str = "page",
) -> list[User]:
    """Put users into a role; answers those who were not in it (T6).

    The news goes out for the active ones among them. Refuses users of another account,
    all of them (stranger), and a role that was deleted meanwhile (role_gone).
    """
    account = Account.objects.locked(role.account_id)
    role = _live(account, role)
    users = _of(account, users)
    put_in = _put_in(role, users)
    new = [user for user in users if user.pk in put_in]
    if not new:
        return []
    _record("joined", role, by=by, on=on, users=new, source=source)
    active = [user for user in new if user.is_active]
    if active:
        signals.joined_role.send(
            Role, role=role, users=active, by=by, on=on, source=source
        )
    return new


@transaction.atomic
def leave(
    role: Role,
    users: Iterable[User],
    *,
    by: User | None,
    on: date,
    source: str = "page",
) -> list[User]:
    """Take users out of a role; answers those who were in it. Seats they have stay.

    Refuses users of another account (stranger), and what would leave nobody active to
    manage roles (last_manager).
    """
    with authority.manager_kept(role.account_id) as account:
        users = _of(account, users)
        taken_out = _take_out(role, users)
        gone = [user for user in users if user.pk in taken_out]
        if not gone:
            return []
        _record("left", role, by=by, on=on, users=gone, source=source)
        signals.left_role.send(
            Role,
            account=account,
            role=role,
            role_name=role.name,
            users=gone,
            deleted=False,
            by=by,
            on=on,
            source=source,
        )
    return gone


@transaction.atomic
def assign(user: User, roles: Iterable[Role], *, by: User | None, on: date) -> None:
    """Put one person into exactly these roles: they join what they lack (T6), and leave
    the rest. Refuses as `join` and `leave` do, all of it.
    """
    Account.objects.locked(user.account_id)
    before = {role.pk: role for role in Role.objects.filter(group__user=user)}
    wanted = {role.pk: role for role in roles}
    for pk in wanted.keys() - before.keys():
        join(wanted[pk], [user], by=by, on=on)
    for pk in before.keys() - wanted.keys():
        leave(before[pk], [user], by=by, on=on)


def _live(account, role):
    """The role as it is, now that the account is locked."""
    found = account.roles.select_related("account", "group").filter(pk=role.pk).first()
    if found is None:
        raise ValidationError(_("The role does not exist any more."), code="role_gone")
    return found


def _of(account, users):
    """The users, each once, all of this account."""
    users = list({user.pk: user for user in users}.values())
    if any(user.account_id != account.pk for user in users):
        raise ValidationError(
            _("Only people of this account can be in its roles."), code="stranger"
        )
    return users


def _put_in(role, users):
    """Make the users members, in one statement; the ids of those who were not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_user_groups (user_id, group_id) "
            "SELECT unnest(%s::bigint[]), %s ON CONFLICT DO NOTHING RETURNING user_id",
            [[user.pk for user in users], role.group_id],
        )
        return {pk for (pk,) in cursor}


def _take_out(role, users):
    """End the users' membership, in one statement; the ids of those who had it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_user_groups "
            "WHERE user_id = ANY(%s::bigint[]) AND group_id = %s RETURNING user_id",
            [[user.pk for user in users], role.group_id],
        )
        return {pk for (pk,) in cursor}


def _free_name(account, name, *, besides=None):
    name = " ".join(name.split())
    if not name:
        raise ValidationError(_("Give the role a name."), code="required")
    if len(name) > 100:
        raise ValidationError(
            _("Use a name of at most 100 characters."), code="max_length"
        )
    namesakes = account.roles.filter(name__iexact=name)
    if besides is not None:
        namesakes = namesakes.exclude(pk=besides.pk)
    if namesakes.exists():
        raise ValidationError(
            _("The account already has a role of that name."), code="role_exists"
        )
    return name


def _check_id(account, external_id, *, besides=None):
    same = account.roles.filter(external_id=external_id)
    if besides is not None:
        same = same.exclude(pk=besides.pk)
    if external_id and same.exists():
        raise ValidationError(
            _("The account already has a role with this external id."), code="id_taken"
        )


def _record(verb, role, *, by, on, **data):
    activities.record(
        f"role.{verb}",
        account=role.account,
        by=by,
        on=on,
        subject=role,
        authority=authority.acting(by, authority.MANAGE_ROLES),
        role=role.name,
        **data,
    )
