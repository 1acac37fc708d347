"""The plan of an app: side by side, changed now or at renewal (T11, T15, 3.13)."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import authority
from marketplace import offers
from marketplace.models import Plan
from myapps import console_pages as console
from myapps import plan_options, plans
from myapps.console_forms import PlanChangeForm
from myapps.overview import Holding
from myapps.purchases import Kind, Wanted


@require_GET
@authority.required(authority.MANAGE)
def plan(request: HttpRequest, slug: str) -> HttpResponse:
    """The app's base plans side by side, the contracted ones marked (T11, T15)."""
    holding = console.installed(request, slug)
    context = {
        "holding": holding,
        "on": holding.on,
        "options": plan_options.of(request.user.account, holding),
        "wishes": plan_options.wishes(holding),
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
                made = console.make(
                    request,
                    Wanted(Kind.PLAN, account, wanted, installation=installation),
                    signed=console.sign(request, click, on=holding.on),
                    on=holding.on,
                )
                if there := console.waits(request, made):
                    return there
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
    context = {
        "holding": holding,
        "on": holding.on,
        "plan": wanted,
        "before": installation.plan,
        "click": click,
        "form": form,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "renewing": plan_options.renewing(holding),
        "renewal_days": plan_options.renewal_days(holding),
        "outcomes": plan_options.outcomes(click.effect),
        "renewal_price": listed and listed.monthly_price,
        "currency": listed.currency if listed else holding.currency,
        "units": wanted.units(holding.active),
    }
    status = click.status if request.method == "POST" else 200
    return render(request, "myapps/change_plan.html", context, status=status)


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
