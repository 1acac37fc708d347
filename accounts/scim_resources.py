"""SCIM 2.0 as this service speaks it: which attributes of people and roles there are, and
how rows become resources and resources what a directory wants (RFC 7643, 7644).

The grammar is scim2-models'. Only what is kept is declared: other attributes are read
over, as Okta and Entra ID send many.
"""

import hashlib
import json
from typing import Annotated, Any

from scim2_models import (
    URN,
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ComplexAttribute,
    Context,
    ETag,
    Extension,
    Filter,
    Group,
    GroupMember,
    Meta,
    Mutability,
    Patch,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from accounts import directories, models

MOST_RESULTS, USUAL_RESULTS = 200, 100


class Name(ComplexAttribute):
    """The parts of a name; kept as one."""

    formatted: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class Email(ComplexAttribute):
    """An address: always the one to sign in with."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class Membership(ComplexAttribute):
    """A role that somebody is in."""

    value: Annotated[str | None, Mutability.read_only] = None
    display: Annotated[str | None, Mutability.read_only] = None


class User(Resource[AnyExtension]):
    """Somebody of the account, who signs in with userName: an email address."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    name: Name | None = None
    display_name: str | None = None
    active: bool | None = None
    emails: list[Email] | None = None
    groups: Annotated[list[Membership] | None, Mutability.read_only] = None


class EnterpriseUser(Extension):
    """What somebody does in the company. The department is their team here."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    department: str | None = None


Person = User[EnterpriseUser]

# What Okta and Entra ID send beside the standard: attributes that are not kept, removals
# that say in a value what goes, and a work address where there is none yet.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="The account's directory key, as Authorization: Bearer …",
            primary=True,
        )
    ],
)
PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[
        ResourceType.from_resource(Person),
        ResourceType.from_resource(Group),
    ],
    config=CONFIG,
    policy=POLICY,
)


def of_user(user: models.User, *, base: str) -> Person:
    """A person as a resource, with the roles they are in (prefetch groups__role)."""
    groups = [group.role for group in user.groups.all()] if user.pk else []
    groups.sort(key=lambda role: role.pk)
    resource = Person(
        id=str(user.pk),
        external_id=user.external_id or None,
        user_name=user.email,
        display_name=user.display_name,
        name=Name(formatted=user.display_name),
        active=user.is_active,
        emails=[Email(value=user.email, type="work", primary=True)],
        groups=[Membership(value=str(role.pk), display=role.name) for role in groups],
    )
    if user.team:
        resource[EnterpriseUser] = EnterpriseUser(department=user.team)
    return _with_meta(resource, "User", f"{base}/Users/{user.pk}", user.created_at)


def of_role(
    role: models.Role, *, base: str, members: list[tuple[int, str]] | None
) -> Group:
    """A role as a resource. `members` are ids and names; None leaves them out, and
    `role.stamp` says then who is in it.
    """
    resource = Group(
        id=str(role.pk),
        external_id=role.external_id or None,
        display_name=role.name,
        members=members
        and [
            GroupMember(
                value=str(pk), display=name, type="User", ref=f"{base}/Users/{pk}"
            )
            for pk, name in members
        ],
    )
    return _with_meta(
        resource, "Group", f"{base}/Groups/{role.pk}", None, stamp=role.stamp
    )


def dumped(resource: Resource[Any], search: SearchRequest | None = None) -> dict:
    """A resource as JSON says it, with the attributes that a search asks for."""
    return resource.model_dump(
        scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=search
    )


def wanted(
    resource: Person, *, user: models.User | None, whole: bool
) -> directories.Person:
    """The person a resource describes. What it leaves out stays as it is with `user`,
    unless it is the `whole` of what the directory knows, as after a PATCH.

    The address is userName; a work address alone that differs from it moves both. The
    name is displayName, else the formatted one, else given and family name.
    """
    before = user or models.User()
    email = (resource.user_name or "").strip().lower()
    if user and email == before.email:
        email = (_work_address(resource) or email).strip().lower()
    work, team = resource[EnterpriseUser], before.team
    if work or whole:
        team = (work.department if work else None) or ""
    external_id = resource.external_id or ""
    if resource.external_id is None and not whole:
        external_id = before.external_id
    return directories.Person(
        email=email,
        display_name=_name(resource, before.display_name),
        team=team,
        external_id=external_id,
        active=before.is_active if resource.active is None else resource.active,
    )


def _work_address(resource: Person) -> str | None:
    found = [email for email in resource.emails or [] if email.value]
    best = sorted(found, key=lambda one: (one.type != "work", not one.primary))
    return best[0].value if best else None


def _name(resource: Person, before: str) -> str:
    name = resource.name or Name()
    parts = " ".join(filter(None, [name.given_name, name.family_name]))
    said = [resource.display_name, name.formatted]
    if name.given_name and name.family_name:
        said.append(parts)
    changed = [words for words in said if words and words != before]
    return (changed or [before or parts])[0]


def _with_meta(resource, kind: str, location: str, created, *, stamp: str = ""):
    said = json.dumps(dumped(resource), sort_keys=True, default=str)
    if stamp:
        resource_said = {"id": resource.id, "name": resource.display_name}
        resource_said |= {"external_id": resource.external_id, "members": stamp}
        said = json.dumps(resource_said, sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()[:32]
    resource.meta = Meta(
        resource_type=kind,
        created=created,
        location=location,
        version=f'W/"{digest}"',
    )
    return resource
