"""What django-allauth's sign-in asks, in our words."""

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
)
from allauth.account.forms import SetPasswordForm as FirstPasswordForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import authority, mails, sealing
from accounts.models import User
from journal import addresses

EMAIL, PASSWORD = gettext_lazy("Email"), gettext_lazy("Password")


class SignInForm(LoginForm):
    """Address and password."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _plain(self.fields["login"], EMAIL, autocomplete="username webauthn")
        _plain(self.fields["password"], PASSWORD)


class ResetForm(ResetPasswordForm):
    """Also for people who have no password yet: they were imported or invited.

    Known and unknown addresses are answered the same.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _plain(self.fields["email"], EMAIL)

    def clean_email(self):
        return self.cleaned_data["email"]

    def save(self, request, **kwargs):
        email = self.cleaned_data["email"]
        for user in User.objects.active().filter(email__iexact=email.strip()):
            mails.password_reset(user)
        return email


class SetPasswordForm(ResetPasswordKeyForm):
    """A new password, twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _new_password(self)


class OwnPasswordForm(ChangePasswordForm):
    """Another password, of somebody who knows the present one."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _plain(self.fields["oldpassword"], gettext_lazy("Present password"))
        _new_password(self)


class OwnFirstPasswordForm(FirstPasswordForm):
    """A password, of somebody who signs in without one."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _new_password(self)


class CodeForm(AuthenticateForm):
    """The code of an authenticator app, or a recovery code."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _plain(self.fields["code"], gettext_lazy("Code"), inputmode="numeric")

    def clean_code(self):
        code = super().clean_code()
        _use_again_in_a_demo(self.authenticator, code)
        return code


class ConfirmByCodeForm(ReauthenticateForm):
    """The same, before something that matters."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _plain(self.fields["code"], gettext_lazy("Code"), inputmode="numeric")

    def clean_code(self):
        code = super().clean_code()
        _use_again_in_a_demo(self.authenticator, code)
        return code


class CredentialField(forms.JSONField):
    """What a browser answers for a passkey; what nobody can read is refused."""

    widget = forms.HiddenInput

    def to_python(self, value):
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):
            raise ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": ""}
            ) from None

    def bound_data(self, data, initial):
        return initial


class PasskeyForm(LoginWebAuthnForm):
    """What the browser answers, to sign in."""

    credential = CredentialField()


class AddPasskeyForm(AddWebAuthnForm):
    """A name, and what the browser answers. Every passkey signs in by itself."""

    credential = CredentialField()
    passwordless = forms.BooleanField(
        widget=forms.HiddenInput, initial=True, required=False
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=60)


class RequireSecondFactorForm(forms.Form):
    """Whether the account's people need a second factor."""

    required = forms.BooleanField(
        required=False,
        label=gettext_lazy("Everybody signs in with a second factor"),
        help_text=gettext_lazy(
            "Who has none is led to set one up before any other page."
        ),
    )


class ProviderForm(forms.Form):
    """The company's own identity provider."""

    issuer = forms.CharField(
        max_length=400,
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy(
            "As https://login.example.com, without /.well-known at its end."
        ),
    )
    client_id = forms.CharField(max_length=190, label=gettext_lazy("Client id"))
    secret = forms.CharField(
        max_length=500,
        required=False,
        label=gettext_lazy("Client secret"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy(
            "It is not shown again. Leave it empty to keep the one there is."
        ),
    )
    domains = forms.CharField(
        max_length=2000,
        label=gettext_lazy("Email domains"),
        help_text=gettext_lazy("Of your people's addresses, with spaces between."),
    )

    def clean_issuer(self):
        issuer = self.cleaned_data["issuer"].strip().rstrip("/")
        addresses.read(issuer, loopback=settings.SIGN_IN_LOOPBACK_ALLOWED)
        if "?" in issuer or "/.well-known/" in issuer:
            raise ValidationError(_("Write the issuer alone."), code="address")
        return issuer

    def provider(self):
        """What `identity_providers.arrange` asks for, of a valid form."""
        asked = self.cleaned_data
        secret = asked["secret"].strip()
        return {
            "issuer": asked["issuer"],
            "client_id": asked["client_id"],
            "sealed_secret": sealing.seal(secret) if secret else "",
            "domains": asked["domains"].replace(",", " ").split(),
        }


class RequireProviderForm(forms.Form):
    """Whether the company's sign-in is the only way in, and for whom it is not."""

    required = forms.BooleanField(
        required=False, label=gettext_lazy("The company's sign-in is the only way in")
    )
    break_glass = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        label=gettext_lazy("Except for"),
        help_text=gettext_lazy(
            "One person who manages roles may still use a password, for the day on "
            "which the provider does not answer."
        ),
    )

    def __init__(self, *args, account, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["break_glass"].queryset = authority.holders(
            account, authority.MANAGE_ROLES
        ).order_by("display_name", "id")

    def clean(self):
        asked = super().clean()
        if asked.get("required") and not asked.get("break_glass"):
            self.add_error("break_glass", _("Choose who keeps another way in."))
        return asked


class ResetFactorForm(forms.Form):
    """Why somebody's second factors are taken away."""

    reason = forms.CharField(
        max_length=300,
        label=gettext_lazy("How do you know that it is them who asks?"),
        help_text=gettext_lazy("It is kept in the account's activity."),
    )


def _plain(field, label, **attributes):
    """Our label, no placeholder, no link as help."""
    field.label, field.help_text = label, ""
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs |= attributes


def _new_password(form):
    _plain(form.fields["password1"], gettext_lazy("New password"))
    _plain(form.fields["password2"], gettext_lazy("New password again"))
    form.fields["password1"].help_text = " ".join(password_validators_help_texts())


def _use_again_in_a_demo(authenticator, code):
    """A demo shows its codes to everybody, who may come within the same half minute."""
    if settings.DEMO and hasattr(found := authenticator.wrap(), "_get_used_cache_key"):
        cache.touch(found._get_used_cache_key(code), timeout=0)
