"""Renewal changes: every decrease there is. Asked for, decided once, carried out at the
term end; what is undecided then is held and billed, or not, when the decision comes
(T12, T13, 3.12–3.14).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts import authority
from accounts.models import User
from billing import charges, lines, prices
from billing.models import Charge, Contract, Hold, Increase, Line, RenewalChange, Term
from billing.signals import decrease_asked, decrease_settled
from journal import activities, days
from marketplace import list_prices
from marketplace.models import Plan

State = RenewalChange.State
Kind = RenewalChange.Kind


@dataclass(frozen=True)
class Rolled:
    """What the end of one term did to a line that had something to decide."""

    line_id: int
    boundary: date
    ended: bool = False
    continued_by: int | None = None
    plan: Plan | None = None
    stranded: bool = False


def end(line: Line, *, by: User, on: date, reason="", ticket_wanted=False):
    """Ask that a line ends at its term end (T12). See `_ask` for what is refused."""
    return _ask(
        line, kind=Kind.END, target_quantity=0, by=by, on=on, reason=reason,
        ticket_wanted=ticket_wanted,
    )  # fmt: skip


def lower(
    line: Line, *, to: int, by: User, on: date, reason="", ticket_wanted=False
) -> RenewalChange:
    """Ask for a lower quantity from the term end on (T13).

    Refuses a quantity that is not lower (code not_lower); below 1 is ending the line.
    """
    term = lines.term_on(line, on)
    if not 1 <= to < term.billed:
        raise ValidationError(
            _("Choose a quantity from 1 to %(most)s: %(billed)s are billed now.")
            % {"most": term.billed - 1, "billed": term.billed},
            code="not_lower",
        )
    return _ask(
        line, kind=Kind.LOWER, target_quantity=to, by=by, on=on, reason=reason,
        ticket_wanted=ticket_wanted,
    )  # fmt: skip


def switch(
    line: Line, *, to: Plan, by: User, on: date, reason="", ticket_wanted=False
) -> RenewalChange:
    """Ask for another base plan from the term end on, at the price listed then (3.12).

    Refuses add-ons (code add_on), another app's plan (foreign_plan) and the plan the
    line has (same_plan).
    """
    if not to.is_base:
        raise ValidationError(
            _("Add-on plans are sold by sales and activated by the partner."),
            code="add_on",
        )
    if to.app_id != line.app_id:
        raise ValidationError(
            _("This plan belongs to another app."), code="foreign_plan"
        )
    if to.pk == line.plan_id:
        raise ValidationError(_("This is the plan the line has now."), code="same_plan")
    return _ask(
        line, kind=Kind.PLAN, target_plan=to, by=by, on=on, reason=reason,
        ticket_wanted=ticket_wanted,
    )  # fmt: skip


@transaction.atomic
def propose_early_end(
    line: Line, *, new_line: Line, by: User | None, on: date, reason=""
) -> RenewalChange:
    """Propose that a replaced line ends on the day of change, with a credit (3.13, 3.5).

    What was wished for its term end is no longer needed: the line does not renew.
    """
    term = line.terms.open().latest("starts_on")
    _supersede(line, term.ends_on, on=on, also_approved=True)
    change = RenewalChange.objects.create(
        account=line.account,
        line=line,
        kind=Kind.REPLACED,
        term_ends_on=term.ends_on,
        target_quantity=0,
        effective_on=on,
        new_line=new_line,
        reason=reason,
        asked_by=by,
        asked_on=on,
        ticket_wanted=True,
    )
    decrease_asked.send(RenewalChange, change=change, by=by, on=on)
    return change


@transaction.atomic
def _ask(line: Line, *, kind, by: User, on: date, ticket_wanted=False, **wish):
    """Record a wish for the line's term end; a later one replaces an undecided one.

    Refuses a line that was replaced or ends anyway (code not_renewing) and one whose
    change Support approved already (code decided). A free line needs no ticket: its
    change is approved as it is asked (3.14).
    """
    line = Line.objects.locked(line.pk)
    term = lines.term_on(line, on)
    if line.replaced_by_id or (line.ends_on and line.ends_on <= term.ends_on):
        raise ValidationError(
            _("This line ends on %(day)s and does not renew: nothing to lower.")
            % {"day": days.said(term.ends_on)},
            code="not_renewing",
        )
    _supersede(line, term.ends_on, on=on)
    change = RenewalChange.objects.create(
        account_id=line.account_id,
        line=line,
        kind=kind,
        term_ends_on=term.ends_on,
        asked_by=by,
        asked_on=on,
        ticket_wanted=ticket_wanted,
        state=State.APPROVED if line.is_free else State.UNDECIDED,
        decided_on=on if line.is_free else None,
        **wish,
    )
    _record("renewal.asked", change, by=by, on=on)
    if not line.is_free:
        decrease_asked.send(RenewalChange, change=change, by=by, on=on)
    return change


def _supersede(
    line: Line, term_ends_on: date, *, on: date, also_approved: bool = False
) -> None:
    """Let a new wish take the place of what stands for the same term end."""
    earlier = RenewalChange.objects.standing().filter(
        line=line, term_ends_on=term_ends_on
    )
    for change in earlier.select_for_update(no_key=True):
        if change.state == State.UNDECIDED:
            _move(change, State.SUPERSEDED, on=on)
        elif line.is_free:
            _move(change, State.WITHDRAWN, on=on)
        elif also_approved:
            _move(change, State.MOOT, on=on)
        else:
            raise ValidationError(
                _(
                    "Support has approved a change at this term end."
                    " Take it back first, then ask again."
                ),
                code="decided",
            )


@transaction.atomic
def withdraw(change: RenewalChange, *, by: User | None, on: date) -> RenewalChange:
    """Take a wish back, until its term end (3.15).

    Refuses one that is settled (code settled) or whose term end has come: what is held
    then is for Support to decide (code held).
    """
    Line.objects.locked(change.line_id)
    change = RenewalChange.objects.select_for_update(no_key=True).get(pk=change.pk)
    if change.state not in RenewalChange.STANDING:
        raise ValidationError(_("This change is settled already."), code="settled")
    if change.holds.exists():
        raise ValidationError(
            _("The term has ended with this change undecided. Support decides it now."),
            code="held",
        )
    _move(change, State.WITHDRAWN, on=on)
    _record("renewal.withdrawn", change, by=by, on=on)
    decrease_settled.send(RenewalChange, change=change, by=by, on=on)
    return change


@transaction.atomic
def decide(
    change: RenewalChange, *, approve: bool, by: User, on: date, active: int = 0,
    quantity: int | None = None, plan: Plan | None = None,
) -> RenewalChange:  # fmt: skip
    """Support decides a change, once (3.12–3.14).

    Before the term end the decision waits for it. After it, it counts from the term
    end: approved, what was held is let go; declined, it is billed for every period
    since. A replaced line that is approved ends on the day of change with a credit.
    `active`: units of the line's app that are active, for another plan approved late.
    `quantity` or `plan`: granted instead of what was asked; what was asked stays on
    the change. Refuses one that is decided already (code decided), another plan that
    had no list price at the term end (no_price) or whose line ended or went into
    another contract since (too_late), and a grant that `refuse_grant` refuses.
    """
    line = Line.objects.locked(change.line_id)
    change = RenewalChange.objects.select_for_update(no_key=True).get(pk=change.pk)
    if change.state != State.UNDECIDED:
        raise ValidationError(
            _("This change is %(state)s already.")
            % {"state": change.get_state_display().lower()},
            code="decided",
        )
    if approve:
        refuse_grant(change, quantity=quantity, plan=plan)
        asked = change.target_quantity
        change.granted_quantity = None if quantity == asked else quantity
        change.granted_plan = None if plan == change.target_plan else plan
    _move(change, State.APPROVED if approve else State.DECLINED, by=by, on=on)
    change.decided_by, change.decided_on = by, on
    change.save(
        update_fields=["decided_by", "decided_on", "granted_quantity", "granted_plan"]
    )
    if change.kind == Kind.REPLACED:
        if approve:
            _end_early(line, change, on=on)
    elif not line.terms.open().filter(ends_on=change.term_ends_on).exists():
        _settle_held(line, change, approve=approve, active=active, on=on)
    _record("renewal.approved" if approve else "renewal.declined", change, by=by, on=on)
    if not approve:
        decrease_settled.send(RenewalChange, change=change, by=by, on=on)
    return change


def refuse_grant(
    change: RenewalChange, *, quantity: int | None, plan: Plan | None
) -> None:
    """Refuse to grant what no change of its kind can come to.

    A quantity answers an end or a lower quantity: from 0, which ends the line, to below
    what was billed (code not_lower). After the term end it is no less than was asked,
    because the rest was billed undisputed (code billed_already). A plan answers another
    plan: a base plan of the app that the line does not have (foreign_plan).
    """
    if quantity is not None:
        before = billed_before(change)
        if change.kind not in {Kind.END, Kind.LOWER} or not 0 <= quantity < before:
            raise ValidationError(
                _("Choose a quantity from 0 to %(most)s: %(billed)s are billed.")
                % {"most": before - 1, "billed": before},
                code="not_lower",
            )
        if quantity < change.target_quantity and change.holds.exists():
            raise ValidationError(
                _(
                    "%(quantity)s were billed undisputed since the term end: no lower"
                    " quantity can be granted now."
                )
                % {"quantity": change.target_quantity},
                code="billed_already",
            )
    if plan is not None:
        line = change.line
        ours = plan.is_base and plan.app_id == line.app_id and plan.pk != line.plan_id
        if change.kind != Kind.PLAN or not ours:
            raise ValidationError(
                _("Choose another base plan of the same app."), code="foreign_plan"
            )


def billed_before(change: RenewalChange) -> int:
    """The quantity billed in the term that the change is the end of."""
    return change.line.terms.get(ends_on=change.term_ends_on).billed


@transaction.atomic
def reopen(change: RenewalChange, *, by: User, on: date) -> RenewalChange:
    """Undo an approval that has not acted: back to undecided, until the term end (3.12).

    Refuses a change that is not approved, or that nobody decided because its line is
    free (code not_approved), and one whose term end has come (too_late).
    """
    line = Line.objects.locked(change.line_id)
    change = RenewalChange.objects.select_for_update(no_key=True).get(pk=change.pk)
    if change.state != State.APPROVED or change.decided_by_id is None:
        raise ValidationError(
            _("This change is %(state)s: there is no approval to take back.")
            % {"state": change.get_state_display().lower()},
            code="not_approved",
        )
    ahead = line.terms.open().filter(ends_on=change.term_ends_on).exists()
    if on >= change.term_ends_on or not ahead:
        raise ValidationError(
            _("The term has ended: what was approved is carried out."), code="too_late"
        )
    change.granted_quantity = change.granted_plan = None
    change.decided_by = change.decided_on = None
    change.save(
        update_fields=["granted_quantity", "granted_plan", "decided_by", "decided_on"]
    )
    _move(change, State.UNDECIDED, on=on)
    _record("renewal.reopened", change, by=by, on=on)
    return change


def carry_out(term: Term, *, active: int) -> Rolled:
    """End one term of a line that has a change, a hold or a successor contract (3.14, 3.16).

    `active` is the number of units active on the line: no decrease goes below it.
    """
    line, boundary = term.line, term.ends_on
    changes = RenewalChange.objects.standing().filter(
        line=line, term_ends_on__lte=boundary
    )
    wishes = list(
        changes.exclude(kind=Kind.REPLACED).select_related(
            "target_plan", "granted_plan"
        )
    )
    contract = contract_at(line, boundary)
    stays = not line.replaced_by_id and not (line.ends_on and line.ends_on <= boundary)
    if not stays or contract is None:
        for change in wishes:
            if change.term_ends_on == boundary or not line.replaced_by_id:
                _settle(change, State.MOOT, on=boundary)
        return _end(line, term, stranded=stays)
    wish = next((w for w in wishes if w.term_ends_on == boundary), None)
    quantity, held, plan, price = term.billed, 0, None, None
    if wish:
        least = max(wish.to_quantity or 0, active)
        if wish.state == State.UNDECIDED:
            quantity, held = (
                min(term.billed, least),
                term.billed - min(term.billed, least),
            )
        elif wish.kind == Kind.PLAN:
            plan = wish.to_plan
            price = list_prices.of(plan, currency=contract.currency, on=boundary)
        else:
            quantity = least
        if wish.state == State.APPROVED:
            applies = not plan or price is not None
            _settle(wish, State.APPLIED if applies else State.MOOT, on=boundary)
    older = list(term.holds.filter(ends_on=boundary, change__state=State.UNDECIDED))
    if plan and price is not None:
        new = _continued(
            line, contract, boundary, plan=plan, price=price,
            quantity=plan.units(max(active, 1)),
        )  # fmt: skip
        _end(line, term, outcome=Term.Outcome.CONTINUED)
        return Rolled(line.pk, boundary, continued_by=new.line_id, plan=plan)
    if quantity == 0 and not held and not older:
        return _end(line, term)
    if contract.pk == line.contract_id:
        new = lines.open_term(line, starts_on=boundary, contracted=quantity)
        term.outcome = Term.Outcome.RENEWED
        term.save(update_fields=["outcome"])
        rolled = Rolled(line.pk, boundary)
    else:
        price = line.monthly_unit_price
        if contract.currency != line.currency:
            price = list_prices.of(line.plan, currency=contract.currency, on=boundary)
        if price is None:
            for change in wishes:
                _settle(change, State.MOOT, on=boundary)
            return _end(line, term, stranded=True)
        new = _continued(
            line, contract, boundary, plan=line.plan, price=price, quantity=quantity
        )
        _end(line, term, outcome=Term.Outcome.CONTINUED)
        rolled = Rolled(line.pk, boundary, continued_by=new.line_id)
    holds = [(hold.change_id, hold.quantity) for hold in older]
    holds += [(wish.pk, held)] if held else []
    Hold.objects.bulk_create(
        Hold(
            account_id=line.account_id, change_id=pk, term=new, quantity=units,
            starts_on=new.starts_on, ends_on=new.ends_on,
        )
        for pk, units in holds
    )  # fmt: skip
    return rolled


def shares(
    plan: Plan,
    wishes: Mapping[int, RenewalChange],
    seats: int,
    billed: Mapping[int, int],
) -> dict[int, int]:
    """Units that each line with a wish must go on covering, by line id (3.11, 3.14).

    `billed`: of every line of the plan that goes on, oldest first. What the others go on
    covering is taken off, and what is missing is put on the first that would be lowered.
    """
    units = plan.units(seats) if seats else 0
    kept = {
        pk: wishes[pk].to_quantity or 0 if pk in wishes else quantity
        for pk, quantity in billed.items()
    }
    lowered = [pk for pk in kept if pk in wishes]
    switched = [pk for pk in lowered if wishes[pk].kind == Kind.PLAN]
    if not lowered:
        return {}
    first = (switched or lowered)[0]
    if switched:
        return dict.fromkeys(lowered, 0) | {first: seats}
    others = sum(quantity for pk, quantity in kept.items() if pk != first)
    return dict.fromkeys(lowered, 0) | {first: max(0, units - others)}


def contract_at(line: Line, boundary: date) -> Contract | None:
    """The contract a line renews into on its term end: its own, or the successor."""
    own = line.contract
    if line.basis == Line.Basis.SELF_SERVE or not own.ends_on or own.ends_on > boundary:
        return own
    return Contract.objects.filter(account=line.account_id).current(on=boundary).first()


def _continued(
    line: Line, contract: Contract, boundary: date, *, plan, price, quantity
) -> Term:
    """Open the line that carries this one on from a term end: its first term."""
    same = contract.pk == line.contract_id
    return lines.open_line(
        account=line.account,
        contract=contract,
        order_form=line.order_form if plan.pk == line.plan_id else None,
        plan=plan,
        basis=line.basis if plan.pk == line.plan_id or line.basis == Line.Basis.SELF_SERVE
        else Line.Basis.REPLACEMENT,
        currency=contract.currency if not same else line.currency,
        monthly_unit_price=price,
        anchor_on=line.anchor_on if same else contract.starts_on,
        frequency_months=line.frequency_months if same else contract.frequency_months,
        term_months=line.term_months if same else contract.term_months,
        starts_on=boundary,
        began_on=boundary,
        continues=line,
        contracted=quantity,
    )  # fmt: skip


def _end(
    line: Line, term: Term, *, outcome=Term.Outcome.ENDED, stranded: bool = False
) -> Rolled:
    term.outcome = outcome
    term.save(update_fields=["outcome"])
    line.ends_on = min(line.ends_on or term.ends_on, term.ends_on)
    line.save(update_fields=["ends_on"])
    return Rolled(line.pk, term.ends_on, ended=True, stranded=stranded)


def _end_early(line: Line, change: RenewalChange, *, on: date) -> None:
    """A replaced line ends on the day of change; its unused days are credited (3.13)."""
    charges.write_credits(
        line, early_end_credits(change), cause=f"change:{change.pk}", on=on
    )
    line.ends_on = change.effective_on
    line.save(update_fields=["ends_on"])
    line.terms.open().update(outcome=Term.Outcome.ENDED)
    _settle(change, State.APPLIED, on=on)


def early_end_credits(change: RenewalChange) -> list[charges.Credit]:
    """What ending a replaced line on the day of change gives back now (3.13).

    Also for periods billed while it was undecided. Lines given up for the same new one
    share its charges as their cap.
    """
    in_its_place = change.new_line.charges.filter(
        billed_on__gte=change.effective_on, amount__gt=0, reversed_by=None
    )
    before = Charge.objects.filter(
        reason=Charge.Reason.CREDIT,
        cause__startswith="change:",
        line__replaced_by=change.new_line_id,
        reversed_by=None,
    )
    return credit_parts(
        change.line,
        since=change.effective_on,
        new=in_its_place.order_by("id"),
        given=[
            charges.Given(one.starts_on, one.ends_on, -one.amount)
            for one in before.exclude(line=change.line_id).order_by("id")
        ],
    )


def reaching(lines: Iterable[Line], *, since: date) -> list[Charge]:
    """Charges on lines that reach beyond a day and stand, oldest first; each with what
    was granted of it."""
    found = Charge.objects.filter(line__in=lines, ends_on__gt=since, amount__gt=0)
    granted = Coalesce(Sum("grants__amount"), Decimal(0))
    found = found.filter(reversed_by=None).annotate(granted=granted)
    return list(found.order_by("starts_on", "id"))


def credit_parts(
    line: Line,
    *,
    since: date,
    new: Iterable[Charge | charges.Part],
    given: Iterable[charges.Given] = (),
    billed: Iterable[Charge] | None = None,
) -> list[charges.Credit]:
    """What ending a line on a day gives back: its unused days, capped (3.13).

    Each charge on it that reaches beyond the day is credited for the days it was not
    used, to no more than `new` (charges or parts of the line in its place) cost for
    the same days of its billing period; `given` was credited against them before.
    `billed` are the line's `reaching` charges, where they are at hand.
    """
    new, given, credits = list(new), list(given), []
    for charge in reaching([line], since=since) if billed is None else billed:
        start = max(charge.starts_on, since)
        potential = min(
            prices.prorated(
                charge.unit_price,
                quantity=charge.quantity,
                days=(charge.ends_on - start).days,
                period_days=charge.period_days,
                digits=line.digits,
            ),
            charge.amount - charge.granted,
        )
        days = {
            "start": max(charge.period_starts_on, since),
            "end": charge.period_ends_on,
            "digits": line.digits,
        }
        amount = prices.capped_credit(
            potential,
            billed=sum((charges.share(part, **days) for part in new), Decimal(0)),
            credited=sum((one.within(**days) for one in given), Decimal(0)),
        )
        if amount:
            credit = charges.Credit(
                charge=charge,
                starts_on=start,
                amount=amount,
                capped_at=amount if amount < potential else None,
            )
            credits.append(credit)
            given.append(credit.given)
    return credits


def _settle_held(
    line: Line, change: RenewalChange, *, approve: bool, active: int, on: date
) -> None:
    """A decision after the term end counts from the term end (3.14)."""
    if not approve:
        _bill_held(change)
        return
    if change.kind == Kind.PLAN:
        _replace_since(line, change, active=active, on=on)
    elif change.granted_quantity is not None:
        _bill_held(change, released=billed_before(change) - change.granted_quantity)
    elif change.kind == Kind.END:
        _end_since(change, on=on)
    _settle(change, State.APPLIED, on=on)


def _bill_held(change: RenewalChange, *, released: int = 0) -> None:
    """Declined, or granted in part: what was held, less the units `released`, is owed
    for the periods that began, and goes on.

    A hold ends where its last charge does: from there on the term bills the units.
    """
    for hold in change.holds.select_related("term__line").order_by("starts_on"):
        hold.owed = max(0, hold.quantity - released)
        if not hold.owed:
            continue
        hold.save(update_fields=["owed"])
        charges.bill_held(hold)
        term = hold.term
        if term.outcome or hold.ends_on != term.ends_on:
            continue
        Increase.objects.create(
            account_id=term.account_id,
            line=term.line,
            term=term,
            cause=f"change:{change.pk}",
            on=term.billed_until,
            from_quantity=term.billed,
            to_quantity=term.billed + hold.owed,
        )
        term.contracted = term.billed + hold.owed
        term.save(update_fields=["contracted"])
        if term.billed_until > hold.starts_on:
            hold.ends_on = term.billed_until
            hold.save(update_fields=["ends_on"])
        else:
            hold.delete()


def _end_since(change: RenewalChange, *, on: date) -> None:
    """Approved late: with nothing active the line has ended when its term did."""
    hold = change.holds.select_related("term__line").order_by("starts_on").last()
    if hold is None or hold.term.outcome or hold.term.billed:
        return
    line = hold.term.line
    later = RenewalChange.objects.standing().filter(
        line=line, term_ends_on__gt=change.term_ends_on
    )
    for other in later:
        _settle(other, State.MOOT, on=on)
    Hold.objects.filter(term__line=line, starts_on__gte=change.term_ends_on).exclude(
        change=change
    ).delete()
    line.terms.open().update(outcome=Term.Outcome.ENDED)
    line.ends_on = max(change.term_ends_on, line.starts_on)
    line.save(update_fields=["ends_on"])


def _replace_since(line: Line, change: RenewalChange, *, active: int, on: date) -> None:
    """Another plan approved late: it is billed from the term end on, and what the old
    one was billed since is given back."""
    boundary, plan = change.term_ends_on, change.to_plan
    while following := line.continued_by.order_by("pk").last():
        line = following
    current = line.terms.open().order_by("starts_on").last()
    if current is None or not line.terms.filter(starts_on=boundary).exists():
        raise ValidationError(
            _(
                "The line has ended or gone into another contract since. Decline the"
                " change; the plan can be changed at once instead."
            ),
            code="too_late",
        )
    price = list_prices.of(plan, currency=line.currency, on=boundary)
    if price is None:
        raise ValidationError(
            _(
                "%(plan)s had no list price in %(currency)s on %(day)s. Decline the"
                " change and agree on another with the customer."
            )
            % {"plan": plan, "currency": line.currency, "day": days.said(boundary)},
            code="no_price",
        )
    units = active if line.plan.per_account else current.billed
    charges.reverse(line.charges.filter(starts_on__gte=boundary), on=on)
    _continued(
        line,
        line.contract,
        boundary,
        plan=plan,
        price=price,
        quantity=plan.units(max(units, 1)),
    )
    line.terms.open().update(outcome=Term.Outcome.CONTINUED)
    line.ends_on = boundary
    line.save(update_fields=["ends_on"])


def shrink_holds(term: Term, *, units: int, on: date) -> None:
    """Units that came back into use are billed, so they are no longer held (3.14)."""
    for hold in term.holds.filter(
        ends_on=term.ends_on, change__state=State.UNDECIDED
    ).order_by("-change__term_ends_on"):
        taken = min(units, hold.quantity)
        left = hold.quantity - taken
        units -= taken
        if not taken:
            break
        if hold.starts_on == on:
            hold.delete() if not left else Hold.objects.filter(pk=hold.pk).update(
                quantity=left
            )
            continue
        Hold.objects.filter(pk=hold.pk).update(ends_on=on)
        if left:
            Hold.objects.create(
                account_id=hold.account_id, change_id=hold.change_id, term=term,
                quantity=left, starts_on=on, ends_on=term.ends_on,
            )  # fmt: skip


def restore(line: Line, *, by: User, on: date) -> None:
    """Back on a plan whose line still runs: its end and undecided credit go (3.4)."""
    proposals = RenewalChange.objects.undecided().filter(line=line, kind=Kind.REPLACED)
    for change in proposals.select_for_update(no_key=True):
        _settle(change, State.WITHDRAWN, on=on, by=by)
    line.replaced_by = line.replaced_on = None
    line.save(update_fields=["replaced_by", "replaced_on"])


def drop(change: RenewalChange, *, by: User | None, on: date) -> None:
    """A change whose line is gone, so that there is nothing left to decide."""
    _settle(change, State.MOOT, on=on, by=by)


def _move(change: RenewalChange, state, *, on: date, by: User | None = None) -> None:
    if state not in RenewalChange.MOVES[change.state]:
        raise ValidationError(
            _("A change that is %(state)s stays so.")
            % {"state": change.get_state_display().lower()},
            code="settled",
        )
    change.state = state
    if state == State.APPLIED:
        change.applied_on = on
    change.save(update_fields=["state", "applied_on"])


def _settle(change, state, *, on: date, by: User | None = None) -> None:
    _move(change, state, on=on)
    decrease_settled.send(RenewalChange, change=change, by=by, on=on)


def _record(verb: str, change: RenewalChange, *, by: User | None, on: date) -> None:
    line = change.line
    activities.record(
        verb,
        account=line.account,
        by=by,
        on=on,
        subject=change,
        app=line.app.slug,
        authority=authority.acting(by, authority.MANAGE),
        kind=change.kind,
        plan=line.plan.name,
        to_plan=change.target_plan.name if change.target_plan else "",
        target=change.target_quantity,
        granted=change.granted_plan.name
        if change.granted_plan
        else change.granted_quantity,
        term_ends_on=change.term_ends_on.isoformat(),
    )
