"""Contracts: which one runs, and what a purchase under it must find."""

from datetime import date

from django.core.exceptions import ValidationError

from accounts.models import Account
from billing.models import Contract


def current(account: Account, *, on: date) -> Contract | None:
    """The account's contract on a local day: one at most (3.24)."""
    return Contract.objects.of(account).current(on=on).first()


def currency_of(account: Account, *, on: date) -> str | None:
    """What the account pays in on a local day; None without a current contract."""
    contract = current(account, on=on)
    return contract and contract.currency


def locked(account: Account, *, on: date) -> Contract | None:
    """The current contract, or else the latest, locked: first in the lock order (5.2)."""
    contract = current(account, on=on)
    if contract is None:
        contract = Contract.objects.of(account).order_by("starts_on").last()
    return contract and Contract.objects.locked(contract.pk)


def required(account: Account, *, on: date) -> Contract:
    """The current contract. Refuses a purchase without one (code no_contract, 3.6)."""
    contract = current(account, on=on)
    if contract is None:
        raise ValidationError(
            "There is no current contract, so nothing can be purchased."
            " Ask your sales representative to renew it.",
            code="no_contract",
        )
    return contract
