"""What a ticket proposes, what it rests on, and the decision. For support staff alone."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, prefetch_related_objects
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import User
from billing import credits
from billing.models import RenewalChange
from marketplace.models import Plan
from support import adjustments, approvals, evidence, proposals, tickets, wishes
from support.desk_pages import acting, address_of, loaded, local_day
from support.forms import AdjustForm, CreditForm, DecisionForm
from support.models import Adjustment, AdjustmentApproval, Evidence, Ticket

EVENTS_SHOWN = 50
CHARGES_SHOWN = 60
State = Adjustment.State


@require_http_methods(["GET", "POST"])
@authority.staff_required
def approve(request, pk):
    """One click on the ticket's page; or read both bills, write a word, and approve."""
    return _decide(request, pk, approve=True)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def decline(request, pk):
    """Read both bills, write a word, and decline."""
    return _decide(request, pk, approve=False)


@require_POST
@authority.staff_required
def undo_approval(request, pk):
    """Take an approval back before its term end."""
    return acting(
        request,
        loaded(pk),
        tickets.undo,
        _("The approval is taken back, and the customer was told."),
    )


@require_http_methods(["GET", "POST"])
@authority.staff_required
def adjust(request, pk):
    """Draft another quantity or plan than was asked, or propose it at once."""
    ticket = loaded(pk)
    change = ticket.change
    kinds = {RenewalChange.Kind.END, RenewalChange.Kind.LOWER, RenewalChange.Kind.PLAN}
    if change is None or change.state != "UNDECIDED" or change.kind not in kinds:
        messages.error(request, _("There is nothing to propose instead here."))
        return redirect(address_of(ticket))
    on = local_day(ticket)
    form = AdjustForm(
        request.POST or None, change=change, plans=_other_plans(change)
    )  # fmt: skip
    preview = None
    if form.is_valid():
        wanted = form.wanted()
        try:
            if "preview" in request.POST:
                preview = proposals.of(change, on=on, **wanted)
            else:
                drafted = adjustments.draft(
                    ticket, by=request.user, on=on, reason=form.cleaned_data["reason"],
                    at_once="propose" in request.POST, **wanted,
                )  # fmt: skip
                return _drafted(request, ticket, drafted)
        except ValidationError as refusal:
            form.add_error(None, refusal)
    context = {
        "ticket": ticket,
        "form": form,
        "proposal": preview or proposals.of(change, on=on),
        "preview": preview,
        "asked": wishes.title(change),
    }
    status = 422 if form.errors else 200
    return render(request, "support/adjust.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def credit(request, pk):
    """Draft the credit of a charge that is disputed, or propose it at once."""
    ticket = loaded(pk)
    if ticket.change_id or ticket.is_done or ticket.internal:
        messages.error(request, _("A credit is proposed on an open question."))
        return redirect(address_of(ticket))
    charges = credits.disputable(ticket.account)
    if ticket.line_id:
        charges = charges.filter(line=ticket.line_id)
    charges = charges.select_related("line__plan__app").order_by("-billed_on", "-id")
    form = CreditForm(request.POST or None, charges=charges, most=CHARGES_SHOWN)
    if form.is_valid():
        try:
            drafted = adjustments.draft_credit(
                ticket, form.cleaned_data["charge"], form.wanted(), by=request.user,
                on=local_day(ticket), reason=form.cleaned_data["reason"],
                at_once="propose" in request.POST,
            )  # fmt: skip
            return _drafted(request, ticket, drafted)
        except ValidationError as refusal:
            form.add_error(None, refusal)
    context = {"ticket": ticket, "form": form}
    status = 422 if form.errors else 200
    return render(request, "support/credit.html", context, status=status)


def _drafted(request, ticket, drafted: Adjustment):
    if drafted.state == Adjustment.State.PROPOSED:
        messages.success(request, _("Proposed."))
    else:
        messages.success(request, _("Saved as a draft. Only staff see it."))
    return redirect(f"{address_of(ticket)}#decision")


@require_POST
@authority.staff_required
def propose(request, pk, version):
    """Put a draft in the place of what is proposed."""
    ticket, adjustment = _version(pk, version)
    return acting(
        request,
        ticket,
        lambda ticket, by, on, at: adjustments.propose(adjustment, by=by, on=on),
        _("Proposed."),
    )


@require_POST
@authority.staff_required
def discard(request, pk, version):
    """Take back a draft, or a credit that waits."""
    ticket, adjustment = _version(pk, version)
    return acting(
        request,
        ticket,
        lambda ticket, by, on, at: adjustments.discard(adjustment, by=by, on=on),
        _("Taken back."),
    )


@require_GET
@authority.staff_required
def evidence_page(request, pk):
    """What a ticket rests on, then and now. The ticket's page fetches it by itself."""
    ticket = loaded(pk)
    case = case_of(ticket, by=request.user)
    context = {"ticket": ticket} | case | evidence_of(ticket, case)
    whole = "support/evidence.html"
    template = "support/_evidence_panel.html" if request.htmx else whole
    return render(request, template, context)


def case_of(ticket: Ticket, *, by: User) -> dict:
    """What a ticket proposes, in figures of today, and what `by` may do about it."""
    on = local_day(ticket)
    versions = list(adjustments.of(ticket).order_by("-version"))
    if any(one.two_needed for one in versions):
        given = AdjustmentApproval.objects.select_related("by").order_by("id")
        prefetch_related_objects(versions, Prefetch("approvals", given))
    for one in versions:
        one.ticket = ticket
        one.words = wishes.proposed(one)
    newest = adjustments.standing_of(ticket, versions)
    draft = next((one for one in versions if one.state == State.DRAFT), None)
    undecided = _undecided(ticket, newest)
    proposal = None
    if undecided:
        proposal = (
            adjustments.price(newest, on=on)
            if newest
            else proposals.of(ticket.change, on=on)
        )
    case = {
        "today": on,
        "change": ticket.change,
        "asked": wishes.title(ticket.change) if ticket.change_id else ticket.subject,
        "instead": newest is not None and _is_other(newest, ticket.change),
        "adjustment": newest,
        "draft": draft,
        "versions": versions,
        "undecided": undecided,
        "proposal": proposal,
        "questionable": not (ticket.change_id or ticket.is_done or ticket.internal)
        and ticket.category == Ticket.Category.CHARGE,
    }
    case["has_evidence"] = bool(ticket.change_id or ticket.line_id or newest or draft)
    return case | _powers(case, by=by, on=on)


def _undecided(ticket: Ticket, newest: Adjustment | None) -> bool:
    if ticket.change_id:
        return ticket.change.state == RenewalChange.State.UNDECIDED
    return newest is not None and newest.state == State.PROPOSED


def _is_other(adjustment: Adjustment, change: RenewalChange | None) -> bool:
    """Whether something else is proposed than was asked."""
    if change is None or adjustment.change_id != change.pk:
        return False
    return (adjustment.to_quantity, adjustment.to_plan_id) != (
        change.target_quantity, change.target_plan_id,
    )  # fmt: skip


def evidence_of(ticket: Ticket, case: dict) -> dict:
    """The snapshots of a ticket, what differs between then and now, and seat events."""
    on, undecided = case["today"], case["undecided"]
    adjustment = case["adjustment"] or case["draft"]
    line = ticket.line or (adjustment and adjustment.line)
    if not case["has_evidence"]:
        return {"rows": []}
    found = ticket.evidence.filter(change=ticket.change_id).order_by("id")
    taken = {snapshot.moment: snapshot for snapshot in found}
    then, decided = taken.get(Evidence.Moment.OPENED), taken.get("DECIDED")
    now = evidence.now(ticket, on=on, line=line)
    later = decided.content if decided and not undecided else now
    rows = evidence.rows(then.content if then else now, later)
    shown = later["seat_events"][-EVENTS_SHOWN:][::-1]
    people = User.objects.in_bulk(evidence.people({**later, "seat_events": shown}))
    return {
        "evidence_line": line,
        "then": then,
        "decided": decided,
        "intact": all(evidence.intact(one) for one in taken.values()),
        "rows": rows,
        "differing": [row for row in rows if row.differs],
        "asked_under": _authority(later["asked"]["authority"]),
        "events": [
            {
                **event,
                "user": people.get(event["user"]),
                "by": people.get(event["by"]),
                "day": date.fromisoformat(event["on"]),
            }
            for event in shown
        ],
        "events_count": later["seat_events_count"],
    }


def _powers(case: dict, *, by: User, on: date) -> dict:
    """What somebody may do with what is proposed, and why not."""
    newest, proposal, change = case["adjustment"], case["proposal"], case["change"]
    powers = {"refusal": "", "missing": 1, "second": False, "undoable": False}
    powers |= {"seen": "", "limit": None, "restated": False}
    if newest and newest.state == State.SCHEDULED:
        powers["undoable"] = change.decided_by_id and on < change.term_ends_on
    if not (case["undecided"] and newest):
        return powers
    newest.two_needed = approvals.two_needed(proposal.weight, limit=newest.limit)
    restated = proposal.figures != adjustments.figures(newest)
    powers["restated"] = restated
    if newest.two_needed:
        powers["missing"] = approvals.missing(newest)
    powers["second"] = newest.two_needed and powers["missing"] == 1
    powers["limit"] = newest.limit
    try:
        approvals.refuse(newest, by=by)
    except ValidationError as refusal:
        powers["refusal"] = " ".join(refusal.messages)
    return powers | {"seen": adjustments.seen(newest, proposal)}


def _authority(recorded: str) -> tuple[str, str] | None:
    """Permission and role of "manage_apps: Administrators", in words."""
    permission, _colon, role = recorded.partition(": ")
    words = {"manage_apps": _("managed apps"), "install_apps": _("installed apps")}
    return (role, words.get(permission, permission)) if role else None


def _decide(request, pk, *, approve):
    ticket = loaded(pk)
    case = case_of(ticket, by=request.user)
    if not case["undecided"]:
        return _nothing_left(request, ticket, case["adjustment"], approve=approve)
    form = DecisionForm(request.POST or None, initial={"seen": case["seen"]})
    status, changed = 200, False
    if form.is_valid():
        changed = form.cleaned_data["seen"] != case["seen"]
        word = form.cleaned_data["word"]
        if changed:
            status = 409
            form = DecisionForm(initial={"seen": case["seen"], "word": word})
        else:
            try:
                tickets.decide(
                    ticket,
                    approve=approve,
                    by=request.user,
                    on=local_day(ticket),
                    at=clock.now(),
                    word=word,
                    seen=case["seen"] or None,
                )
            except ValidationError as refusal:
                form.add_error(None, refusal)
                status = 422
            else:
                waits = approve and case["missing"] > 1
                messages.success(
                    request,
                    _("Approved by you. It waits for a second person.")
                    if waits
                    else _("Decided, and the customer was told."),
                )
                return redirect(address_of(ticket))
    context = {"ticket": ticket, "form": form, "approve": approve, "changed": changed}
    context |= case | evidence_of(ticket, case)
    return render(request, "support/decide.html", context, status=status)


def _nothing_left(request, ticket, newest: Adjustment | None, *, approve: bool):
    """A second click on what is decided: the same answer to who approved it."""
    if newest is None and ticket.change_id is None:
        messages.error(request, _("There is nothing to decide on this ticket."))
    elif approve and newest and approvals.stands(newest, by=request.user):
        messages.info(request, _("You approved this already. Nothing was done twice."))
    else:
        state = newest.state if newest else ticket.change.state
        label = Adjustment.State(state).label if newest else state
        messages.error(
            request,
            _("This was decided already: %(state)s.") % {"state": str(label).lower()},
        )
    return redirect(address_of(ticket))


def _other_plans(change: RenewalChange):
    line = change.line
    plans = Plan.objects.base().filter(app=line.app_id).exclude(pk=line.plan_id)
    return plans.order_by("position", "pk")


def _version(pk, version) -> tuple[Ticket, Adjustment]:
    ticket = loaded(pk)
    return ticket, get_object_or_404(adjustments.of(ticket), version=version)
