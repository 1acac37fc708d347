"""The doors: signing in and out, passwords, second factors, passkeys, sessions, and what
the account decides on all that. Most pages are django-allauth's, in our look.
"""

from functools import wraps
from urllib.parse import urlsplit

from allauth.account import views as account_views
from allauth.account.decorators import secure_admin_login
from allauth.mfa.base import views as mfa_views
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as code_views
from allauth.mfa.totp import views as app_views
from allauth.mfa.webauthn import views as passkey_views
from allauth.socialaccount.providers.openid_connect import views as company_views
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import (
    authority,
    browsers,
    clock,
    identity_providers,
    mails,
    second_factors,
)
from accounts.models import IdentityProvider, User
from accounts.sign_in_forms import (
    ProviderForm,
    RequireProviderForm,
    RequireSecondFactorForm,
    ResetFactorForm,
)

COMPANY = "company_sign_in"
NEXT = "company_next"


def _noted(view):
    """Keep in the journal, with the change, which second factors it added or removed,
    and write to the person.
    """

    @wraps(view)
    def noting(request, *args, **kwargs):
        if request.method != "POST":
            return view(request, *args, **kwargs)
        user = request.user
        with transaction.atomic():
            before = second_factors.held(user)
            answer = view(request, *args, **kwargs)
            on, at = clock.today(_zone(user)), clock.now()
            for verb in second_factors.note(user, before=before, on=on):
                mails.security(user, verb, at=at)
        return answer

    return authority.signed_in(noting)


def _told(view):
    """Write to somebody whose password is another one now."""

    @wraps(view)
    def telling(request, *args, **kwargs):
        with transaction.atomic():
            before = request.user.password
            answer = view(request, *args, **kwargs)
            if request.user.password != before:
                mails.security(request.user, "password.changed", at=clock.now())
                messages.success(request, _("Your password is changed."))
        return answer

    return authority.signed_in(telling)


sign_out = account_views.logout
confirm = authority.signed_in(account_views.reauthenticate)
confirm_by_code = authority.signed_in(mfa_views.reauthenticate)
confirm_by_passkey = authority.signed_in(passkey_views.reauthenticate_webauthn)
add_app = _noted(app_views.activate_totp)
remove_app = _noted(app_views.deactivate_totp)
add_passkey = _noted(passkey_views.add_webauthn)
rename_passkey = _noted(passkey_views.edit_webauthn)
remove_passkey = _noted(passkey_views.remove_webauthn)
codes = authority.signed_in(never_cache(code_views.view_recovery_codes))
new_codes = _noted(code_views.generate_recovery_codes)
download_codes = authority.signed_in(code_views.download_recovery_codes)
change_password = _told(account_views.password_change)
set_password = _told(account_views.password_set)
admin_sign_in = secure_admin_login(admin.site.login)


def sign_in(request):
    """By email and password; who asks for it is led to their company's own sign-in."""
    if request.method == "POST" and "company" in request.POST:
        provider = identity_providers.of_address(request.POST.get("login", ""))
        if provider is not None:
            request.session[COMPANY] = provider.public_id
            request.session[NEXT] = request.POST.get("next", "")
            return redirect("company-sign-in")
        messages.info(
            request,
            _("There is no company sign-in for this address. Use your password."),
        )
        return redirect(_with_next("login", request.POST.get("next", "")))
    return account_views.login(request)


def sign_in_by_passkey(request):
    """By passkey alone; who fails tries again on the way to where they were going."""
    answer = passkey_views.login_webauthn(request)
    if request.method == "POST" and answer.get("Location") == reverse("login"):
        return redirect(_with_next("login", request.POST.get("next", "")))
    return answer


@never_cache
@require_GET
def company_sign_in(request):
    """Say where the company's sign-in is before leading there."""
    provider = IdentityProvider.objects.filter(
        public_id=request.session.get(COMPANY, "")
    ).first()
    if provider is None:
        return redirect("login")
    context = {
        "host": urlsplit(provider.issuer).hostname,
        "address": _with_next(
            "openid_connect_login",
            request.session.get(NEXT, ""),
            provider_id=provider.public_id,
        ),
    }
    return render(request, "accounts/company_sign_in.html", context)


@require_GET
def company_login(request, provider_id):
    """Go to the company's provider; nothing but where to go afterwards is taken along."""
    after = request.GET.get("next", "")
    request.GET = request.GET.copy()
    request.GET.clear()
    if after:
        request.GET["next"] = after
    return company_views.login(request, provider_id)


@require_GET
def company_callback(request, provider_id):
    """Come back from there."""
    return company_views.callback(request, provider_id)


@require_GET
def company_cancelled(request):
    """Somebody did not go through with it."""
    messages.info(request, _("You did not sign in."))
    return redirect("login")


@never_cache
@require_GET
@authority.signed_in
def security(request):
    """How one signs in: password, second factors, passkeys, and where one is."""
    user = request.user
    found = list(Authenticator.objects.filter(user=user).order_by("created_at", "id"))
    by_kind = {one.type: one for one in found}
    codes = by_kind.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "app": by_kind.get(Authenticator.Type.TOTP),
        "passkeys": [one for one in found if one.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "sessions": _sessions(user),
        "required": second_factors.is_required(user),
        "has_one": second_factors.has_one(user),
        "provider": identity_providers.of_address(user.email),
        "next": _safe(request, request.GET.get("next", "")),
    }
    return render(request, "accounts/security.html", context)


@require_GET
@authority.signed_in
def passkeys(request):
    """Passkeys stand on the page of one's sign-in."""
    return redirect("mfa_index")


@require_http_methods(["GET", "POST"])
@authority.signed_in
def end_sessions(request):
    """Sign out everywhere but here."""
    if request.method == "POST":
        here = request.session.session_key
        others = UserSession.objects.filter(user=request.user)
        second_factors.end_sessions(others.exclude(session_key=here))
        messages.success(request, _("You are signed out everywhere else."))
    return redirect("mfa_index")


@require_POST
@authority.signed_in
def end_session(request, pk):
    """Sign out in one other browser."""
    here = request.session.session_key
    others = UserSession.objects.filter(user=request.user).exclude(session_key=here)
    second_factors.end_sessions([get_object_or_404(others, pk=pk)])
    messages.success(request, _("That browser is signed out."))
    return redirect("mfa_index")


@require_GET
@authority.required(authority.MANAGE_ROLES)
def account(request):
    """What is decided for the whole account, a card for each."""
    return render(request, "accounts/account_settings.html")


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def account_sign_in(request):
    """Whether the account's people need a second factor; who has none."""
    account = request.user.account
    form = RequireSecondFactorForm(
        request.POST or None, initial={"required": account.requires_mfa}
    )
    if request.method == "POST":
        form = RequireSecondFactorForm(request.POST)
        if form.is_valid():
            second_factors.require(
                account, **form.cleaned_data, by=request.user, on=_on(request)
            )
            messages.success(request, _("It is saved."))
            return redirect("accounts:account-sign-in")
    with_one = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    people = account.users.active()
    context = {
        "form": form,
        "without": people.exclude(pk__in=with_one.values("user")).count(),
        "people": people.count(),
        "provider": _provider(request),
    }
    return render(request, "accounts/account_sign_in.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def identity_provider(request):
    """The company's own identity provider: enter it, change it."""
    provider = _provider(request)
    form = ProviderForm(request.POST or None, initial=_entered(provider))
    if form.is_valid():
        try:
            identity_providers.arrange(
                request.user.account,
                **form.provider(),
                by=request.user,
                on=_on(request),
            )
        except ValidationError as refusal:
            code = getattr(refusal, "code", None)
            field = "secret" if code == "no_secret" else "domains"
            form.add_error(field, refusal)
        else:
            messages.success(
                request,
                _("The company's sign-in is saved. Try it in a private window."),
            )
            return redirect("accounts:identity-provider")
    return _provider_page(request, provider, form=form)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def require_provider(request):
    """Make the company's sign-in the only way in, or a choice again."""
    provider = _provider(request)
    if provider is None:
        return redirect("accounts:identity-provider")
    form = RequireProviderForm(request.POST, account=request.user.account)
    if form.is_valid():
        asked = form.cleaned_data
        break_glass = asked["break_glass"] if asked["required"] else None
        try:
            identity_providers.require(
                provider, break_glass=break_glass, by=request.user, on=_on(request)
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("It is saved."))
            return redirect("accounts:identity-provider")
    return _provider_page(request, provider, require_form=form)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def remove_provider(request):
    """Take the company's sign-in away."""
    provider = _provider(request)
    if provider is None:
        return redirect("accounts:identity-provider")
    identity_providers.remove(provider, by=request.user, on=_on(request))
    messages.success(
        request, _("The company's sign-in is removed. People use their passwords.")
    )
    return redirect("accounts:identity-provider")


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def reset_factor(request, pk):
    """Ask why; then take away the second factors of somebody who lost them."""
    person = get_object_or_404(request.user.account.users, pk=pk)
    form = ResetFactorForm(request.POST or None)
    if form.is_valid() and reset(person, form, by=request.user):
        messages.success(
            request,
            _("%(name)s can sign in without a second factor, and set up a new one.")
            % {"name": person.display_name},
        )
        return redirect("accounts:person", pk)
    status = 422 if form.is_bound else 200
    context = {"person": person, "form": form}
    return render(request, "accounts/reset_factor.html", context, status=status)


def reset(person: User, form: ResetFactorForm, *, by: User) -> bool:
    """Take away the second factors and write to the person; else say why on the form."""
    try:
        with transaction.atomic():
            second_factors.reset(
                person, **form.cleaned_data, by=by, on=clock.today(_zone(person))
            )
            mails.security(person, "factor.reset", at=clock.now())
    except ValidationError as refusal:
        form.add_error("reason" if refusal.code == "no_reason" else None, refusal)
        return False
    return True


def _provider_page(request, provider, *, form=None, require_form=None):
    account = request.user.account
    form = form or ProviderForm(initial=_entered(provider))
    if provider and require_form is None:
        require_form = RequireProviderForm(
            account=account,
            initial={
                "required": provider.is_required,
                "break_glass": provider.break_glass_id or request.user.pk,
            },
        )
    context = {"provider": provider, "form": form, "require_form": require_form}
    if provider:
        names = {"provider_id": provider.public_id}
        context["callback"] = _absolute("openid_connect_callback", names)
        context["direct"] = _absolute("openid_connect_login", names)
    bad = form.is_bound or (require_form is not None and require_form.is_bound)
    status = 422 if bad else 200
    return render(request, "accounts/identity_provider.html", context, status=status)


def _entered(provider):
    if provider is None:
        return {}
    domains = provider.domains.order_by("domain").values_list("domain", flat=True)
    return {
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "domains": " ".join(domains),
    }


def _provider(request):
    return IdentityProvider.objects.filter(account=request.user.account).first()


def _absolute(name, kwargs):
    return settings.PUBLIC_ADDRESS + reverse(name, kwargs=kwargs)


def _with_next(name, after, **kwargs):
    address = reverse(name, kwargs=kwargs)
    return f"{address}?{urlencode({'next': after})}" if after else address


def _safe(request, address):
    """An address of this site to go on to; any other is forgotten."""
    if address and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return address
    return ""


def _sessions(user):
    """Where somebody is signed in, this browser first."""
    found = UserSession.objects.purge_and_list(user)
    found.sort(key=lambda one: (not one.is_current(), -one.created_at.timestamp()))
    return [{"row": one, "browser": browsers.called(one.user_agent)} for one in found]


def _zone(user):
    return user.account.timezone if user.account_id else "UTC"


def _on(request):
    return clock.today(request.user.account.timezone)
