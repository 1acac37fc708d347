"""The purchase terms: versions in force, and who accepted them (T7, T18)."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.models import TermsAcceptance, TermsVersion, User
from journal import activities


def current(on: date) -> TermsVersion | None:
    """The version in force on a local day; None before the first was published."""
    return TermsVersion.objects.on(on)


def shown_to(user: User, on: date) -> TermsVersion | None:
    """The version in force; its `is_accepted` says whether this person agreed to it."""
    mine = TermsAcceptance.objects.filter(user=user, version=OuterRef("pk"))
    return TermsVersion.objects.annotate(is_accepted=Exists(mine)).on(on)


def accepted(user: User, on: date) -> bool:
    """Whether this person accepted the version in force. Without one nobody has."""
    version = current(on)
    return (
        version is not None
        and TermsAcceptance.objects.filter(user=user, version=version).exists()
    )


def to_accept(user: User, on: date) -> TermsVersion | None:
    """The version in force, where this person has not accepted it yet."""
    version = current(on)
    taken = TermsAcceptance.objects.filter(user=user, version=version)
    return None if version is None or taken.exists() else version


@transaction.atomic
def accept(user: User, *, version: TermsVersion, on: date) -> TermsAcceptance:
    """Record that somebody agreed to the version in force; once is enough (T7).

    Refuses another version than the one in force (old_version), and people who work
    for no account (no_account).
    """
    if user.account_id is None:
        raise ValidationError(
            _("Only people who work for an account accept the terms."),
            code="no_account",
        )
    if version != current(on):
        raise ValidationError(
            _("Another version of the terms is in force by now. Read that one."),
            code="old_version",
        )
    acceptance, new = TermsAcceptance.objects.get_or_create(
        user=user,
        version=version,
        defaults={"account_id": user.account_id, "accepted_on": on},
    )
    if new:
        activities.record(
            "terms.accepted",
            account=user.account,
            by=user,
            on=on,
            subject=acceptance,
            version=version.version,
        )
    return acceptance
