"""Requests for apps: asking, taking back, and what those with authority answer (ADR 38)."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import Account
from marketplace.models import App
from myapps import app_requests
from myapps import console_pages as console
from myapps.app_pages import installable
from myapps.console_forms import AppRequestForm, RequestsForm
from myapps.models import AppRequest, Installation

REASONS_SHOWN = 2
MOST_ANSWERED = 200  # people whom an address can name


# Who asks


@require_http_methods(["GET", "POST"])
@authority.customer_required
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a seat in an app, with a reason."""
    app = get_object_or_404(App.objects.listed(), slug=slug)
    form = AppRequestForm(request.POST or None)
    if form.is_valid():
        try:
            app_requests.ask(
                app,
                reason=form.cleaned_data["reason"],
                by=request.user,
                on=console.today(request),
                at=clock.now(),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request,
                _("Your request for %(app)s is sent. You are told of the answer.")
                % {"app": app.name},
            )
            return redirect("myapps:app", slug)
    mine = AppRequest.objects.open().filter(user=request.user, app=app).first()
    holders = authority.holders(request.user.account, authority.INSTALL)
    context = {
        "app": app,
        "form": form,
        "mine": mine,
        "holders": list(holders.order_by("display_name", "pk")[:4]),
    }
    status = 422 if form.errors else 200
    return render(request, "myapps/request_app.html", context, status=status)


@require_POST
@authority.customer_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own request back."""
    rows = AppRequest.objects.of(request.user.account).select_related("app")
    mine = get_object_or_404(rows, pk=pk)
    try:
        app_requests.withdraw(mine, by=request.user, on=console.today(request))
    except ValidationError as refusal:
        messages.info(request, console.words(refusal))
    else:
        messages.success(request, _("Your request is taken back."))
    return redirect("myapps:app", mine.app.slug)


# Who answers


@require_GET
@authority.required(authority.INSTALL, authority.MANAGE)
def overview(request: HttpRequest) -> HttpResponse:
    """Who asks for what: by app, most wanted first, with the newest reasons."""
    account = request.user.account
    rows = AppRequest.objects.of(account).open()
    wanted = list(
        rows.values("app")
        .annotate(people=Count("id"), newest=Max("id"))
        .order_by("-people", "-newest")
    )
    page = console.page_of(wanted, request)
    shown = [one["app"] for one in page.object_list]
    apps, installed = App.objects.in_bulk(shown), _installed(account, shown)
    newest = _newest(rows.filter(app__in=shown))
    page.object_list = [
        {
            "app": apps[one["app"]],
            "people": one["people"],
            "newest": newest[one["app"]],
            "more": one["people"] - len(newest[one["app"]]),
            "installation": installed.get(one["app"]),
        }
        for one in page.object_list
    ]
    answered = AppRequest.objects.of(account).exclude(state=AppRequest.State.OPEN)
    context = {
        "page": page,
        "people": sum(one["people"] for one in wanted),
        "answered": answered.select_related("app", "user", "decided_by").order_by(
            "-decided_on", "-id"
        )[:10],
    }
    return render(request, "myapps/app_requests.html", context)


def _installed(account: Account, apps: list[int]) -> dict[int, Installation]:
    found = Installation.objects.of(account).standing().filter(app__in=apps)
    return {one.app_id: one for one in found}


def _newest(rows) -> dict[int, list[AppRequest]]:
    """The newest requests of each app, by one query."""
    rank = Window(RowNumber(), partition_by="app", order_by="-id")
    found: dict[int, list[AppRequest]] = {}
    for one in (
        rows.annotate(rank=rank)
        .filter(rank__lte=REASONS_SHOWN)
        .select_related("user")
        .order_by("-id")
    ):
        found.setdefault(one.app_id, []).append(one)
    return found


@require_http_methods(["GET", "POST"])
@authority.required(authority.INSTALL, authority.MANAGE)
def of_app(request: HttpRequest, slug: str) -> HttpResponse:
    """Everybody who asks for one app, to approve or refuse several at once.

    Approving leads on to where it is bought, with these people chosen; nothing is
    answered before they have their seats.
    """
    account = request.user.account
    app = get_object_or_404(App, slug=slug)
    rows = AppRequest.objects.of(account).open().filter(app=app)
    rows = rows.select_related("user").order_by("-id")
    way = _way(request, app)
    form = RequestsForm(request.POST or None, requests=rows)
    if request.method == "POST" and form.is_valid():
        if "approve" in request.POST and way["there"]:
            return redirect(f"{way['there']}?{_people(form.chosen)}")
        try:
            refused = app_requests.refuse(
                form.chosen,
                word=form.cleaned_data["word"],
                by=request.user,
                on=console.today(request),
            )
        except ValidationError as refusal:
            form.add_error(None if refusal.code != "no_word" else "word", refusal)
        else:
            messages.success(request, _refused(len(refused)))
            return redirect("myapps:app-requests")
    context = {
        "app": app,
        "page": console.page_of(rows, request, size=MOST_ANSWERED),
        "form": form,
        "ticked": {one.pk for one in form.chosen},
        "way": way,
        "people": rows.count(),
    }
    status = 422 if form.errors else 200
    return render(request, "myapps/app_request.html", context, status=status)


def _way(request: HttpRequest, app: App) -> dict:
    """Where an approval leads: to install, to add users, or to whom to ask."""
    user, on = request.user, console.today(request)
    installation = _installed(user.account, [app.pk]).get(app.pk)
    if installation and installation.ends_on and installation.ends_on <= on:
        installation = None
    there = ""
    if installation and authority.held(user, authority.MANAGE):
        there = reverse("myapps:add-users", args=[app.slug])
    may_install = authority.held(user, authority.INSTALL)
    sold = installation is not None or installable(user.account, app, on=on)
    if installation is None and may_install and sold:
        there = reverse("myapps:install", args=[app.slug])
    return {
        "there": there,
        "installation": installation,
        "sold": sold,
        "may_install": may_install,
    }


def _people(requests: list[AppRequest]) -> str:
    return urlencode([("users", one.user_id) for one in requests])


def _refused(count: int) -> str:
    return ngettext(
        "Refused. %(count)d person is told why.",
        "Refused. %(count)d people are told why.",
        count,
    ) % {"count": count}
