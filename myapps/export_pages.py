"""Lists to take along, as CSV or Excel, with the filters of the page that shows them.

A list that names people is posted for: it is written down who took it.
"""

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET, require_POST

from accounts import authority
from billing.models import Charge, RenewalChange
from journal import downloads
from journal.tables import Table
from myapps import console_pages as console
from myapps import exports, happenings, overview
from myapps.console_forms import (
    ActivityFilterForm,
    ChargesFilterForm,
    HoldingsFilterForm,
    SeatsFilterForm,
)
from myapps.models import Seat


@require_GET
@authority.required(authority.MANAGE)
def charges(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Charges of the app and month that the page shows."""
    account = request.user.account
    form = ChargesFilterForm(request.GET, account=account)
    rows = form.found(Charge.objects.of(account)).order_by("-billed_on", "-id")
    return _file(request, exports.charges(rows), kind, "charges")


@require_GET
@authority.required(authority.MANAGE, authority.INSTALL)
def orders(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Signed orders; of one app with ?app=."""
    rows = request.user.account.orders.order_by("-id")
    if slug := request.GET.get("app"):
        rows = rows.filter(app__slug=slug)
    return _file(request, exports.orders(rows), kind, "orders")


@require_GET
@authority.required(authority.MANAGE, authority.INSTALL)
def apps(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The apps of the account that the page shows, sorted as there."""
    found = overview.of(request.user.account, on=console.today(request))
    form = HoldingsFilterForm(request.GET)
    return _file(request, exports.holdings(form.found(found)), kind, "apps")


@require_GET
@authority.required(authority.MANAGE)
def renewal_changes(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What was asked to change at renewal; of one app with ?app=."""
    rows = RenewalChange.objects.of(request.user.account).order_by("-asked_on", "-id")
    if slug := request.GET.get("app"):
        rows = rows.filter(line__app__slug=slug)
    return _file(request, exports.renewal_changes(rows), kind, "renewal-changes")


@require_POST
@authority.required(authority.MANAGE)
def seats(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Who has a seat; of one app with ?app=. Recorded."""
    account, slug = request.user.account, request.GET.get("app", "")
    rows = Seat.objects.filter(
        account=account, user__account=account, installation__closed_on=None
    )
    if slug:
        rows = rows.filter(installation__app__slug=slug)
    rows = SeatsFilterForm(request.GET, account=account).found(rows)
    rows = rows.order_by("user__display_name", "user_id", "installation__app__name")
    return _told(request, exports.seats(rows), kind, "seats", app=slug)


@require_POST
@authority.required(authority.MANAGE, authority.MANAGE_ROLES)
def activity(request: HttpRequest, kind: str) -> HttpResponseBase:
    """What happened, as far as one may read it and the page shows; of one app with ?app=.
    Recorded.
    """
    slug = request.GET.get("app", "")
    form = ActivityFilterForm(request.GET, reader=request.user, app=slug)
    rows = form.found(happenings.seen_by(request.user))
    if slug:
        rows = rows.filter(app=slug)
    return _told(request, exports.activity(rows), kind, "activity", app=slug)


def _told(
    request: HttpRequest, table: Table, kind: str, what: str, *, app: str
) -> HttpResponseBase:
    answer = _file(request, table, kind, what)
    on = console.today(request)
    exports.told(what, account=request.user.account, by=request.user, on=on, app=app)
    return answer


def _file(request: HttpRequest, table: Table, kind: str, what: str) -> HttpResponseBase:
    """Called after the account, what it holds and the day: harbour-lines-charges-…"""
    slug, on = request.user.account.slug, console.today(request)
    return downloads.table(table, kind, name=f"{slug}-{what}-{on}")
