"""One's keys to the API: made, changed over, revoked. A secret is shown once."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import api_keys, authority, clock
from accounts.forms import KeyForm
from accounts.models import ApiKey

ON_A_PAGE = 25


@require_GET
@authority.signed_in
def keys(request):
    """The keys one may see: one's own, and for who manages roles the whole account's."""
    if not (_offered(request.user) or _keeps_roles(request.user)):
        raise PermissionDenied
    found = api_keys.revocable(request.user).order_by("revoked_at", "-id")
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    now = clock.now()
    for key in page:
        key.is_over = bool(key.expires_at and key.expires_at <= now)
    return render(
        request,
        "accounts/api_keys.html",
        {"page": page, "may_add": bool(_offered(request.user))},
    )


@never_cache
@require_http_methods(["GET", "POST"])
@authority.signed_in
def add_key(request):
    """Make a key. The answer shows the secret, this once."""
    offered = _offered(request.user)
    if not offered:
        raise PermissionDenied
    form = KeyForm(request.POST or None, offered=offered)
    if form.is_valid():
        at = clock.now()
        try:
            key, token = api_keys.create(
                **form.key(at), by=request.user, at=at, on=_on(request)
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            return _shown_once(request, key, token)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/add_api_key.html", {"form": form}, status=status)


@never_cache
@require_POST
@authority.signed_in
def rotate_key(request, pk):
    """A second key of the same name, to change over to."""
    key = _key(request, pk)
    at = clock.now()
    try:
        key, token = api_keys.rotate(key, by=request.user, at=at, on=_on(request))
    except ValidationError as refusal:
        return render(
            request,
            "accounts/api_key_refused.html",
            {"key": key, "refusal": refusal},
            status=422,
        )
    return _shown_once(request, key, token)


@require_http_methods(["GET", "POST"])
@authority.signed_in
def revoke_key(request, pk):
    """End a key at once, after saying what stops then."""
    key = _key(request, pk)
    if request.method == "POST":
        api_keys.revoke(key, by=request.user, at=clock.now(), on=_on(request))
        return redirect("accounts:api-keys")
    return render(request, "accounts/revoke_api_key.html", {"key": key})


def _shown_once(request, key: ApiKey, token: str):
    context = {"key": key, "token": token, "scopes": _words(key)}
    return render(request, "accounts/api_key_made.html", context)


def _words(key: ApiKey) -> list[str]:
    return [api_keys.SCOPES[key.audience][scope] for scope in key.scopes]


def _key(request, pk) -> ApiKey:
    if request.user.account_id is None:
        return get_object_or_404(request.user.api_keys, pk=pk)
    key = get_object_or_404(request.user.account.api_keys, pk=pk)
    if key not in api_keys.revocable(request.user):
        raise PermissionDenied
    return key


def _offered(user) -> list[str]:
    """Directory keys have a page of their own, which says what to enter where."""
    made = api_keys.audiences(user)
    return [one for one in made if one != ApiKey.Audience.DIRECTORY]


def _keeps_roles(user) -> bool:
    return authority.held(user, authority.MANAGE_ROLES)


def _on(request):
    account = request.user.account
    return clock.today(account.timezone if account else "UTC")
