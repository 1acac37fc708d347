"""The partner's portal: installations of its apps, contracted add-ons, listings.

Everything is loaded through the apps of the partners somebody works for: whatever is
not theirs does not exist.
"""

from datetime import date

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Prefetch, Q, Sum, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from billing.models import Line, Term
from marketplace import list_prices
from marketplace.models import App
from myapps import add_ons, provisioning
from myapps.models import AddOnActivation, Installation

ON_A_PAGE = 25
LISTINGS_ON_A_PAGE = 6
STATES = {
    "waiting": gettext_lazy("Waiting for you"),
    "active": gettext_lazy("Active"),
    "failed": gettext_lazy("Failed"),
    "ended": gettext_lazy("Ended"),
}
IN_STATE = {
    "waiting": Q(state="INSTALLING", closed_on=None),
    "active": Q(state="ACTIVE", closed_on=None),
    "failed": Q(state="FAILED"),
    "ended": Q(state="ACTIVE", closed_on__isnull=False),
}


class FilterForm(forms.Form):
    """Search and state of the installations listed."""

    q = forms.CharField(required=False, max_length=200)
    state = forms.ChoiceField(choices=[("", ""), *STATES.items()], required=False)

    def found(self, rows):
        asked = self.cleaned_data if self.is_valid() else {}
        for word in asked.get("q", "").split():
            rows = rows.filter(
                Q(account__name__icontains=word) | Q(app__name__icontains=word)
            )
        return rows.filter(IN_STATE.get(asked.get("state"), Q()))


class AnswerForm(forms.Form):
    """What a partner says to an installation."""

    answer = forms.CharField(
        required=False,
        max_length=1000,
        label=gettext_lazy("A word to the administrator"),
        help_text=gettext_lazy("The administrator reads it. Needed to refuse."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class QuantityForm(forms.Form):
    """How many contracted units to switch on."""

    quantity = forms.IntegerField(min_value=1, label=gettext_lazy("Units to activate"))


# Installations


@require_GET
@authority.partner_required
def installations(request: HttpRequest) -> HttpResponse:
    """Where the partner's apps are installed; what waits for an answer comes first."""
    rows = Installation.objects.sold_by(request.user)
    form = FilterForm(request.GET)
    first = Case(
        When(state="INSTALLING", closed_on=None, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    found = form.found(rows).annotate(people=Count("seats"), place=first)
    found = found.select_related("app", "plan", "account")
    context = {
        "form": form,
        "page": _page(found.order_by("place", "-pk"), request),
        "counts": _counts(rows),
        "state": form.cleaned_data.get("state", "") if form.is_valid() else "",
        **_tabs(request),
    }
    return render(request, "myapps/portal.html", context)


@require_GET
@authority.partner_required
def installation(request: HttpRequest, pk: int) -> HttpResponse:
    """One installation: for whom, on which plan, how many people, and its answer."""
    return _installation_page(request, _installation(request, pk), AnswerForm())


@require_POST
@authority.partner_required
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the app is set up (3.20)."""
    return _answer(request, pk, _confirmed)


@require_POST
@authority.partner_required
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the app cannot be set up, and why: all of it is paid back (3.20)."""
    return _answer(request, pk, _refused)


def _answer(request, pk: int, say) -> HttpResponse:
    row = _installation(request, pk)
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            words = say(row, request.user, form.cleaned_data["answer"])
        except ValidationError as refusal:
            form.add_error(None if refusal.code == "answered" else "answer", refusal)
        else:
            messages.success(request, words)
            return redirect("myapps:portal-installation", pk)
    late = any(error.code == "answered" for error in form.non_field_errors().as_data())
    return _installation_page(
        request, _installation(request, pk), form, status=409 if late else 422
    )


def _confirmed(row: Installation, user, answer: str) -> str:
    on = clock.today(row.account.timezone)
    provisioning.confirm(row, by=user, on=on, answer=answer)
    return _("%(app)s is confirmed for %(account)s.") % {
        "app": row.app,
        "account": row.account,
    }


def _refused(row: Installation, user, answer: str) -> str:
    on = clock.today(row.account.timezone)
    provisioning.refuse(row, by=user, on=on, reason=answer)
    return _("%(app)s is refused for %(account)s. What it was charged is reversed.") % {
        "app": row.app,
        "account": row.account,
    }


def _installation_page(request, row, form, *, status=200) -> HttpResponse:
    context = {"installation": row, "form": form, "on": _on(row.account)}
    context["waits"] = (
        row.state == Installation.State.INSTALLING
        and row.closed_on is None
        and row.confirm_by > context["on"]
    )
    context["add_ons"] = _add_on_lines(request).filter(
        app=row.app, account=row.account
    )[:ON_A_PAGE]
    return render(
        request,
        "myapps/portal_installation.html",
        context | _tabs(request),
        status=status,
    )


def _installation(request, pk: int) -> Installation:
    rows = Installation.objects.sold_by(request.user).annotate(people=Count("seats"))
    return get_object_or_404(
        rows.select_related("app", "plan", "account", "installed_by"), pk=pk
    )


def _counts(rows) -> list[tuple[str, str, int]]:
    """How many installations are in each state, for the chips above the list."""
    numbers = rows.aggregate(
        **{
            state: Count("pk", filter=wanted, distinct=True)
            for state, wanted in IN_STATE.items()
        }
    )
    return [(state, str(label), numbers[state]) for state, label in STATES.items()]


# Add-ons (T16)


@require_GET
@authority.partner_required
def add_on_lines(request: HttpRequest) -> HttpResponse:
    """Add-on plans contracted with sales for the partner's apps (T16)."""
    lines = _add_on_lines(request)
    context = {"page": _page(lines, request), **_tabs(request)}
    context["rows"] = [_add_on(line) for line in context["page"].object_list]
    return render(request, "myapps/portal_add_ons.html", context)


@require_http_methods(["GET", "POST"])
@authority.partner_required
def add_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch contracted units of an add-on on: at most what is contracted (T16)."""
    line = get_object_or_404(_add_on_lines(request), pk=pk)
    form = QuantityForm(request.POST or None)
    if form.is_valid():
        quantity = form.cleaned_data["quantity"]
        try:
            add_ons.activate(
                line, quantity=quantity, by=request.user, on=_on(line.account)
            )
        except ValidationError as refusal:
            form.add_error(
                "quantity" if refusal.code == "over_quantity" else None, refusal
            )
        else:
            messages.success(
                request,
                ngettext(
                    "%(number)d unit of %(plan)s is active for %(account)s.",
                    "%(number)d units of %(plan)s are active for %(account)s.",
                    quantity,
                )
                % {
                    "number": quantity,
                    "plan": line.plan,
                    "account": line.account,
                },
            )
            return redirect("myapps:portal-add-on", pk)
    row = _add_on(get_object_or_404(_add_on_lines(request), pk=pk))
    context = {"row": row, "form": form, "history": _history(line), **_tabs(request)}
    status = 422 if form.is_bound else 200
    return render(request, "myapps/portal_add_on.html", context, status=status)


@require_POST
@authority.partner_required
def deactivate_add_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch units off; the contract bills on (T16)."""
    rows = AddOnActivation.objects.filter(line__in=Line.objects.sold_by(request.user))
    row = get_object_or_404(rows.select_related("account", "line__plan"), pk=pk)
    try:
        add_ons.deactivate(row, by=request.user, on=_on(row.account))
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(
            request,
            _("%(plan)s is off for %(account)s. The contract bills it as before.")
            % {"plan": row.line.plan, "account": row.account},
        )
    return redirect("myapps:portal-add-on", row.line_id)


def _add_on_lines(request):
    terms = Term.objects.order_by("starts_on")
    standing = Q(activations__deactivated_on=None)
    active = Sum("activations__quantity", filter=standing, default=0)
    return (
        Line.objects.sold_by(request.user)
        .add_ons()
        .select_related("app", "plan", "account")
        .prefetch_related(Prefetch("terms", terms, to_attr="all_terms"))
        .annotate(active=active)
        .order_by("account__name", "app__name", "plan__name", "pk")
    )


def _add_on(line: Line) -> dict:
    """A contracted add-on today: what is contracted, active and left to activate."""
    on = _on(line.account)
    held = [term for term in line.all_terms if term.starts_on <= on < term.ends_on]
    term = (held or line.all_terms)[-1] if line.all_terms else None
    contracted = term.billed if term else 0
    if on < line.starts_on:
        state = "FUTURE"
    elif line.ends_on and line.ends_on <= on:
        state = "ENDED"
    else:
        state = "RUNNING"
    return {
        "line": line,
        "term": term,
        "contracted": contracted,
        "left": max(0, contracted - line.active),
        "state": state,
    }


def _history(line: Line):
    rows = AddOnActivation.objects.filter(line=line)
    rows = rows.select_related("activated_by", "deactivated_by")
    return rows.order_by("-pk")[:50]


# Listings


@require_GET
@authority.partner_required
def listings(request: HttpRequest) -> HttpResponse:
    """The partner's apps as they are listed, with plans and prices. Read-only."""
    apps = App.objects.by(request.user).prefetch_related("plans").order_by("name")
    page = _page(apps, request, size=LISTINGS_ON_A_PAGE)
    plans = [plan for app in page.object_list for plan in app.plans.all()]
    prices: dict[int, list] = {}
    for price in list_prices.changes(plans):
        prices.setdefault(price.plan_id, []).append(price)
    on = clock.today("UTC")
    rows = [
        {
            "app": app,
            "plans": [
                {"plan": plan, "prices": _current(prices.get(plan.pk, []), on=on)}
                for plan in sorted(app.plans.all(), key=lambda p: (p.position, p.pk))
            ],
        }
        for app in page.object_list
    ]
    context = {"page": page, "rows": rows, "on": on, **_tabs(request)}
    return render(request, "myapps/portal_listings.html", context)


def _current(prices: list, *, on: date) -> list:
    """Prices listed on the day and those announced, soonest first."""
    standing = [
        price
        for price in prices
        if price.effective_until is None or price.effective_until > on
    ]
    return sorted(standing, key=lambda price: (price.currency, price.effective_from))


def _tabs(request) -> dict:
    """What every page of the portal says of the partner."""
    return {"partners": list(request.user.partners.order_by("name"))}


def _page(rows, request, *, size: int = ON_A_PAGE):
    return Paginator(rows, size).get_page(request.GET.get("page"))


def _on(account) -> date:
    return clock.today(account.timezone)
