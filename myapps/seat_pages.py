"""Users of an app: who has a seat, adding people and removing them (T10, T13)."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority
from accounts.models import User
from myapps import console_pages as console
from myapps import launches, seats
from myapps.console_forms import PeopleForm, RemoveForm, SeatsFilterForm
from myapps.console_pages import Click
from myapps.models import Seat
from myapps.overview import Holding
from myapps.purchases import Kind, Wanted

PEOPLE_OFFERED = 25
PEOPLE_NAMED = 12


@require_GET
@authority.required(authority.MANAGE)
def users(request: HttpRequest, slug: str) -> HttpResponse:
    """Who has a seat, who or which role gave it, since when."""
    holding = console.installed(request, slug)
    form = SeatsFilterForm(request.GET, account=request.user.account)
    # Also by the user's account, so that the index on names gives the order.
    given = Seat.objects.filter(
        installation=holding.installation, user__account=request.user.account
    )
    rows = (
        form.found(given)
        .select_related("user", "added_by", "role")
        .order_by("user__display_name", "user_id")
    )
    page = console.page_of(rows, request)
    listed = given.filter(pk__in=[seat.pk for seat in page.object_list])
    context = {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "page": page,
        "locked_out": launches.cannot(given, request.user.account).count(),
        "cannot": set(
            launches.cannot(listed, request.user.account).values_list("pk", flat=True)
        ),
        "may_grant": authority.held(request.user, authority.MANAGE_ROLES),
        "left": given.filter(left_role_on__isnull=False).count(),
    }
    return render(request, "myapps/users.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def add_users(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose people, read what it bills, confirm (T10). Without JavaScript the first
    click shows the effect and the second one buys.
    """
    holding = console.installed(request, slug)
    form = PeopleForm(_asked(request), installation=holding.installation)
    chosen = _chosen(form)
    click = _click(request, holding, chosen)
    asked = chosen["new"] or chosen["seated"]
    if request.method == "POST" and asked and "agreed" in request.POST:
        try:
            made = console.make(
                request,
                Wanted(
                    Kind.USERS,
                    request.user.account,
                    holding.installation.plan,
                    installation=holding.installation,
                    users=form.people.order_by("pk"),
                ),
                signed=console.sign(request, click, on=holding.on),
                on=holding.on,
            )
        except ValidationError as refusal:
            console.refused(click, refusal)
        else:
            if there := console.waits(request, made):
                return there
            messages.success(request, _added(holding, made))
            return redirect("myapps:users", slug)
    context = _choosing(request, holding, form, chosen) | {"click": click}
    status = 422 if request.method == "POST" and form.errors else click.status
    return render(request, "myapps/add_users.html", context, status=status)


@require_POST
@authority.required(authority.MANAGE)
def add_users_effect(request: HttpRequest, slug: str) -> HttpResponse:
    """The panel alone: htmx asks whenever the choice changes. Writes nothing."""
    holding = console.installed(request, slug)
    form = PeopleForm(request.POST, installation=holding.installation)
    chosen = _chosen(form)
    click = _click(request, holding, chosen)
    context = {"holding": holding, "form": form, "click": click, **chosen}
    return render(request, "myapps/_add_users_effect.html", context)


@require_GET
@authority.required(authority.MANAGE)
def people_options(request: HttpRequest, slug: str) -> HttpResponse:
    """People to tick, those who have a seat marked so; ticked ones come first."""
    holding = console.installed(request, slug)
    form = PeopleForm(request.GET, installation=holding.installation)
    form.is_valid()
    ticked = form.cleaned_data.get("users", [])
    context = _options(form, request.GET.get("q", ""), ticked)
    return render(request, "myapps/_seat_options.html", context)


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE)
def remove_users(request: HttpRequest, slug: str) -> HttpResponse:
    """Free seats. The page says that the bill stays, and offers to lower it (T13)."""
    holding = console.installed(request, slug)
    one = request.POST.get("only")
    data = {"users": [one]} if one else request.POST or request.GET
    form = RemoveForm(data, installation=holding.installation)
    chosen = form.chosen if form.is_valid() else []
    if not chosen:
        messages.info(request, _("Tick whom to remove first."))
        return redirect("myapps:users", slug)
    if request.method == "POST" and (one or "confirmed" in request.POST):
        try:
            changes = seats.remove(
                holding.installation,
                chosen,
                by=request.user,
                on=holding.on,
                lower=form.cleaned_data["lower"],
                ticket_wanted=form.cleaned_data["ticket_wanted"],
            )
        except ValidationError as refusal:
            messages.error(request, console.words(refusal))
        else:
            messages.success(request, _removed(chosen, changes))
        return redirect("myapps:users", slug)
    after = holding.installation.plan.units(max(holding.active - len(chosen), 0))
    context = {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "chosen": chosen,
        "named": chosen[:PEOPLE_NAMED],
        "more": max(0, len(chosen) - PEOPLE_NAMED),
        "left_active": holding.active - len(chosen),
        "lowering": seats.lowering(holding.installation, max(1, after), on=holding.on),
        "to": max(1, after),
    }
    return render(request, "myapps/remove_users.html", context)


def _asked(request):
    if request.method == "POST":
        return request.POST
    return request.GET


def _chosen(form: PeopleForm) -> dict:
    """How many of the chosen people get a seat, and how many have one, counted."""
    if not form.is_valid():
        return {"new": 0, "seated": 0}
    counted = form.people.aggregate(
        more=Count("pk", filter=Q(seated=False)), all=Count("pk")
    )
    return {"new": counted["more"], "seated": counted["all"] - counted["more"]}


def _click(request: HttpRequest, holding: Holding, chosen: dict) -> Click:
    installation, new = holding.installation, chosen["new"]
    if not new:
        return Click()
    return console.shown(
        request,
        lambda: seats.effect_of(installation, new, on=holding.on),
        seats=holding.active + new,
        plan=installation.plan,
        on=holding.on,
    )


def _choosing(request, holding: Holding, form: PeopleForm, chosen: dict) -> dict:
    """The picker, as it is shown first and after each answer."""
    asked = form.cleaned_data if form.is_bound and hasattr(form, "cleaned_data") else {}
    ticked = asked.get("users", [])
    roles = (
        request.user.account.roles.annotate(
            people=Count("group__user", filter=Q(group__user__is_active=True))
        )
        .filter(people__gt=0)
        .order_by("name")
    )
    return {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "roles": roles,
        "roles_ticked": {role.pk for role in asked.get("roles", [])},
        "emails": form.data.get("emails", ""),
        "q": form.data.get("q", ""),
        **chosen,
        **_options(form, form.data.get("q", ""), ticked),
    }


def _options(form: PeopleForm, q: str, ticked) -> dict:
    """Ticked people, then those that the words find; a constant number of queries."""
    ticked = list(ticked)
    pks = {user.pk for user in ticked}
    found = form.everybody.named(q[:200]).exclude(pk__in=pks)
    offered = [*ticked, *found.order_by("display_name", "pk")[:PEOPLE_OFFERED]]
    return {
        "options": [
            {"user": one, "ticked": one.pk in pks, "seated": one.seated}
            for one in offered
        ],
        "shown": len(offered),
        "people": form.everybody.count(),
    }


def _added(holding: Holding, order) -> str:
    count = order.effect["units"]
    if holding.installation.plan.per_account:
        return _("Added. %(app)s is charged once for the account, so nothing more.") % {
            "app": holding.app.name
        }
    return ngettext(
        "Added. %(count)d person now has a seat in %(app)s.",
        "Added. %(count)d people now have a seat in %(app)s.",
        count,
    ) % {"count": count, "app": holding.app.name}


def _removed(chosen: list[User], changes) -> str:
    text = ngettext(
        "%(count)d seat is free. The bill stays as it is until the term ends.",
        "%(count)d seats are free. The bill stays as it is until the term ends.",
        len(chosen),
    ) % {"count": len(chosen)}
    if changes:
        text += " " + _("You asked to lower the quantity at renewal.")
    return text
