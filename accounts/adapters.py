"""Where django-allauth asks what is the product's own: ADR 28 and 29."""

import functools
import logging

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from requests.adapters import HTTPAdapter

from accounts import clock, identity_providers, sealing, second_factors
from accounts.models import IdentityProvider, User
from journal import addresses

logger = logging.getLogger(__name__)

OPENID_CONNECT = "openid_connect"


class SignInBackend(AuthenticationBackend):
    """Whoever is signed in comes with their account: every page asks for both."""

    def get_user(self, user_id):
        user = User.objects.select_related("account").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


class SignInAdapter(DefaultAccountAdapter):
    """Sign-in by email of people who were invited; letters go through the outbox."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy(
            "The email address or the password is not right."
        ),
        "too_many_login_attempts": gettext_lazy(
            "Too many attempts failed. Wait five minutes, or sign in by passkey."
        ),
        "incorrect_code": gettext_lazy(
            "This code is not right, or it was used already."
        ),
        "incorrect_password": gettext_lazy("This password is not right."),
    }

    def is_open_for_signup(self, request):
        return False

    def send_mail(self, template_prefix, email, context):
        """Nothing is sent in a request: accounts.mails leaves letters in the outbox."""
        raise NotImplementedError(template_prefix)

    def send_notification_mail(self, *args, **kwargs):
        """Said by accounts.mails, where the change is recorded."""

    def add_message(self, request, level, message_template=None, *args, **kwargs):
        """Only what goes wrong is said in allauth's words; our pages say the rest."""
        if message_template is None:
            super().add_message(request, level, None, *args, **kwargs)

    def pre_login(self, request, user, *, signal_kwargs=None, **kwargs):
        """Whose company requires its own sign-in has no other way in."""
        answer = super().pre_login(request, user, signal_kwargs=signal_kwargs, **kwargs)
        if answer is not None or "sociallogin" in (signal_kwargs or {}):
            return answer
        provider = identity_providers.keeping_out(user)
        if provider is None:
            return None
        messages.info(request, _("Your company requires its own sign-in."))
        request.session["company_sign_in"] = provider.public_id
        return redirect("company-sign-in")

    def reauthenticate(self, user, password):
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def _get_login_attempts_cache_key(self, request, **credentials):
        """Failures of a caller with an address: those of strangers keep nobody out."""
        return f"{self.get_client_ip(request)}:{credentials.get('email', '').lower()}"


class SecondFactorAdapter(DefaultMFAAdapter):
    """Sealed secrets, and nobody loses a second factor that they must have."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "This code is not right, or it was used already."
        ),
        "cannot_delete_authenticator": gettext_lazy(
            "You have to have a second factor. Add another one first."
        ),
    }

    def encrypt(self, text):
        return sealing.seal(text)

    def decrypt(self, encrypted_text):
        return sealing.unseal(encrypted_text)

    def can_delete_authenticator(self, authenticator):
        return not second_factors.is_last(authenticator)

    def generate_authenticator_name(self, user, type):
        return _("Passkey")

    def _get_site_name(self):
        return settings.VENDOR_NAME


class CompanySignInAdapter(DefaultSocialAccountAdapter):
    """A company's provider brings in people of its account, and nobody else."""

    def is_open_for_signup(self, request, sociallogin):
        return False

    def list_apps(self, request, provider=None, client_id=None):
        """The one provider that an address names; nothing is kept in allauth's table."""
        found = IdentityProvider.objects.filter(public_id=provider).first()
        return [_app(found)] if found and provider else []

    def authenticate_by_email(self, sociallogin):
        """Whom an address means is the rule of accounts.identity_providers."""

    def pre_social_login(self, request, sociallogin):
        provider = IdentityProvider.objects.select_related("account").get(
            public_id=sociallogin.account.provider
        )
        claims = _claims(sociallogin.account.extra_data)
        try:
            if sociallogin.state.get("process", "login") != "login":
                raise ValidationError(_("Begin at the sign-in page."), code="process")
            with transaction.atomic():
                user = identity_providers.admitted(
                    provider,
                    subject=sociallogin.account.uid,
                    email=str(claims.get("email") or ""),
                    verified=claims.get("email_verified") in {True, "true"},
                )
                if sociallogin.account.pk is None:
                    sociallogin.connect(request, user)
                    on = clock.today(user.account.timezone)
                    identity_providers.linked(user, provider, on=on)
        except ValidationError as refusal:
            raise ImmediateHttpResponse(_refused(request, refusal)) from None

    def on_authentication_error(self, request, provider, exception=None, **kwargs):
        logger.warning("A company's sign-in failed: %s", exception or kwargs["error"])
        refusal = _(
            "Your company's sign-in did not answer as it should. Try once more; if it "
            "goes on, tell whoever looks after it."
        )
        raise ImmediateHttpResponse(_refused(request, ValidationError(refusal)))

    def get_requests_session(self):
        """To addresses out in the world alone, without proxies (ADR 18, ADR 29)."""
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 3
        for scheme in ("https://", "http://"):
            session.mount(scheme, Outward())
        session.request = functools.partial(
            session.request, timeout=settings.SOCIALACCOUNT_REQUESTS_TIMEOUT
        )
        return session


class Outward(HTTPAdapter):
    """Connects to the numeric address that was checked; TLS and Host go by the name."""

    def send(self, request, **kwargs):
        loopback = settings.SIGN_IN_LOOPBACK_ALLOWED
        try:
            place = addresses.read(request.url, loopback=loopback)
            self.place, self.number = place, addresses.found(place, loopback=loopback)
        except (ValidationError, addresses.Unsafe) as unsafe:
            raise requests.exceptions.InvalidURL(str(unsafe)) from None
        usual = {"https": 443, "http": 80}[place.scheme] == place.port
        request.headers["Host"] = place.host if usual else f"{place.host}:{place.port}"
        return super().send(request, **kwargs)

    def build_connection_pool_key_attributes(self, request, verify, cert=None):
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        host["host"] = self.number
        if self.place.scheme == "https":
            pool |= {
                "server_hostname": self.place.host,
                "assert_hostname": self.place.host,
            }
        return host, pool


def _app(provider):
    return SocialApp(
        provider=OPENID_CONNECT,
        provider_id=provider.public_id,
        name=provider.issuer[:40],
        client_id=provider.client_id,
        secret=sealing.unseal(provider.sealed_secret),
        settings={"server_url": provider.issuer},
    )


def _claims(data):
    """What the provider says: of the person first, else of the sign-in."""
    return data.get("userinfo") or data.get("id_token") or {}


def _refused(request, refusal):
    context = {"why": refusal.messages[0]}
    return render(request, "accounts/company_refused.html", context, status=403)
