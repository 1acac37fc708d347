"""What if: a change of an app tried on paper, against staying as it is."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import authority
from marketplace import offers
from myapps import console_pages as console
from myapps import foresight
from myapps.foresight_forms import WhatIfForm
from myapps.overview import Holding


@require_GET
@authority.required(authority.MANAGE)
def what_if(request: HttpRequest, slug: str) -> HttpResponse:
    """What a change would cost to the term end, period by period; htmx gets that alone.

    Nothing is written, so that the address can be kept and shared.
    """
    holding = console.installed(request, slug)
    plans = list(
        offers.choosable(holding.app, request.user.account)
        .select_related("app")
        .exclude(pk=holding.installation.plan_id)
        .order_by("position", "pk")
    )
    asked = request.GET if "do" in request.GET else {"do": WhatIfForm.MORE}
    form = WhatIfForm(asked, plans=plans)
    context = {"holding": holding, "on": holding.on, "form": form, "plans": plans}
    if form.is_valid():
        try:
            context["outlook"] = _outlook(holding, **form.cleaned_data)
        except ValidationError as refusal:
            context["refusal"] = console.words(refusal)
    else:
        problems = [one for errors in form.errors.values() for one in errors]
        context["refusal"] = " ".join(problems)
    partly = request.htmx and not request.htmx.history_restore_request
    template = "myapps/_what_if.html" if partly else "myapps/what_if.html"
    return render(request, template, context)


def _outlook(holding: Holding, *, do: str, n: int, plan) -> foresight.Outlook:
    installation, on = holding.installation, holding.on
    if do == WhatIfForm.MORE:
        return foresight.if_added(installation, n, on=on)
    if do == WhatIfForm.NOW:
        return foresight.if_switched(installation, plan, on=on)
    if do == WhatIfForm.LATER:
        return foresight.if_switched_at_renewal(installation, plan, on=on)
    if do == WhatIfForm.FEWER:
        return foresight.if_lowered(installation, n, on=on)
    return foresight.if_uninstalled(installation, on=on)
