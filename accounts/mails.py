"""Letters that accounts sends: they are written here and left in the outbox."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import clock
from accounts.models import User
from journal import outbox


def invitation(user: User, *, by: User) -> None:
    """Greet a new person, with the link to set a password."""
    _password_link("invitation", user, by=by)


def password_reset(user: User) -> None:
    """Answer somebody who does not know their password."""
    _password_link("password_reset", user)


def _password_link(letter, user, **context):
    token = default_token_generator.make_token(user)
    path = reverse(
        "password_reset_confirm",
        args=[urlsafe_base64_encode(force_bytes(user.pk)), token],
    )
    context |= {
        "person": user,
        "link": settings.PUBLIC_ADDRESS + path,
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }
    outbox.email(
        key=f"{letter}:{user.pk}:{token}",
        to=user.email,
        subject=render_to_string(f"accounts/mails/{letter}_subject.txt", context),
        body=render_to_string(f"accounts/mails/{letter}.txt", context),
        html=render_to_string(f"accounts/mails/{letter}.html", context),
        account=user.account,
        at=clock.now(),
    )
