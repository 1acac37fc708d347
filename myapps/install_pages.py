"""Buying an app: the install page, install links, and the orders that were signed."""

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import authority, clock, terms
from accounts.models import Account, Role, TermsVersion, User
from billing import contracts, effects, lines, orders
from billing.effects import Effect
from billing.models import Line
from journal import downloads
from marketplace import list_prices, offers
from marketplace.models import App, Plan
from myapps import console_pages as console
from myapps import install_links, installs, provisioning, signing, summary
from myapps.forms import InstallForm, PeopleForm
from myapps.models import Installation, InstallLink
from myapps.purchases import Kind, Wanted
from myapps.summary import Summary

PEOPLE_SHOWN = 25
ORDERS_ON_A_PAGE = 25
MOST_STATES = 100
MOST_AGAIN = 200  # people whom an address can name


# The install page


@require_http_methods(["GET", "POST"])
@authority.required(authority.INSTALL)
def install(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a plan and people, read what it does, sign (T1–T4, T7, T8, T14, T17).

    GET and POST without `confirm` only show; htmx gets the panels alone.
    """
    account, on = request.user.account, _today(request)
    app = get_object_or_404(_apps(account, on=on), slug=slug)
    confirms = "confirm" in request.POST
    if app.is_installed and not confirms:
        return _already(request, app)
    shelf = _shelf(account, app, on=on)
    asked = request.POST if request.method == "POST" else request.GET
    form = InstallForm(
        shelf.with_plan(asked),
        account=account,
        app=app,
        plans=shelf.plans,
        counted=not _partly(request),
    )
    form.is_valid()
    offer = _offer(request, form, shelf, on=on)
    if confirms:
        return _buy(request, app, form, shelf, offer, on=on)
    return _install_page(request, app, form, shelf, offer, on=on)


def _buy(request, app, form, shelf, offer, *, on: date) -> HttpResponse:
    if not form.is_valid():
        return _install_page(request, app, form, shelf, offer, on=on, status=422)
    try:
        signed = _sign(request, offer, on=on)
        wanted = Wanted(
            Kind.INSTALL, request.user.account, form.chosen_plan,
            users=form.chosen_users, roles=form.chosen_roles,
        )  # fmt: skip
        made = console.make(request, wanted, signed=signed, on=on)
    except ValidationError as refusal:
        if refusal.code == "installed":
            return _already(request, app)
        offer.refuse(refusal)
        return _install_page(
            request, app, form, shelf, offer, on=on, status=offer.status
        )
    if there := console.waits(request, made):
        return there
    return _installed_now(request, Installation.objects.get(order=made))


def _install_page(request, app, form, shelf, offer, *, on, status=200) -> HttpResponse:
    context = {
        "app": app,
        "form": form,
        "offer": offer,
        "on": on,
        "steps": [_("Plan"), _("People"), _("Check and sign")],
        "step": _step(form, offer),
        "partly": _partly(request),
    }
    if _partly(request):
        return render(request, "myapps/_install_panels.html", context, status=status)
    context |= {"plans": shelf.options, "not_listed": shelf.not_listed}
    context |= _people_options(request, form)
    return render(request, "myapps/install.html", context, status=status)


def _installed_now(request, installation: Installation) -> HttpResponse:
    if installation.state == Installation.State.INSTALLING:
        words = _(
            "%(app)s is being set up. Its partner confirms within seven days; otherwise"
            " everything charged is reversed."
        )
    else:
        words = _("%(app)s is installed. Your order is %(order)s.")
    messages.success(
        request, words % {"app": installation.app, "order": installation.order_id}
    )
    if authority.held(request.user, authority.MANAGE):
        return redirect("myapps:installation", installation.app.slug)
    return redirect("myapps:order", installation.order_id)


def _already(request, app: App) -> HttpResponse:
    messages.info(
        request, _("%(app)s is installed already. Manage it here.") % {"app": app}
    )
    if authority.held(request.user, authority.MANAGE):
        return redirect("myapps:installation", app.slug)
    return redirect("myapps:app", app.slug)


@require_GET
@authority.required(authority.INSTALL)
def try_again(request: HttpRequest, slug: str) -> HttpResponse:
    """To the install page, with the plan, people and roles that failed (3.20)."""
    mine = request.user.account.installations.filter(app__slug=slug)
    failed = mine.filter(state=Installation.State.FAILED).select_related("plan")
    there = reverse("myapps:install", args=[slug])
    if (last := failed.order_by("-pk").first()) is None:
        return redirect(there)
    wish = provisioning.wished(last)
    asked = [("plan", wish.plan.pk)]
    asked += [("roles", pk) for pk in wish.roles]
    asked += [("auto", pk) for pk, auto in wish.roles.items() if auto]
    if len(wish.users) <= MOST_AGAIN:
        asked += [("users", pk) for pk in wish.users]
    return redirect(f"{there}?{urlencode(asked)}")


# What stands beside the button


@dataclass
class Offering:
    """What the page shows of a choice: what it costs, and what the click needs."""

    plan: Plan | None
    seats: int
    on: date
    key: str
    summary: Summary | None = None
    effect: Effect | None = None
    refusal: ValidationError | None = None
    changed: bool = False
    clicked: bool = False
    role: Role | None = None
    version: TermsVersion | None = None
    accepted: bool = False
    ticked: bool = False
    coming: list[Line] = field(default_factory=list)
    asks: bool = False
    seconds: list[User] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The digest of the purchase summary on the page."""
        said = self.summary.as_json() if self.summary else {}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @property
    def purchases(self) -> bool:
        """Whether the click bills anything or gives up what is paid for."""
        if self.effect is None or not self.effect.bills:
            return False
        opened = [line.monthly_unit_price for line in self.effect.opened]
        costs = self.effect.growth is not None or any(opened)
        return costs or any(not left.free for left in self.effect.replaced)

    @property
    def status(self) -> int:
        busy = self.refusal is not None and self.refusal.code == "in_progress"
        return 409 if self.changed or busy else 422

    @property
    def line(self) -> Line | None:
        """A signed line of the plan that starts later than today."""
        return self.coming[0] if self.coming else None

    def refuse(self, refusal: ValidationError) -> None:
        """Show a rule's answer to the click: the new effect, or the reason."""
        if isinstance(refusal, orders.EffectChanged):
            self.effect, self.changed, self.refusal = refusal.effect, True, None
            return
        self.refusal, self.clicked = refusal, True
        if refusal.code == "key_reused":
            self.key = str(uuid.uuid4())


def _offer(request, form, shelf, *, on: date, plan: Plan | None = None) -> Offering:
    """Compute both panels for a choice. Writes nothing (T8, 3.17)."""
    plan = plan or form.chosen_plan
    version = terms.shown_to(request.user, on)
    offer = Offering(
        plan=plan,
        seats=form.count(),
        on=on,
        key=request.POST.get("key") or str(uuid.uuid4()),
        role=authority.role_for(request.user, authority.INSTALL),
        version=version,
        accepted=version is not None and version.is_accepted,
        ticked=version is not None
        and request.POST.get("accept_terms") == str(version.pk),
    )
    if plan is None:
        return offer
    offer.summary = summary.at(
        shelf.prices.get(plan.pk), plan=plan, seats=offer.seats, currency=shelf.currency
    )
    try:
        offer.effect = installs.effect(
            request.user.account, plan, seats=offer.seats, on=on
        )
    except ValidationError as refusal:
        offer.refusal = refusal
    else:
        offer.coming = _coming(request.user.account, offer.effect, on=on)
        standing = any(form.chosen_roles.values())
        console.judge(offer, request, plan, authority.INSTALL, on=on, standing=standing)
    return offer


def _sign(request, offer: Offering, *, on: date) -> orders.Signature:
    """Sign what the page showed; ticking the terms accepts them first (T7)."""
    if offer.effect and request.POST.get("shown") != offer.shown:
        raise orders.EffectChanged(offer.effect)
    if offer.ticked and not offer.accepted:
        terms.accept(request.user, version=offer.version, on=on)
        offer.accepted = True
    return signing.sign(
        request.user,
        authority.INSTALL,
        key=request.POST.get("key", ""),
        agreed=request.POST.get("agreed", ""),
        summary=offer.summary,
        on=on,
        from_address=request.META.get("REMOTE_ADDR") or None,
    )


# What can be chosen


@dataclass(frozen=True)
class PlanOption:
    """A base plan as a choice: its list price, or why it cannot be chosen here."""

    plan: Plan
    currency: str
    price: Decimal | None
    contracted: int
    obstacle: str


@dataclass
class Shelf:
    """What an account may choose of an app, and what it has of it under contract."""

    currency: str
    plans: list[Plan]
    prices: dict[int, Decimal]
    running: list[Line]

    @property
    def options(self) -> list[PlanOption]:
        """The base plans, in the order listed. Never an add-on (T5)."""
        contracted: dict[int, int] = {}
        for line in self.running:
            units = contracted.get(line.plan_id, 0) + line.term.contracted
            contracted[line.plan_id] = units
        return [
            PlanOption(
                plan=plan,
                currency=self.currency,
                price=self.prices.get(plan.pk),
                contracted=contracted.get(plan.pk, 0),
                obstacle=self._obstacle(plan, contracted),
            )
            for plan in self.plans
        ]

    def _obstacle(self, plan: Plan, contracted: dict[int, int]) -> str:
        if plan.pk in self.prices or plan.pk in contracted:
            return ""
        return "on_request" if plan.price_on_request else "currency"

    @property
    def not_listed(self) -> list[Line]:
        """Lines of plans that cannot be chosen: Support makes them available (T15)."""
        listed = {plan.pk for plan in self.plans}
        return [
            line
            for line in self.running
            if line.plan_id not in listed and not line.replaced_by_id
        ]

    def with_plan(self, asked):
        """What was asked; on the first look the plan under contract, or the first one
        with a price, is chosen already. Never one that would replace what is signed.
        """
        able = [one for one in self.options if not one.obstacle]
        if self.running:
            able = [one for one in able if one.contracted]
        best = able[0] if able else None
        if "plan" in asked or best is None:
            return asked
        chosen = asked.copy()
        chosen["plan"] = str(best.plan.pk)
        return chosen


def _shelf(account: Account, app: App, *, on: date) -> Shelf:
    currency = contracts.currency_of(account, on=on) or app.currency
    plans = list(
        offers.choosable(app, account).select_related("app").order_by("position", "pk")
    )
    return Shelf(
        currency=currency,
        plans=plans,
        prices=list_prices.of_plans(plans, currency=currency, on=on),
        running=lines.running(account, app, on=on),
    )


def _coming(account: Account, effect: Effect, *, on: date) -> list[Line]:
    """Signed lines of a plan bought month to month that would cover it later (3.5)."""
    if effect.new_line is None or not effect.new_line.month_to_month:
        return []
    found = Line.objects.of(account).signed().filter(plan=effect.plan_id)
    return list(found.filter(starts_on__gt=on).order_by("starts_on", "pk"))


def _people_options(request, form: PeopleForm) -> dict:
    """The first list of the picker: chosen people, then those a search finds."""
    account = request.user.account
    asked = request.POST if request.method == "POST" else request.GET
    words = asked.get("q", "")[:200]
    ticked = form.cleaned_data.get("users", [])
    found = account.users.active().named(words)
    found = found.exclude(pk__in=[user.pk for user in ticked])
    rows = list(found.order_by("display_name", "id")[: PEOPLE_SHOWN + 1])
    return {
        "q": words,
        "ticked": ticked,
        "found": rows[:PEOPLE_SHOWN],
        "more": len(rows) > PEOPLE_SHOWN,
        "roles": [
            (role, role in form.chosen_roles, role in form.cleaned_data.get("auto", []))
            for role in form.role_rows
        ],
        "pasted": asked.get("emails", ""),
    }


def _step(form: InstallForm, offer: Offering) -> int:
    """Where the person is: the plan, the people, the signature."""
    if form.chosen_plan is None:
        return 1
    return 3 if offer.effect else 2


def _apps(account: Account, *, on: date):
    """Apps in the marketplace, and those the account has under contract."""
    ours = Q(pk__in=Line.objects.of(account).values("app"))
    published = Q(state=App.State.PUBLISHED)
    installed = _installed(account, on=on).filter(app=OuterRef("pk"))
    return App.objects.filter(published | ours).annotate(is_installed=Exists(installed))


def _installed(account: Account, *, on: date):
    """What stands of apps for the account; an end that has come is none (3.15)."""
    return Installation.objects.of(account).standing().exclude(ends_on__lte=on)


def _partly(request) -> bool:
    """Whether htmx asks, which redraws the panels alone."""
    return request.htmx and not request.htmx.history_restore_request


def _today(request) -> date:
    return clock.today(request.user.account.timezone)


# Install links (T14)


@require_http_methods(["GET", "POST"])
@authority.signed_in
def install_link(request: HttpRequest, token: str) -> HttpResponse:
    """Install what an order form covers. Looking never uses a link up; installing does."""
    link = install_links.find(token)
    user = request.user
    if link is None or link.account_id != user.account_id:
        return render(request, "myapps/install_link_unknown.html", status=404)
    on, at = _today(request), clock.now()
    installed = _installed(link.account, on=on).filter(app=link.line.app).exists()
    repeated = installed and "confirm" in request.POST
    if not repeated and (reason := _obstacle(link, user, installed, at=at, on=on)):
        return _link_refused(request, link, reason, installed)
    form = PeopleForm(
        request.POST or request.GET,
        account=link.account,
        counted=not _partly(request),
    )
    form.is_valid()
    shelf = _shelf(link.account, link.line.app, on=on)
    offer = _offer(request, form, shelf, on=on, plan=link.line.plan)
    if "confirm" not in request.POST:
        return _link_page(request, link, form, offer, on=on)
    if not form.is_valid():
        return _link_page(request, link, form, offer, on=on, status=422)
    try:
        signed = _sign(request, offer, on=on)
        wanted = Wanted(
            Kind.INSTALL, link.account, link.line.plan, link=link,
            users=form.chosen_users, roles=form.chosen_roles,
        )  # fmt: skip
        made = console.make(request, wanted, signed=signed, on=on)
    except ValidationError as refusal:
        reason = refusal if refusal.code in LINK_REFUSALS else None
        if repeated and reason is None:  # another click than the one that installed
            reason = _obstacle(link, user, installed, at=at, on=on)
        if reason:
            return _link_refused(request, link, reason, installed)
        offer.refuse(refusal)
        return _link_page(request, link, form, offer, on=on, status=offer.status)
    if there := console.waits(request, made):
        return there
    return _installed_now(request, Installation.objects.get(order=made))


LINK_REFUSALS = {
    "stranger": 403,
    "no_authority": 403,
    "used": 410,
    "revoked": 410,
    "expired": 410,
    "ended": 410,
    "not_started": 409,
    "installed": 409,
}


def _obstacle(link: InstallLink, user: User, installed, *, at, on):
    """Why the link cannot be used, if so."""
    try:
        install_links.check(link, user=user, at=at, on=on)
    except ValidationError as refusal:
        return refusal
    if not authority.held(user, authority.INSTALL):
        return ValidationError(
            _(
                "Installing is a purchase, and none of your roles holds Install. Ask"
                " somebody who manages roles in your company to give it to you, then"
                " open the link again: it is not used up."
            ),
            code="no_authority",
        )
    if installed:
        return ValidationError(
            _("The app is installed already, so there is nothing left to do."),
            code="installed",
        )
    return None


def _link_page(request, link, form, offer, *, on, status=200) -> HttpResponse:
    context = {"app": link.line.app, "form": form, "offer": offer, "on": on}
    if _partly(request):
        return render(request, "myapps/_install_panels.html", context, status=status)
    context |= {"link": link, "term": link.line.terms.latest("starts_on")}
    context |= _people_options(request, form)
    return render(request, "myapps/install_link.html", context, status=status)


def _link_refused(request, link, reason, installed) -> HttpResponse:
    holders = []
    if reason.code == "no_authority":
        people = authority.holders(link.account, authority.MANAGE_ROLES)
        holders = list(people.order_by("display_name")[:4])
    context = {
        "link": link,
        "app": link.line.app,
        "reason": reason,
        "installed": installed,
        "holders": holders,
        "may_manage": authority.held(request.user, authority.MANAGE),
        "may_install": authority.held(request.user, authority.INSTALL),
    }
    status = LINK_REFUSALS[reason.code]
    return render(request, "myapps/install_link_refused.html", context, status=status)


# Orders (T7)


@require_GET
@authority.required(authority.MANAGE, authority.INSTALL)
def order_list(request: HttpRequest) -> HttpResponse:
    """Every order the account signed, newest first; of one app with ?app=."""
    account = request.user.account
    rows = account.orders.select_related("app", "plan", "placed_by").order_by("-id")
    app = None
    if slug := request.GET.get("app"):
        app = get_object_or_404(_apps(account, on=_today(request)), slug=slug)
        rows = rows.filter(app=app)
    page = Paginator(rows, ORDERS_ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = [
        {"order": order, "effect": effects.loaded(order.effect)}
        for order in page.object_list
    ]
    may_manage = authority.held(request.user, authority.MANAGE)
    context = {"page": page, "app": app, "may_manage": may_manage}
    return render(request, "myapps/orders.html", context)


@require_GET
@authority.required(authority.MANAGE, authority.INSTALL)
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """A signed order as it was signed: who, what they saw, what it charged. Printable."""
    return render(request, "myapps/order.html", _signed(request, pk))


@require_GET
@authority.required(authority.MANAGE, authority.INSTALL)
def order_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as PDF."""
    context = _signed(request, pk)
    order = context["order"]
    return downloads.paper(
        "myapps/papers/order.html",
        context | {"vendor": settings.VENDOR_NAME, "account": order.account},
        name=f"{order.account.slug}-order-{order.pk}",
        on=order.placed_on,
    )


def _signed(request: HttpRequest, pk: int) -> dict:
    """What the page and the paper of an order say."""
    rows = request.user.account.orders.select_related(
        "app", "plan", "placed_by", "approved_by"
    )
    order = get_object_or_404(rows, pk=pk)
    effect = effects.loaded(order.effect)
    charges = list(
        order.charges.select_related("line__plan", "reversed_by").order_by("id")
    )
    return {
        "order": order,
        "effect": effect,
        "intact": effect.digest == order.effect_digest,
        "summary": _kept(order.summary),
        "charges": charges,
        "total": sum((charge.amount for charge in charges), Decimal(0)),
        "permission": _permission(order.authority),
        "may_manage": authority.held(request.user, authority.MANAGE),
        "standing": request.user.account.installations.standing()
        .filter(app=order.app)
        .exists(),
    }


def _kept(stored: dict) -> dict:
    """A purchase summary as an order keeps it, with its money as numbers."""
    money = ("monthly_price", "total")
    return {
        name: Decimal(value) if name in money and value is not None else value
        for name, value in stored.items()
    }


def _permission(name: str) -> str:
    return {authority.INSTALL: _("Install"), authority.MANAGE: _("Manage")}.get(
        name, name
    )


# What the catalogue asks


@require_GET
@authority.customer_required
def catalogue_states(request: HttpRequest) -> HttpResponse:
    """Of the apps asked for (?app=box&app=zoom): what is installed or under contract."""
    account, on = request.user.account, _today(request)
    asked = [s for word in request.GET.getlist("app") for s in word.split(",")]
    slugs = [slug for slug in asked if slug][:MOST_STATES]
    installed = {
        row.app.slug: row
        for row in _installed(account, on=on)
        .filter(app__slug__in=slugs)
        .select_related("app")
    }
    contracted = set(
        Line.objects.of(account)
        .running(on=on)
        .filter(app__slug__in=slugs)
        .values_list("app__slug", flat=True)
    )
    states = [
        {"slug": slug, "installation": installed.get(slug)}
        for slug in dict.fromkeys(slugs)
        if slug in installed or slug in contracted
    ]
    return render(request, "myapps/_catalogue_states.html", {"states": states})
