"""The renewal plan: one page for every line that ends soon."""

import re
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts import authority
from myapps import console_pages as console
from myapps import renewal_plans
from myapps.renewal_plans import Choice, PlanChanged, Row

WINDOWS = [30, 60, 120, 365]
USUAL = 120
SORTS = {
    "ends": lambda row: row.term.ends_on,
    "app": lambda row: row.line.app.name.casefold(),
    "unused": lambda row: -row.unused,
    "cost": lambda row: -row.staying,
}
SHOWN = {
    "open": lambda row: not row.fixed and row.wish is None,
    "asked": lambda row: bool(row.fixed or row.wish),
    "unused": lambda row: row.unused > 0,
}
FIELD = re.compile(r"do-(\d{1,18})")


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def renewals(request: HttpRequest) -> HttpResponse:
    """Keep, lower or end each line, see the total, ask for all of it at once.

    htmx gets the totals alone, for what is chosen; without JavaScript a button does.
    """
    account, on = request.user.account, console.today(request)
    asked = request.POST if request.method == "POST" else request.GET
    within = _window(asked.get("days"))
    chosen, problem = _chosen(asked)
    status = 200
    if request.method == "POST" and not problem:
        try:
            changed = renewal_plans.ask(
                account,
                chosen,
                agreed=asked.get("agreed", ""),
                within=within,
                by=request.user,
                on=on,
                reason=asked.get("reason", "")[:500],
                ticket_wanted="ticket_wanted" in asked,
            )
        except PlanChanged as refusal:
            problem, status = console.words(refusal), 409
        except ValidationError as refusal:
            problem, status = console.words(refusal), 422
        else:
            messages.success(request, _said(changed))
            again = {"days": within, **_narrowed(asked)}
            return redirect(f"{request.path}?{urlencode(again)}")
    elif problem:
        status = 422 if request.method == "POST" else 200
    plan = renewal_plans.of(account, on=on, within=within, chosen=chosen)
    sort = asked.get("sort") if asked.get("sort") in SORTS else "ends"
    narrowed = _narrowed(asked)
    rows = _shown(plan.rows, **narrowed)
    context = {
        "on": on,
        **narrowed,
        "hidden": len(plan.rows) - len(rows),
        "within": within,
        "windows": WINDOWS,
        "sort": sort,
        "plan": plan,
        "rows": sorted(rows, key=SORTS[sort]),
        "problem": problem,
    }
    partly = request.htmx and not request.htmx.history_restore_request
    template = "myapps/_renewal_totals.html" if partly else "myapps/renewals.html"
    return render(request, template, context, status=status)


def _window(asked: str | None) -> int:
    return int(asked) if asked in {str(days) for days in WINDOWS} else USUAL


def _narrowed(asked) -> dict[str, str]:
    """Which of the lines are asked for: by words of the app or plan, and by their state."""
    show = asked.get("show", "")
    return {"q": asked.get("q", "")[:100], "show": show if show in SHOWN else ""}


def _shown(rows: list[Row], *, q: str, show: str) -> list[Row]:
    """What is not shown keeps what stands; the totals are of all."""
    words = q.casefold().split()
    return [
        row
        for row in rows
        if (not show or SHOWN[show](row))
        and all(
            word in f"{row.line.app.name} {row.line.plan.name}".casefold()
            for word in words
        )
    ]


def _chosen(asked) -> tuple[dict[int, Choice], str]:
    """What was chosen for which line, and what is wrong with it."""
    chosen = {}
    for name, value in asked.items():
        found = FIELD.fullmatch(name)
        if not found or value not in {"keep", "lower", "end"}:
            continue
        line = int(found[1])
        number = asked.get(f"to-{line}", "")
        if value != "lower":
            chosen[line] = Choice(value)
        elif number.isdecimal() and len(number) < 7 and int(number):
            chosen[line] = Choice(value, int(number))
        else:
            return {}, _("Say how many shall be billed: a number from 1 on.")
    return chosen, ""


def _said(changed: int) -> str:
    if not changed:
        return _("Nothing was changed: all of it was asked for already, or is kept.")
    return ngettext(
        "%(count)d line is decided. Support hears of it by ticket.",
        "%(count)d lines are decided. Support hears of them by ticket.",
        changed,
    ) % {"count": changed}
