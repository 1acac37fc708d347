"""Where a partner's active users differ from the seats, shown to the administrator (T9)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import authority
from journal import endpoints
from myapps import console_pages as console
from myapps import drift
from myapps.models import Difference, UsageReport


@require_GET
@authority.required(authority.MANAGE)
def differences(request: HttpRequest, slug: str) -> HttpResponse:
    """Person by person: who is missing at the partner, who is active there alone."""
    holding = console.installed(request, slug)
    found = Difference.objects.filter(installation=holding.installation).standing()
    found = found.select_related("user").order_by("kind", "pk")
    context = {
        "holding": holding,
        "on": holding.on,
        "page": console.page_of(found, request),
        "report": UsageReport.objects.filter(installation=holding.installation)
        .select_related("repaired_by")
        .first(),
        "told": endpoints.expected(holding.app.partner_id),
    }
    return render(request, "myapps/differences.html", context)


@require_POST
@authority.required(authority.MANAGE)
def repair(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the partner the truth again; no seat and no bill changes (T9)."""
    holding = console.installed(request, slug)
    try:
        drift.repair(
            holding.installation, by=request.user, on=holding.on, at=timezone.now()
        )
    except ValidationError as refusal:
        messages.error(request, console.words(refusal))
    else:
        messages.success(
            request,
            _("%(partner)s is sent the whole list again.")
            % {"partner": holding.app.partner.name},
        )
    return redirect("myapps:differences", slug)
