"""Roles of an app: activation, Auto Install and its limits, people who wait (T6)."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority
from accounts.models import Role
from myapps import console_pages as console
from myapps import joins, role_activations, seats
from myapps.console_forms import ActivateRoleForm, LimitsForm, QueueForm
from myapps.console_pages import Click
from myapps.models import JoinEvent, RoleActivation, Seat
from myapps.overview import Holding
from myapps.purchases import Kind, Wanted

QUEUE_SHOWN = 50
ROLES_SHOWN = 100


@require_GET
@authority.required(authority.MANAGE)
def roles(request: HttpRequest, slug: str) -> HttpResponse:
    """Activated roles, who waits, and how far Auto Install may go by itself."""
    holding = console.installed(request, slug)
    return render(request, "myapps/roles.html", _context(request, holding))


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def activate_role(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a role, read what its members' seats bill, confirm (T6)."""
    holding = console.installed(request, slug)
    form = _activate_form(request, holding)
    role = form.cleaned_data["role"] if form.is_valid() else None
    click = _role_click(request, holding, form, role) if role else Click()
    if request.method == "POST" and role and "agreed" in request.POST:
        try:
            made = console.make(
                request,
                Wanted(
                    Kind.ROLE,
                    request.user.account,
                    holding.installation.plan,
                    installation=holding.installation,
                    role=role,
                    auto_install=form.cleaned_data["auto_install"],
                ),
                signed=console.sign(request, click, on=holding.on),
                on=holding.on,
            )
        except ValidationError as refusal:
            console.refused(click, refusal)
        else:
            if there := console.waits(request, made):
                return there
            messages.success(request, _activated(role, form, holding))
            return redirect("myapps:roles", slug)
    context = _activating(request, holding, form, click)
    status = 422 if request.method == "POST" and form.errors else click.status
    return render(request, "myapps/activate_role.html", context, status=status)


@require_POST
@authority.required(authority.MANAGE)
def activate_role_effect(request: HttpRequest, slug: str) -> HttpResponse:
    """The panel alone: htmx asks whenever the role changes. Writes nothing."""
    holding = console.installed(request, slug)
    form = _activate_form(request, holding)
    role = form.cleaned_data["role"] if form.is_valid() else None
    click = _role_click(request, holding, form, role) if role else Click()
    context = _activating(request, holding, form, click)
    return render(request, "myapps/_activate_role_effect.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def auto_install(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Turn Auto Install on, which is a standing order, or off. The page says what it
    means before the click.
    """
    holding = console.installed(request, slug)
    activation = _activation(holding, pk)
    if activation.ended_on:
        return redirect("myapps:roles", slug)
    installation = holding.installation
    click = console.shown(
        request,
        lambda: role_activations.standing_effect(installation, on=holding.on),
        seats=holding.active,
        plan=installation.plan,
        on=holding.on,
        standing=not activation.auto_install,
    )
    if request.method == "POST" and "agreed" in request.POST:
        wanted = not activation.auto_install
        try:
            made = _set_auto(request, holding, activation, click)
        except ValidationError as refusal:
            console.refused(click, refusal)
        else:
            if there := console.waits(request, made):
                return there
            messages.success(request, _auto_said(activation, wanted))
            return redirect("myapps:roles", slug)
    context = {
        "holding": holding,
        "on": holding.on,
        "activation": activation,
        "click": click,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "line": holding.covering[-1] if holding.covering else None,
    }
    return render(request, "myapps/auto_install.html", context, status=click.status)


def _set_auto(request, holding: Holding, activation: RoleActivation, click: Click):
    """Off at once; on is a purchase, which may have to wait for a second person."""
    signed = console.sign(request, click, on=holding.on)
    if activation.auto_install:
        return role_activations.set_auto_install(
            activation, False, signed=signed, on=holding.on
        )
    wanted = Wanted(
        Kind.AUTO,
        request.user.account,
        holding.installation.plan,
        installation=holding.installation,
        activation=activation,
    )
    return console.make(request, wanted, signed=signed, on=holding.on)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def stop_role(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Stop activating a role. Its people keep their seats; the bill stays (3.22)."""
    holding = console.installed(request, slug)
    activation = _activation(holding, pk)
    if request.method == "POST":
        role_activations.stop(activation, by=request.user, on=holding.on)
        messages.success(
            request,
            _("%(role)s is not activated any more. Seats it gave stay.")
            % {"role": activation.role_name},
        )
        return redirect("myapps:roles", slug)
    context = {"holding": holding, "on": holding.on, "activation": activation}
    return render(request, "myapps/stop_role.html", context)


@require_POST
@authority.required(authority.MANAGE)
def limits(request: HttpRequest, slug: str) -> HttpResponse:
    """How far Auto Install may go by itself; beyond it people wait (3.21)."""
    holding = console.installed(request, slug)
    form = LimitsForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            role_activations.limit(
                holding.installation, **asked, by=request.user, on=holding.on
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("The limits of Auto Install are saved."))
            return redirect("myapps:roles", slug)
    context = _context(request, holding) | {"limits": form}
    return render(request, "myapps/roles.html", context, status=422)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def seat_waiting(request: HttpRequest, slug: str) -> HttpResponse:
    """Seat people who wait: an order like any other, its effect before the click."""
    holding = console.installed(request, slug)
    form = QueueForm(request.POST or request.GET, queued=_queued(holding))
    chosen = form.chosen if form.is_valid() else []
    if not chosen:
        messages.info(request, _("Tick whom to decide on first."))
        return redirect("myapps:roles", slug)
    people = [join.user for join in chosen]
    click = console.shown(
        request,
        lambda: seats.effect(holding.installation, people, on=holding.on),
        seats=holding.active + len(people),
        plan=holding.installation.plan,
        on=holding.on,
    )
    if request.method == "POST" and "agreed" in request.POST:
        try:
            made = console.make(
                request,
                Wanted(
                    Kind.QUEUE,
                    request.user.account,
                    holding.installation.plan,
                    installation=holding.installation,
                    joins=chosen,
                ),
                signed=console.sign(request, click, on=holding.on),
                on=holding.on,
            )
        except ValidationError as refusal:
            console.refused(click, refusal)
        else:
            if there := console.waits(request, made):
                return there
            messages.success(
                request,
                ngettext(
                    "%(count)d person who waited has a seat now.",
                    "%(count)d people who waited have a seat now.",
                    len(people),
                )
                % {"count": len(people)},
            )
            return redirect("myapps:roles", slug)
    context = {
        "holding": holding,
        "on": holding.on,
        "chosen": chosen,
        "click": click,
        "key": request.POST.get("key") or uuid.uuid4().hex,
    }
    return render(request, "myapps/seat_waiting.html", context, status=click.status)


@require_POST
@authority.required(authority.MANAGE)
def refuse_waiting(request: HttpRequest, slug: str) -> HttpResponse:
    """Refuse people who wait; they get no seat and nothing is billed."""
    holding = console.installed(request, slug)
    form = QueueForm(request.POST, queued=_queued(holding))
    chosen = form.chosen if form.is_valid() else []
    if not chosen:
        messages.info(request, _("Tick whom to decide on first."))
        return redirect("myapps:roles", slug)
    try:
        joins.refuse(holding.installation, chosen, by=request.user, on=holding.on)
    except ValidationError as refusal:
        messages.error(request, console.words(refusal))
    else:
        messages.success(
            request,
            ngettext(
                "%(count)d person does not get a seat.",
                "%(count)d people do not get a seat.",
                len(chosen),
            )
            % {"count": len(chosen)},
        )
    return redirect("myapps:roles", slug)


def _context(request: HttpRequest, holding: Holding) -> dict:
    installation = holding.installation
    activations = list(
        installation.activations.standing()
        .select_related("role", "activated_by")
        .order_by("role_name", "pk")[:ROLES_SHOWN]
    )
    given = dict(
        Seat.objects.filter(installation=installation, role__isnull=False)
        .values_list("role")
        .annotate(Count("id"))
    )
    members = dict(
        Role.objects.filter(pk__in=[one.role_id for one in activations])
        .annotate(people=Count("group__user", filter=Q(group__user__is_active=True)))
        .values_list("pk", "people")
    )
    for one in activations:
        one.given, one.members = given.get(one.role_id, 0), members.get(one.role_id, 0)
    queued = console.page_of(_queued(holding), request, size=QUEUE_SHOWN)
    return {
        "holding": holding,
        "on": holding.on,
        "activations": activations,
        "automatic": [one for one in activations if one.auto_install],
        "page": queued,
        "limits": LimitsForm(
            initial={
                "seats": installation.seat_limit,
                "monthly_spend": installation.monthly_spend_limit,
            }
        ),
    }


def _queued(holding: Holding):
    return (
        JoinEvent.objects.queued()
        .filter(installation=holding.installation)
        .select_related("user", "activation")
        .order_by("joined_on", "pk")
    )


def _activation(holding: Holding, pk: int) -> RoleActivation:
    activations = holding.installation.activations.select_related("role")
    return get_object_or_404(activations, pk=pk)


def _activate_form(request, holding: Holding) -> ActivateRoleForm:
    data = request.POST if request.method == "POST" else request.GET or None
    return ActivateRoleForm(data, installation=holding.installation)


def _role_click(request, holding: Holding, form, role: Role) -> Click:
    members, new = _counted(holding, role)
    click = console.shown(
        request,
        lambda: role_activations.effect(holding.installation, role, on=holding.on),
        seats=holding.active + new,
        plan=holding.installation.plan,
        on=holding.on,
        standing=form.cleaned_data["auto_install"],
    )
    click.members, click.new = members, new
    return click


def _counted(holding: Holding, role: Role) -> tuple[int, int]:
    """Active members of a role, and how many of them have no seat yet."""
    seated = Q(seats__installation=holding.installation)
    found = role.members.filter(is_active=True).aggregate(
        members=Count("pk", distinct=True),
        seated=Count("pk", filter=seated, distinct=True),
    )
    return found["members"], found["members"] - found["seated"]


def _activating(request, holding: Holding, form, click: Click) -> dict:
    role = form.cleaned_data.get("role") if form.is_bound and form.is_valid() else None
    return {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "click": click,
        "role": role,
        "any_role": role is not None or form.fields["role"].queryset.exists(),
        "automatic": bool(role and form.cleaned_data["auto_install"]),
        "new": click.new,
        "members": click.members,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "line": holding.covering[-1] if holding.covering else None,
    }


def _activated(role: Role, form, holding: Holding) -> str:
    words = {"role": role.name, "app": holding.app.name}
    if form.cleaned_data["auto_install"]:
        return (
            _(
                "%(role)s is activated: its people have a seat in %(app)s, and whoever joins"
                " it gets one."
            )
            % words
        )
    return _("%(role)s is activated: its people have a seat in %(app)s.") % words


def _auto_said(activation: RoleActivation, wanted: bool) -> str:
    words = {"role": activation.role_name}
    if wanted:
        return _("Auto Install is on: whoever joins %(role)s gets a seat.") % words
    return _("Auto Install is off: joining %(role)s gives no seat any more.") % words
