"""The first rows of an empty house: who works here, and a first customer (first_run)."""

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority, people, roles
from accounts.models import Account, TermsVersion, User
from billing import order_forms
from journal import activities
from marketplace.models import Partner

ADMINISTRATORS = "Administrators"


@dataclass(frozen=True)
class Person:
    """Somebody who signs in, with a password of their own."""

    email: str
    name: str
    password: str

    def user(self, **fields) -> User:
        return User(email=self.email.lower(), display_name=self.name, **fields)


@dataclass(frozen=True)
class Agreement:
    """The first contract: its lengths in months, and the first day it is billed here."""

    currency: str
    starts_on: date
    term_months: int
    frequency_months: int
    auto_renews: bool
    billed_until: date


@transaction.atomic
def begin(
    *, staff: Person, kind: str, terms: TermsVersion, account: Account,
    administrator: Person, delegates: bool, agreement: Agreement, partner: Partner,
    on: date,
) -> Account:  # fmt: skip
    """Set an empty house up: staff, terms, an account with its administrator who may do
    everything, its contract, a partner. All of it or nothing.

    `kind` is SUPPORT or SALES; the first of staff may also open the Django admin. The
    Administrators role holds purchasing authority, which `delegates=True` accepts (T7,
    else code not_accepted). Refuses a house with accounts (not_empty), a password that
    is easily guessed, and what rows and rules refuse.
    """
    refuse_begun()
    first = User.objects.create_superuser(
        staff.email, _checked(staff, kind=kind), display_name=staff.name, kind=kind
    )
    _save(terms)
    _save(account)
    activities.record(
        "account.created", account=account, by=first, on=on, subject=account,
        name=account.name,
    )  # fmt: skip
    role = roles.create(account, name=ADMINISTRATORS, by=first, on=on)
    for permission in authority.ALL:
        authority.grant(role, permission, by=first, on=on, delegates=delegates)
    password = _checked(administrator, account=account)
    user = people.create(
        account, email=administrator.email, display_name=administrator.name,
        in_roles=[role], by=first, on=on,
    )  # fmt: skip
    user.set_password(password)
    user.save(update_fields=["password"])
    order_forms.record_contract(account, **vars(agreement), by=first, on=on)
    _save(partner)
    return account


def refuse_begun() -> None:
    """Refuse a house that somebody lives in (code not_empty)."""
    if Account.objects.exists():
        raise ValidationError(
            _(
                "There are accounts already, so this is no first run. Add accounts in "
                "the admin, and contracts with import_order_forms."
            ),
            code="not_empty",
        )


def _checked(person: Person, **fields) -> str:
    user = person.user(**fields)
    user.full_clean(exclude=["password"])
    validate_password(person.password, user)
    return person.password


def _save(row) -> None:
    row.full_clean()
    row.save()
