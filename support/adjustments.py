"""Proposed adjustments: versions of what a billing ticket does to the bill.

The first version is the customer's wish, as billing carries it. Staff may draft another
quantity, another plan, or the credit of a disputed charge; proposed, it supersedes what
was proposed before, and the wish stays on the renewal change. Each version keeps the
figures it was proposed on. What is decided is written in billing, once
(`tickets.decide`). The locks are line, then ticket; those who carry, decide and reopen
hold them already.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from billing import credits, renewals
from billing.models import Charge, Line, RenewalChange
from journal import activities
from marketplace.models import Plan
from support import approvals, proposals
from support.models import Adjustment, ApprovalLimit, Ticket

Kind = Adjustment.Kind
State = Adjustment.State


def carry(tickets: Iterable[Ticket], *, on: date, new: bool = False) -> None:
    """Propose the wish that each ticket carries, as its next version.

    `new`: they were opened just now. What was drafted or proposed for an earlier wish is superseded. A constant number of
    queries for any number of tickets whose term ends on one day.
    """
    tickets = list(tickets)
    earlier = Adjustment.objects.filter(ticket__in=tickets)
    if not new:
        _retire(earlier)
    priced = proposals.of_all([ticket.change for ticket in tickets], on=on)
    limits = approvals.limits(one.currency for one in priced.values())
    versions = {}
    if not new:
        versions = dict(earlier.values_list("ticket").annotate(Max("version")))
    Adjustment.objects.bulk_create(
        [
            _of_wish(
                ticket,
                priced[ticket.change_id],
                version=versions.get(ticket.pk, 0) + 1,
                limit=limits.get(priced[ticket.change_id].currency),
                on=on,
            )
            for ticket in tickets
        ],
        ignore_conflicts=True,
    )


def _of_wish(ticket: Ticket, proposal, *, version, limit, on: date) -> Adjustment:
    change = ticket.change
    return Adjustment(
        ticket=ticket,
        version=version,
        author_id=change.asked_by_id,
        reason=change.reason,
        drafted_on=on,
        **_target(proposal, quantity=change.target_quantity, plan=change.target_plan),
        **_figures(proposal, limit=limit),
    )


def _target(proposal, *, quantity: int | None, plan: Plan | None) -> dict:
    """What a version goes from and to, and from which day it counts."""
    change = proposal.change
    kind = change.kind
    if kind in {Kind.END, Kind.LOWER}:
        kind = Kind.LOWER if quantity else Kind.END
    return {
        "kind": kind,
        "line": change.line,
        "change": change,
        "from_quantity": proposal.billed,
        "from_plan_id": change.line.plan_id,
        "to_quantity": quantity,
        "to_plan": plan,
        "boundary_on": change.term_ends_on,
        "effective_on": change.effective_on or change.term_ends_on,
    }


def _figures(proposal: proposals.Proposal, *, limit: Decimal | None) -> dict:
    before, after, gives_back, held, weight = proposal.figures
    return {
        "currency": proposal.currency,
        "bill_before": before,
        "bill_after": after,
        "gives_back": gives_back,
        "held": held,
        "weight": weight,
        "two_needed": approvals.two_needed(weight, limit=limit),
    }


def price(adjustment: Adjustment, *, on: date) -> proposals.Proposal:
    """What a version does, computed on a local day by the functions that bill."""
    if adjustment.kind == Kind.CREDIT:
        return proposals.of_credit(adjustment.charge, adjustment.gives_back)
    change = adjustment.change
    asked = adjustment.to_quantity == change.target_quantity
    return proposals.of(
        change,
        on=on,
        quantity=None if asked else adjustment.to_quantity,
        plan=adjustment.to_plan,
    )


@transaction.atomic
def draft(
    ticket: Ticket, *, by: User, on: date, quantity: int | None = None,
    plan: Plan | None = None, reason: str = "", at_once: bool = False,
) -> Adjustment:  # fmt: skip
    """Draft another quantity or plan than was asked. A new draft replaces the old one.

    `at_once`: propose it too, or leave nothing where that is refused.

    Refuses a ticket whose change is not undecided (code decided, nothing_to_decide), a
    draft that says what is proposed already (same), and what `renewals.refuse_grant`
    refuses. Only staff draft (PermissionDenied).
    """
    ticket = _locked(ticket, ticket.line_id)
    change = _undecided(ticket, by=by)
    if change.kind == RenewalChange.Kind.REPLACED or (quantity is None) == (
        plan is None
    ):
        raise ValidationError(
            _("Only another quantity, or another plan, can be proposed instead."),
            code="not_adjustable",
        )
    renewals.refuse_grant(change, quantity=quantity, plan=plan)
    if (quantity is not None) == (change.kind == RenewalChange.Kind.PLAN):
        raise ValidationError(
            _("Propose a quantity for a quantity, and a plan for a plan."),
            code="not_adjustable",
        )
    standing = newest(ticket)
    if standing and (standing.to_quantity, standing.to_plan) == (quantity, plan):
        raise ValidationError(_("That is what is proposed already."), code="same")
    proposal = proposals.of(change, on=on, quantity=quantity, plan=plan)
    target = _target(proposal, quantity=quantity, plan=plan)
    drafted = _write(ticket, proposal, target, reason=reason, by=by, on=on)
    return propose(drafted, by=by, on=on) if at_once else drafted


@transaction.atomic
def draft_credit(
    ticket: Ticket, charge: Charge, amount: Decimal, *, by: User, on: date, reason: str,
    at_once: bool = False,
) -> Adjustment:  # fmt: skip
    """Draft the credit of a disputed charge: all of it, or a part, with the reason.

    `at_once`: propose it too, or leave nothing where that is refused.

    `amount` in the charge's currency. Refuses a ticket that carries a renewal change
    (code not_a_question), another account's charge (foreign_charge), a draft without a
    reason (no_reason), and what `credits.refuse` refuses.
    """
    if by.kind not in approvals.STAFF:
        raise PermissionDenied
    ticket = _locked(ticket, charge.line_id)
    if ticket.change_id or ticket.is_done or ticket.internal:
        raise ValidationError(
            _("A credit is proposed on an open question about a charge."),
            code="not_a_question",
        )
    if charge.account_id != ticket.account_id:
        raise ValidationError(
            _("This charge is another account's."), code="foreign_charge"
        )
    if not reason.strip():
        raise ValidationError(
            _("Say why it is given back. The customer reads it."), code="no_reason"
        )
    credits.refuse(charge, amount)
    target = {
        "kind": Kind.CREDIT,
        "line": charge.line,
        "charge": charge,
        "from_quantity": charge.quantity,
        "from_plan_id": charge.line.plan_id,
    }
    proposal = proposals.of_credit(charge, amount)
    drafted = _write(ticket, proposal, target, reason=reason, by=by, on=on)
    return propose(drafted, by=by, on=on) if at_once else drafted


def _write(ticket: Ticket, proposal, target: dict, *, reason, by, on) -> Adjustment:
    _retire(ticket.adjustments.drafts())
    limit = approvals.limits([proposal.currency]).get(proposal.currency)
    adjustment = Adjustment.objects.create(
        ticket=ticket,
        version=_next_version(ticket),
        state=State.DRAFT,
        reason=reason.strip(),
        author=by,
        drafted_on=on,
        **target,
        **_figures(proposal, limit=limit),
    )
    _record("adjustment.drafted", adjustment, by=by, on=on)
    return adjustment


@transaction.atomic
def propose(adjustment: Adjustment, *, by: User, on: date) -> Adjustment:
    """Put a draft in the place of what was proposed, with the figures of that day.

    Who proposes it answers for it as its author. Refuses what is no draft any more
    (code not_a_draft), the credit of a charge that another ticket proposes to credit
    (in_the_making), and what drafting it would refuse by now.
    """
    adjustment = _again_locked(adjustment, by=by)
    if adjustment.state != State.DRAFT:
        raise ValidationError(
            _("This draft was proposed or thrown away already."), code="not_a_draft"
        )
    ticket = adjustment.ticket
    if adjustment.change_id:
        _undecided(ticket, by=by)
        if adjustment.change_id != ticket.change_id:
            raise ValidationError(
                _("The customer has asked for something else since. Draft it again."),
                code="not_a_draft",
            )
    if adjustment.kind == Kind.CREDIT:
        credits.refuse(adjustment.charge, adjustment.gives_back)
        _refuse_two_credits(adjustment)
    _retire(ticket.adjustments.proposed())
    adjustment.author = by
    _restate(adjustment, price(adjustment, on=on))
    _move(adjustment, State.PROPOSED)
    _record("adjustment.proposed", adjustment, by=by, on=on)
    return adjustment


def _refuse_two_credits(adjustment: Adjustment) -> None:
    others = Adjustment.objects.proposed().filter(charge=adjustment.charge_id)
    other = others.exclude(ticket=adjustment.ticket_id).select_related("ticket").first()
    if other:
        raise ValidationError(
            _("%(number)s proposes a credit of this charge. Decide that first."),
            code="in_the_making",
            params={"number": other.ticket.number},
        )


@transaction.atomic
def discard(adjustment: Adjustment, *, by: User, on: date) -> Adjustment:
    """Take back a draft, or a credit that is proposed and not decided.

    A wish stays: it is the customer's to take back. Refuses the others (code decided).
    """
    adjustment = _again_locked(adjustment, by=by)
    credit = adjustment.kind == Kind.CREDIT and adjustment.state == State.PROPOSED
    if not credit and adjustment.state != State.DRAFT:
        raise ValidationError(
            _("Only a draft, or a credit that waits, can be taken back."),
            code="decided",
        )
    _record("adjustment.discarded", adjustment, by=by, on=on)
    return _move(adjustment, State.WITHDRAWN)


def of(ticket: Ticket):
    """A ticket's versions with what pages say of them, and the limit of today."""
    limit = ApprovalLimit.objects.filter(currency=OuterRef("currency"))
    limited = ticket.adjustments.annotate(limit=Subquery(limit.values("amount")))
    return limited.select_related(
        "change__line__plan__app", "change__line__contract", "change__target_plan",
        "change__granted_plan", "change__new_line", "charge__line", "line__plan__app",
        "from_plan", "to_plan", "author", "ticket__account", "decided_by",
    )  # fmt: skip


def newest(ticket: Ticket) -> Adjustment | None:
    """The version that stands for what the ticket carries: see `standing_of`."""
    return standing_of(ticket, of(ticket).order_by("-version"))


def standing_of(ticket: Ticket, versions: Iterable[Adjustment]) -> Adjustment | None:
    """Of a ticket's versions, newest first: the live one, else the one that was decided,
    else the newest. Drafts, and versions of an earlier wish, do not stand.
    """
    mine = [
        one
        for one in versions
        if one.state != State.DRAFT and one.change_id == ticket.change_id
    ]
    decided = {State.APPLIED, State.DECLINED}
    ranks = {one.pk: 0 if one.is_live else 2 - (one.state in decided) for one in mine}
    return min(mine, key=lambda one: (ranks[one.pk], -one.version), default=None)


def standing(ticket: Ticket, *, on: date) -> Adjustment | None:
    """The version to decide on, locked; None where nothing is.

    A ticket from before there were versions gets its first one now.
    """
    list(ticket.adjustments.select_for_update(no_key=True).values_list("pk"))
    found = newest(ticket)
    if found is None and ticket.change_id:
        carry([ticket], on=on)
        found = newest(ticket)
    if found is None or found.state != State.PROPOSED:
        return None
    two = approvals.two_needed(found.weight, limit=found.limit)
    if two != found.two_needed:  # the limit was changed since
        found.two_needed = two
        found.save(update_fields=["two_needed"])
    return found


def current(adjustment: Adjustment, *, on: date) -> Adjustment:
    """The version with the figures of a day: another one, where they have changed.

    An approval is given for figures. What was approved on others counts for nothing.
    """
    proposal = price(adjustment, on=on)
    if figures(adjustment) == proposal.figures:
        return adjustment
    return _again(adjustment, proposal, on=on, retired=State.SUPERSEDED)


def seen(adjustment: Adjustment, proposal: proposals.Proposal) -> str:
    """A digest of a version and its figures, for who decides on what they saw."""
    shown = adjustment.version, *map(_plain, proposal.figures)
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else format(amount.normalize(), "f")


def reopen(adjustment: Adjustment, *, on: date) -> Adjustment:
    """An approval was undone: the version is withdrawn, and the same is proposed again."""
    _move(adjustment, State.WITHDRAWN)
    adjustment.change.refresh_from_db()
    return _again(adjustment, price(adjustment, on=on), on=on)


def figures(adjustment: Adjustment) -> tuple:
    """The figures that a version was proposed on."""
    return (
        adjustment.bill_before, adjustment.bill_after, adjustment.gives_back,
        adjustment.held, adjustment.weight,
    )  # fmt: skip


def _again(adjustment: Adjustment, proposal, *, on: date, retired=None) -> Adjustment:
    if retired:
        _move(adjustment, retired)
    limit = approvals.limits([proposal.currency]).get(proposal.currency)
    return Adjustment.objects.create(
        version=_next_version(adjustment.ticket),
        drafted_on=on,
        **{
            name: getattr(adjustment, name)
            for name in (
                "ticket", "kind", "line", "change", "charge", "from_quantity",
                "from_plan", "to_quantity", "to_plan", "boundary_on", "effective_on",
                "reason", "author",
            )
        },
        **_figures(proposal, limit=limit),
    )  # fmt: skip


def decided(adjustment: Adjustment, *, approve: bool, by: User, on: date) -> None:
    """Write down who decided a version, and when. What was drafted beside it goes."""
    _retire(adjustment.ticket.adjustments.drafts())
    _move(adjustment, State.APPROVED if approve else State.DECLINED)
    Adjustment.objects.filter(pk=adjustment.pk).update(
        decided_by=by, decided_on=on, decided_at=Now()
    )


def acted(adjustment: Adjustment, *, on: date) -> None:
    """An approved version has acted, or else waits for the renewal that carries it out."""
    adjustment.refresh_from_db(fields=["state", "applied_on"])
    if adjustment.state != State.APPROVED:
        return
    if adjustment.kind == Kind.CREDIT:
        adjustment.applied_on = on
        _move(adjustment, State.APPLIED)
    else:
        _move(adjustment, State.SCHEDULED)


def follow(change: RenewalChange) -> None:
    """What became of a renewal change becomes of the versions that answer it."""
    acting = Adjustment.objects.filter(change=change)
    if change.state == RenewalChange.State.APPLIED:
        approved = acting.filter(state__in=[State.APPROVED, State.SCHEDULED])
        approved.update(state=State.APPLIED, applied_on=change.applied_on)
    elif change.state == RenewalChange.State.SUPERSEDED:
        _retire(acting)
    elif change.state != RenewalChange.State.DECLINED:
        waiting = [State.DRAFT, State.PROPOSED, State.SCHEDULED]
        acting.filter(state__in=waiting).update(state=State.WITHDRAWN)


def _retire(adjustments) -> None:
    """Drafts and proposals give way to another; what is scheduled no longer acts."""
    waiting = adjustments.filter(state__in=[State.DRAFT, State.PROPOSED])
    waiting.update(state=State.SUPERSEDED)
    adjustments.filter(state=State.SCHEDULED).update(state=State.WITHDRAWN)


def _restate(adjustment: Adjustment, proposal: proposals.Proposal) -> None:
    limit = approvals.limits([proposal.currency]).get(proposal.currency)
    for name, value in _figures(proposal, limit=limit).items():
        setattr(adjustment, name, value)
    adjustment.save()


def _locked(ticket: Ticket, line_id: int | None) -> Ticket:
    """The ticket, locked after the line, if it is about one."""
    if line_id is not None:
        Line.objects.locked(line_id)
    return (
        Ticket.objects.select_for_update(no_key=True, of=["self"])
        .select_related(
            "account", "change__line__plan__app", "change__target_plan",
            "change__granted_plan", "change__new_line",
        )
        .get(pk=ticket.pk)
    )  # fmt: skip


def _again_locked(adjustment: Adjustment, *, by: User) -> Adjustment:
    """A version read again under its locks, for one of staff."""
    if by.kind not in approvals.STAFF:
        raise PermissionDenied
    ticket = _locked(adjustment.ticket, adjustment.line_id)
    found = of(ticket).get(pk=adjustment.pk)
    found.ticket = ticket
    return found


def _record(verb: str, adjustment: Adjustment, *, by: User, on: date) -> None:
    """What staff propose among themselves stands in no account's activity."""
    ticket = adjustment.ticket
    activities.record(
        verb,
        account=None,
        by=by,
        on=on,
        subject=ticket,
        number=ticket.number,
        proposal=adjustment.version,
    )


def _undecided(ticket: Ticket, *, by: User) -> RenewalChange:
    """The change a ticket carries, while it may still be decided otherwise."""
    if by.kind not in approvals.STAFF:
        raise PermissionDenied
    if ticket.change_id is None:
        raise ValidationError(
            _("There is nothing to decide on this ticket."), code="nothing_to_decide"
        )
    if ticket.change.state != RenewalChange.State.UNDECIDED:
        raise ValidationError(
            _("This was decided already: %(state)s."),
            code="decided",
            params={"state": ticket.change.get_state_display().lower()},
        )
    return ticket.change


def _next_version(ticket: Ticket) -> int:
    return (ticket.adjustments.aggregate(most=Max("version"))["most"] or 0) + 1


def _move(adjustment: Adjustment, to: str) -> Adjustment:
    if to not in Adjustment.MOVES[adjustment.state]:
        raise ValidationError(
            _("An adjustment that is %(state)s stays so."),
            code="decided",
            params={"state": adjustment.get_state_display().lower()},
        )
    adjustment.state = to
    adjustment.save(update_fields=["state", "applied_on"])
    return adjustment
