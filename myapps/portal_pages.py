"""The partner's portal: installations of its apps, drift, contracted add-ons.

Everything is loaded through myapps.partner_scopes: whatever is not theirs does not exist.
"""

from datetime import date

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from billing.models import Line
from myapps import add_ons, drift, partner_events, provisioning
from myapps import partner_scopes as scopes
from myapps.console_pages import page_of
from myapps.models import AddOnActivation, Difference, Installation

SHOWN, TOLD = 25, 5
STATES = {
    "waiting": gettext_lazy("Waiting for you"),
    "active": gettext_lazy("Active"),
    "failed": gettext_lazy("Failed"),
    "ended": gettext_lazy("Ended"),
    "differs": gettext_lazy("Users differ"),
}
IN_STATE = {
    "waiting": Q(state="INSTALLING", closed_on=None),
    "active": Q(state="ACTIVE", closed_on=None),
    "failed": Q(state="FAILED"),
    "ended": Q(state="ACTIVE", closed_on__isnull=False),
    "differs": Q(differences_count__gt=0, closed_on=None),
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
def launching(request: HttpRequest) -> HttpResponse:
    """How an app is opened from the console, and how its partner verifies who comes."""
    return render(
        request, "myapps/portal_launching.html", {"issuer": settings.PUBLIC_ADDRESS}
    )


@require_GET
@authority.partner_required
def installations(request: HttpRequest) -> HttpResponse:
    """Where the partner's apps are installed; what waits for an answer comes first."""
    rows = scopes.installations(request.user)
    form = FilterForm(request.GET)
    first = Case(
        When(state="INSTALLING", closed_on=None, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    found = form.found(rows).annotate(place=first).order_by("place", "-pk")
    page = page_of(found, request)
    healths = scopes.health(page.object_list)
    for row in page:
        row.health = healths[row.pk]
        row.since = scopes.since(row, on=_on(row.account))
    context = {
        "form": form,
        "page": page,
        "counts": _counts(rows),
        "state": form.cleaned_data.get("state", "") if form.is_valid() else "",
        "partners": scopes.partners(request.user),
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
    on = _on(row.account)
    context = {
        "installation": row,
        "form": form,
        "on": on,
        "since": scopes.since(row, on=on),
        "state": partner_events.standing(row, on=on),
        "health": scopes.health([row])[row.pk],
        "told": _told(request, row)[:TOLD],
        "waits": row.state == Installation.State.INSTALLING
        and row.closed_on is None
        and row.confirm_by > on,
        "add_ons": scopes.add_on_lines(request.user).filter(
            app=row.app, account=row.account
        )[:SHOWN],
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_installation.html", context, status=status)


def _told(request, row: Installation):
    thread = f"installation:{row.pk}"
    return scopes.deliveries(request.user).filter(thread=thread).order_by("-pk")


def _installation(request, pk: int) -> Installation:
    rows = scopes.installations(request.user).select_related("installed_by")
    return get_object_or_404(rows, pk=pk)


def _counts(rows) -> list[tuple[str, str, int]]:
    """How many installations are in each state, for the chips above the list."""
    numbers = rows.aggregate(
        **{
            state: Count("pk", filter=wanted, distinct=True)
            for state, wanted in IN_STATE.items()
        }
    )
    return [(state, str(label), numbers[state]) for state, label in STATES.items()]


# Drift (T9)


@require_GET
@authority.partner_required
def differences(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the partner's users and the seats differ, person by person (T9)."""
    row = _installation(request, pk)
    found = Difference.objects.filter(installation=row).standing()
    context = {
        "installation": row,
        "page": page_of(found.select_related("user").order_by("kind", "pk"), request),
        "health": scopes.health([row])[row.pk],
        "report": getattr(row, "usage_report", None),
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_differences.html", context)


@require_POST
@authority.partner_required
def repair(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the truth sent again (T9)."""
    row = _installation(request, pk)
    try:
        drift.repair(row, by=request.user, on=_on(row.account), at=timezone.now())
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The whole list was sent to your endpoint again."))
    return redirect("myapps:portal-differences", pk)


# Add-ons (T16)


@require_GET
@authority.partner_required
def add_on_lines(request: HttpRequest) -> HttpResponse:
    """Add-on plans contracted with sales for the partner's apps (T16)."""
    lines = scopes.add_on_lines(request.user)
    lines = lines.order_by("account__name", "app__name", "plan__name", "pk")
    page = page_of(lines, request)
    context = {
        "page": page,
        "rows": [scopes.add_on(line, on=_on(line.account)) for line in page],
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_add_ons.html", context)


@require_http_methods(["GET", "POST"])
@authority.partner_required
def add_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch contracted units of an add-on on: at most what is contracted (T16)."""
    line = get_object_or_404(scopes.add_on_lines(request.user), pk=pk)
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
    line = get_object_or_404(scopes.add_on_lines(request.user), pk=pk)
    context = {
        "row": scopes.add_on(line, on=_on(line.account)),
        "form": form,
        "history": _history(line),
        "partners": scopes.partners(request.user),
    }
    status = 422 if form.is_bound else 200
    return render(request, "myapps/portal_add_on.html", context, status=status)


@require_POST
@authority.partner_required
def deactivate_add_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch units off; the contract bills on (T16)."""
    row = get_object_or_404(scopes.activations(request.user), pk=pk)
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


def _history(line: Line):
    rows = AddOnActivation.objects.filter(line=line)
    rows = rows.select_related("activated_by", "deactivated_by")
    return rows.order_by("-pk")[:50]


def _on(account) -> date:
    return clock.today(account.timezone)
