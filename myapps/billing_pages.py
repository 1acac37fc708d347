"""What an app costs: its lines, every charge, and what shall be less at renewal (T10,
T13)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority
from billing import prices
from billing.models import Charge, Hold, Line, RenewalChange
from myapps import console_pages as console
from myapps import seats, uninstalls
from myapps.console_forms import LowerForm
from myapps.models import AddOnActivation
from myapps.overview import Holding

LINES_SHOWN = 50
CHANGES_SHOWN = 50


@dataclass(frozen=True)
class Saving:
    """What a lower quantity takes from one line, for each of its billing periods."""

    line: Line
    billed: int
    left: int
    term_ends_on: date

    @property
    def each_period(self) -> Decimal:
        return prices.amount(
            self.line.unit_price,
            quantity=self.billed - self.left,
            digits=self.line.digits,
        )


@require_GET
@authority.required(authority.MANAGE)
def billing(request: HttpRequest, slug: str) -> HttpResponse:
    """Lines with their terms, every charge with its arithmetic, renewal changes."""
    holding = console.held(request, slug)
    account = request.user.account
    charges = Charge.objects.of(account).filter(line__app=holding.app)
    changes = (
        RenewalChange.objects.of(account)
        .filter(line__app=holding.app)
        .select_related("line__plan", "target_plan", "granted_plan", "asked_by")
        .annotate(held=Count("holds"))
        .order_by("-asked_on", "-id")[:CHANGES_SHOWN]
    )
    context = {
        "holding": holding,
        "on": holding.on,
        "lines": _lines(holding, account),
        "ended": Line.objects.of(account)
        .filter(app=holding.app, ends_on__lte=holding.on)
        .select_related("plan", "order_form")
        .order_by("-ends_on", "-id")[:LINES_SHOWN],
        "page": console.page_of(
            charges.with_reasons()
            .select_related("line__plan", "order", "reverses")
            .order_by("-billed_on", "-id"),
            request,
            size=25,
        ),
        "sums": console.sums(charges),
        "changes": changes,
        "lower": _may_lower(holding),
    }
    return render(request, "myapps/billing.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def lower(request: HttpRequest, slug: str) -> HttpResponse:
    """Lower the quantity from the renewal on, without removing anybody (T13).

    htmx gets what it saves, alone.
    """
    holding = console.installed(request, slug)
    if not _may_lower(holding):
        messages.info(request, _("There is nothing to lower: all of it is in use."))
        return redirect("myapps:billing", slug)
    active = holding.installation.plan.units(holding.active) if holding.active else 0
    asked = request.POST if request.method == "POST" else request.GET
    form = LowerForm(
        asked if "quantity" in asked else None,
        active=active,
        billed=holding.billed,
        initial={"quantity": max(active, 1)},
    )
    quantity = form.cleaned_data["quantity"] if form.is_valid() else None
    if request.method == "POST" and quantity:
        try:
            seats.lower_to(
                holding.installation,
                quantity,
                by=request.user,
                on=holding.on,
                reason=form.cleaned_data["reason"],
                ticket_wanted=form.cleaned_data["ticket_wanted"],
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request,
                _(
                    "You asked to bill %(quantity)d from the renewal on. Support decides."
                )
                % {"quantity": quantity},
            )
            return redirect("myapps:billing", slug)
    target = quantity or (max(active, 1) if not form.is_bound else None)
    context = {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "target": target,
        "savings": _savings(holding, target) if target else [],
    }
    partly = request.htmx and request.method == "GET"
    template = "myapps/_savings.html" if partly else "myapps/lower.html"
    status = 422 if request.method == "POST" else 200
    return render(request, template, context, status=status)


@require_POST
@authority.required(authority.MANAGE)
def withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a renewal change back, until its term end (3.15)."""
    holding = console.held(request, slug)
    changes = RenewalChange.objects.of(request.user.account)
    change = get_object_or_404(changes.filter(line__app=holding.app), pk=pk)
    try:
        uninstalls.withdraw(change, by=request.user, on=holding.on)
    except ValidationError as refusal:
        messages.error(request, console.words(refusal))
    else:
        messages.success(request, _("Taken back. The line renews as it is."))
    return redirect("myapps:billing", slug)


@require_GET
@authority.required(authority.MANAGE)
def add_on_lines(request: HttpRequest, slug: str) -> HttpResponse:
    """Add-ons of the app: contracted by sales, activated by the partner (T16)."""
    holding = console.held(request, slug)
    lines = holding.add_on_lines
    activations = (
        AddOnActivation.objects.filter(line__in=lines)
        .select_related("activated_by", "deactivated_by")
        .order_by("-activated_on", "-id")
    )
    for line in lines:
        line.activated = [one for one in activations if one.line_id == line.pk]
        line.active_units = sum(
            one.quantity for one in line.activated if one.deactivated_on is None
        )
    sold = holding.app.plans.add_ons().listed().order_by("position", "pk")
    context = {
        "holding": holding,
        "on": holding.on,
        "lines": lines,
        "coming": [line for line in holding.coming if not line.plan.is_base],
        "sold": sold.exclude(pk__in=[line.plan_id for line in lines]),
    }
    return render(request, "myapps/add_ons.html", context)


def _lines(holding: Holding, account) -> list[Line]:
    """Running and coming lines, each with what is held on it and its wishes."""
    lines = [*holding.lines, *holding.coming][:LINES_SHOWN]
    holds: dict[int, int] = {}
    undecided = Hold.objects.filter(
        term__in=[line.term.pk for line in lines], change__state="UNDECIDED"
    ).filter(Q(starts_on__lte=holding.on, ends_on__gt=holding.on))
    for line_id, quantity in undecided.values_list("term__line_id", "quantity"):
        holds[line_id] = holds.get(line_id, 0) + quantity
    for line in lines:
        line.held = holds.get(line.pk, 0)
        line.wishes = [one for one in holding.changes if one.line_id == line.pk]
        line.each_period = prices.amount(
            line.unit_price, quantity=line.term.billed, digits=line.digits
        )
        line.held_each_period = prices.amount(
            line.unit_price, quantity=line.held, digits=line.digits
        )
        line.is_coming = line.starts_on > holding.on
        line.active_units = holding.active_on(line)
    return lines


def _may_lower(holding: Holding) -> bool:
    """Whether fewer could be billed at renewal than are billed now."""
    installation = holding.installation
    if installation is None or installation.ends_on or installation.plan.per_account:
        return False
    least = max(1, holding.active)
    return bool(seats.lowering(installation, least, on=holding.on))


def _savings(holding: Holding, target: int) -> list[Saving]:
    cuts = seats.lowering(holding.installation, target, on=holding.on)
    return [Saving(cut.line, cut.billed, cut.left, cut.term_ends_on) for cut in cuts]
