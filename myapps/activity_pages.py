"""Everything that happened in an account, or to one app of it: by whom, by which
authority, each entry with the way to what it is about."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import authority
from accounts.models import Role, User
from journal import activities
from marketplace.models import App
from myapps import console_pages as console
from myapps import happenings
from myapps.console_forms import ActivityFilterForm

ENTRIES = 40
TABS = {
    "seats.": "users",
    "joins.": "roles",
    "role.": "roles",
    "auto_install.": "roles",
    "limits.": "roles",
    "plan.": "plan",
    "renewal.": "billing",
    "credit.": "billing",
    "add_on.": "add-ons",
    "drift.": "differences",
}
"""Where on an app's pages it is, by how its verb begins."""


@require_GET
@authority.required(authority.MANAGE, authority.MANAGE_ROLES)
def account_activity(request: HttpRequest) -> HttpResponse:
    """What happened in the account, newest first, as far as one may read it."""
    form = ActivityFilterForm(request.GET, reader=request.user)
    rows = form.found(happenings.seen_by(request.user))
    context = {"form": form, "asked": form.asked, **_told(rows, request)}
    return render(request, "myapps/account_activity.html", context)


@require_GET
@authority.required(authority.MANAGE)
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """What happened to one app."""
    holding = console.held(request, slug)
    form = ActivityFilterForm(request.GET, reader=request.user, app=slug)
    rows = form.found(happenings.seen_by(request.user).filter(app=slug))
    context = {
        "holding": holding,
        "on": holding.on,
        "form": form,
        "asked": form.asked,
        **_told(rows, request),
    }
    return render(request, "myapps/activity.html", context)


def _told(rows, request) -> dict:
    """Some entries as sentences, and where the older ones begin; no counting."""
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 19:
        rows = rows.filter(id__lt=int(before))
    entries = list(rows.order_by("-id")[: ENTRIES + 1])
    more, entries = len(entries) > ENTRIES, entries[:ENTRIES]
    names = dict(
        User.objects.filter(pk__in=activities.people(entries)).values_list(
            "pk", "display_name"
        )
    )
    links = _links(entries, request.user)
    told = [
        {
            "row": entry,
            "on": entry.on,
            "at": entry.at if timezone.localdate(entry.at) == entry.on else None,
            "sentence": activities.sentence(entry, names),
            "by": _authority(entry.authority),
            "icon": icon(entry.verb),
            "tone": console.TONES.get(entry.verb, ""),
            "url": links.get(entry.pk, ""),
        }
        for entry in entries
    ]
    asked = {
        name: value for name, value in request.GET.items() if name != "before" and value
    }
    older = urlencode(asked | {"before": entries[-1].pk}) if more else ""
    return {
        "told": told,
        "older": older,
        "newest": urlencode(asked),
        "paged": bool(before),
    }


def icon(verb: str) -> str:
    """The sign of an entry: its own, or that of its kind."""
    kind = happenings.KINDS.get(happenings.kind_of(verb))
    return console.ICONS.get(verb) or (kind.icon if kind else "point")


def _authority(kept: str) -> dict | None:
    """The permission and the role that somebody acted under."""
    permission, colon, role = kept.partition(": ")
    words = activities.PERMISSIONS.get(permission.removeprefix("accounts."))
    return {"permission": _(words), "role": role} if colon and words else None


def _links(entries, reader: User) -> dict[int, str]:
    """Where each entry leads, by its id: only where the reader may go, and only to what
    is still there. Three queries for any number of entries.
    """
    account = reader.account
    manages = authority.held(reader, authority.MANAGE)
    keeps_roles = authority.held(reader, authority.MANAGE_ROLES)
    ids = {"role": set(), "user": set()}
    for entry in entries:
        kind, _colon, pk = entry.subject.partition(":")
        if kind in ids and pk.isdecimal():
            ids[kind].add(int(pk))
    slugs = {entry.app for entry in entries if entry.app}
    apps, installed = set(), set()
    if manages and slugs:
        lines = App.objects.filter(slug__in=slugs, lines__account=account)
        apps = set(lines.values_list("slug", flat=True))
        standing = account.installations.standing().filter(app__slug__in=slugs)
        installed = set(standing.values_list("app__slug", flat=True))
    roles, people = set(), set()
    if keeps_roles:
        own = Role.objects.of(account).filter(pk__in=ids["role"])
        roles = set(own.values_list("pk", flat=True))
        own = User.objects.filter(account=account, pk__in=ids["user"])
        people = set(own.values_list("pk", flat=True))

    def to(entry) -> str:
        kind, _colon, text = entry.subject.partition(":")
        pk = int(text) if text.isdecimal() else 0
        match kind:
            case "role" if pk in roles:
                return reverse("accounts:role", args=[pk])
            case "user" if pk in people:
                return reverse("accounts:person", args=[pk])
            case "apikey" if keeps_roles:
                return reverse("accounts:api-keys")
            case "ticket" if manages:
                return reverse("support:request", args=[pk])
            case "order" if manages:
                return reverse("myapps:order", args=[pk])
        if entry.app in installed:
            begins = (tab for verb, tab in TABS.items() if entry.verb.startswith(verb))
            return reverse(f"myapps:{next(begins, 'users')}", args=[entry.app])
        if entry.app in apps:
            return reverse("myapps:billing", args=[entry.app])
        return ""

    return {entry.pk: to(entry) for entry in entries}
