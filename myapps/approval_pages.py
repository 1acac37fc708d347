"""Purchases that wait for a second person, and how much nobody buys alone (ADR 34)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock, terms
from accounts.models import Role, User
from billing import approvals, contracts
from billing.models import LimitChange
from billing.orders import EffectChanged
from myapps import console_pages as console
from myapps import purchases
from myapps.console_forms import ApprovalLimitForm, WordForm
from myapps.console_pages import Click
from myapps.models import WaitingPurchase

PEOPLE_NAMED = 12
State = WaitingPurchase.State
PERMISSIONS = {
    authority.INSTALL: gettext_lazy("Install"),
    authority.MANAGE: gettext_lazy("Manage"),
}


@require_GET
@authority.required(authority.INSTALL, authority.MANAGE)
def waiting_list(request: HttpRequest) -> HttpResponse:
    """What waits, oldest first, and with ?show=all what became of the rest."""
    account, on = request.user.account, console.today(request)
    rows = account.waiting_purchases.select_related(
        "app", "plan", "asked_by", "decided_by"
    )
    waiting = rows.waiting(on=on)
    every = request.GET.get("show") == "all"
    shown = rows.order_by("-id") if every else waiting.order_by("id")
    context = {
        "on": on,
        "page": console.page_of(shown, request),
        "every": every,
        "count": waiting.count(),
        "limit": account.approval_above,
        "currency": contracts.currency_of(account, on=on),
        "may_set": authority.held(request.user, authority.MANAGE_ROLES),
    }
    return render(request, "myapps/approvals.html", context)


@require_GET
@authority.required(authority.INSTALL, authority.MANAGE)
def approval(request: HttpRequest, pk: int) -> HttpResponse:
    """One purchase that waits: who, why, exactly what, and what it does today."""
    waiting = _of(request, pk)
    return _page(request, waiting, _click(request, waiting))


@require_POST
@authority.required(authority.INSTALL, authority.MANAGE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve what the page showed: it is bought, once, or the page says why not."""
    waiting, on = _of(request, pk), console.today(request)
    click = _click(request, waiting)
    try:
        _accept_terms(request, click, on=on)
        order = purchases.approve(
            waiting,
            by=request.user,
            agreed=request.POST.get("agreed", ""),
            on=on,
            at=clock.now(),
        )
    except EffectChanged as refusal:
        console.refused(click, refusal)
        return _page(request, waiting, click, status=409)
    except ValidationError as refusal:
        if refusal.code == "decided":
            messages.info(request, console.words(refusal))
            return redirect("myapps:approval", pk)
        click.refusal = refusal
        return _page(request, waiting, click, status=422)
    messages.success(
        request,
        _("Approved. %(name)s bought it, and the order names you both.")
        % {"name": waiting.asked_by.display_name},
    )
    return redirect("myapps:order", order.pk)


@require_POST
@authority.required(authority.INSTALL, authority.MANAGE)
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse with a word, which the asker is told."""
    waiting, form = _of(request, pk), WordForm(request.POST)
    if form.is_valid():
        try:
            purchases.refuse(
                waiting,
                word=form.cleaned_data["word"],
                by=request.user,
                on=console.today(request),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request,
                _("Refused. %(name)s is told why.")
                % {"name": waiting.asked_by.display_name},
            )
            return redirect("myapps:approvals")
    return _page(request, waiting, _click(request, waiting), form=form, status=422)


@require_POST
@authority.required(authority.INSTALL, authority.MANAGE)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own purchase back."""
    waiting = _of(request, pk)
    try:
        purchases.withdraw(waiting, by=request.user, on=console.today(request))
    except ValidationError as refusal:
        messages.error(request, console.words(refusal))
    else:
        messages.success(request, _("Taken back. Nothing was bought."))
    return redirect("myapps:approval", pk)


def _of(request: HttpRequest, pk: int) -> WaitingPurchase:
    rows = request.user.account.waiting_purchases.select_related(
        "account", "app", "plan__app", "asked_by", "decided_by",
        "installation__account", "installation__app", "installation__plan__app",
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk)


def _click(request: HttpRequest, waiting: WaitingPurchase) -> Click:
    """What it does today, and what stands in the way of approving it."""
    click, on = Click(), console.today(request)
    if waiting.state != State.WAITING or waiting.lapses_on <= on:
        return click
    try:
        click.effect = purchases.effect(purchases.wanted_of(waiting), on=on)
    except ValidationError as refusal:
        click.refusal = refusal
    click.terms_version = terms.to_accept(request.user, on)
    return click


def _accept_terms(request: HttpRequest, click: Click, *, on) -> None:
    version = click.terms_version
    if version and request.POST.get("accept_terms") == str(version.pk):
        terms.accept(request.user, version=version, on=on)


def _page(request, waiting, click: Click, *, form=None, status=200) -> HttpResponse:
    user, on = request.user, console.today(request)
    open_ = waiting.state == State.WAITING and waiting.lapses_on > on
    own = waiting.asked_by_id == user.pk
    others = purchases.seconds(user.account, waiting.authority, beside=waiting.asked_by)
    context = {
        "waiting": waiting,
        "on": on,
        "open": open_,
        "own": own,
        "may_decide": open_ and not own and authority.held(user, waiting.authority),
        "permission": PERMISSIONS[waiting.authority],
        "seconds": list(others.order_by("display_name", "pk")[:4]) if open_ else [],
        "click": click,
        "shown": purchases.shown(waiting),
        "form": form or WordForm(),
        **_whom(waiting),
    }
    return render(request, "myapps/approval.html", context, status=status)


def _whom(waiting: WaitingPurchase) -> dict:
    """Whom it is for: people by name, the first of them, and roles."""
    asked, account = waiting.asked, waiting.account
    people = User.objects.filter(account=account, pk__in=asked["users"])
    auto = {pk for pk, automatic in asked["roles"] if automatic}
    wanted = [pk for pk, _auto in asked["roles"]] + [asked["role"]]
    if asked["auto_install"]:
        auto.add(asked["role"])
    roles = Role.objects.of(account).filter(pk__in=[pk for pk in wanted if pk])
    return {
        "people": list(people.order_by("display_name", "pk")[:PEOPLE_NAMED]),
        "people_count": len(asked["users"]) + len(asked["joins"]),
        "more": max(0, len(asked["users"]) - PEOPLE_NAMED),
        "roles": [(role, role.pk in auto) for role in roles.order_by("name")],
    }


# How much nobody buys alone


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def limit(request: HttpRequest) -> HttpResponse:
    """Set the monthly amount above which a second person decides. Tighter counts at
    once, looser waits for somebody else.
    """
    account, on = request.user.account, console.today(request)
    above = account.approval_above
    form = ApprovalLimitForm(
        request.POST or None,
        initial={
            "asks": "never" if above is None else "above",
            "amount": None if above is None else f"{above.normalize():f}",
        },
    )
    if form.is_valid():
        try:
            change = approvals.set_limit(
                account, form.cleaned_data["limit"], by=request.user, on=on
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request,
                _("Somebody else who manages roles has to confirm the looser limit.")
                if change
                else _("The limit counts from now on."),
            )
            return redirect("myapps:approval-limit")
    others = purchases.seconds(account, authority.MANAGE_ROLES, beside=request.user)
    context = {
        "form": form,
        "limit": above,
        "currency": contracts.currency_of(account, on=on) or "",
        "change": approvals.waiting(account),
        "others": list(others.order_by("display_name", "pk")[:4]),
    }
    status = 422 if form.errors else 200
    return render(request, "myapps/approval_limit.html", context, status=status)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def decide_limit(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm a looser limit that somebody else asked for, or leave it as it is."""
    changes = LimitChange.objects.filter(account=request.user.account)
    change = get_object_or_404(changes.select_related("asked_by"), pk=pk)
    confirms = "confirm" in request.POST
    try:
        approvals.decide_limit(
            change, approve=confirms, by=request.user, on=console.today(request)
        )
    except ValidationError as refusal:
        messages.error(request, console.words(refusal))
    else:
        messages.success(
            request,
            _("The looser limit counts from now on.")
            if confirms
            else _("The limit stays as it was."),
        )
    return redirect("myapps:approval-limit")
