"""An app's page in the marketplace: its plans, how each would be billed here, and the
way to install it. Reads only."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts import authority, clock
from accounts.models import Account, User
from billing import contracts, lines, prices
from billing.models import Contract, Line
from journal import endpoints
from marketplace import list_prices, offers
from marketplace.models import App, ListPrice, Plan
from myapps.models import AppRequest, Installation

COVERED, YOURS, INSTEAD, MONTHLY = "covered", "yours", "instead", "monthly"
ON_REQUEST, OTHER_CURRENCY = "on_request", "other_currency"
MOST_HOLDERS = 4


@dataclass(frozen=True)
class Terms:
    """How a plan would be billed to an account today (3.1–3.3)."""

    kind: str
    frequency_months: int = 1
    ends_on: date | None = None
    contracted: int = 0
    instead_of: str = ""


@dataclass(frozen=True)
class Offered:
    """A base plan as the page shows it: listed price, terms, and what is in the way."""

    plan: Plan
    currency: str
    price: Decimal | None
    next_price: ListPrice | None
    other_currencies: list[str]
    terms: Terms | None

    @property
    def obstacle(self) -> str:
        """Why it cannot be chosen, empty when it can. What is signed always can (T14)."""
        covered = self.terms is not None and self.terms.kind in {COVERED, YOURS}
        if covered or self.price is not None:
            return ""
        if self.plan.price_on_request or not self.other_currencies:
            return ON_REQUEST
        return OTHER_CURRENCY

    @property
    def period_price(self) -> Decimal | None:
        """The proportional price of one unit for a billing period, exact (T2)."""
        if self.price is None or self.terms is None:
            return None
        return prices.for_months(self.price, months=self.terms.frequency_months)


@dataclass
class Ours:
    """What the account has to do with the app."""

    contract: Contract | None
    running: list[Line] = field(default_factory=list)
    coming: list[Line] = field(default_factory=list)
    installation: Installation | None = None
    may_install: bool = False
    may_manage: bool = False
    holders: list[User] = field(default_factory=list)
    not_listed: list[Plan] = field(default_factory=list)
    request: AppRequest | None = None
    seated: bool = False
    asking: int = 0

    @property
    def may_buy(self) -> bool:
        """Whether this reader may ask sales: whoever holds purchasing authority."""
        return self.may_install or self.may_manage

    @property
    def may_ask(self) -> bool:
        """Whether this reader can but ask: nobody who could get the seat alone."""
        alone = self.may_manage if self.installation else self.may_install
        return not alone and not self.seated


@require_GET
@authority.signed_in
def app(request: HttpRequest, slug: str) -> HttpResponse:
    """Plans side by side, add-ons apart, list prices over time, and Install."""
    app = get_object_or_404(App.objects.listed().select_related("partner"), slug=slug)
    account = request.user.account
    on = clock.today(account.timezone if account else "UTC")
    ours = about(account, app, user=request.user, on=on) if account else None
    currency = ours.contract.currency if ours and ours.contract else app.currency
    plans = list(app.plans.order_by("position", "pk"))
    choosable = set(offers.choosable(app, account).values_list("pk", flat=True))
    history = list_prices.changes([plan for plan in plans if plan.listed])
    if ours:
        signed = {line.plan_id: line.plan for line in [*ours.running, *ours.coming]}
        ours.not_listed = [plan for pk, plan in signed.items() if pk not in choosable]
    base = [
        offered(plan, history, ours=ours, currency=currency, on=on)
        for plan in plans
        if plan.pk in choosable
    ]
    return render(
        request,
        "myapps/app.html",
        {
            "app": app,
            "waits": endpoints.expected(app.partner_id),
            "ours": ours,
            "on": on,
            "currency": currency,
            "plans": base,
            "add_ons": [
                (
                    plan,
                    price_on(plan, history, currency=currency, on=on),
                    currencies_of(plan, history, on=on),
                )
                for plan in plans
                if plan.listed and not plan.is_base
            ],
            "history": history,
            "installable": bool(ours and ours.contract)
            and any(not plan.obstacle for plan in base),
        },
    )


def about(account: Account, app: App, *, user: User, on: date) -> Ours:
    """The account's contract, lines and installation of an app, and who may install."""
    ours = Ours(
        contract=contracts.current(account, on=on),
        running=lines.running(account, app, on=on),
        coming=coming(account, app, on=on),
        installation=Installation.objects.of(account)
        .standing()
        .filter(app=app)
        .exclude(ends_on__lte=on)
        .first(),
        may_install=authority.held(user, authority.INSTALL),
        may_manage=authority.held(user, authority.MANAGE),
    )
    if not ours.may_install and ours.installation is None:
        holders = authority.holders(account, authority.INSTALL)
        ours.holders = list(holders.order_by("display_name")[:MOST_HOLDERS])
    if ours.installation:
        ours.seated = ours.installation.seats.filter(user=user).exists()
    if ours.may_ask:
        mine = user.app_requests.filter(app=app).order_by("-id")
        ours.request = mine.select_related("decided_by").first()
    if ours.may_install or ours.may_manage:
        ours.asking = AppRequest.objects.of(account).open().filter(app=app).count()
    return ours


def installable(account: Account, app: App, *, on: date) -> bool:
    """Whether a plan of the app can be bought here by the account today."""
    contract = contracts.current(account, on=on)
    if contract is None:
        return False
    plans = list(offers.choosable(app, account))
    signed = {line.plan_id for line in lines.running(account, app, on=on)}
    history = list_prices.changes(plans)
    return any(
        plan.pk in signed
        or price_on(plan, history, currency=contract.currency, on=on) is not None
        for plan in plans
    )


def coming(account: Account, app: App, *, on: date) -> list[Line]:
    """Signed base lines of the app that have yet to start."""
    found = Line.objects.of(account).base().signed()
    found = found.filter(app=app, starts_on__gt=on).select_related("plan")
    return list(found.order_by("starts_on", "pk"))


def offered(
    plan: Plan, history: list[ListPrice], *, ours: Ours | None, currency: str, on: date
) -> Offered:
    listed = [price for price in history if price.plan_id == plan.pk]
    next_prices = [
        price
        for price in listed
        if price.currency == currency and price.effective_from > on
    ]
    return Offered(
        plan=plan,
        currency=currency,
        price=price_on(plan, history, currency=currency, on=on),
        next_price=min(next_prices, key=lambda p: p.effective_from, default=None),
        other_currencies=currencies_of(plan, history, on=on),
        terms=terms_offered(plan, ours.running) if ours and ours.contract else None,
    )


def currencies_of(plan: Plan, history: list[ListPrice], *, on: date) -> list[str]:
    """The currencies a plan can be bought in on a day."""
    if plan.price_on_request:
        return []
    return sorted(
        price.currency
        for price in history
        if price.plan_id == plan.pk and price.in_force(on)
    )


def terms_offered(plan: Plan, running: list[Line]) -> Terms:
    """Which line a purchase of the plan would go to, in words for the page (3.1–3.3).

    The same plan: covered by it. Another plan of the app under contract: on that line's
    frequency and term. Otherwise month to month.
    """
    covering = lines.of_plan(running, plan)
    if covering:
        line = lines.growing(covering)
        return Terms(
            COVERED if line.basis != Line.Basis.SELF_SERVE else YOURS,
            frequency_months=line.frequency_months,
            ends_on=line.term.ends_on,
            contracted=sum(line.term.contracted for line in covering),
        )
    replaced = [line for line in running if line.replaced_by_id is None] or running
    signed = [line for line in replaced if line.basis != Line.Basis.SELF_SERVE]
    if signed:
        return Terms(
            INSTEAD,
            frequency_months=signed[-1].frequency_months,
            ends_on=signed[-1].term.ends_on,
            instead_of=signed[-1].plan.name,
        )
    return Terms(MONTHLY, instead_of=replaced[-1].plan.name if replaced else "")


def price_on(
    plan: Plan, history: list[ListPrice], *, currency: str, on: date
) -> Decimal | None:
    """The price listed on a day, from a history at hand; None as list_prices.of says."""
    if plan.price_on_request:
        return None
    return next(
        (
            price.monthly_price
            for price in history
            if price.plan_id == plan.pk
            and price.currency == currency
            and price.in_force(on)
        ),
        None,
    )
