"""The calendar of term ends: its private address, made and ended, and what it answers."""

import hashlib

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from myapps import calendars
from myapps import console_pages as console


@never_cache
@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def calendar(request: HttpRequest) -> HttpResponse:
    """One's private address; a new one is shown once, when it is made."""
    address = ""
    if request.method == "POST":
        token = calendars.make(request.user, at=clock.now(), on=console.today(request))
        address = request.build_absolute_uri(
            reverse("myapps:calendar-feed", args=[token])
        )
    context = {"feed": calendars.of(request.user), "address": address}
    return render(request, "myapps/calendar.html", context)


@require_POST
@authority.required(authority.MANAGE)
def revoke(request: HttpRequest) -> HttpResponse:
    """End the address: calendars that read it find nothing any more."""
    if calendars.revoke(request.user, at=clock.now(), on=console.today(request)):
        messages.success(request, _("The address has ended. No calendar reads it now."))
    return redirect("myapps:calendar")


@require_GET
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Term ends as a calendar program reads them; 404 for what is no address."""
    found = calendars.found(token)
    if found is None:
        raise Http404
    account = found.user.account
    with translation.override(found.user.language or translation.get_language()):
        days = [
            (entry, _words(entry))
            for entry in calendars.entries(found, on=clock.today(account.timezone))
        ]
        name = _("Term ends, %(account)s") % {"account": account.name}
        body = calendars.written(found, days, name=name)
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["ETag"] = etag
    answer["Referrer-Policy"] = "no-referrer"
    patch_cache_control(answer, private=True, max_age=3600)
    return get_conditional_response(request, etag=etag, response=answer)


def _words(entry: calendars.Entry) -> str:
    line = entry.term.line
    said = {"app": line.app.name, "plan": line.plan.name}
    if not entry.ahead:
        ends = line.replaced_by_id or (
            line.ends_on and line.ends_on <= entry.term.ends_on
        )
        words = _("%(app)s %(plan)s ends") if ends else _("%(app)s %(plan)s renews")
        return words % said
    return ngettext(
        "%(count)d day to the term end of %(app)s %(plan)s",
        "%(count)d days to the term end of %(app)s %(plan)s",
        entry.ahead,
    ) % {"count": entry.ahead, **said}
