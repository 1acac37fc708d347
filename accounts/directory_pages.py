"""The company's directory: its key, and what to enter where."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts import api_keys, authority, clock, directories
from accounts.models import ApiKey
from journal import activities

KEY_NAME = "Directory"
SCOPES = ["directory:write"]


@require_GET
@authority.required(authority.MANAGE_ROLES)
def directory(request):
    """The base address, the keys, and what Okta and Entra ID ask for."""
    return _page(request)


@never_cache
@require_POST
@authority.required(authority.MANAGE_ROLES)
def add_key(request):
    """A first key, or a second one to change over to. The answer shows it, this once."""
    account, at = request.user.account, clock.now()
    try:
        key, token = api_keys.create(
            audience=ApiKey.Audience.DIRECTORY,
            name=KEY_NAME,
            scopes=SCOPES,
            by=request.user,
            at=at,
            on=clock.today(account.timezone),
        )
    except ValidationError as refusal:
        return _page(request, refusal=refusal, status=422)
    context = {"key": key, "token": token, "base": base()}
    return render(request, "accounts/directory_key.html", context)


def base() -> str:
    return f"{settings.PUBLIC_ADDRESS}/scim/v2"


def _page(request, *, refusal=None, status=200):
    account, now = request.user.account, clock.now()
    keys = account.api_keys.filter(audience=ApiKey.Audience.DIRECTORY)
    live = list(keys.live(at=now).select_related("user").order_by("-id"))
    context = {
        "base": base(),
        "keys": live,
        "full": len(live) >= api_keys.LIVE_AT_ONCE,
        "refusal": refusal,
        "latest": _latest(account) if live else [],
    }
    return render(request, "accounts/directory.html", context, status=status)


def _latest(account):
    """What the directory did last, in sentences."""
    done = directories.latest(account)
    people = account.users.filter(pk__in=activities.people(done))
    names = dict(people.values_list("pk", "display_name"))
    return [
        {"on": entry.on, "sentence": activities.sentence(entry, names)}
        for entry in done
    ]
