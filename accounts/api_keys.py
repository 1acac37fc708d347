"""Keys to the API: shown once, kept as a hash, revoked at once.

A key acts for a person, within their authority and its scopes. Two of one name may live
at a time, so that a program can change over without a pause. A directory key acts for
its account alone and outlives whoever made it.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import authority
from accounts.models import ApiKey, User
from journal import activities

Audience = ApiKey.Audience
READ, WRITE = "read", "write"

SCOPES = {
    Audience.ACCOUNT: {
        "catalogue:read": gettext_lazy("Read the marketplace"),
        "apps:read": gettext_lazy("Read installed apps, seats and roles"),
        "apps:write": gettext_lazy("Install, add users, change plans: it purchases"),
        "billing:read": gettext_lazy("Read lines, charges and renewal changes"),
        "billing:write": gettext_lazy("Ask for renewal changes"),
        "tickets:read": gettext_lazy("Read requests to Support"),
        "tickets:write": gettext_lazy("Open and answer requests"),
    },
    Audience.PARTNER: {
        "listings:read": gettext_lazy("Read listings, plans and list prices"),
        "listings:write": gettext_lazy("Change listings, plans and list prices"),
        "installations:read": gettext_lazy("Read installations and their users"),
        "installations:write": gettext_lazy("Confirm, refuse, report users"),
        "add_ons:read": gettext_lazy("Read contracted add-ons"),
        "add_ons:write": gettext_lazy("Activate and deactivate add-ons"),
        "webhooks:read": gettext_lazy("Read webhook deliveries"),
        "webhooks:write": gettext_lazy("Change the webhook endpoint, replay"),
    },
    Audience.SUPPORT: {
        "tickets:read": gettext_lazy("Read tickets"),
        "tickets:write": gettext_lazy("Answer and move tickets"),
        "adjustments:read": gettext_lazy("Read proposed adjustments"),
        "adjustments:write": gettext_lazy("Propose and decide adjustments"),
    },
    Audience.INVOICING: {
        "batches:read": gettext_lazy("Fetch closed batches of charges"),
        "batches:write": gettext_lazy("Acknowledge batches"),
    },
    Audience.DIRECTORY: {
        "directory:write": gettext_lazy("Keep people and roles (SCIM 2.0)"),
    },
}
"""What a key of each audience may be allowed, and in which words."""

LIVE_AT_ONCE = 2
SEEN_EVERY = timedelta(minutes=1)
FOR_AN_ACCOUNT = {Audience.ACCOUNT, Audience.DIRECTORY}


def audiences(user: User) -> list[str]:
    """The kinds of key a person may make."""
    if not user.is_active:
        return []
    if user.kind == User.Kind.PARTNER:
        return [Audience.PARTNER]
    if user.kind == User.Kind.SUPPORT:
        return [Audience.SUPPORT]
    if user.kind == User.Kind.SALES:
        return [Audience.SUPPORT, Audience.INVOICING]
    found = []
    if any(authority.held(user, name) for name in authority.PURCHASING):
        found.append(Audience.ACCOUNT)
    if authority.held(user, authority.MANAGE_ROLES):
        found.append(Audience.DIRECTORY)
    return found


@transaction.atomic
def create(
    *, audience: str, name: str, scopes: Iterable[str], by: User, at: datetime, on: date,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """Make a key; returns it with the secret, which is kept nowhere.

    Refuses an audience that is not the person's (PermissionDenied), a name or scopes
    that are missing or unknown (codes no_name, scope), a moment in the past (expired),
    and a third live key of one name (two_live).
    """
    if audience not in audiences(by):
        raise PermissionDenied
    name = " ".join(name.split())[:100]
    if not name:
        raise ValidationError(_("Name the program that uses the key."), code="no_name")
    scopes = sorted(set(scopes))
    if not scopes or not set(scopes) <= set(SCOPES[audience]):
        raise ValidationError(_("Choose what the key may do."), code="scope")
    if expires_at and expires_at <= at:
        raise ValidationError(_("Choose a day to come."), code="expired")
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    live = of_the_name(by, audience=audience, name=name).live(at=at)
    if live.count() >= LIVE_AT_ONCE:
        raise ValidationError(
            _("Two keys of this name are live. Revoke one of them first."),
            code="two_live",
        )
    prefix, secret = f"ak_{secrets.token_hex(6)}", secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        audience=audience,
        user=by,
        account=by.account if audience in FOR_AN_ACCOUNT else None,
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=scopes,
        expires_at=expires_at,
    )
    _record("key.created", key, by=by, on=on, scopes=scopes)
    return key, f"{prefix}.{secret}"


def rotate(key: ApiKey, *, by: User, at: datetime, on: date) -> tuple[ApiKey, str]:
    """A second key of the same name and scopes, which lasts as long as the first was
    made for; the first lives until it is revoked.

    Refuses what `create` does, and somebody else's key (PermissionDenied).
    """
    if key.user_id != by.pk:
        raise PermissionDenied
    lasts = key.expires_at and key.expires_at - key.created_at
    return create(
        audience=key.audience, name=key.name, scopes=key.scopes, by=by, at=at, on=on,
        expires_at=lasts and at + lasts,
    )  # fmt: skip


@transaction.atomic
def revoke(key: ApiKey, *, by: User, at: datetime, on: date) -> ApiKey:
    """End a key, from the next call on. Ended ones stay as they are.

    One's own, or a colleague's where one holds Manage roles; others are refused
    (PermissionDenied).
    """
    if key not in revocable(by):
        raise PermissionDenied
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        _record("key.revoked", key, by=by, on=on)
    key.refresh_from_db()
    return key


def revocable(user: User) -> QuerySet[ApiKey]:
    """The keys a person may see and revoke: their own, and as who manages roles, those
    of the whole account.
    """
    mine = Q(user=user)
    if authority.held(user, authority.MANAGE_ROLES):
        mine |= Q(account=user.account_id)
    return ApiKey.objects.filter(mine).select_related("user", "account")


def of_the_name(user: User, *, audience: str, name: str) -> QuerySet[ApiKey]:
    """A person's keys of one name; an account's directory keys belong together."""
    keys = ApiKey.objects.filter(audience=audience, name=name)
    if audience == Audience.DIRECTORY:
        return keys.filter(account=user.account_id)
    return keys.filter(user=user)


def find(token: str, *, at: datetime) -> ApiKey | None:
    """The live key of a token. A key whose person may not sign in any more, or has other
    work by now, opens nothing; a directory key does not depend on anybody. The authority
    of an account's people is asked at each door.
    """
    prefix, _dot, secret = token.partition(".")
    key = (
        ApiKey.objects.live(at=at)
        .select_related("user__account", "account")
        .filter(prefix=prefix[:20])
        .first()
    )
    if key is None or not constant_time_compare(key.digest, _digest(secret)):
        return None
    if not _still_theirs(key):
        return None
    if key.last_used_at is None or at - key.last_used_at > SEEN_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


def _still_theirs(key: ApiKey) -> bool:
    if key.audience == Audience.DIRECTORY:
        return True
    if key.audience == Audience.ACCOUNT:
        return key.user.is_active and key.user.account_id == key.account_id
    return key.audience in audiences(key.user)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(verb: str, key: ApiKey, *, by: User, on: date, **data) -> None:
    activities.record(
        verb, account=key.account, by=by, on=on, subject=key, name=key.name, **data
    )
