"""The doors of the API: whose key it is, what it may do, and what two people may edit.

A viewset says who comes in:

    authentication_classes is the default, ByKey: header only, `Authorization: Bearer …`
    permission_classes = [opens(Audience.ACCOUNT, "apps", authority.MANAGE)]

Reading asks for the scope apps:read, everything else for apps:write; of the permissions
after it, the person must hold one. `request.user` is whom the key acts for,
`request.auth` the key. Rows are scoped in get_queryset, so that a foreign key meets 404.
"""

from django.utils.cache import quote_etag
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission

from accounts import api_keys, authority, clock


class ByKey(BaseAuthentication):
    """`Authorization: Bearer ak_….…`, and nothing else: no session, no query string."""

    def authenticate(self, request):
        scheme, _space, token = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer":
            raise AuthenticationFailed("Send the key as Authorization: Bearer …")
        try:
            key = api_keys.find(token.strip().decode("ascii"), at=clock.now())
        except UnicodeDecodeError:
            key = None
        if key is None:
            raise AuthenticationFailed(
                "This key opens nothing: it is unknown, revoked or over, or its person"
                " may not sign in."
            )
        return key.user, key

    def authenticate_header(self, request):
        return 'Bearer realm="api"'


class Closed(APIException):
    """A key that may not do this."""

    status_code = status.HTTP_403_FORBIDDEN


def opens(audience: str, scope: str, *permissions: str) -> type[BasePermission]:
    """Let in keys of an audience that have the scope, of people who hold one of the
    permissions. Others are refused: codes audience, scope, authority (403).
    """

    class Door(BasePermission):
        scopes = {api_keys.READ: f"{scope}:read", api_keys.WRITE: f"{scope}:write"}
        authority = (audience, scope, *permissions)

        def has_permission(self, request, view):
            if request.auth is None:
                return False
            wanted = self.scopes[
                api_keys.READ if request.method in SAFE_METHODS else api_keys.WRITE
            ]
            if request.auth.audience != audience:
                raise Closed("This key is for another part of the API.", "audience")
            if wanted not in request.auth.scopes:
                raise Closed(f"This key lacks the scope {wanted}.", "scope")
            held = (authority.held(request.user, name) for name in permissions)
            if permissions and not any(held):
                raise Closed("The key's person lacks this authority.", "authority")
            return True

    return Door


class Unmatched(APIException):
    """What was to be edited has changed since it was read."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = (
        "It changed since you read it. Read it again, then send your change."
    )
    default_code = "stale"


class MatchRequired(APIException):
    """Two people may edit it, so an edit says which version it saw."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = "Send If-Match with the ETag that you read."
    default_code = "no_match"


def etag(version) -> str:
    """The ETag of a version: what a GET answers and an edit sends back in If-Match."""
    return quote_etag(str(version))


def match(request, version) -> None:
    """Refuse an edit without If-Match (428) or of another version (412)."""
    sent = request.headers.get("If-Match")
    if not sent:
        raise MatchRequired
    if sent.strip() not in {"*", etag(version)}:
        raise Unmatched
