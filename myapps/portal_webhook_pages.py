"""The partner's portal: the webhook endpoint, every delivery with request and answer."""

import json

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from journal import endpoints, webhooks
from journal.models import Endpoint
from marketplace.models import Partner
from myapps import partner_scopes as scopes
from myapps.console_pages import page_of
from myapps.portal_forms import AddressForm, DeliveriesForm, SinceForm

DELIVERIES_ON_A_PAGE = 50


@require_GET
@authority.partner_required
def overview(request: HttpRequest) -> HttpResponse:
    """Each partner's endpoint, and every delivery to it, newest first."""
    form = DeliveriesForm(request.GET)
    found = form.found(scopes.deliveries(request.user)).order_by("-pk")
    context = {
        "rooms": _rooms(request),
        "form": form,
        "page": page_of(found.defer("body"), request, size=DELIVERIES_ON_A_PAGE),
        "filtered": any(request.GET.get(name) for name in ("q", "event", "state")),
        "since": SinceForm(),
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_webhooks.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@authority.partner_required
def address(request: HttpRequest, slug: str) -> HttpResponse:
    """Register the endpoint, or move it: the new address answers a challenge first."""
    partner = _partner(request, slug)
    endpoint = endpoints.of(partner.pk)
    form = AddressForm(request.POST or None)
    if form.is_valid():
        how = _acting(request) | {
            "address": form.cleaned_data["address"],
            "loopback": settings.WEBHOOK_LOOPBACK_ALLOWED,
        }
        try:
            if endpoint is None:
                made, secret = endpoints.register(partner.pk, **how)
                return _shown_once(request, made, secret, new=True)
            endpoints.move(endpoint, **how)
        except ValidationError as refusal:
            form.add_error("address" if refusal.code == "address" else None, refusal)
        else:
            messages.success(
                request,
                _(
                    "A challenge is on its way; the old address is used until it is answered."
                ),
            )
            return redirect("myapps:portal-webhooks")
    context = {
        "form": form,
        "partner": partner,
        "endpoint": endpoint,
        "partners": scopes.partners(request.user),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "myapps/portal_address.html", context, status=status)


@never_cache
@require_POST
@authority.partner_required
def rotate(request: HttpRequest, slug: str) -> HttpResponse:
    """A new signing secret; both are used for a day."""
    endpoint = _endpoint(request, slug)
    try:
        secret = endpoints.rotate(endpoint, **_acting(request))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect("myapps:portal-webhooks")
    return _shown_once(request, endpoint, secret, new=False)


@require_POST
@authority.partner_required
def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the challenge again."""
    return _step(request, slug, endpoints.challenge, _("The challenge is on its way."))


@require_POST
@authority.partner_required
def test(request: HttpRequest, slug: str) -> HttpResponse:
    """Send a test event."""
    return _step(request, slug, endpoints.test, _("A test event is on its way."))


@require_POST
@authority.partner_required
def disable(request: HttpRequest, slug: str) -> HttpResponse:
    """Send nothing more until it is enabled."""
    return _step(
        request, slug, endpoints.disable,
        _("Nothing is sent until you enable it. What happens meanwhile waits."),
        because=_("Switched off by its partner."),
    )  # fmt: skip


@require_POST
@authority.partner_required
def enable(request: HttpRequest, slug: str) -> HttpResponse:
    """Send again, what waits first."""
    return _step(request, slug, endpoints.enable, _("What waited goes out now."))


@require_POST
@authority.partner_required
def replay_since(request: HttpRequest, slug: str) -> HttpResponse:
    """Send everything again that was written since a moment."""
    partner = _partner(request, slug)
    form = SinceForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write since when, as 2026-11-23 08:00."))
        return redirect("myapps:portal-webhooks")
    try:
        number = webhooks.replay_since(
            partner.pk, since=form.cleaned_data["since"], **_acting(request)
        )
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(
            request,
            ngettext(
                "%(number)d delivery is sent again.",
                "%(number)d deliveries are sent again.",
                number,
            )
            % {"number": number},
        )
    return redirect("myapps:portal-webhooks")


@require_GET
@authority.partner_required
def delivery(request: HttpRequest, public_id: str) -> HttpResponse:
    """One delivery: what was sent, and what each attempt was answered."""
    message = get_object_or_404(scopes.deliveries(request.user), public_id=public_id)
    context = {
        "message": message,
        "body": _pretty(message.body),
        "tries": message.tries.order_by("-pk"),
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_delivery.html", context)


@require_POST
@authority.partner_required
def replay(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send one again, with its id."""
    message = get_object_or_404(scopes.deliveries(request.user), public_id=public_id)
    try:
        webhooks.replay(message, **_acting(request))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("It is sent again, with the same id."))
    return redirect("myapps:portal-delivery", public_id)


def _step(request, slug: str, do, words: str, **how) -> HttpResponse:
    endpoint = _endpoint(request, slug)
    try:
        do(endpoint, **how, **_acting(request))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, words)
    return redirect("myapps:portal-webhooks")


def _shown_once(request, endpoint: Endpoint, secret: str, *, new: bool) -> HttpResponse:
    context = {
        "endpoint": endpoint,
        "secret": secret,
        "new": new,
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_secret.html", context)


def _rooms(request) -> list[dict]:
    """Each partner of the person with its endpoint, if there is one."""
    found = {row.partner_id: row for row in scopes.endpoints(request.user)}
    now = timezone.now()
    rooms = []
    for partner in scopes.partners(request.user):
        endpoint = found.get(partner.pk)
        until = endpoint and endpoint.previous_until
        rooms.append(
            {
                "partner": partner,
                "endpoint": endpoint,
                "rotating_until": until if until and until > now else None,
            }
        )
    return rooms


def _partner(request, slug: str) -> Partner:
    return get_object_or_404(scopes.partners(request.user), slug=slug)


def _endpoint(request, slug: str) -> Endpoint:
    partner = _partner(request, slug)
    return get_object_or_404(scopes.endpoints(request.user), partner_id=partner.pk)


def _acting(request) -> dict:
    return {"by": request.user, "on": clock.today("UTC"), "at": timezone.now()}


def _pretty(body: str) -> str:
    """A body as people read it; empty where it was too old to keep."""
    if not body:
        return ""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
