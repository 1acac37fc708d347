"""Second factors: who must have one, who has, and what becomes of a lost one."""

from collections.abc import Iterable
from datetime import date

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import Account, User
from journal import activities

ALWAYS = {User.Kind.SUPPORT, User.Kind.SALES}
"""Who works for the vendor reaches every account, and has a second factor."""

VERBS = {
    (Authenticator.Type.TOTP, True): "factor.app_added",
    (Authenticator.Type.TOTP, False): "factor.app_removed",
    (Authenticator.Type.WEBAUTHN, True): "factor.passkey_added",
    (Authenticator.Type.WEBAUTHN, False): "factor.passkey_removed",
    (Authenticator.Type.RECOVERY_CODES, True): "factor.codes_made",
}


def is_required(user: User) -> bool:
    """Whether somebody may do nothing without a second factor."""
    if user.kind in ALWAYS:
        return True
    return user.account_id is not None and user.account.requires_mfa


def held(user: User) -> dict[int, str]:
    """The second factors of a person: their kind, by key."""
    return dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))


def has_one(user: User) -> bool:
    """An authenticator app or a passkey; recovery codes alone are none."""
    return (
        Authenticator.objects.filter(user=user)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .exists()
    )


def is_last(authenticator: Authenticator) -> bool:
    """Whether somebody would be left without a second factor, and must have one."""
    others = Authenticator.objects.filter(user=authenticator.user).exclude(
        type=Authenticator.Type.RECOVERY_CODES
    )
    return (
        is_required(authenticator.user)
        and authenticator.type != Authenticator.Type.RECOVERY_CODES
        and not others.exclude(pk=authenticator.pk).exists()
    )


def code(key: str, *, at: float) -> str:
    """What an authenticator app with that key shows at a moment, in seconds."""
    return format_hotp_value(hotp_value(key, int(at) // 30))


def give_app(user: User, *, sealed_key: str) -> None:
    """Let an authenticator app with a known key be somebody's: a demo's, a test's."""
    Authenticator.objects.get_or_create(
        user=user,
        type=Authenticator.Type.TOTP,
        defaults={"data": {"secret": sealed_key}},
    )


@transaction.atomic
def note(user: User, *, before: dict[int, str], on: date) -> list[str]:
    """Keep in the journal which second factors somebody added and removed since;
    answers the verbs.
    """
    after = held(user)
    changed = [(kind, True) for pk, kind in after.items() if pk not in before]
    changed += [(kind, False) for pk, kind in before.items() if pk not in after]
    verbs = [VERBS[change] for change in changed if change in VERBS]
    for verb in verbs:
        activities.record(verb, account=user.account, by=user, on=on, subject=user)
    return verbs


@transaction.atomic
def require(account: Account, required: bool, *, by: User, on: date) -> Account:
    """Decide whether the account's people sign in with a second factor."""
    account = Account.objects.locked(account.pk)
    if account.requires_mfa != required:
        account.requires_mfa = required
        account.save(update_fields=["requires_mfa"])
        activities.record(
            "account.mfa_required" if required else "account.mfa_optional",
            account=account,
            by=by,
            on=on,
            subject=account,
            authority=authority.acting(by, authority.MANAGE_ROLES),
        )
    return account


@transaction.atomic
def reset(user: User, *, reason: str, by: User, on: date) -> None:
    """Take away all second factors of somebody who lost them, and end their sessions.

    Refuses oneself (oneself), somebody who has none (none), and no reason (no_reason).
    """
    reason = " ".join(reason.split())
    if user.pk == by.pk:
        raise ValidationError(
            _("Ask somebody else: nobody resets their own second factor."),
            code="oneself",
        )
    if not reason:
        raise ValidationError(
            _("Say how you know that it is them who asks."), code="no_reason"
        )
    gone, _each = Authenticator.objects.filter(user=user).delete()
    if not gone:
        raise ValidationError(_("They have no second factor."), code="none")
    end_sessions(UserSession.objects.filter(user=user))
    activities.record(
        "factor.reset",
        account=user.account,
        by=by,
        on=on,
        subject=user,
        authority=authority.acting(by, authority.MANAGE_ROLES),
        users=[user],
        reason=reason,
    )


def end_sessions(sessions: Iterable[UserSession]) -> None:
    """Sign browsers out at their next request."""
    for session in sessions:
        session.end()


def sign_out(users: Iterable[User]) -> None:
    """Sign people out of every browser, for good: no session of theirs comes back."""
    sessions = UserSession.objects.filter(user__in=users)
    Session.objects.filter(session_key__in=sessions.values("session_key")).delete()
    sessions.delete()
