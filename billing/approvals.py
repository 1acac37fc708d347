"""When a purchase needs a second person, and who may loosen that (ADR 34).

An account may set an amount a month; what bills more waits for somebody else with the
same authority. `orders.place` asks here, so that no door leads around it.
"""

from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import Account, User
from billing import contracts, lines
from billing.effects import Effect
from billing.models import LimitChange
from journal import activities
from marketplace.models import Plan

State = LimitChange.State


def limit_of(account: Account) -> Decimal | None:
    """The monthly amount above which a second person decides, as it is stored now."""
    return Account.objects.values_list("approval_above", flat=True).get(pk=account.pk)


def needed(
    account: Account, plan: Plan, effect: Effect, *, on: date, standing: bool = False
) -> bool:
    """Whether a purchase needs a second person: what it newly bills a month is above the
    account's limit, or cannot be compared with it (another currency than the contract's).

    `standing`: it turns Auto Install on, which may bill without end; that is above any
    limit where a seat of the plan costs something. What is covered or free needs nobody.
    """
    limit = limit_of(account)
    if limit is None:
        return False
    if standing and _bills_later(account, plan, effect, on=on):
        return True
    monthly = effect.monthly
    if not monthly:
        return False
    comparable = contracts.currency_of(account, on=on) in {None, effect.currency}
    return monthly > limit or not comparable


def _bills_later(account: Account, plan: Plan, effect: Effect, *, on: date) -> bool:
    """Whether one more seat of the plan, after this purchase, would cost anything."""
    if plan.per_account:
        return False
    if effect.opened:
        return effect.opened[-1].monthly_unit_price > 0
    if effect.growth:
        return effect.growth.monthly_unit_price > 0
    covering = lines.covering(lines.running(account, plan.app, on=on), plan)
    return bool(covering) and not lines.growing(covering).is_free


def waiting(account: Account) -> LimitChange | None:
    """The looser limit that waits for a second person, if any."""
    found = LimitChange.objects.filter(account=account, state=State.WAITING)
    return found.select_related("asked_by").first()


@transaction.atomic
def set_limit(
    account: Account, amount: Decimal | None, *, by: User, on: date
) -> LimitChange | None:
    """Set the monthly amount, in the contract's currency, above which a second person
    decides; None asks for nobody, 0 for everything that bills.

    A tighter limit counts at once, and takes back what waits. A looser one waits for
    somebody else, and is returned. Refuses less than nothing (code negative) and what
    is so already (same).
    """
    if amount is not None and amount < 0:
        raise ValidationError(_("A limit is 0 or more."), code="negative")
    account = Account.objects.locked(account.pk)
    before = account.approval_above
    if amount == before:
        raise ValidationError(_("That is the limit already."), code="same")
    LimitChange.objects.filter(account=account, state=State.WAITING).update(
        state=State.WITHDRAWN, decided_by=by, decided_on=on
    )
    tighter = before is None or (amount is not None and amount < before)
    if tighter:
        _write(account, amount, "approval.limited", by=by, on=on)
        return None
    change = LimitChange.objects.create(
        account=account, before=before, amount=amount, asked_by=by, asked_on=on
    )
    _record("approval.loosening_asked", change.account, amount, before, by=by, on=on)
    return change


@transaction.atomic
def decide_limit(
    change: LimitChange, *, approve: bool, by: User, on: date
) -> LimitChange:
    """A second person lets a looser limit count, or not; who asked may take it back.

    Refuses one that is decided (code decided), who asked for it (own_change), and one
    whose asker may no longer manage roles (no_authority).
    """
    account = Account.objects.locked(change.account_id)
    change = LimitChange.objects.select_for_update(no_key=True).get(pk=change.pk)
    if change.state != State.WAITING:
        raise ValidationError(_("This was decided already."), code="decided")
    own = change.asked_by_id == by.pk
    if approve and own:
        raise ValidationError(
            _("Somebody else who manages roles has to confirm a looser limit."),
            code="own_change",
        )
    if approve and not authority.held(change.asked_by, authority.MANAGE_ROLES):
        raise ValidationError(
            _("Who asked for it may no longer manage roles. Refuse it."),
            code="no_authority",
        )
    if approve:
        change.state = State.DONE
        _write(account, change.amount, "approval.loosened", by=by, on=on)
    else:
        change.state = State.WITHDRAWN if own else State.REFUSED
        before = change.before
        _record(
            "approval.loosening_dropped", account, change.amount, before, by=by, on=on
        )
    change.decided_by, change.decided_on = by, on
    change.save(update_fields=["state", "decided_by", "decided_on"])
    return change


def _write(account: Account, amount: Decimal | None, verb: str, *, by, on) -> None:
    before = account.approval_above
    account.approval_above = amount
    account.save(update_fields=["approval_above"])
    _record(verb, account, amount, before, by=by, on=on)


def _record(verb, account, amount, before, *, by, on) -> None:
    activities.record(
        verb,
        account=account,
        by=by,
        on=on,
        subject=account,
        authority=authority.acting(by, authority.MANAGE_ROLES),
        amount=_plain(amount),
        before=_plain(before),
    )


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"
