"""Uninstalling an app at its term end, and keeping it after all (T12, 3.15)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import authority
from billing import charges
from billing.models import Line
from myapps import console_pages as console
from myapps import uninstalls
from myapps.console_forms import UninstallForm
from myapps.overview import Holding


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def uninstall(request: HttpRequest, slug: str) -> HttpResponse:
    """Until when it works, what is billed until then, how billing stops (T12)."""
    holding = console.installed(request, slug)
    add_ons = uninstalls.add_ons(holding.installation, on=holding.on)
    form = UninstallForm(
        request.POST or None,
        add_ons=Line.objects.filter(pk__in=[line.pk for line in add_ons]),
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                uninstalls.ask(
                    holding.installation,
                    by=request.user,
                    on=holding.on,
                    reason=form.cleaned_data["reason"],
                    ticket_wanted=form.cleaned_data["ticket"] != "term_end",
                    with_add_ons=form.cleaned_data["add_ons"],
                )
            except ValidationError as refusal:
                form.add_error(None, refusal)
            else:
                messages.success(request, _said(holding))
                return redirect("myapps:uninstall", slug)
    context = {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "add_ons": [line for line in holding.lines if line in add_ons],
        "ends_on": uninstalls.ends_on(holding.installation, on=holding.on),
        "to_come": _to_come(holding),
    }
    return render(request, "myapps/uninstall.html", context, status=status)


@require_POST
@authority.required(authority.MANAGE)
def keep(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the uninstall back before its day: change and ticket go (3.15)."""
    holding = console.installed(request, slug)
    try:
        uninstalls.take_back(holding.installation, by=request.user, on=holding.on)
    except ValidationError as refusal:
        messages.error(request, console.words(refusal))
    else:
        messages.success(
            request,
            _("You keep %(app)s. It renews as before.") % {"app": holding.app.name},
        )
    return redirect("myapps:uninstall", slug)


def _to_come(holding: Holding) -> list[dict]:
    """What each line will still be billed to the end of its term."""
    found = []
    for line in holding.covering:
        parts = charges.to_come(line, line.term, quantity=line.term.billed)
        found.append(
            {
                "line": line,
                "parts": parts,
                "total": sum(part.amount for part in parts),
                "renews": not line.replaced_by_id,
            }
        )
    return found


def _said(holding: Holding) -> str:
    return _("%(app)s is uninstalled. It goes on working until its term ends.") % {
        "app": holding.app.name
    }
