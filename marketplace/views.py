"""The catalogue page. An app's own page is in the console: it knows what is installed."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import authority, clock
from marketplace.filters import CatalogueFilter
from marketplace.models import App, Plan

APPS_ON_A_PAGE = 24


@require_GET
@authority.signed_in
def catalogue(request, currency_of: Callable[..., str | None]) -> HttpResponse:
    """Search and filter the apps; htmx fetches the results alone.

    What an account pays in is known above this room: config/urls.py hands over whom
    to ask.
    """
    account = request.user.account
    on = clock.today(account.timezone if account else "UTC")
    ours = currency_of(account, on=on) if account else None
    found = CatalogueFilter(
        request.GET, queryset=App.objects.listed(), ours=ours, on=on
    )
    page = Paginator(found.qs.only("pk"), APPS_ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    partly = request.htmx and not request.htmx.history_restore_request
    response = render(
        request,
        "marketplace/_results.html" if partly else "marketplace/catalogue.html",
        {
            "found": found,
            "form": found.form,
            "page": page,
            "cards": found.cards(page),
            "partly": partly,
            "without_contract": account is not None and ours is None,
            "said": said(request, found),
        },
    )
    if partly:
        response["HX-Replace-Url"] = address(request, asked(request, found))
    patch_vary_headers(response, ["HX-Request"])
    return response


def asked(request, found: CatalogueFilter) -> list[tuple[str, str]]:
    """What the address asks for: nothing empty, nothing unknown."""
    return [
        (name, word)
        for name in [*found.filters, "page"]
        for word in request.GET.getlist(name)
        if word.strip()
    ]


def address(request, asked: list[tuple[str, str]]) -> str:
    return f"{request.path}?{urlencode(asked)}" if asked else request.path


def said(request, found: CatalogueFilter) -> list[dict]:
    """Each filter in words, with the address that takes it off again."""
    wanted = found.wanted
    words: list[tuple[str, set]] = []
    if "q" in wanted:
        words.append((f"“{wanted['q']}”", {"q"}))
    words += [(name, {("category", name)}) for name in wanted.get("category", [])]
    if "charge_model" in wanted:
        label = Plan.ChargeModel(wanted["charge_model"]).label
        words.append((label, {"charge_model"}))
    if limits := price_limits(wanted):
        words.append((limits, {"price_from", "price_to"}))
    if "currency" in wanted:
        words.append((_("Listed in %s") % wanted["currency"], {"currency"}))
    if "show" in wanted and found.ours:
        words.append((_("All apps"), {"show"}))
    pairs = asked(request, found)
    return [
        {
            "label": label,
            "href": address(
                request,
                [pair for pair in pairs if not {pair, pair[0]} & {*off, "page"}],
            ),
        }
        for label, off in words
    ]


def price_limits(wanted: dict) -> str:
    low, high = wanted.get("price_from"), wanted.get("price_to")
    if low is not None and high is not None:
        return _("%(low)s to %(high)s a month") % {"low": low, "high": high}
    if low is not None:
        return _("From %s a month") % low
    return _("Up to %s a month") % high if high is not None else ""
