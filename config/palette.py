"""Search everywhere: apps, installations, people, tickets, orders and what one can do,
each within what the person may see. Above all rooms, because it asks each of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Q
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts import authority, clock
from accounts.models import Account, User
from billing.models import Order
from config import navigation
from marketplace import catalogue
from marketplace.models import App
from myapps.models import Installation, Seat
from support import help_pages, searches
from support.models import Ticket

MOST = 8
LONGEST = 100

# What one can do besides the places of the header: words, address, icon, who may.
MANAGE, ROLES, ANY = {authority.MANAGE}, {authority.MANAGE_ROLES}, set()
BUY = {authority.INSTALL, authority.MANAGE}
DOINGS = [
    (gettext_lazy("Launch my apps"), "myapps:launcher", "rocket", ANY),
    (gettext_lazy("Ask for help"), "support:new-request", "lifebuoy", ANY),
    (gettext_lazy("Your profile"), "accounts:profile", "user", ANY),
    (gettext_lazy("Add a person"), "accounts:add-person", "user-plus", ROLES),
    (gettext_lazy("Add a role"), "accounts:add-role", "users-group", ROLES),
    (gettext_lazy("Account settings"), "accounts:account", "settings", ROLES),
    (gettext_lazy("Company directory"), "accounts:directory", "users", ROLES),
    (gettext_lazy("Orders"), "myapps:orders", "file-invoice", BUY),
    (gettext_lazy("Charges"), "myapps:charges", "receipt", MANAGE),
    (gettext_lazy("Statements"), "myapps:statements", "file-text", MANAGE),
    (gettext_lazy("Renewals"), "myapps:renewals", "calendar-due", MANAGE),
    (
        gettext_lazy("Activity"),
        "myapps:account-activity",
        "history",
        MANAGE | ROLES,
    ),
]
STAFFS = [
    (gettext_lazy("Accounts"), "support:accounts", "building", ANY),
    (gettext_lazy("Open the queue"), "support:queue", "inbox", ANY),
    (gettext_lazy("Canned replies"), "support:canned-replies", "message", ANY),
    (gettext_lazy("Macros"), "support:macros", "bolt", ANY),
    (gettext_lazy("Your profile"), "accounts:profile", "user", ANY),
]
PARTNERS = [
    (gettext_lazy("Listings"), "myapps:portal-listings", "building-store", ANY),
    (gettext_lazy("Webhooks"), "myapps:portal-webhooks", "plug", ANY),
    (gettext_lazy("Your profile"), "accounts:profile", "user", ANY),
]


@dataclass
class Found:
    """Something to go to: what it is, what tells it apart, and where."""

    title: str
    url: str
    icon: str
    more: str = ""
    number: int = 0


@dataclass
class Group:
    """Things of one sort, the best first, so many at most."""

    label: str
    found: list[Found] = field(default_factory=list)


@require_GET
@authority.signed_in
def search(request):
    """Results as a page, or for the palette as the fragment it lists."""
    words = " ".join(request.GET.get("q", "").replace("\0", " ").split())[:LONGEST]
    groups = found(request, words)
    number = 0
    for group in groups:
        for one in group.found:
            number += 1
            one.number = number
    context = {"words": words, "groups": groups, "count": number}
    if request.htmx:
        return render(request, "fragments/_palette_results.html", context)
    return render(request, "search.html", context)


def found(request, words: str) -> list[Group]:
    """Everything with these words that the person may see, group by group."""
    user = request.user
    if user.account_id:
        groups = list(_for_customer(user, words))
        doings = DOINGS
    elif user.kind == User.Kind.PARTNER:
        groups, doings = list(_for_partner(user, words)), PARTNERS
    else:
        groups, doings = list(_for_staff(words)), STAFFS
    pages = Group(_("Go to"), list(_doings(request, doings, words))[:MOST])
    # A page that was named comes first; otherwise what was looked for.
    groups = [pages, *groups]
    return [group for group in groups if group.found]


def _doings(request, doings, words: str) -> Iterator[Found]:
    asked = words.casefold().split()
    places = [
        (place.label, place.url, place.icon)
        for place in navigation.places(request)["nav"]
    ]
    known = {url for _label, url, _icon in places}
    for label, name, icon, permissions in doings:
        if name == "accounts:profile" and getattr(request, "viewing", None):
            continue
        allowed = any(authority.held(request.user, one) for one in permissions)
        if permissions and not allowed:
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        if url not in known:
            known.add(url)
            places.append((label, url, icon))
    for label, url, icon in places:
        if all(word in str(label).casefold() for word in asked):
            yield Found(str(label), url, icon)


def _for_customer(user: User, words: str) -> Iterator[Group]:
    if not words:
        return
    account = user.account
    on = clock.today(account.timezone)
    manages = authority.held(user, authority.MANAGE)
    apps = _apps(words)
    theirs = Installation.objects.of(account).standing()
    theirs = theirs.exclude(ends_on__lte=on).exclude(state="FAILED")
    installed = set(theirs.filter(app__in=apps).values_list("app", flat=True))
    if manages:
        yield _installations(theirs, words, near=installed)
    else:
        yield _seats(user, words)
    yield Group(
        _("Marketplace"),
        [
            Found(
                app.name,
                reverse("myapps:app", args=[app.slug]),
                "building-store",
                app.category,
            )
            for app in apps
        ],
    )
    yield _actions(user, apps, installed)
    if authority.held(user, authority.MANAGE_ROLES):
        yield _people(account, words, nearly=not apps)
    tickets = help_pages.seen_by(user)
    number = searches.number(words)
    asked = Q(pk=number) if number else _all("subject", words)
    yield _tickets(tickets.filter(asked), "support:request")
    if manages or authority.held(user, authority.INSTALL):
        yield _orders(account, words)


def _for_partner(user: User, words: str) -> Iterator[Group]:
    if not words:
        return
    theirs = Installation.objects.sold_by(user).filter(
        _all("account__name", words) | _all("app__name", words)
    )
    yield Group(
        _("Installations"),
        [
            Found(
                row.account.name,
                reverse("myapps:portal-installation", args=[row.pk]),
                "package",
                row.app.name,
            )
            for row in theirs.select_related("account", "app").order_by("-pk")[:MOST]
        ],
    )
    listings = App.objects.by(user).filter(_all("name", words)).order_by("name")
    yield Group(
        _("Listings"),
        [
            Found(
                app.name,
                reverse("myapps:portal-listing", args=[app.slug]),
                "building-store",
                app.get_state_display(),
            )
            for app in listings[:MOST]
        ],
    )


def _for_staff(words: str) -> Iterator[Group]:
    if not words:
        return
    ids = searches.found(words)[:MOST]
    rank = {pk: place for place, pk in enumerate(ids)}
    group = _tickets(Ticket.objects.filter(pk__in=ids), "support:ticket", rank=rank)
    yield group
    accounts = Account.objects.filter(_all("name", words) | _all("slug", words))
    yield Group(
        _("Accounts"),
        [
            Found(row.name, reverse("support:account", args=[row.slug]), "building", "")
            for row in accounts.order_by("name")[:MOST]
        ],
    )
    yield Group(
        _("Apps"),
        [
            Found(
                app.name,
                reverse("myapps:app", args=[app.slug]),
                "building-store",
                app.category,
            )
            for app in _apps(words)
        ],
    )


def _apps(words: str) -> list[App]:
    """Listed apps of these words, or of words that are nearly right."""
    listed = App.objects.listed()
    order = ["-relevance", "name"]
    exact = list(catalogue.matching(listed, words).order_by(*order)[:MOST])
    return exact or list(catalogue.near(listed, words).order_by(*order)[:MOST])


def _installations(theirs, words: str, *, near: set[int]) -> Group:
    rows = theirs.filter(_all("app__name", words) | Q(app__in=near))
    rows = rows.select_related("app", "plan").order_by("app__name")
    return Group(
        _("My Apps"),
        [
            Found(
                row.app.name,
                reverse("myapps:users", args=[row.app.slug]),
                "apps",
                row.plan.name,
            )
            for row in rows[:MOST]
        ],
    )


def _seats(user: User, words: str) -> Group:
    rows = Seat.objects.filter(user=user, installation__closed_on=None)
    rows = rows.filter(_all("installation__app__name", words))
    rows = rows.select_related("installation__app")
    url = reverse("myapps:launcher")
    return Group(
        _("My apps"),
        [
            Found(row.installation.app.name, url, "rocket", _("You have a seat"))
            for row in rows.order_by("installation__app__name")[:MOST]
        ],
    )


def _actions(user: User, apps: list[App], installed: set[int]) -> Group:
    actions = []
    for app in apps:
        if app.pk in installed and authority.held(user, authority.MANAGE):
            actions.append(
                Found(
                    _("Add users to %(app)s") % {"app": app.name},
                    reverse("myapps:add-users", args=[app.slug]),
                    "user-plus",
                )
            )
        elif app.pk not in installed and authority.held(user, authority.INSTALL):
            actions.append(
                Found(
                    _("Install %(app)s") % {"app": app.name},
                    reverse("myapps:install", args=[app.slug]),
                    "package",
                )
            )
    return Group(_("Actions"), actions[:MOST])


def _people(account: Account, words: str, *, nearly: bool) -> Group:
    """People of these words; of names that are nearly right, where that is asked."""
    people = User.objects.filter(account=account)
    rows = list(people.named(words).order_by("display_name", "pk")[:MOST])
    if nearly and not rows:
        rows = list(people.nearly_named(words)[:MOST])
    return Group(
        _("People"),
        [
            Found(
                row.display_name,
                reverse("accounts:person", args=[row.pk]),
                "user",
                row.email,
            )
            for row in rows
        ],
    )


def _tickets(tickets, url_name: str, *, rank=None) -> Group:
    rows = list(tickets.select_related("account").order_by("-pk")[:MOST])
    if rank:
        rows.sort(key=lambda row: rank[row.pk])
    return Group(
        _("Tickets"),
        [
            Found(
                row.subject,
                reverse(url_name, args=[row.pk]),
                "message",
                f"{row.number} · {row.get_state_display()}",
            )
            for row in rows
        ],
    )


def _orders(account: Account, words: str) -> Group:
    rows = Order.objects.filter(account=account).filter(_all("app__name", words))
    rows = rows.select_related("app", "plan").order_by("-pk")
    return Group(
        _("Orders"),
        [
            Found(
                f"{row.app.name}: {row.get_kind_display()}",
                reverse("myapps:order", args=[row.pk]),
                "file-invoice",
                row.plan.name,
            )
            for row in rows[:MOST]
        ],
    )


def _all(column: str, words: str) -> Q:
    """A condition: the column holds every one of the words."""
    asked = Q()
    for word in words.split():
        asked &= Q(**{f"{column}__icontains": word})
    return asked
