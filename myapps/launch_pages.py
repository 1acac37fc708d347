"""Everybody's own apps, and the way into them (3.19)."""

from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET, require_POST
from rest_framework.throttling import SimpleRateThrottle

from accounts import authority
from myapps import app_requests, launch_tokens, launches, partner_events
from myapps import console_pages as console
from myapps.models import Seat

CARDS_ON_A_PAGE = 48


class LaunchThrottle(SimpleRateThrottle):
    """So many launches a minute for each person."""

    scope = "launch"

    def get_cache_key(self, request, view):
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


@require_GET
@authority.customer_required
def launcher(request: HttpRequest) -> HttpResponse:
    """The apps one has a seat in, each with how it stands; access ends by date (3.15)."""
    on = console.today(request)
    page = console.page_of(
        _seats(request).order_by("installation__app__name"),
        request,
        size=CARDS_ON_A_PAGE,
    )
    for seat in page.object_list:
        seat.standing = partner_events.standing(seat.installation, on=on)
    context = {
        "page": page,
        "may_launch": authority.held(request.user, authority.LAUNCH),
        "asked": app_requests.shown_to(request.user),
    }
    return render(request, "myapps/launcher.html", context)


@never_cache
@require_POST
@authority.required(authority.LAUNCH)
def launch(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the person to the app: a page with one form that sends itself there, so that
    the token stands in no address (ADR 35). Without a seat of one's own it is refused.
    """
    standing = request.user.account.installations.standing()
    installation = get_object_or_404(standing, app__slug=slug)
    seat = _seats(request).filter(installation=installation).first()
    if seat is None:
        raise PermissionDenied
    app = seat.installation.app
    if not LaunchThrottle().allow_request(request, None):
        messages.error(request, _("That was often. Wait a minute, then open it again."))
        return redirect("myapps:launcher")
    try:
        claims = launches.launch(seat, by=request.user, on=console.today(request))
    except ValidationError as refusal:
        told = {"app": app.name, "why": console.words(refusal)}
        messages.error(request, _("%(app)s was not opened. %(why)s") % told)
        return redirect("myapps:launcher")
    token = launch_tokens.issue(
        claims,
        issuer=settings.PUBLIC_ADDRESS,
        audience=app.slug,
        keys=settings.LAUNCH_KEYS,
        at=timezone.now(),
    )
    sent = csp_replace({"form-action": [_origin(app.launch_address)]})(render)
    return sent(request, "myapps/launch.html", {"app": app, "token": token})


@require_GET
@cache_control(public=True, max_age=300)
def key_set(request: HttpRequest) -> HttpResponse:
    """The public keys with which partners verify a launch."""
    answer = JsonResponse(launch_tokens.key_set(settings.LAUNCH_KEYS))
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


key_set.authority = "ANYBODY"


def _seats(request):
    return Seat.objects.filter(
        account=request.user.account_id,
        user=request.user,
        installation__closed_on=None,
    ).select_related("installation__app", "installation__plan")


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
