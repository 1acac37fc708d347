"""Pages of the desk: for support staff alone."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import Account, User
from billing.models import Contract, Line, RenewalChange, Term
from marketplace.models import Offer, Plan
from support import evidence, histories, proposals, tickets, visits
from support.forms import DecisionForm, ReasonForm
from support.models import Evidence, Ticket

ON_A_PAGE = 50
EVENTS_SHOWN = 50


@require_POST
@authority.staff_required
def assign(request, pk):
    """Give the ticket to oneself, a colleague or nobody."""
    found = loaded(pk)
    to = request.POST.get("to", "")
    staff = User.objects.active().filter(kind__in=tickets.STAFF)
    person = get_object_or_404(staff, pk=to) if to.isdecimal() else None
    return _act(
        request,
        found,
        lambda **who: tickets.assign(found, person, **who),
        _("Assigned to %(name)s.") % {"name": person} if person else _("Unassigned."),
    )


@require_POST
@authority.staff_required
def move(request, pk):
    """Bring the ticket to another state."""
    found = loaded(pk)
    to = request.POST.get("to", "")
    if to not in Ticket.BY_HAND:
        to = Ticket.State.NEW
    return _act(
        request,
        found,
        lambda **who: tickets.move(found, to, **who),
        _("The ticket is %(state)s.") % {"state": Ticket.State(to).label.lower()},
    )


@require_http_methods(["GET", "POST"])
@authority.staff_required
def approve(request, pk):
    """Read both bills, write a word, and approve."""
    return _decide(request, pk, approve=True)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def decline(request, pk):
    """Read both bills, write a word, and decline."""
    return _decide(request, pk, approve=False)


@require_POST
@authority.staff_required
def offer_plan(request, pk):
    """Make a plan that is not listed available to the ticket's account (T15)."""
    found = loaded(pk)
    plan = get_object_or_404(offerable_to(found), pk=request.POST.get("plan") or 0)
    return _act(
        request,
        found,
        lambda **who: tickets.offer_plan(found, plan, **who),
        _("%(plan)s is available to %(account)s now, and they were told.")
        % {"plan": plan, "account": found.account},
    )


@require_POST
@authority.staff_required
def release(request, pk):
    """Put a parked line back into the hourly run."""
    found = loaded(pk)
    return _act(
        request,
        found,
        lambda **who: tickets.release(found, **who),
        _("The line is back in the hourly run."),
    )


@require_GET
@authority.staff_required
def accounts(request):
    """Find an account by its name. What is in it opens for a reason alone."""
    words = request.GET.get("q", "").strip()
    found = Account.objects.order_by("name", "id")
    for word in words.split():
        found = found.filter(name__icontains=word)
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "support/accounts.html", {"page": page, "words": words})


@require_http_methods(["GET", "POST"])
@authority.staff_required
def account(request, slug):
    """An account's contract, lines and tickets, once a reason is given and recorded."""
    found = get_object_or_404(Account, slug=slug)
    reasons = request.session.get("visits", {})
    if str(found.pk) not in reasons:
        return _ask_reason(request, found, reasons)
    on = clock.today(found.timezone)
    newest = Term.objects.filter(line=OuterRef("pk")).order_by("-starts_on")
    lines = (
        Line.objects.of(found)
        .select_related("plan__app")
        .annotate(
            billed=Subquery(newest.values("billed")[:1]),
            contracted=Subquery(newest.values("contracted")[:1]),
            term_starts_on=Subquery(newest.values("starts_on")[:1]),
            term_ends_on=Subquery(newest.values("ends_on")[:1]),
        )
        .order_by("ends_on", "plan__app__name", "plan__name", "id")
    )
    context = {
        "account": found,
        "today": on,
        "reason": reasons[str(found.pk)],
        "contracts": Contract.objects.of(found).order_by("-starts_on")[:10],
        "page": Paginator(lines, ON_A_PAGE).get_page(request.GET.get("page")),
        "tickets": found.tickets.select_related("app").order_by("-id")[:20],
    }
    return render(request, "support/account.html", context)


def _ask_reason(request, account, reasons):
    form = ReasonForm(request.POST or None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        visits.begin(
            account, by=request.user, on=clock.today(account.timezone), reason=reason
        )
        request.session["visits"] = reasons | {str(account.pk): reason}
        return redirect("support:account", account.slug)
    status = 422 if form.errors else 200
    return render(
        request, "support/visit.html", {"account": account, "form": form}, status=status
    )


def case_of(ticket) -> dict:
    """What a billing ticket proposes and rests on: as it was, and as it is."""
    undecided = ticket.change.state == RenewalChange.State.UNDECIDED
    taken = {
        snapshot.moment: snapshot
        for snapshot in ticket.evidence.filter(change=ticket.change_id)
    }
    then, decided = taken.get(Evidence.Moment.OPENED), taken.get("DECIDED")
    now = evidence.of([ticket.change])[ticket.change_id]
    later = decided.content if decided and not undecided else now
    content = then.content if then else now
    rows = evidence.rows(content, later)
    shown = later["seat_events"][-EVENTS_SHOWN:][::-1]
    people = User.objects.in_bulk(
        evidence.people({**later, "seat_events": shown})
    )  # fmt: skip
    return {
        "change": ticket.change,
        "undecided": undecided,
        "then": then,
        "decided": decided,
        "intact": all(evidence.intact(one) for one in taken.values()),
        "rows": rows,
        "differs": any(row.differs for row in rows),
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
        "seen": evidence.digest(now),
        "proposal": proposals.of(ticket.change, on=local_day(ticket))
        if undecided
        else None,
    }


def _authority(recorded: str) -> tuple[str, str] | None:
    """Permission and role of "manage_apps: Administrators", in words."""
    permission, _colon, role = recorded.partition(": ")
    words = {"manage_apps": _("manages apps"), "install_apps": _("installs apps")}
    return (role, words.get(permission, permission)) if role else None


def _decide(request, pk, *, approve):
    ticket = loaded(pk)
    if ticket.change_id is None:
        messages.error(request, _("There is nothing to decide on this ticket."))
        return redirect(address_of(ticket))
    case = case_of(ticket)
    if not case["undecided"]:
        messages.error(
            request,
            _("This was decided already: %(state)s.")
            % {"state": ticket.change.get_state_display().lower()},
        )
        return redirect(address_of(ticket))
    form = DecisionForm(request.POST or None, initial={"seen": case["seen"]})
    status, changed = 200, False
    if form.is_valid():
        changed = form.cleaned_data["seen"] != case["seen"]
        if not changed:
            try:
                tickets.decide(
                    ticket,
                    approve=approve,
                    by=request.user,
                    on=local_day(ticket),
                    word=form.cleaned_data["word"],
                )
            except ValidationError as refusal:
                form.add_error(None, refusal)
                status = 422
            else:
                messages.success(request, _("Decided, and the customer was told."))
                return redirect(address_of(ticket))
        else:
            status = 409
            word = form.cleaned_data["word"]
            form = DecisionForm(initial={"seen": case["seen"], "word": word})
    context = {"ticket": ticket, "form": form, "approve": approve, "changed": changed}
    return render(request, "support/decide.html", context | case, status=status)


def _act(request, ticket, rule, done: str):
    """One call into the rules; a refusal is said on the ticket's page."""
    try:
        rule(by=request.user, on=local_day(ticket))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, done)
    return redirect(address_of(ticket))


def conflict(request, ticket, *, version: int, mine: list[str], kept=None):
    """409: somebody changed the ticket since `version`. Shows what they changed beside
    `mine`, in words; `kept` is posted to the same address to put it on top, by default
    all that was posted. Nothing is lost, and nothing is saved before somebody chooses.
    """
    posted = request.POST.copy() if kept is None else kept
    skipped = {"csrfmiddlewaretoken", "version"}
    context = {
        "ticket": ticket,
        "theirs": histories.since(ticket, version),
        "mine": mine,
        "kept": [
            (name, value)
            for name, values in posted.lists()
            if name not in skipped
            for value in values
        ],
    }
    return render(request, "support/conflict.html", context, status=409)


def moves_of(ticket) -> list[str]:
    """Where the ticket may go by hand; what waits for a decision goes nowhere else."""
    standing = ticket.change_id and ticket.change.state in RenewalChange.STANDING
    return [to for to in ticket.moves if not (standing and to in Ticket.DONE)]


def offerable_to(ticket):
    """Base plans under contract for the account that it cannot choose yet (T15)."""
    offered = Offer.objects.filter(account=ticket.account).values("plan")
    contracted = Line.objects.of(ticket.account).values("plan")
    return (
        Plan.objects.base()
        .filter(pk__in=contracted, listed=False)
        .exclude(pk__in=offered)
        .select_related("app")
        .order_by("app__name", "name")
    )


def loaded(pk) -> Ticket:
    """The ticket of an address, with what its pages say of it."""
    return get_object_or_404(
        Ticket.objects.select_related(
            "account", "app", "plan", "requester", "assignee", "contract",
            "line__plan__app", "change__line__plan__app", "change__target_plan",
            "change__new_line", "change__asked_by", "change__decided_by",
        ),
        pk=pk,
    )  # fmt: skip


def address_of(ticket) -> str:
    """Where staff read the ticket."""
    return reverse("support:ticket", args=[ticket.pk])


def local_day(ticket) -> date:
    """Today where the ticket's account is."""
    return clock.today(ticket.account.timezone)
