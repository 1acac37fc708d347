"""The company's own sign-in: who is led to it, and whom it may bring in."""

import re
import secrets
from collections.abc import Iterable
from datetime import date

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import Account, IdentityProvider, SignInDomain, User
from journal import activities

DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def of_address(email: str) -> IdentityProvider | None:
    """The provider to which an address is led, whether anybody has it or not.

    An address that somebody of another account signs in with is led nowhere.
    """
    email = email.strip().lower()
    if not email.isprintable():
        return None
    found = (
        SignInDomain.objects.filter(domain=email.rpartition("@")[2])
        .select_related("provider")
        .first()
    )
    if found is None:
        return None
    others = User.objects.filter(email__iexact=email).exclude(
        account=found.provider.account_id
    )
    return None if others.exists() else found.provider


def keeping_out(user: User) -> IdentityProvider | None:
    """The provider that somebody has to use, where no other way in is left to them."""
    provider = of_address(user.email)
    if provider is None or not provider.is_required:
        return None
    return None if provider.break_glass_id == user.pk else provider


@transaction.atomic
def arrange(
    account: Account,
    *,
    issuer: str,
    client_id: str,
    sealed_secret: str,
    domains: Iterable[str],
    by: User,
    on: date,
) -> IdentityProvider:
    """Set or change the account's provider. An empty secret keeps the one there is.

    Another issuer is another provider: whom the former one knew is forgotten, and it is
    not required until it has been tried. Refuses domains that are none (domain), where
    no person of the account has an address (unused_domain) or where people of others
    have theirs (foreign_domain), and a new provider without secret (no_secret).
    """
    account = Account.objects.locked(account.pk)
    provider = IdentityProvider.objects.filter(account=account).first()
    domains = _domains(account, domains)
    if provider is None or provider.issuer != issuer:
        if not sealed_secret:
            raise ValidationError(
                _("Enter the client secret of this provider."), code="no_secret"
            )
        _forget(provider)
        provider = provider or IdentityProvider(account=account)
        provider.public_id = secrets.token_urlsafe(18)
        provider.is_required = False
    provider.issuer, provider.client_id = issuer, client_id
    provider.sealed_secret = sealed_secret or provider.sealed_secret
    provider.save()
    provider.domains.exclude(domain__in=domains).delete()
    there = set(provider.domains.values_list("domain", flat=True))
    SignInDomain.objects.bulk_create(
        [
            SignInDomain(provider=provider, domain=domain)
            for domain in domains
            if domain not in there
        ]
    )
    _record("set", provider, by=by, on=on, issuer=issuer, domains=", ".join(domains))
    return provider


@transaction.atomic
def require(
    provider: IdentityProvider, *, break_glass: User | None, by: User, on: date
) -> None:
    """Leave the account's people no other way in, but for one who manages roles.

    Without a `break_glass` person the provider is a choice again. Refuses before
    anybody has signed in through it (untried), and a person who does not manage roles
    of the account (no_manager).
    """
    Account.objects.locked(provider.account_id)
    provider = IdentityProvider.objects.select_related("account").get(pk=provider.pk)
    if break_glass is not None:
        if not SocialAccount.objects.filter(provider=provider.public_id).exists():
            raise ValidationError(
                _("Sign in through it once yourself. Then it can be required."),
                code="untried",
            )
        if break_glass.account_id != provider.account_id or not authority.held(
            break_glass, authority.MANAGE_ROLES
        ):
            raise ValidationError(
                _("Choose somebody who manages roles."), code="no_manager"
            )
    provider.is_required = break_glass is not None
    provider.break_glass = break_glass
    provider.save(update_fields=["is_required", "break_glass"])
    verb = "required" if provider.is_required else "optional"
    people = {"users": [break_glass]} if break_glass else {}
    _record(verb, provider, by=by, on=on, **people)


@transaction.atomic
def remove(provider: IdentityProvider, *, by: User, on: date) -> None:
    """Take the provider away; its people sign in by password again."""
    Account.objects.locked(provider.account_id)
    _forget(provider)
    _record("removed", provider, by=by, on=on, issuer=provider.issuer)
    provider.delete()


def admitted(
    provider: IdentityProvider, *, subject: str, email: str, verified: bool
) -> User:
    """The person of the account whom a provider's subject means: remembered, or by the
    address that it has verified.

    Refuses whom it does not know there (unknown), who is deactivated (inactive), and
    somebody who is remembered as another subject (another_subject). Creates nobody.
    """
    known = (
        SocialAccount.objects.filter(provider=provider.public_id, uid=subject)
        .select_related("user")
        .first()
    )
    if known is not None:
        return _active(known.user, provider)
    domain = email.rpartition("@")[2].lower()
    if not verified or not provider.domains.filter(domain=domain).exists():
        raise _unknown()
    user = User.objects.filter(account=provider.account_id, email__iexact=email).first()
    if user is None or not (email.isascii() or email == user.email):
        raise _unknown()  # ı and ſ are i and s where a database ignores case
    if SocialAccount.objects.filter(provider=provider.public_id, user=user).exists():
        raise ValidationError(
            _(
                "Your company's sign-in has given this address to somebody else before. "
                "Ask whoever manages roles in your company."
            ),
            code="another_subject",
        )
    return _active(user, provider)


def linked(user: User, provider: IdentityProvider, *, on: date) -> None:
    """Keep in the journal that a provider's subject is remembered as this person."""
    _record("linked", provider, by=user, on=on)


def _active(user, provider):
    if user.account_id != provider.account_id:
        raise _unknown()
    if not user.is_active:
        raise ValidationError(
            _("You can no longer sign in here. Ask whoever manages roles."),
            code="inactive",
        )
    return user


def _unknown():
    return ValidationError(
        _(
            "Nobody of your company signs in here with that address. Ask whoever "
            "manages roles in your company to invite you."
        ),
        code="unknown",
    )


def _domains(account, written):
    domains = sorted({domain.strip().lower().lstrip("@") for domain in written} - {""})
    for domain in domains:
        ending = f"@{domain}"
        if not DOMAIN.fullmatch(domain):
            raise ValidationError(
                _("%(domain)s is not a domain. Write it as harbour.example."),
                code="domain",
                params={"domain": domain},
            )
        people = User.objects.filter(email__iendswith=ending)
        taken = SignInDomain.objects.filter(domain=domain).exclude(
            provider__account=account
        )
        if people.exclude(account=account).exists() or taken.exists():
            raise ValidationError(
                _("People of others have addresses at %(domain)s."),
                code="foreign_domain",
                params={"domain": domain},
            )
        if not people.exists():
            raise ValidationError(
                _("Nobody of your company has an address at %(domain)s yet."),
                code="unused_domain",
                params={"domain": domain},
            )
    if not domains:
        raise ValidationError(_("Name at least one domain."), code="domain")
    return domains


def _forget(provider):
    if provider is not None and provider.pk:
        SocialAccount.objects.filter(provider=provider.public_id).delete()


def _record(verb, provider, *, by, on, **data):
    activities.record(
        f"provider.{verb}",
        account=provider.account,
        by=by,
        on=on,
        subject=provider.account,
        authority=authority.acting(by, authority.MANAGE_ROLES),
        **data,
    )
