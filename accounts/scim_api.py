"""SCIM 2.0: the company's directory keeps people and roles (RFC 7644; what Okta and Entra
ID use of it). One address answers by the account's directory key, and by nothing else.
"""

import json

from django.conf import settings
from django.contrib.postgres.aggregates import StringAgg
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, models, transaction
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import MD5, Cast, Coalesce
from django.http import Http404
from pydantic import ValidationError as Unreadable
from rest_framework import exceptions
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView
from scim2_models import (
    Context,
    Error,
    Group,
    InvalidValueException,
    ListResponse,
    PatchOp,
    PreconditionFailedException,
    SCIMException,
    SearchRequest,
)

from accounts import clock, directories
from accounts import scim_resources as resources
from accounts.api_doors import ByKey, Closed
from accounts.models import ApiKey, User
from accounts.roles import Membership
from accounts.scim_filters import GROUPS, USERS, Asked, id_of, ids, wishes
from accounts.scim_resources import (
    MOST_RESULTS,
    PROVIDER,
    USUAL_RESULTS,
    Person,
    of_role,
    of_user,
    wanted,
)

MEDIA_TYPE = "application/scim+json"
BASE = f"{settings.PUBLIC_ADDRESS}/scim/v2"
UNIQUE = {"email_taken", "id_taken", "role_exists"}


class ScimParser(JSONParser):
    media_type = MEDIA_TYPE


class ScimRenderer(JSONRenderer):
    media_type = MEDIA_TYPE


class ByDirectory(BasePermission):
    """Lets in the account's directory key, and no other."""

    def has_permission(self, request, view):
        if request.auth is None:
            return False
        if request.auth.audience != ApiKey.Audience.DIRECTORY:
            raise Closed("This key is for another part of the API.", "audience")
        return True


class Directory(APIView):
    """An address of the directory's: what it answers to each method, in SCIM's words."""

    answers: dict = {}
    authentication_classes = [ByKey]
    permission_classes = [ByDirectory]
    parser_classes = [ScimParser, JSONParser]
    renderer_classes = [ScimRenderer]
    schema = None
    http_method_names = ["get", "post", "put", "patch", "delete"]

    def answer(self, request, **where):
        if request.method not in self.answers:
            raise exceptions.MethodNotAllowed(request.method)
        _without_null(request)
        with PROVIDER, transaction.atomic():
            return self.answers[request.method](request, **where)

    get = post = put = patch = delete = answer

    @property
    def allowed_methods(self):
        return list(self.answers)

    def perform_content_negotiation(self, request, force=False):
        return super().perform_content_negotiation(request, force=True)

    def get_exception_handler(self):
        return refused


def door(**answers):
    """The view of an address: door(GET=list_users, POST=add_user)."""
    view = Directory.as_view(answers=answers)
    view.authority = "DIRECTORY"
    return view


# Users


def list_users(request) -> Response:
    """People of the account, deactivated ones too: filter, startIndex and count."""
    search = _search(request, Person)
    found = _users(request).filter(_condition(search, USERS)).order_by("pk")
    rows, head = _page(search, found)
    return _listed(rows, head, search, lambda user: of_user(user, base=BASE))


def add_user(request) -> Response:
    """Somebody new, without a password."""
    sent = _read(Person, request, Context.RESOURCE_CREATION_REQUEST)
    person = wanted(sent, user=None, whole=False)
    user = directories.add(_account(request), person, on=_on(request))
    return _resource(request, _user(request, user.pk), of_user, status=201)


def read_user(request, pk) -> Response:
    return _resource(request, _user(request, pk), of_user)


def replace_user(request, pk) -> Response:
    """Somebody as the directory knows them; what it leaves out stays."""
    user = _user(request, pk)
    _match(request, of_user(user, base=BASE))
    sent = _read(Person, request, Context.RESOURCE_REPLACEMENT_REQUEST)
    person = wanted(sent, user=user, whole=False)
    directories.change(user, person, on=_on(request))
    return _resource(request, _user(request, pk), of_user)


def patch_user(request, pk) -> Response:
    """Some of what the directory knows of somebody."""
    user = _user(request, pk)
    resource = of_user(user, base=BASE)
    _match(request, resource)
    _read(PatchOp[Person], request, Context.RESOURCE_PATCH_REQUEST).patch(resource)
    person = wanted(resource, user=user, whole=True)
    directories.change(user, person, on=_on(request))
    return _resource(request, _user(request, pk), of_user)


def remove_user(request, pk) -> Response:
    """Deactivated: what was bought for them stays bought."""
    user = _user(request, pk)
    _match(request, of_user(user, base=BASE))
    directories.remove(user, on=_on(request))
    return Response(status=204)


# Groups


def list_groups(request) -> Response:
    """The account's roles; with excludedAttributes=members without who is in them."""
    search = _search(request, Group)
    found = _roles(request).filter(_condition(search, GROUPS)).order_by("pk").distinct()
    rows, head = _page(search, found)
    members = _members(rows) if _wants_members(search) else None

    def as_resource(role):
        these = None if members is None else members.get(role.group_id, [])
        return of_role(role, base=BASE, members=these)

    return _listed(rows, head, search, as_resource)


def add_group(request) -> Response:
    """A new role, which may launch apps, with its members."""
    sent = _read(Group, request, Context.RESOURCE_CREATION_REQUEST)
    role = directories.add_role(
        _account(request),
        name=sent.display_name or "",
        external_id=sent.external_id or "",
        members=ids(sent.members or []),
        on=_on(request),
    )
    return _resource(request, _role(request, role.pk), _whole_role, status=201)


def read_group(request, pk) -> Response:
    return _resource(request, _role(request, pk), _whole_role)


def replace_group(request, pk) -> Response:
    """A role as the directory knows it, with exactly the members it names."""
    role = _role(request, pk)
    _match(request, of_role(role, base=BASE, members=None))
    sent = _read(Group, request, Context.RESOURCE_REPLACEMENT_REQUEST)
    directories.change_role(
        role,
        name=sent.display_name,
        external_id=sent.external_id,
        exactly=ids(sent.members or []),
        on=_on(request),
    )
    return _resource(request, _role(request, pk), _whole_role)


def patch_group(request, pk) -> Response:
    """Another name, who joins and who leaves; however many are in the role."""
    role = _role(request, pk)
    _match(request, of_role(role, base=BASE, members=None))
    patch = _read(PatchOp[Group], request, Context.RESOURCE_PATCH_REQUEST)
    directories.change_role(role, **vars(wishes(patch)), on=_on(request))
    return Response(status=204)


def remove_group(request, pk) -> Response:
    """The role ends; seats stay."""
    role = _role(request, pk)
    _match(request, of_role(role, base=BASE, members=None))
    directories.remove_role(role, on=_on(request))
    return Response(status=204)


# What the service can do


def service_provider_config(request) -> Response:
    return Response(resources.dumped(resources.CONFIG))


def resource_types(request) -> Response:
    return _all(PROVIDER.resource_types)


def resource_type(request, name) -> Response:
    return _one(PROVIDER.resource_types, name)


def schemas(request) -> Response:
    return _all(PROVIDER.schemas)


def schema(request, name) -> Response:
    return _one(PROVIDER.schemas, name)


def _all(described) -> Response:
    listed = [resources.dumped(one) for one in described]
    return Response(_list(listed, total=len(listed), start=1))


def _one(described, name) -> Response:
    for one in described:
        if one.id == name:
            return Response(resources.dumped(one))
    raise Http404


# Reading what was sent


def _account(request):
    return request.auth.account


def _on(request):
    return clock.today(_account(request).timezone)


def _users(request):
    return _account(request).users.prefetch_related("groups__role")


def _user(request, pk) -> User:
    return _found(_users(request), pk)


def _roles(request):
    """Roles, each with a stamp that differs when somebody joins or leaves."""
    text = models.TextField()
    people = Membership.objects.filter(group=OuterRef("group")).values("group")
    members = StringAgg(Cast("user", text), Value(","), order_by="user_id")
    listed = Subquery(people.annotate(all=members).values("all"), text)
    stamp = MD5(Coalesce(listed, Value("", text), output_field=text))
    return _account(request).roles.select_related("group").annotate(stamp=stamp)


def _role(request, pk):
    return _found(_roles(request), pk)


def _found(rows, pk):
    row = rows.filter(pk=id_of(pk)).first()
    if row is None:
        raise Http404
    return row


def _members(roles) -> dict[int, list[tuple[int, str]]]:
    """Who is in each of some roles, by their groups; one query."""
    found: dict[int, list] = {}
    rows = Membership.objects.filter(group__in=[role.group_id for role in roles])
    for group, pk, name in rows.order_by("user_id").values_list(
        "group_id", "user_id", "user__display_name"
    ):
        found.setdefault(group, []).append((pk, name))
    return found


def _read(kind, request, context):
    return kind.model_validate(request.data, scim_ctx=context)


def _search(request, kind):
    asked = {name: value for name, value in request.query_params.items() if value}
    return SearchRequest[kind].model_validate(asked)


def _condition(search, columns):
    if search.filter is None:
        return models.Q()
    return Asked(columns).visit(search.filter.ast)


def _wants_members(search) -> bool:
    left_out = {str(path).lower() for path in search.excluded_attributes or []}
    only = {str(path).lower().partition(".")[0] for path in search.attributes or []}
    return "members" not in left_out and (not only or "members" in only)


def _without_null(request) -> None:
    """PostgreSQL keeps no zero byte, so nothing is called so."""
    said = [*request.query_params.values()]
    if request.method in {"POST", "PUT", "PATCH"}:
        said.append(json.dumps(request.data))
    if any("\x00" in words or "\\u0000" in words for words in said):
        raise InvalidValueException(detail="There is a zero byte in it.")


def _match(request, resource) -> None:
    """Refuse an edit of another version than was read, where it says which (412)."""
    sent = request.headers.get("If-Match")
    versions = {one.strip() for one in (sent or "*").split(",")}
    if not versions & {"*", resource.meta.version}:
        raise PreconditionFailedException(
            detail="It changed since you read it. Read it again."
        )


# Answering


def _whole_role(role, *, base):
    members = _members([role]).get(role.group_id, [])
    return of_role(role, base=base, members=members)


def _resource(request, row, as_resource, status=200) -> Response:
    search = _search(request, Group if as_resource is _whole_role else Person)
    if as_resource is _whole_role and not _wants_members(search):
        resource = of_role(row, base=BASE, members=None)
    else:
        resource = as_resource(row, base=BASE)
    version = resource.meta.version
    if request.method == "GET" and request.headers.get("If-None-Match") == version:
        return Response(status=304, headers={"ETag": version})
    headers = {"ETag": version, "Location": resource.meta.location}
    return Response(resources.dumped(resource, search), status, headers=headers)


def _page(search, found):
    start = max(search.start_index or 1, 1)
    count = USUAL_RESULTS if search.count is None else search.count
    count = min(max(count, 0), MOST_RESULTS)
    rows = list(found[start - 1 : start - 1 + count]) if count else []
    return rows, {"total": found.count(), "start": start}


def _listed(rows, head, search, as_resource) -> Response:
    listed = [resources.dumped(as_resource(row), search) for row in rows]
    return Response(_list(listed, **head))


def _list(listed, *, total, start) -> dict:
    return {
        "schemas": [str(ListResponse.__schema__)],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(listed),
        "Resources": listed,
    }


# Refusing


def refused(error, context) -> Response | None:
    """Every refusal in SCIM's error schema (RFC 7644, 3.12)."""
    told = _told(error)
    if told is None:
        return None
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)
    return Response(told.model_dump(), told.status, headers=headers)


def _told(error) -> Error | None:
    if isinstance(error, SCIMException):
        return error.to_error()
    if isinstance(error, Unreadable):
        return Error.from_validation_errors(error)[0]
    if isinstance(error, ValidationError):
        return _of_a_rule(error)
    if isinstance(error, IntegrityError):
        return _error(409, "Somebody else has this name or address.", "uniqueness")
    if isinstance(error, DataError):
        return _error(400, "A value is out of the range that is kept.", "invalidValue")
    if isinstance(error, Http404):
        return _error(404, "Nothing is here by this id.")
    if isinstance(error, exceptions.ParseError):
        return _error(400, str(error.detail), "invalidSyntax")
    if isinstance(error, RecursionError):
        return _error(400, "The JSON is nested too deeply.", "invalidSyntax")
    if isinstance(error, exceptions.APIException):
        return _error(error.status_code, str(error.detail))
    return None


def _of_a_rule(error: ValidationError) -> Error:
    code = getattr(error, "code", None)
    words = " ".join(error.messages)
    if code in UNIQUE:
        return _error(409, words, "uniqueness")
    if code == "last_manager":
        return _error(409, words)
    if code == "role_gone":
        return _error(404, words)
    return _error(400, words, "invalidValue")


def _error(status: int, detail: str, scim_type: str | None = None) -> Error:
    return Error(status=status, scim_type=scim_type, detail=detail)
