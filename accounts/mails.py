"""Letters that accounts sends: they are written here and left in the outbox."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import int_to_base36

from accounts import clock
from accounts.models import User
from journal import notices, outbox

LETTERS_AN_HOUR = 5
"""Links to a new password that somebody is sent: who asks more often has one already."""


class LinkTokens(PasswordResetTokenGenerator):
    """A link opens once: a password, a sign-in or a newer invitation ends it."""

    def _make_hash_value(self, user, timestamp):
        value = super()._make_hash_value(user, timestamp)
        return f"{value}{user.invited_at and user.invited_at.isoformat()}"


def invitation(user: User, *, by: User) -> None:
    """Greet a new person, with the link to set a password."""
    _password_link("invitation", user, by=by)


def password_reset(user: User) -> None:
    """Answer somebody who does not know their password, five times an hour at most."""
    since = clock.now() - timedelta(hours=1)
    sent = outbox.promised_since(f"password_reset:{user.pk}:", at=since)
    if sent < LETTERS_AN_HOUR:
        _password_link("password_reset", user)


def security(user: User, verb: str, *, at: datetime) -> None:
    """Tell somebody that a way into their account was added, removed or changed."""
    context = {
        "person": user,
        "verb": verb,
        "link": settings.PUBLIC_ADDRESS + reverse("mfa_index"),
        **_vendor(),
    }
    _letter(
        "security", user, context, key=f"security:{user.pk}:{verb}:{at.isoformat()}"
    )


def notice(user: User, *, notice_id: int, said: dict, account, at: datetime) -> None:
    """Mail one notice at once, in the language that is active."""
    context = {
        "person": user,
        "said": said,
        "link": _link("accounts:notice", notice_id),
        "choices": _link("accounts:notice-choices"),
        **_vendor(),
    }
    outbox.email(
        key=f"notice:{notice_id}",
        to=user.email,
        subject=said["title"],
        body=render_to_string("accounts/mails/notice.txt", context),
        html=render_to_string("accounts/mails/notice.html", context),
        headers=_leave(context["choices"]),
        account=account,
        at=at,
    )


def digests(waiting: dict[int, list], *, at: datetime) -> None:
    """Mail each person all that waited for their digest; who left is not written to."""
    people = User.objects.active().filter(pk__in=waiting).select_related("account")
    for user in people:
        with notices.reading(user.language, account=user.account):
            _digest(user, waiting[user.pk], at=at)


def _digest(user: User, waiting: list, *, at: datetime) -> None:
    context = {
        "person": user,
        "waiting": waiting,
        "link": _link("accounts:notices"),
        "choices": _link("accounts:notice-choices"),
        **_vendor(),
    }
    outbox.email(
        key=f"digest:{user.pk}:{waiting[0].pk}",
        to=user.email,
        subject=render_to_string("accounts/mails/digest_subject.txt", context),
        body=render_to_string("accounts/mails/digest.txt", context),
        html=render_to_string("accounts/mails/digest.html", context),
        headers=_leave(context["choices"]),
        account=user.account,
        at=at,
    )


def _link(name, *args):
    return settings.PUBLIC_ADDRESS + reverse(name, args=args)


def _leave(choices):
    """Where mail programs lead who wants fewer of these."""
    return {"List-Unsubscribe": f"<{choices}>"}


def _password_link(letter, user, **context):
    token = LinkTokens().make_token(user)
    path = reverse("password_reset_confirm", args=[int_to_base36(user.pk), token])
    context |= {
        "person": user,
        "link": settings.PUBLIC_ADDRESS + path,
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
        **_vendor(),
    }
    _letter(letter, user, context, key=f"{letter}:{user.pk}:{token}")


def _vendor():
    return {
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }


def _letter(letter, user, context, *, key):
    outbox.email(
        key=key,
        to=user.email,
        subject=render_to_string(f"accounts/mails/{letter}_subject.txt", context),
        body=render_to_string(f"accounts/mails/{letter}.txt", context),
        html=render_to_string(f"accounts/mails/{letter}.html", context),
        account=user.account,
        at=clock.now(),
    )
