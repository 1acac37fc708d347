"""The plan of an app: side by side, changed now or at renewal (T11, T15, 3.13)."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import authority
from billing import contracts
from billing.models import Line, RenewalChange
from marketplace import list_prices, offers
from marketplace.models import Plan
from myapps import console_pages as console
from myapps import plans
from myapps.console_forms import PlanChangeForm
from myapps.overview import Holding


@dataclass(frozen=True)
class Option:
    """A base plan on the page: what it is listed at, and what stands in the way."""

    plan: Plan
    price: Decimal | None
    currency: str
    current: bool
    lines: list[Line]
    obstacle: str
    wish: RenewalChange | None = None


@require_GET
@authority.required(authority.MANAGE)
def plan(request: HttpRequest, slug: str) -> HttpResponse:
    """The app's base plans side by side, the contracted ones marked (T11, T15)."""
    holding = console.installed(request, slug)
    context = {
        "holding": holding,
        "on": holding.on,
        "options": _options(request, holding),
        "wishes": _wishes(holding),
    }
    return render(request, "myapps/plan.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def change_plan(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Both ways to another plan, with both outcomes of the way that is taken now."""
    holding = console.installed(request, slug)
    installation, account = holding.installation, request.user.account
    wanted = get_object_or_404(
        holding.app.plans.base().select_related("app"), code=code
    )
    if not offers.available(wanted, account) or wanted.pk == installation.plan_id:
        return redirect("myapps:plan", slug)
    click = console.shown(
        request,
        lambda: plans.effect(installation, wanted, on=holding.on),
        seats=holding.active,
        plan=wanted,
        on=holding.on,
    )
    form = PlanChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if form.cleaned_data["when"] == "renewal":
                _change_at_renewal(request, holding, wanted, form)
            elif "agreed" in request.POST:
                plans.change(
                    installation,
                    wanted,
                    signed=console.sign(request, click, on=holding.on),
                    on=holding.on,
                )
                messages.success(
                    request,
                    _("%(app)s is on %(plan)s now.")
                    % {"app": holding.app.name, "plan": wanted.name},
                )
        except ValidationError as refusal:
            console.refused(click, refusal)
        else:
            return redirect("myapps:plan", slug)
    listed = click.summary
    renewing = [line for line in holding.covering if not line.replaced_by_id]
    context = {
        "holding": holding,
        "on": holding.on,
        "plan": wanted,
        "before": installation.plan,
        "click": click,
        "form": form,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "renewing": renewing,
        "renewal_days": sorted({line.term.ends_on for line in renewing}),
        "outcomes": _outcomes(click.effect),
        "renewal_price": listed and listed.monthly_price,
        "currency": listed.currency if listed else holding.currency,
        "units": wanted.units(holding.active),
    }
    status = click.status if request.method == "POST" else 200
    return render(request, "myapps/change_plan.html", context, status=status)


def _outcomes(effect) -> dict:
    """Both outcomes of the proposal to end what is replaced, over all of it (3.13)."""
    left = [one for one in effect.replaced if not one.free] if effect else []
    return {
        "proposed": bool(left),
        "credit": sum(one.credit for one in left),
        "still_to_bill": sum(one.still_to_bill for one in left),
        "ends_on": max((one.term_ends_on for one in left), default=None),
    }


def _change_at_renewal(request, holding: Holding, wanted: Plan, form) -> None:
    plans.change_at_renewal(
        holding.installation,
        wanted,
        by=request.user,
        on=holding.on,
        reason=form.cleaned_data["reason"],
        ticket_wanted=form.cleaned_data["ticket_wanted"],
    )
    messages.success(
        request,
        _(
            "%(app)s shall be on %(plan)s from the renewal on. Support decides by ticket."
        )
        % {"app": holding.app.name, "plan": wanted.name},
    )


def _options(request: HttpRequest, holding: Holding) -> list[Option]:
    """Plans the account may choose, then contracted ones that are not listed (T15)."""
    account = request.user.account
    currency = contracts.currency_of(account, on=holding.on) or holding.currency
    choosable = list(offers.choosable(holding.app, account).order_by("position", "pk"))
    offered = {one.pk for one in choosable}
    running: dict[int, list[Line]] = {}
    for line in holding.base_lines:
        running.setdefault(line.plan_id, []).append(line)
    signed = {
        line.plan_id: line.plan for line in [*holding.base_lines, *holding.coming]
    }
    missing = [one for pk, one in signed.items() if pk not in offered]
    prices = list_prices.of_plans(
        [*choosable, *missing], currency=currency, on=holding.on
    )
    wishes = {one.target_plan_id: one for one in _wishes(holding)}
    return [
        Option(
            plan=one,
            price=prices.get(one.pk),
            currency=currency,
            current=one.pk == holding.installation.plan_id,
            lines=running.get(one.pk, []),
            obstacle=_obstacle(one, offered, running, prices),
            wish=wishes.get(one.pk),
        )
        for one in [*choosable, *missing]
    ]


def _obstacle(plan: Plan, offered, running, prices) -> str:
    """Why a plan cannot be changed to by a click; what is under contract always can."""
    if plan.pk not in offered:
        return "not_listed"
    if plan.pk in prices or plan.pk in running:
        return ""
    return "on_request" if plan.price_on_request else "currency"


def _wishes(holding: Holding) -> list[RenewalChange]:
    return [one for one in holding.changes if one.kind == RenewalChange.Kind.PLAN]
