"""Pages of the desk: for support staff alone."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import (
    Exists,
    OuterRef,
    Prefetch,
    Subquery,
    prefetch_related_objects,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import Account, User
from billing.models import Contract, Line, RenewalChange, Term
from marketplace.models import Offer, Plan
from support import (
    histories,
    links,
    promises,
    tickets,
    visits,
)
from support.forms import FieldsForm, ReasonForm
from support.models import Ticket

ON_A_PAGE = 50
MERGED_SHOWN = 20


@require_POST
@authority.staff_required
def assign(request, pk):
    """Give the ticket to oneself, a colleague or nobody."""
    found = loaded(pk)
    to = request.POST.get("to", "")
    person = get_object_or_404(staff(), pk=to) if to.isdecimal() else None
    return acting(
        request,
        found,
        lambda ticket, **who: tickets.assign(ticket, person, **who),
        _("Assigned to %(name)s.") % {"name": person} if person else _("Unassigned."),
    )


@require_POST
@authority.staff_required
def offer_plan(request, pk):
    """Make a plan that is not listed available to the ticket's account (T15)."""
    found = loaded(pk)
    asked = request.POST.get("plan", "")
    pk = int(asked) if asked.isdecimal() and len(asked) < 19 else 0
    plan = get_object_or_404(offerable_to(found), pk=pk)
    return acting(
        request,
        found,
        lambda ticket, **who: tickets.offer_plan(ticket, plan, **who),
        _("%(plan)s is available to %(account)s now, and they were told.")
        % {"plan": plan, "account": found.account},
    )


@require_POST
@authority.staff_required
def release(request, pk):
    """Put a parked line back into the hourly run."""
    return acting(
        request,
        loaded(pk),
        lambda ticket, **who: tickets.release(ticket, **who),
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


def acting(request, ticket, rule, done: str):
    """One call into the rules; a refusal is said on the ticket's page."""
    try:
        rule(ticket, by=request.user, on=local_day(ticket), at=clock.now())
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, done)
    return redirect(address_of(ticket))


def beside(ticket, *, by, at) -> dict:
    """What stands beside a conversation: deadlines, fields, links, merges, followers."""
    followers = list(ticket.followers.order_by("display_name", "pk"))
    return {
        "clocks": promises.clocks(ticket, at=at, zone=ticket.term_zone),
        "now": at,
        "fields": fields_form(ticket),
        "relations": links.of(ticket),
        "merged": list(ticket.merged.all())[:MERGED_SHOWN] if ticket.joined else [],
        "followers": followers,
        "follows": by in followers,
    }


def fields_form(ticket, data=None) -> FieldsForm:
    """A ticket's fields, with where it may go and whom it may be given to."""
    people = staff().order_by("display_name", "pk")
    return FieldsForm(data, ticket=ticket, staff=people, moves=moves_of(ticket))


def staff():
    """Everybody a ticket can be given to."""
    return User.objects.active().filter(kind__in=tickets.STAFF)


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
    """The ticket of an address, with what its pages say of it; `joined` is whether
    others were merged into it, `term_zone` the time zone of its term.
    """
    merged = Ticket.objects.filter(merged_into=OuterRef("pk"))
    term = Term.objects.filter(line=OuterRef("line"), ends_on=OuterRef("term_ends_on"))
    found = get_object_or_404(
        Ticket.objects.annotate(
            joined=Exists(merged), term_zone=Subquery(term.values("timezone")[:1])
        ).select_related(
            "account", "app", "plan", "requester", "assignee", "contract", "rating",
            "line__plan__app", "change__line__plan__app", "change__target_plan",
            "change__granted_plan", "change__new_line", "change__asked_by",
            "change__decided_by",
        ),
        pk=pk,
    )  # fmt: skip
    if found.joined:
        prefetch_related_objects(
            [found], Prefetch("merged", Ticket.objects.order_by("id"))
        )
    return found


def address_of(ticket) -> str:
    """Where staff read the ticket."""
    return reverse("support:ticket", args=[ticket.pk])


def local_day(ticket) -> date:
    """Today where the ticket's account is."""
    return clock.today(ticket.account.timezone)
