"""Contracts: which one runs, and what a purchase under it must find."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import periods
from billing.models import Contract, Line
from journal import activities, days


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
            _(
                "There is no current contract, so nothing can be purchased."
                " Ask your sales representative to renew it."
            ),
            code="no_contract",
        )
    return contract


@transaction.atomic
def let_end(contract: Contract, *, by: User | None, on: date) -> Contract:
    """Sales was told that a contract does not renew: it ends with its current term (3.16).

    Its lines end with it, self-serve ones go on. Refuses a contract that ends anyway
    (code ending).
    """
    contract = Contract.objects.locked(contract.pk)
    if contract.ends_on:
        raise ValidationError(
            _("The contract ends on %(day)s already.")
            % {"day": days.said(contract.ends_on)},
            code="ending",
        )
    term = periods.period_on(
        contract.starts_on, contract.term_months, max(on, contract.starts_on)
    )
    contract.auto_renews, contract.ends_on = False, term.end
    contract.save(update_fields=["auto_renews", "ends_on"])
    lasting = contract.lines.exclude(basis=Line.Basis.SELF_SERVE).filter(ends_on=None)
    lasting.update(ends_on=term.end)
    activities.record(
        "contract.let_end",
        account=contract.account,
        by=by,
        on=on,
        subject=contract,
        ends_on=term.end.isoformat(),
    )
    return contract
