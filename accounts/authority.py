"""Who may do what: permissions that roles hold in their account (T7).

Beside models.py this is the only module that knows guardian. INSTALL and MANAGE are
purchasing authority. Authority is asked once, at the door, by the decorators here.
"""

from collections.abc import Iterable
from contextlib import contextmanager
from datetime import date
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from guardian.shortcuts import assign_perm, remove_perm

from accounts import signals
from accounts.models import Account, AccountGroupPermission, Role, User
from journal import activities

INSTALL = "accounts.install_apps"
MANAGE = "accounts.manage_apps"
MANAGE_ROLES = "accounts.manage_roles"
LAUNCH = "accounts.launch_apps"
ALL = [INSTALL, MANAGE, MANAGE_ROLES, LAUNCH]
PURCHASING = {INSTALL, MANAGE}


@transaction.atomic
def grant(
    role: Role,
    permission: str,
    *,
    by: User | None,
    on: date,
    delegates: bool = False,
    source: str = "page",
) -> None:
    """Let a role's members do something in their account; recorded (T7).

    INSTALL and MANAGE delegate purchasing authority: without `delegates=True`, which
    says that somebody accepted this, they are refused (not_accepted).
    """
    if permission in PURCHASING and not delegates:
        raise ValidationError(
            _("Accept that this permission delegates purchasing authority."),
            code="not_accepted",
        )
    account = Account.objects.locked(role.account_id)
    if permission in granted(role):
        return
    assign_perm(permission, role.group, account)
    verb = "delegated" if permission in PURCHASING else "granted"
    activity = _record(
        verb, role, permission, account=account, by=by, on=on, source=source
    )
    signals.permission_changed.send(
        Role, role=role, permission=permission, granted=True, activity=activity, by=by,
        on=on, source=source,
    )  # fmt: skip


@transaction.atomic
def revoke(role: Role, permission: str, *, by: User | None, on: date) -> None:
    """Take a permission back, from the next request on; recorded.

    Refused when nobody active would be left to manage roles (last_manager).
    """
    with manager_kept(role.account_id) as account:
        if permission not in granted(role):
            return
        remove_perm(permission, role.group, account)
        activity = _record("revoked", role, permission, account=account, by=by, on=on)
        signals.permission_changed.send(
            Role, role=role, permission=permission, granted=False, activity=activity,
            by=by, on=on, source="page",
        )  # fmt: skip


@transaction.atomic
def arrange(
    role: Role,
    permissions: Iterable[str],
    *,
    by: User | None,
    on: date,
    delegates: bool = False,
) -> None:
    """Let a role do exactly these things: grants what it lacks, revokes the rest.

    Refuses as `grant` and `revoke` do, all of it.
    """
    Account.objects.locked(role.account_id)
    before, wanted = granted(role), set(permissions)
    for permission in ALL:
        if permission in wanted - before:
            grant(role, permission, by=by, on=on, delegates=delegates)
        elif permission in before - wanted:
            revoke(role, permission, by=by, on=on)


def granted(role: Role) -> set[str]:
    """The permissions a role holds in its account."""
    codenames = AccountGroupPermission.objects.filter(
        group=role.group_id, content_object=role.account_id
    ).values_list("permission__codename", flat=True)
    return {f"accounts.{codename}" for codename in codenames}


def granted_by_role(account: Account) -> dict[int, set[str]]:
    """What each role of the account holds, by the role's id, in one query."""
    by_role = {}
    for role_id, codename in AccountGroupPermission.objects.filter(
        content_object=account
    ).values_list("group__role", "permission__codename"):
        by_role.setdefault(role_id, set()).add(f"accounts.{codename}")
    return by_role


def held(user: User, permission: str) -> bool:
    """Whether an active user of an account holds a permission through some role.

    Asks the database once for each User object, so once a request.
    """
    return role_for(user, permission) is not None


def role_for(user: User, permission: str) -> Role | None:
    """The role that gives a user a permission; of several, the first by name."""
    return _roles_by_permission(user).get(permission)


def acting(user: User | None, permission: str) -> str:
    """The permission and the role somebody acts under, as the journal keeps it."""
    role = user and role_for(user, permission)
    return f"{permission.removeprefix('accounts.')}: {role.name}" if role else ""


def holders(account: Account, permission: str):
    """The account's active users who hold a permission."""
    return (
        User.objects.active()
        .filter(account=account, groups__in=_groups_with(account.pk, permission))
        .distinct()
    )


def holding(account: Account, permission: str, *, user: str = "pk") -> Exists:
    """A condition for questions about many people of an account, or about what is
    theirs: an active `user` (the column's name) who holds a permission.
    """
    people = User.objects.active().filter(pk=OuterRef(user))
    return Exists(people.filter(groups__in=_groups_with(account.pk, permission)))


def holders_by_account(accounts, permission: str) -> dict[int, list[User]]:
    """Who holds a permission in each of many accounts, by the account's id; one query."""
    found = {}
    for user in (
        User.objects.active()
        .filter(account__in=accounts)
        .filter(
            groups__accountgrouppermission__content_object=F("account"),
            groups__accountgrouppermission__permission__codename=(
                permission.removeprefix("accounts.")
            ),
        )
        .distinct()
        .order_by("pk")
    ):
        found.setdefault(user.account_id, []).append(user)
    return found


@contextmanager
def manager_kept(account_id: int):
    """Lock the account, and refuse what would leave it without anybody who is active
    and holds Manage roles (last_manager). Use it inside a transaction.

    An account that never had one may be set up step by step.
    """
    account = Account.objects.locked(account_id)
    before = _has_manager(account_id)
    yield account
    if before and not _has_manager(account_id):
        raise ValidationError(
            _(
                "Nobody active would be left who can manage roles. "
                "Give Manage roles to somebody else first."
            ),
            code="last_manager",
        )


def without_manager(accounts) -> list[Account]:
    """Those of the accounts where nobody active holds Manage roles."""
    return [account for account in accounts if not _has_manager(account.pk)]


def required(*permissions: str):
    """Open the view only to those who work for an account and hold a permission there;
    of several, any. Others are led to sign in, or refused (403).
    """

    def guard(view):
        return _door(
            view,
            name=" or ".join(permissions),
            opens=lambda user: any(held(user, name) for name in permissions),
        )

    return guard


def signed_in(view):
    """Open the view to everybody who signed in, whoever they work for."""
    return _door(view, name="SIGNED_IN", opens=lambda user: True)


def customer_required(view):
    """Open the view to everybody who works for an account."""
    return _door(view, name="CUSTOMER", opens=lambda user: user.account_id is not None)


def staff_required(view):
    """Open the view to the vendor's support staff and sales operations."""
    return _door(
        view,
        name="SUPPORT",
        opens=lambda user: user.kind in {User.Kind.SUPPORT, User.Kind.SALES},
    )


def partner_required(view):
    """Open the view to people who work for a partner."""
    return _door(
        view, name="PARTNER", opens=lambda user: user.kind == User.Kind.PARTNER
    )


def partner_or_sales_required(view):
    """Open the view to people who work for a partner, and to sales operations, who
    publish what partners draft.
    """
    return _door(
        view,
        name="PARTNER or SALES",
        opens=lambda user: user.kind in {User.Kind.PARTNER, User.Kind.SALES},
    )


def _door(view, *, name, opens):
    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if not opens(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    guarded.authority = name
    return guarded


def _to_sign_in(request):
    if request.headers.get("HX-Request") != "true":
        return redirect_to_login(request.get_full_path())
    # htmx would put the sign-in page into a corner of this one.
    return HttpResponse(status=204, headers={"HX-Redirect": resolve_url("login")})


def _roles_by_permission(user):
    if not user.is_active or user.account_id is None:
        return {}
    if not hasattr(user, "_roles_by_permission"):
        rows = (
            Role.objects.filter(account=user.account_id, group__user=user)
            .filter(group__accountgrouppermission__content_object=user.account_id)
            .annotate(codename=F("group__accountgrouppermission__permission__codename"))
            .order_by("-name")
        )
        user._roles_by_permission = {f"accounts.{row.codename}": row for row in rows}
    return user._roles_by_permission


def _groups_with(account_id, permission):
    return AccountGroupPermission.objects.filter(
        content_object=account_id,
        permission__codename=permission.removeprefix("accounts."),
        permission__content_type__app_label="accounts",
    ).values("group")


def _has_manager(account_id):
    return (
        User.objects.active()
        .filter(account=account_id, groups__in=_groups_with(account_id, MANAGE_ROLES))
        .exists()
    )


def _record(verb, role, permission, *, account, by, on, **data):
    return activities.record(
        f"authority.{verb}",
        account=account,
        by=by,
        on=on,
        subject=role,
        authority=acting(by, MANAGE_ROLES),
        role=role.name,
        permission=permission.removeprefix("accounts."),
        **data,
    )
