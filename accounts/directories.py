"""What the company's directory says of people and roles: joining and leaving as if
somebody had clicked, so that Auto Install follows (T6) and deactivation frees seats (3.22).

Nobody in particular does it: by is None, the source "directory". People who come this
way have no password until somebody invites them or they ask for one. A person it
deletes is deactivated: what was billed stays, and so does who it was for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import people, roles
from accounts.models import Account, Role, User
from journal.models import Activity

SOURCE = "directory"
LONGEST_ID = 200


@dataclass(frozen=True)
class Person:
    """Somebody as the directory describes them."""

    email: str
    display_name: str
    team: str = ""
    external_id: str = ""
    active: bool = True


@transaction.atomic
def add(account: Account, person: Person, *, on: date) -> User:
    """Somebody new. Refuses what `people.create` does, and an overlong id (max_length)."""
    user = people.create(
        account,
        email=person.email,
        display_name=person.display_name or person.email,
        team=person.team,
        external_id=_short(person.external_id),
        **_told(on),
    )
    if not person.active:
        people.deactivate([user], **_told(on))
    return user


@transaction.atomic
def change(user: User, person: Person, *, on: date) -> User:
    """Somebody known: their address, name, team and id, and whether they may sign in.

    Refuses what `people.change` and `people.deactivate` do (last_manager).
    """
    changed = people.change(
        user,
        display_name=person.display_name or person.email,
        team=person.team,
        email=person.email,
        external_id=_short(person.external_id),
        **_told(on),
    )
    if person.active != changed.is_active:
        move = people.reactivate if person.active else people.deactivate
        move([changed], **_told(on))
    return changed


def remove(user: User, *, on: date) -> None:
    """Somebody the directory has no more: deactivated. Refuses last_manager."""
    people.deactivate([user], **_told(on))


@transaction.atomic
def add_role(
    account: Account, *, name: str, external_id: str, members: Iterable[int], on: date
) -> Role:
    """A new role with its members. Refuses what `roles.create` does, and ids of nobody
    in the account (unknown_member).
    """
    role = roles.create(
        account, name=name, external_id=_short(external_id), **_told(on)
    )
    roles.join(role, _people(account, members), **_told(on))
    return role


@transaction.atomic
def change_role(
    role: Role,
    *,
    name: str | None = None,
    external_id: str | None = None,
    joining: Iterable[int] = (),
    leaving: Iterable[int] = (),
    exactly: Iterable[int] | None = None,
    on: date,
) -> Role:
    """Another name or id, and who joins and leaves; `exactly` says who is in it at last.

    Whoever leaves and is not there has left already. Refuses what the rules of roles do
    (role_exists, id_taken, last_manager), and joining ids of nobody (unknown_member).
    """
    account = Account.objects.locked(role.account_id)
    if name is not None:
        role = roles.rename(role, name=name, **_told(on))
    if external_id is not None:
        role = roles.identify(role, external_id=_short(external_id))
    joining, leaving = set(joining), set(leaving)
    if exactly is not None:
        before = set(role.members.values_list("pk", flat=True))
        joining, leaving = set(exactly) - before, before - set(exactly)
    # Joining first: whoever moves between lists never leaves the last manager behind.
    if joining:
        roles.join(role, _people(account, joining), **_told(on))
    if leaving:
        gone = account.users.filter(pk__in=leaving).order_by("pk")
        roles.leave(role, gone, **_told(on))
    return role


def remove_role(role: Role, *, on: date) -> None:
    """A role that the directory has no more. Seats stay. Refuses last_manager."""
    roles.delete(role, **_told(on))


def latest(account: Account, *, most: int = 5) -> list[Activity]:
    """What the directory did last, newest first."""
    done = Activity.objects.of(account).filter(actor_id=None, data__source=SOURCE)
    return list(done.order_by("-id")[:most])


def _told(on: date) -> dict:
    return {"by": None, "on": on, "source": SOURCE}


def _people(account: Account, members: Iterable[int]) -> list[User]:
    wanted = set(members)
    found = list(account.users.filter(pk__in=wanted).order_by("pk"))
    if missing := wanted - {user.pk for user in found}:
        raise ValidationError(
            _("No user of the account has the id %(id)s.") % {"id": min(missing)},
            code="unknown_member",
        )
    return found


def _short(external_id: str) -> str:
    if len(external_id) > LONGEST_ID:
        raise ValidationError(
            _("Use an external id of at most %(most)d characters.")
            % {"most": LONGEST_ID},
            code="max_length",
        )
    return external_id
