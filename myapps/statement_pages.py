"""Statements: what each billing period was charged, to read, print and take along."""

from datetime import date

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import authority
from billing import statements
from billing.statements import Statement
from journal import downloads
from myapps import console_pages as console
from myapps import exports

STATEMENTS_ON_A_PAGE = 24
CHARGES_ON_A_PAGE = 200


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
    """One period: totals by currency and app, every charge with its arithmetic."""
    found = _asked(request, period)
    rows = statements.charges(found)
    context = {
        "statement": found,
        "apps": statements.by_app(found),
        "page": console.page_of(rows, request, size=CHARGES_ON_A_PAGE),
    }
    return render(request, "myapps/statement.html", context)


@require_GET
@authority.required(authority.MANAGE)
def download(request: HttpRequest, period: str, kind: str) -> HttpResponseBase:
    """The same as a file: PDF, CSV or Excel."""
    found = _asked(request, period)
    rows = statements.charges(found)
    name = f"{found.account.slug}-statement-{found.period.start}"
    if kind != "pdf":
        return downloads.table(exports.charges(rows), kind, name=name)
    context = {
        "statement": found,
        "apps": statements.by_app(found),
        "charges": rows.iterator(chunk_size=exports.AT_ONCE),
        "vendor": settings.VENDOR_NAME,
    }
    return downloads.paper(
        "myapps/papers/statement.html", context, name=name, on=found.period.end
    )


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
