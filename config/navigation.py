"""Which places the header offers: decided by who is signed in, never by the page."""

from dataclasses import dataclass

from django.http import Http404
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts import authority


@dataclass(frozen=True)
class Place:
    """A link of the header: the address's name says where, `active` if we are there."""

    label: str
    url_name: str
    icon: str
    url: str
    active: bool


OVERVIEW = (_("Overview"), "myapps:overview", "layout-dashboard")
APPS = (_("My Apps"), "myapps:index", "apps")
LAUNCHER = (_("My apps"), "myapps:launcher", "rocket")
MARKETPLACE = (_("Marketplace"), "marketplace:catalogue", "building-store")
SPENDING = (_("Spending"), "myapps:spending", "chart-pie")
PEOPLE = (_("People"), "accounts:people", "users")
ROLES = (_("Roles"), "accounts:roles", "shield-lock")
HELP = (_("Help"), "support:requests", "lifebuoy")
QUEUE = (_("Queue"), "support:queue", "inbox")
FIGURES = (_("Figures"), "support:figures", "chart-bar")
PORTAL = (_("Portal"), "myapps:portal", "plug")
ADMIN = (_("Contracts and prices"), "admin:index", "file-invoice")

# What belongs to a place and has an address of its own.
BELOW = {
    "myapps:index": ("/requests/", "/approvals/"),
    "myapps:overview": ("/activity/", "/notices/"),
    "myapps:spending": (
        *("/charges/", "/statements/", "/orders/", "/renewals/", "/calendar/"),
    ),
}


def places(request) -> dict:
    """The context processor: `nav` for the header, empty for strangers, and whether
    there are people to manage, who have an account's settings.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": []}
    offered = _offered(user)
    return {
        "nav": [place for place in map(_at(request), offered) if place],
        "manages_people": PEOPLE in offered,
    }


@require_GET
def home(request):
    """The start: the first place of whoever is signed in, else the sign-in page."""
    if not request.user.is_authenticated:
        return redirect("login")
    nav = places(request)["nav"]
    if not nav:
        raise Http404
    return redirect(nav[0].url)


home.authority = "ANYBODY"


def _offered(user) -> list[tuple]:
    if user.kind == "SUPPORT":
        return [QUEUE, FIGURES]
    if user.kind == "PARTNER":
        return [PORTAL]
    if user.kind == "SALES":
        return [ADMIN, QUEUE, FIGURES]
    manages = authority.held(user, authority.MANAGE)
    manages_people = authority.held(user, authority.MANAGE_ROLES)
    if manages:
        offered = [OVERVIEW, APPS, MARKETPLACE, SPENDING]
    elif authority.held(user, authority.INSTALL):
        offered = [APPS, MARKETPLACE]
    else:
        offered = [LAUNCHER, MARKETPLACE]
    if manages_people:
        offered += [PEOPLE, ROLES]
    return [*offered, HELP]


def _at(request):
    """Turn an offer into a place for this request: active on its page and below it."""

    def place(offer) -> Place | None:
        label, url_name, icon = offer
        try:
            url = reverse(url_name)
        except NoReverseMatch:
            return None
        below = (url, *BELOW.get(url_name, ()))
        return Place(label, url_name, icon, url, request.path.startswith(below))

    return place
