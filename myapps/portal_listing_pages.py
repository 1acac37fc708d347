"""The partner's portal: listings, their plans and list prices, and the preview.

Sales operations publish; list prices start on a day to come.
"""

from datetime import date

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from journal import endpoints
from marketplace import list_prices, listings
from marketplace.models import App, ListPrice, Plan
from myapps import app_pages
from myapps import partner_scopes as scopes
from myapps.console_pages import page_of
from myapps.portal_forms import ListingForm, PlanForm, PriceForm

LISTINGS_ON_A_PAGE = 6


@require_GET
@authority.partner_required
def overview(request: HttpRequest) -> HttpResponse:
    """The partner's apps with their plans, prices and what waits for sales."""
    apps = scopes.apps(request.user).prefetch_related("plans").order_by("name")
    page = page_of(apps, request, size=LISTINGS_ON_A_PAGE)
    on = _today()
    plans = [plan for app in page for plan in app.plans.all()]
    prices = _prices(plans, on=on)
    context = {
        "page": page,
        "rows": [
            {"app": app, "plans": _in_order(app, app.plans.all(), prices)}
            for app in page
        ],
        "on": on,
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_listings.html", context)


@require_http_methods(["GET", "POST"])
@authority.partner_required
def add(request: HttpRequest) -> HttpResponse:
    """Begin the listing of a new app: a draft that nobody else sees."""
    partners = list(scopes.partners(request.user))
    form = ListingForm(request.POST or None, partners=partners)
    if partners and form.is_valid():
        partner = form.cleaned_data.get("partner", partners[0])
        try:
            app = listings.draft(
                partner,
                details=form.details(),
                by=request.user,
                on=_today(),
                loopback=settings.WEBHOOK_LOOPBACK_ALLOWED,
            )
        except ValidationError as refusal:
            _add(form, refusal)
        else:
            messages.success(
                request, _("%(app)s is a draft. Add its plans next.") % {"app": app}
            )
            return redirect("myapps:portal-listing", app.slug)
    context = {"form": form, "partners": partners}
    status = 422 if request.method == "POST" else 200
    return render(request, "myapps/portal_listing_add.html", context, status=status)


@require_GET
@authority.partner_required
def listing(request: HttpRequest, slug: str) -> HttpResponse:
    """One listing: what it says, its plans and prices, where it stands."""
    return _page(request, _app(request, slug))


@require_http_methods(["GET", "POST"])
@authority.partner_required
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what a listing says: a draft at once, what is published as a proposal."""
    app = _app(request, slug)
    proposed = listings.app_as_proposed(app)
    form = ListingForm(request.POST or None, instance=proposed)
    if form.is_valid():
        try:
            listings.revise(
                app,
                details=form.details(),
                by=request.user,
                on=_today(),
                loopback=settings.WEBHOOK_LOOPBACK_ALLOWED,
            )
        except ValidationError as refusal:
            _add(form, refusal)
        else:
            messages.success(request, _saved(app))
            return redirect("myapps:portal-listing", slug)
    context = {"form": form, "app": app, "partners": scopes.partners(request.user)}
    status = 422 if request.method == "POST" else 200
    return render(request, "myapps/portal_listing_edit.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.partner_required
def add_plan(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a plan to a listing."""
    app = _app(request, slug)
    form = PlanForm(request.POST or None, initial={"position": app.plans.count()})
    if form.is_valid():
        code = form.cleaned_data["code"]
        try:
            listings.add_plan(
                app, code=code, details=form.details(), by=request.user, on=_today()
            )
        except ValidationError as refusal:
            _add(form, refusal)
        else:
            messages.success(
                request, _("The plan is added. Give it a list price next.")
            )
            return redirect("myapps:portal-plan", slug, code)
    context = {"form": form, "app": app, "partners": scopes.partners(request.user)}
    status = 422 if request.method == "POST" else 200
    return render(request, "myapps/portal_plan.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.partner_required
def plan(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Change a plan; what was published keeps how it is counted."""
    app = _app(request, slug)
    row = get_object_or_404(app.plans, code=code)
    form = _plan_form(app, row, request.POST or None)
    if form.is_valid():
        try:
            listings.revise_plan(
                row, details=form.details(), by=request.user, on=_today()
            )
        except ValidationError as refusal:
            _add(form, refusal)
        else:
            messages.success(request, _saved(app))
            return redirect("myapps:portal-plan", slug, code)
    return _plan_page(request, app, row, form)


@require_POST
@authority.partner_required
def drop_plan(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """Take a plan that was never published out of its listing."""
    row = get_object_or_404(_app(request, slug).plans, code=code)
    return _step(
        request,
        slug,
        lambda by, on: listings.drop_plan(row, by=by, on=on),
        _("The plan is gone."),
    )


@require_POST
@authority.partner_required
def submit(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask sales operations to publish it."""
    app = _app(request, slug)
    return _step(
        request,
        slug,
        lambda by, on: listings.submit(app, by=by, on=on),
        _("Sales operations have it for review."),
    )


@require_POST
@authority.partner_required
def take_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Take it out of review to go on editing."""
    app = _app(request, slug)
    return _step(
        request,
        slug,
        lambda by, on: listings.take_back(app, by=by, on=on),
        _("It is yours to edit again."),
    )


@require_POST
@authority.partner_required
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Drop what was proposed for a published app."""
    app = _app(request, slug)
    return _step(
        request,
        slug,
        lambda by, on: listings.discard(app, by=by, on=on),
        _("The proposal is gone; what is published stays."),
    )


def _step(request, slug: str, do, words: str) -> HttpResponse:
    try:
        do(request.user, _today())
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, words)
    return redirect("myapps:portal-listing", slug)


# List prices


@require_POST
@authority.partner_required
def announce_price(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """List a price from a day to come on."""
    app = _app(request, slug)
    row = get_object_or_404(app.plans, code=code)
    form = PriceForm(request.POST)
    if form.is_valid():
        try:
            list_prices.announce(row, **form.cleaned_data, by=request.user, on=_today())
        except ValidationError as refusal:
            _add(form, refusal)
        else:
            messages.success(request, _("The price is announced."))
            return redirect("myapps:portal-plan", slug, code)
    return _plan_page(request, app, row, _plan_form(app, row, None), prices=form)


@require_POST
@authority.partner_required
def withdraw_price(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a list price back before its day comes."""
    price = get_object_or_404(scopes.prices(request.user), pk=pk)
    there = redirect("myapps:portal-plan", price.plan.app.slug, price.plan.code)
    try:
        list_prices.withdraw(price, by=request.user, on=_today())
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("The price is taken back."))
    return there


# The preview


@require_GET
@authority.partner_or_sales_required
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The app's page as customers would see it once sales operations publish it."""
    apps = (
        App.objects.all() if request.user.kind == "SALES" else scopes.apps(request.user)
    )
    app = get_object_or_404(apps.select_related("partner"), slug=slug)
    on = _today()
    proposed = listings.app_as_proposed(app)
    plans = [
        listings.plan_as_proposed(app, plan)
        for plan in app.plans.order_by("position", "pk")
    ]
    listed = [plan for plan in plans if plan.listed]
    history = list_prices.changes(listed)
    context = {
        "app": proposed,
        "waits": endpoints.expected(app.partner_id),
        "ours": None,
        "on": on,
        "currency": proposed.currency,
        "plans": [
            app_pages.offered(
                plan, history, ours=None, currency=proposed.currency, on=on
            )
            for plan in listed
            if plan.is_base
        ],
        "add_ons": [
            (
                plan,
                app_pages.price_on(plan, history, currency=proposed.currency, on=on),
                app_pages.currencies_of(plan, history, on=on),
            )
            for plan in listed
            if not plan.is_base
        ],
        "history": history,
        "installable": False,
    }
    return render(request, "myapps/portal_preview.html", context)


# What the pages share


def _page(request, app: App) -> HttpResponse:
    on = _today()
    plans = list(app.plans.all())
    context = {
        "app": app,
        "proposed": listings.app_as_proposed(app),
        "plans": _in_order(app, plans, _prices(plans, on=on)),
        "lacking": listings.lacking(app),
        "in_review": listings.in_review(app),
        "changes": sorted(app.proposed.get("details", {})),
        "on": on,
        "partners": scopes.partners(request.user),
    }
    return render(request, "myapps/portal_listing.html", context)


def _plan_page(request, app, row: Plan, form, *, prices=None) -> HttpResponse:
    on = _today()
    context = {
        "app": app,
        "plan": row,
        "form": form,
        "prices": prices or PriceForm(initial={"currency": app.currency}),
        "history": ListPrice.objects.filter(plan=row).order_by(
            "currency", "-effective_from"
        ),
        "editable": not listings.in_review(app),
        "droppable": app.state == App.State.DRAFT or listings.is_new(app, row),
        "on": on,
        "partners": scopes.partners(request.user),
    }
    bad = form.is_bound or (prices is not None and prices.is_bound)
    return render(
        request, "myapps/portal_plan.html", context, status=422 if bad else 200
    )


def _plan_form(app: App, row: Plan, data) -> PlanForm:
    fixed = app.state == App.State.PUBLISHED and not listings.is_new(app, row)
    shown = Plan.objects.select_related("app").get(pk=row.pk)
    listings.plan_as_proposed(app, shown)
    return PlanForm(data, instance=shown, fixed=fixed, known=True)


def _in_order(app: App, plans, prices: dict[int, list]) -> list[dict]:
    return [
        {
            "plan": listings.plan_as_proposed(app, plan),
            "prices": prices.get(plan.pk, []),
            "new": listings.is_new(app, plan),
            "changed": f"plan:{plan.code}" in app.proposed,
        }
        for plan in sorted(plans, key=lambda plan: (plan.position, plan.pk))
    ]


def _prices(plans: list[Plan], *, on: date) -> dict[int, list]:
    """Prices listed on the day and those announced, by plan, soonest first."""
    found: dict[int, list] = {}
    for price in list_prices.changes(plans):
        if price.effective_until is None or price.effective_until > on:
            found.setdefault(price.plan_id, []).append(price)
    for prices in found.values():
        prices.sort(key=lambda price: (price.currency, price.effective_from))
    return found


def _saved(app: App) -> str:
    if app.state == App.State.PUBLISHED:
        return _("Kept as a proposal. Customers see it once it is published.")
    return _("The draft is kept.")


def _add(form, refusal: ValidationError) -> None:
    """Put a rule's refusal beside the field it is about, if the form has it."""
    if hasattr(refusal, "error_dict"):
        for name, errors in refusal.error_dict.items():
            form.add_error(name if name in form.fields else None, errors)
        return
    field = {
        "slug_taken": "name",
        "no_name": "name",
        "code_taken": "code",
        "unknown_currency": "currency",
        "past_day": "effective_from",
        "already_listed": "effective_from",
    }.get(refusal.code)
    form.add_error(field if field in form.fields else None, refusal)


def _app(request, slug: str) -> App:
    return get_object_or_404(scopes.apps(request.user), slug=slug)


def _today() -> date:
    """The day that has begun anywhere: list prices start on one after it."""
    return clock.today(list_prices.LATEST_DAY)
