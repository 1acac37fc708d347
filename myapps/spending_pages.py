"""What was spent: by app, by plan, by the role that gave the seat, and by team (ADR 30)."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import authority
from billing import spending
from journal import downloads, tables
from marketplace.models import Plan
from myapps import console_pages as console
from myapps import cost_shares
from myapps.cost_shares import Group, Share
from myapps.spending_forms import SpendingForm

SHOWN = 20
"""Rows of each table, unless all are asked for."""

WAYS = ["app", "plan", "role", "team"]


@dataclass(frozen=True)
class Row:
    """A part of the total. kind: APP, PLAN, or a group's; `unused` is part of it."""

    kind: str
    name: str
    amount: Decimal
    unused: Decimal = Decimal(0)
    more: str = ""
    slug: str = ""

    @property
    def words(self) -> str:
        """The name as the page says it."""
        return self.name or _said(self.kind)


@require_GET
@authority.required(authority.MANAGE)
def spending_page(request: HttpRequest) -> HttpResponse:
    """Costs of some months in one currency; each table adds up to the ledger."""
    form = SpendingForm(
        request.GET, account=request.user.account, on=console.today(request)
    )
    charges = _charges(request, form)
    total = charges.total()
    found = _tables(request, form, *WAYS)
    unused = sum((row.unused for row in found["app"]), Decimal(0))
    shown = None if "all" in request.GET else SHOWN
    context = {
        "form": form,
        "total": total,
        "number": charges.aggregate(n=Count("pk"))["n"],
        "unused": unused,
        "used": total - unused,
        "ways": [
            {
                "key": way,
                "rows": rows[:shown],
                "others": _others(rows[shown:] if shown else []),
            }
            for way, rows in found.items()
        ],
    }
    return render(request, "myapps/spending.html", context)


@require_GET
@authority.required(authority.MANAGE)
def spending_file(request: HttpRequest, way: str, kind: str) -> HttpResponseBase:
    """One of the tables as a file, with all of its rows."""
    if way not in WAYS:
        raise Http404
    account = request.user.account
    form = SpendingForm(request.GET, account=account, on=console.today(request))
    rows = _tables(request, form, way)[way]
    currency = form.chosen_currency
    columns = [
        (_titles()[way], lambda row: row.words),
        *([(_("App"), lambda row: row.more)] if way == "plan" else []),
        (_("Charged"), lambda row: row.amount),
        *(
            [(_("Of it not used"), lambda row: row.unused)]
            if way in {"app", "plan"}
            else []
        ),
        (_("Currency"), lambda _row: currency),
    ]
    name = f"{account.slug}-spending-{way}-{form.first:%Y-%m}-{form.last:%Y-%m}"
    return downloads.table(tables.Table(columns, rows), kind, name=name)


def _charges(request, form: SpendingForm):
    ledger = spending.ledger(request.user.account, start=form.first, end=form.end)
    return ledger.filter(currency=form.chosen_currency)


def _tables(request, form: SpendingForm, *ways: str) -> dict[str, list[Row]]:
    """The charges divided in some ways, the dearest first; each adds up to the total."""
    asked = {way if way in {"role", "team"} else "role" for way in ways}
    shares = cost_shares.each(request.user.account, _charges(request, form), *asked)
    return {
        way: sorted(
            _by_group(shares[way])
            if way in {"role", "team"}
            else _by_product(shares["role"], way),
            key=lambda row: (-row.amount, row.name.casefold(), row.kind),
        )
        for way in ways
    }


def _by_group(shares: list[Share]) -> list[Row]:
    sums: dict[Group, Decimal] = defaultdict(Decimal)
    for share in shares:
        sums[share.group] += share.amount
    return [Row(group.kind, group.name, amount) for group, amount in sums.items()]


def _by_product(shares: list[Share], way: str) -> list[Row]:
    """By app or plan: all that was charged for it, and what of it nobody used."""
    plans = Plan.objects.select_related("app").in_bulk({one.plan_id for one in shares})
    sums: dict[int, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for share in shares:
        found = sums[share.app_id if way == "app" else share.plan_id]
        found[0] += share.amount
        found[1] += share.amount if share.group == cost_shares.UNUSED else 0
    if way == "app":
        apps = {plan.app_id: plan.app for plan in plans.values()}
        return [
            Row("APP", apps[pk].name, *found, slug=apps[pk].slug)
            for pk, found in sums.items()
        ]
    return [
        Row("PLAN", plans[pk].name, *found, plans[pk].app.name, plans[pk].app.slug)
        for pk, found in sums.items()
    ]


def _others(rows: list[Row]) -> dict | None:
    """What does not fit on the page, as one row."""
    if not rows:
        return None
    return {
        "number": len(rows),
        "amount": sum((row.amount for row in rows), Decimal(0)),
        "unused": sum((row.unused for row in rows), Decimal(0)),
    }


def _said(kind: str) -> str:
    return {
        "NONE": _("None"),
        "UNKNOWN": _("Not recorded"),
        "UNUSED": _("Not used"),
    }.get(kind, "")


def _titles() -> dict[str, str]:
    return {"app": _("App"), "plan": _("Plan"), "role": _("Role"), "team": _("Team")}
