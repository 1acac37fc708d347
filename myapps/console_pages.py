"""My Apps: what an account has, what it costs, what happened; and everybody's own apps."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import authority, clock, terms
from accounts.models import User
from billing import approvals, contracts
from billing.models import Charge, Order
from billing.orders import EffectChanged, Signature
from journal import activities
from marketplace.models import App
from myapps import overview, purchases, signing, summary
from myapps.console_forms import ChargesFilterForm, HoldingsFilterForm
from myapps.models import WaitingPurchase
from myapps.overview import Holding
from myapps.purchases import Wanted
from myapps.summary import Summary

APPS_ON_A_PAGE = 50
ROWS_ON_A_PAGE = 25


# What the pages of one app share


def today(request: HttpRequest) -> date:
    """The local day of the account whose person asks."""
    return clock.today(request.user.account.timezone)


def held(request: HttpRequest, slug: str) -> Holding:
    """What the account of the signed-in person has of an app; 404 when nothing."""
    app = get_object_or_404(App.objects.select_related("partner"), slug=slug)
    account = request.user.account
    found = overview.of(account, on=today(request), app=app)
    if found:
        found[0].app = app
        found[0].may_install = authority.held(request.user, authority.INSTALL)
        return found[0]
    past = account.installations.filter(app=app).exists()
    if not past and not account.lines.filter(app=app).exists():
        raise Http404
    return Holding(app, today(request), was_installed=past)


def installed(request: HttpRequest, slug: str) -> Holding:
    """The same for pages that need the app to be installed; 404 when it is not."""
    holding = held(request, slug)
    if holding.installation is None:
        raise Http404
    return holding


def page_of(rows, request: HttpRequest, *, size: int = ROWS_ON_A_PAGE):
    return Paginator(rows, size).get_page(request.GET.get("page"))


@dataclass
class Click:
    """What stands beside a purchase button: its effect, or why there is none."""

    effect: object = None
    summary: Summary | None = None
    refusal: ValidationError | None = None
    changed: bool = False
    terms_version: object = None
    new: int = 0
    members: int = 0
    asks: bool = False
    seconds: list[User] = field(default_factory=list)

    @property
    def status(self) -> int:
        if self.changed:
            return 409
        return 422 if self.refusal else 200


def shown(
    request: HttpRequest,
    effect_of,
    *,
    seats: int,
    plan,
    on: date,
    standing: bool = False,
) -> Click:
    """Compute what a click would do, for the panel beside it; writes nothing (3.17).

    `standing`: it turns Auto Install on.
    """
    click = Click()
    try:
        click.effect = effect_of()
    except ValidationError as refusal:
        click.refusal = refusal
    else:
        judge(click, request, plan, authority.MANAGE, on=on, standing=standing)
    currency = click.effect.currency if click.effect else None
    if currency := currency or contracts.currency_of(request.user.account, on=on):
        click.summary = summary.of(plan, seats=seats, currency=currency, on=on)
    click.terms_version = terms.to_accept(request.user, on)
    return click


MOST_SECONDS = 4


def judge(click, request, plan, permission: str, *, on: date, standing: bool) -> None:
    """Say on a panel whether a second person has to approve, and who could (ADR 34)."""
    account = request.user.account
    if account.approval_above is None:
        return
    click.asks = approvals.needed(account, plan, click.effect, on=on, standing=standing)
    if click.asks:
        others = purchases.seconds(account, permission, beside=request.user)
        click.seconds = list(others.order_by("display_name", "pk")[:MOST_SECONDS])


def make(request: HttpRequest, wanted: Wanted, *, signed: Signature, on: date):
    """Buy what was clicked, or let it wait for a second person (ADR 34)."""
    return purchases.make(
        wanted,
        signed=signed,
        reason=request.POST.get("approval_reason", "")[:1000],
        on=on,
        at=clock.now(),
        lapses_on=on + timedelta(days=settings.APPROVAL_DAYS),
    )


def waits(request: HttpRequest, made: Order | WaitingPurchase) -> HttpResponse | None:
    """Where a click leads that bought nothing yet; None where it bought."""
    if not isinstance(made, WaitingPurchase):
        return None
    messages.success(
        request,
        _("Nothing is bought yet. A second person in your company approves it first."),
    )
    return redirect("myapps:approval", made.pk)


def sign(request: HttpRequest, click: Click, *, on: date) -> Signature:
    """The signature under what was posted; ticking the terms accepts them first (T7)."""
    if click.terms_version and request.POST.get("accept_terms") == str(
        click.terms_version.pk
    ):
        terms.accept(request.user, version=click.terms_version, on=on)
        click.terms_version = None
    return signing.sign(
        request.user,
        authority.MANAGE,
        key=request.POST.get("key", ""),
        agreed=request.POST.get("agreed", ""),
        summary=click.summary,
        on=on,
        from_address=request.META.get("REMOTE_ADDR") or None,
    )


def refused(click: Click, refusal: ValidationError) -> Click:
    """Put a rule's answer to a click beside its button: 409 with the new effect, or 422."""
    if isinstance(refusal, EffectChanged):
        click.effect, click.changed = refusal.effect, True
    else:
        click.refusal = refusal
    return click


# The pages


@require_GET
@authority.required(authority.MANAGE, authority.INSTALL)
def index(request: HttpRequest) -> HttpResponse:
    """Every app of the account: state, plan, seats, term end, cost a month."""
    on = today(request)
    holdings = overview.of(request.user.account, on=on)
    form = HoldingsFilterForm(request.GET)
    found = form.found(holdings)
    context = {
        "on": on,
        "form": form,
        "page": page_of(found, request, size=APPS_ON_A_PAGE),
        "found": len(found),
        "any": bool(holdings),
        "totals": totals(holdings),
        "shown_totals": totals(found),
        "sort": form.sort,
        "states": form.states(holdings),
        "may_manage": authority.held(request.user, authority.MANAGE),
    }
    return render(request, "myapps/index.html", context)


def totals(holdings: list[Holding]) -> dict:
    """Sums over apps: cost a month by currency, people, what is paid and not used."""
    monthly: dict[str, Decimal] = {}
    for one in holdings:
        if one.currency and one.lines:
            monthly[one.currency] = monthly.get(one.currency, Decimal(0)) + one.monthly
    installed = [one for one in holdings if one.installation]
    ends = [one for one in holdings if one.term]
    return {
        "monthly": sorted(monthly.items()),
        "installed": len(installed),
        "seats": sum(one.active for one in installed),
        "unused": sum(one.unused for one in holdings),
        "unused_cost": _unused_cost(holdings),
        "queued": sum(one.queued for one in installed),
        "next": min(ends, key=lambda one: one.term.ends_on, default=None),
    }


def _unused_cost(holdings: list[Holding]) -> list[tuple[str, Decimal]]:
    costs: dict[str, Decimal] = {}
    for one in holdings:
        for line, quantity in one.unused_by_line:
            cost = line.monthly_unit_price * quantity
            costs[line.currency] = costs.get(line.currency, Decimal(0)) + cost
    return sorted((code, cost) for code, cost in costs.items() if cost)


@require_GET
@authority.required(authority.MANAGE)
def installation(request: HttpRequest, slug: str) -> HttpResponse:
    """The door to one app: its users where it is installed, its bill where not."""
    holding = held(request, slug)
    name = "myapps:users" if holding.installation else "myapps:billing"
    return redirect(name, slug)


def told(rows, request: HttpRequest) -> dict:
    """A page of the journal as sentences; all names by one query."""
    page = page_of(rows.order_by("-id"), request)
    entries = list(page.object_list)
    names = dict(
        User.objects.filter(pk__in=activities.people(entries)).values_list(
            "pk", "display_name"
        )
    )
    page.object_list = [
        {
            "row": entry,
            "sentence": activities.sentence(entry, names),
            "who": entry.authority.rpartition(": ")[2],
            "icon": ICONS.get(entry.verb, "point"),
            "tone": TONES.get(entry.verb, ""),
        }
        for entry in entries
    ]
    return {"page": page}


ICONS = {
    "app.installed": "package",
    "app.confirmed": "circle-check",
    "app.failed": "alert-triangle",
    "app.uninstalled": "calendar-due",
    "app.kept": "rotate",
    "app.ended": "archive",
    "seats.added": "user-plus",
    "seats.removed": "user-minus",
    "plan.changed": "switch-horizontal",
    "role.activated": "users-group",
    "role.stopped": "ban",
    "limits.set": "scale",
    "joins.seated": "bolt",
    "joins.queued": "hourglass",
    "joins.refused": "user-x",
    "renewal.asked": "trending-down",
    "renewal.withdrawn": "rotate",
    "renewal.approved": "circle-check",
    "renewal.declined": "circle-x",
    "add_on.activated": "puzzle",
    "add_on.deactivated": "puzzle",
    "link.issued": "mail",
    "link.revoked": "mail",
    "order_form.recorded": "file-invoice",
    "contract.recorded": "file-invoice",
    "people.exported": "download",
    "seats.exported": "download",
    "activity.exported": "download",
    "account.exported": "download",
}
TONES = {
    "app.installed": "good",
    "app.confirmed": "good",
    "app.failed": "bad",
    "app.uninstalled": "warn",
    "app.kept": "good",
    "seats.added": "accent",
    "joins.seated": "accent",
    "joins.queued": "warn",
    "renewal.asked": "warn",
    "renewal.approved": "good",
    "renewal.declined": "bad",
}


@require_GET
@authority.required(authority.MANAGE)
def charges(request: HttpRequest) -> HttpResponse:
    """Every charge of the account, by app and month; the total is the sum of the rows."""
    account = request.user.account
    form = ChargesFilterForm(request.GET, account=account)
    rows = form.found(Charge.objects.of(account))
    context = {
        "form": form,
        "page": page_of(
            rows.with_reasons()
            .select_related("line__app", "line__plan", "order")
            .order_by("-billed_on", "-id"),
            request,
        ),
        "sums": sums(rows),
    }
    return render(request, "myapps/charges.html", context)


def sums(rows) -> list[dict]:
    """The total of charges by currency: a sum of rounded rows (3.8)."""
    return list(
        rows.order_by()
        .values("currency")
        .annotate(total=Sum("amount"), rows=Count("id"))
        .order_by("currency")
    )


def words(refusal: ValidationError) -> str:
    """What a rule said, as one text."""
    return " ".join(refusal.messages)
