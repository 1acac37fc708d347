"""Statements: what each billing period was charged, to read, print and take along."""

from datetime import date

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from accounts import authority
from billing import statements
from billing.statements import Statement
from journal import downloads
from myapps import console_pages as console
from myapps import cost_shares, exports
from myapps.cost_shares import Share

STATEMENTS_ON_A_PAGE = 24
CHARGES_ON_A_PAGE = 200
CHARGES_ON_PAPER = 3_000
"""More are no paper that anybody reads: they are taken along as a table."""


@require_GET
@authority.required(authority.MANAGE)
def statement_list(request: HttpRequest) -> HttpResponse:
    """Every billing period of the account, the newest first, and what it came to."""
    account = request.user.account
    found = statements.listed(account, on=console.today(request))
    page = console.page_of(found, request, size=STATEMENTS_ON_A_PAGE)
    return render(request, "myapps/statements.html", {"page": page})


@require_GET
@authority.required(authority.MANAGE)
def statement(request: HttpRequest, period: str) -> HttpResponse:
    """One period: totals by currency, app and role, every charge with its arithmetic."""
    found = _asked(request, period)
    rows = statements.charges(found)
    context = {
        "statement": found,
        "apps": statements.by_app(found),
        "roles": cost_shares.by_group(_by_role(found)),
        "on_paper": found.rows <= CHARGES_ON_PAPER,
        "paper_holds": CHARGES_ON_PAPER,
        "page": console.page_of(rows, request, size=CHARGES_ON_A_PAGE),
    }
    return render(request, "myapps/statement.html", context)


@require_GET
@authority.required(authority.MANAGE)
def download(request: HttpRequest, period: str, kind: str) -> HttpResponseBase:
    """The same as a file: PDF, CSV or Excel. What is too long for PDF leads to the page."""
    found = _asked(request, period)
    if kind == "pdf" and found.rows > CHARGES_ON_PAPER:
        return redirect("myapps:statement", period)
    rows = statements.charges(found)
    name = f"{found.account.slug}-statement-{found.period.start}"
    if kind != "pdf":
        return downloads.table(exports.charges(rows), kind, name=name)
    context = {
        "statement": found,
        "apps": statements.by_app(found),
        "roles": cost_shares.by_group(_by_role(found)),
        "charges": rows.iterator(chunk_size=exports.AT_ONCE),
        "vendor": settings.VENDOR_NAME,
    }
    return downloads.paper(
        "myapps/papers/statement.html", context, name=name, on=found.period.end
    )


@require_GET
@authority.required(authority.MANAGE)
def download_totals(request: HttpRequest, period: str, kind: str) -> HttpResponseBase:
    """What each role's seats in each app came to, as CSV or Excel."""
    found = _asked(request, period)
    shares = cost_shares.by_app_and_group(_by_role(found))
    names = {one.app_id: one.name for one in statements.by_app(found)}
    name = f"{found.account.slug}-statement-{found.period.start}-totals"
    return downloads.table(exports.role_totals(shares, names), kind, name=name)


def _by_role(found: Statement) -> list[Share]:
    """Its charges divided over the roles that gave the seats; they add up to it."""
    return cost_shares.of(found.account, statements.ledger(found), by="role")


def _asked(request: HttpRequest, period: str) -> Statement:
    """The statement of the period that begins on the day in the address, or 404."""
    try:
        start = date.fromisoformat(period)
    except ValueError:
        raise Http404 from None
    on = console.today(request)
    found = statements.of(request.user.account, start=start, on=on)
    if found is None or period != start.isoformat():
        raise Http404
    return found
