"""Pages for those who ask Support: what they asked, what came of it, and asking."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from billing import contracts
from billing.models import Line, RenewalChange
from journal import days
from marketplace.models import App
from support import (
    adjustments,
    answers,
    attachments,
    merges,
    ratings,
    tickets,
    wishes,
)
from support.file_pages import download
from support.forms import (
    BUYS,
    NEEDS_MANAGE,
    QUESTIONS,
    FilesForm,
    RatingForm,
    ReplyForm,
    RequestForm,
    plans_told,
)
from support.models import Attachment, Ticket

ON_A_PAGE = 25
SAID = 200
WAITING_SHOWN = 5
DECIDED = {"APPROVED", "SCHEDULED", "APPLIED", "DECLINED"}
Category = Ticket.Category
State = RenewalChange.State

WHAT_FOR = {
    Category.INSTALL: (
        "apps",
        gettext_lazy("A plan you contracted is missing, or an app misbehaves"),
    ),
    Category.SALES: ("tag", gettext_lazy("A plan without a price, or add-ons")),
    Category.CHARGE: (
        "receipt",
        gettext_lazy("A charge that you do not understand or expect"),
    ),
    Category.REDUCTION: (
        "arrow-down",
        gettext_lazy("Fewer units from the next term on"),
    ),
    Category.CANCELLATION: (
        "calendar-off",
        gettext_lazy("Stop billing of something that is not installed any more"),
    ),
    Category.ADD_ON: (
        "puzzle",
        gettext_lazy("An add-on you bought that is not active yet"),
    ),
}


@require_GET
@authority.customer_required
def requests(request):
    """One's own requests; those who manage apps see all of the account."""
    found = seen_by(request.user).select_related("app", "requester", "change")
    open_ones = request.GET.get("show") != "all"
    shown = found.open() if open_ones else found
    context = {
        "page": Paginator(shown.order_by("-id"), ON_A_PAGE).get_page(
            request.GET.get("page")
        ),
        "open_ones": open_ones,
        "open_count": found.open().count(),
        "all_count": found.count(),
        "manages": authority.held(request.user, authority.MANAGE),
    }
    return render(request, "support/requests.html", context)


@require_GET
@authority.customer_required
def waiting_for_you(request):
    """Requests that wait for an answer of who asked: a fragment for other pages."""
    waiting = seen_by(request.user).filter(state=Ticket.State.WAITING)
    context = {"tickets": waiting.order_by("-id")[:WAITING_SHOWN]}
    return render(request, "support/_waiting_for_you.html", context)


@require_http_methods(["GET", "POST"])
@authority.customer_required
def new_request(request):
    """First what it is about, then the questions for that."""
    offered = _categories(request.user)
    category = (request.POST or request.GET).get("category", "").upper()
    if category not in QUESTIONS:
        return render(
            request,
            "support/new_request.html",
            {"categories": offered, "goes_on_from": request.GET.get("from", "")},
        )
    if category in BUYS and not _buys(request.user):
        return _ask_own_company(request)
    if category in NEEDS_MANAGE and not authority.held(request.user, authority.MANAGE):
        raise PermissionDenied
    account, on = request.user.account, _on(request)
    asked = {"account": account, "category": category, "on": on}
    first = {name: request.GET.get(name, "") for name in ("app", "plan", "line")}
    if category in BUYS:
        first |= _wish(request, on=on)
    first |= _goes_on_from(request)
    form = RequestForm(request.POST or None, **asked, initial=first)
    files = FilesForm(request.POST or None, request.FILES or None)
    status = 200
    if form.is_valid() and files.is_valid():
        try:
            ticket = answers.submit(
                account,
                category=category,
                files=files.cleaned_data["files"],
                by=request.user,
                on=on,
                at=clock.now(),
                **form.cleaned_data,
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request,
                (
                    _("Sales has your request: %(number)s.")
                    if category in BUYS
                    else _("Support has your request: %(number)s.")
                )
                % {"number": ticket.number},
            )
            return redirect("support:request", ticket.pk)
    if form.errors:
        status = 422
    context = {
        "form": form,
        "files": files,
        "category": category,
        "label": Category(category).label,
        "icon": WHAT_FOR[category][0],
        "lead": WHAT_FOR[category][1],
        "plan_wanted": _plan_wanted(request),
        "sales": category in BUYS,
        "without_lines": "line" in form.fields
        and not form.fields["line"].queryset.exists(),
    }
    return render(request, "support/new_request_form.html", context, status=status)


@require_GET
@authority.customer_required
def request_page(request, pk):
    """How far a request is, what was decided, and what was said to the customer. One
    that was merged leads to where it goes on.
    """
    ticket = _ticket(request, pk)
    if ticket.merged_into_id:
        return redirect("support:request", tickets.survivor(ticket).pk)
    return _page(request, ticket)


@require_POST
@authority.customer_required
def reply(request, pk):
    """Answer Support."""
    ticket = _ticket(request, pk)
    form, files = ReplyForm(request.POST), FilesForm(request.POST, request.FILES)
    if form.is_valid() and files.is_valid():
        try:
            answers.reply(
                ticket,
                form.cleaned_data["body"],
                files=files.cleaned_data["files"],
                by=request.user,
                on=_on(request),
                at=clock.now(),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Your answer is with Support."))
            return redirect("support:request", ticket.pk)
    return _page(request, ticket, form=form, status=422)


@require_POST
@authority.customer_required
def rate(request, pk):
    """Say once how Support did."""
    ticket = _ticket(request, pk)
    form = RatingForm(request.POST)
    if form.is_valid():
        try:
            ratings.rate(ticket, **form.cleaned_data, by=request.user)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Thank you for telling us."))
            return redirect("support:request", ticket.pk)
    return _page(request, ticket, rating_form=form, status=422)


@require_GET
@authority.customer_required
def file(request, pk, file):
    """Download a file that was sent with what the customer may read."""
    ticket = _ticket(request, pk)
    said = merges.said(ticket).public()
    found = Attachment.objects.filter(message__in=said, internal=False)
    return download(get_object_or_404(found, pk=file))


@require_GET
@authority.required(authority.MANAGE)
def line_tickets(request, pk):
    """A fragment for other pages: the requests about one line. Alone, it is the list."""
    line = get_object_or_404(Line.objects.of(request.user.account), pk=pk)
    if not request.htmx:
        return redirect(f"{reverse('support:requests')}?show=all")
    found = Ticket.objects.of(request.user.account).public().filter(line=line)
    context = {"tickets": found.select_related("change").order_by("-id")[:10]}
    return render(request, "support/_line_tickets.html", context)


def _page(request, ticket, *, form=None, rating_form=None, status=200):
    files = Prefetch("attachments", attachments.listed())
    said = merges.said(ticket).public().select_related("author").order_by("id")
    context = {
        "files": FilesForm(),
        "rating": getattr(ticket, "rating", None),
        "rating_form": rating_form or RatingForm(),
        "figures": _figures(ticket, by=request.user),
        "ticket": ticket,
        "change": ticket.change,
        "said": said.prefetch_related(files)[:SAID],
        "form": form or ReplyForm(),
        "steps": _steps(ticket, on=_on(request)),
        "step": _step(ticket, on=_on(request)),
        "again": _again(ticket, by=request.user),
        "decision": _decision(ticket, on=_on(request)),
        "today": _on(request),
    }
    return render(request, "support/request.html", context, status=status)


def seen_by(user):
    """Requests that somebody may read: their own, or with Manage the account's."""
    found = Ticket.objects.of(user.account).public()
    if authority.held(user, authority.MANAGE):
        return found
    return found.filter(requester=user)


def _ticket(request, pk) -> Ticket:
    """A request of the account (404); a colleague's needs Manage (403)."""
    found = Ticket.objects.of(request.user.account).public().select_related(
        "app", "plan", "requester", "line__plan__app", "change__line__plan__app",
        "change__target_plan", "rating",
    )  # fmt: skip
    ticket = get_object_or_404(found, pk=pk)
    own = ticket.requester_id == request.user.pk
    if not own and not authority.held(request.user, authority.MANAGE):
        raise PermissionDenied
    return ticket


def _categories(user) -> list[dict]:
    manages = authority.held(user, authority.MANAGE)
    return [
        {"key": key, "label": Category(key).label, "icon": icon, "what": what}
        for key, (icon, what) in WHAT_FOR.items()
        if (manages or key not in NEEDS_MANAGE) and (key not in BUYS or _buys(user))
    ]


def _buys(user) -> bool:
    """Whether somebody holds purchasing authority of either kind."""
    held = (authority.held(user, name) for name in authority.PURCHASING)
    return any(held)


def _ask_own_company(request):
    """Who cannot buy asks their own company for the app, not our sales."""
    app = App.objects.listed().filter(slug=request.GET.get("app", "")).first()
    if request.method == "POST" or app is None:
        raise PermissionDenied
    return redirect("myapps:request-app", app.slug)


def _wish(request, *, on) -> dict:
    """What the page that led here knew, as words that can be edited."""
    account, data = request.user.account, request.GET
    plan = _plan_wanted(request)
    app = App.objects.listed().filter(slug=data.get("app", "")).first()
    words = {"app": app, "plan": plan, "account": account}
    if plan:
        body = _("%(account)s would like an offer for %(app)s, plan %(plan)s.") % words
    elif app:
        body = _("%(account)s would like an offer for %(app)s.") % words
    else:
        body = ""
    return {
        "people": data.get("people", ""),
        "currency": data.get("currency") or contracts.currency_of(account, on=on) or "",
        "body": body,
    }


def _plan_wanted(request):
    """The plan that a link asked for, in words; none that the reader may not know."""
    data = request.POST or request.GET
    found = plans_told(request.user.account).select_related("app")
    return found.filter(
        app__slug=data.get("app", ""), code=data.get("plan", "")
    ).first()


def _again(ticket, *, by) -> str:
    """Where a closed request is asked about again, with what it was about."""
    address = reverse("support:new-request")
    offered = {one["key"] for one in _categories(by)}
    category = f"category={ticket.category}&" if ticket.category in offered else ""
    return f"{address}?{category}from={ticket.number}"


def _goes_on_from(request) -> dict:
    """What a new request takes over from a closed one of the same reader."""
    number = request.GET.get("from", "").removeprefix("T-")
    if not number.isdecimal() or len(number) > 12:
        return {}
    old = seen_by(request.user).filter(pk=number).select_related("app", "plan").first()
    if old is None:
        return {}
    words = {"number": old.number, "subject": old.subject}
    return {
        "app": old.app.slug if old.app else "",
        "plan": old.plan.code if old.plan else "",
        "line": old.line_id,
        "body": _("About %(number)s, “%(subject)s”:") % words + "\n\n",
    }


def _steps(ticket, *, on) -> list[str]:
    """What happens to a request, in plain words."""
    steps = [_("Received"), _("Support works on it")]
    change = ticket.change
    if change is None:
        decides = ticket.category == Category.CHARGE
        return [*steps, _("Decided"), _("Done")] if decides else [*steps, _("Done")]
    steps.append(_("Decided"))
    waits = change.kind != RenewalChange.Kind.REPLACED and change.state not in {
        State.DECLINED, State.WITHDRAWN, State.SUPERSEDED, State.MOOT,
    }  # fmt: skip
    late = (change.decided_on or on) >= change.term_ends_on  # decided, it acts at once
    if waits and not late:
        day = days.said(change.term_ends_on)
        steps.append(_("Scheduled for %(day)s") % {"day": day})
    return [*steps, _("Done")]


def _step(ticket, *, on) -> int:
    """Which step a request is at; beyond the last, all are done."""
    if ticket.is_done:
        return len(_steps(ticket, on=on)) + 1
    if ticket.state == Ticket.State.SCHEDULED:
        return 4
    return 1 if ticket.state == Ticket.State.NEW else 2


def _figures(ticket, *, by) -> dict | None:
    """What was decided in numbers, before and after: for those who may read bills."""
    if not authority.held(by, authority.MANAGE):
        return None
    if ticket.change_id is None and ticket.category != Category.CHARGE:
        return None
    found = adjustments.newest(ticket)
    if found is None or found.state not in DECIDED:
        return None
    return {"of": found, "approved": found.state != "DECLINED"}


def _until_decided(change, *, on) -> str:
    if change.kind == RenewalChange.Kind.REPLACED:
        return _(
            "The replaced plan does not renew. Approved, it ends on the day you left it "
            "and its unused days are credited, also those billed meanwhile. Declined, "
            "it is billed to the end of its term."
        )
    if change.term_ends_on <= on:
        return _(
            "The term has ended. What you asked to lower is held: it is not billed "
            "unless Support declines."
        )
    return _(
        "Until then you are billed as before. If the term ends first, what you asked to "
        "lower is held and not billed."
    )


def _decision(ticket, *, on) -> dict | None:
    """What was decided, in plain words, and how it looks."""
    change = ticket.change
    if change is None:
        return _credited(ticket)
    if change.state == State.UNDECIDED:
        return {
            "tone": "info",
            "title": _("Support has not decided yet."),
            "words": _until_decided(change, on=on),
        }
    if change.decided_on is None or change.state not in {
        State.APPROVED, State.APPLIED, State.DECLINED,
    }:  # fmt: skip
        return {"tone": "calm", "title": "", "words": wishes.settled(change)}
    approve = change.state != State.DECLINED
    held = change.decided_on >= change.term_ends_on
    words = wishes.decided(change, approve=approve, held=held)
    title, _dot, rest = words.partition(". ")
    return {"tone": "good" if approve else "warn", "title": f"{title}.", "words": rest}


def _credited(ticket) -> dict | None:
    """What was decided over a disputed charge; what is only proposed is not told."""
    if ticket.category != Category.CHARGE:
        return None
    decided = adjustments.newest(ticket)
    if decided is None or decided.state not in {"APPLIED", "DECLINED"}:
        return None
    approve = decided.state == "APPLIED"
    title, _dot, rest = wishes.credited(decided, approve=approve).partition(". ")
    return {"tone": "good" if approve else "warn", "title": f"{title}.", "words": rest}


def _on(request):
    return clock.today(request.user.account.timezone)
