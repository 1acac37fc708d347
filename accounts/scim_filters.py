"""SCIM's filters and PATCH operations on roles, as querysets and wishes (RFC 7644, 3.4.2.2
and 3.5.2). scim2-models has parsed and checked them against the schema.
"""

from dataclasses import dataclass, field

from django.db.models import Q
from scim2_models import (
    Group,
    GroupMember,
    InvalidFilterException,
    InvalidValueException,
    PatchOp,
)
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    ValuePath,
)

USERS = {
    "id": "pk",
    "username": "email",
    "externalid": "external_id",
    "displayname": "display_name",
    "name.formatted": "display_name",
    "active": "is_active",
    "emails": "email",
    "emails.value": "email",
    "groups": "groups__role",
    "groups.value": "groups__role",
}
GROUPS = {
    "id": "pk",
    "displayname": "name",
    "externalid": "external_id",
    "members": "group__user",
    "members.value": "group__user",
}
IDS = {"pk", "groups__role", "group__user"}
CASE_EXACT = {"external_id"}
LOOKUPS = {
    CompareOperator.eq: "iexact",
    CompareOperator.ne: "iexact",
    CompareOperator.co: "icontains",
    CompareOperator.sw: "istartswith",
    CompareOperator.ew: "iendswith",
}
# Each person has one address: it is the work address, and the primary one.
ALWAYS = {"emails.type": "work", "emails.primary": True}
LARGEST_ID = 2**63 - 1


class Asked(FilterVisitor[Q]):
    """A filter as a condition on rows. Refuses what rows cannot answer (invalidFilter)."""

    def __init__(self, columns: dict[str, str], *, within: str = ""):
        self.columns, self.within = columns, within

    def visit_comparison(self, node: Comparison) -> Q:
        name = self._name(node.attr_path)
        if name in ALWAYS:
            same = ALWAYS[name] == node.value
            return _always(same if node.op == CompareOperator.eq else not same)
        column = self._column(name)
        if node.op not in LOOKUPS:
            raise InvalidFilterException(detail=f"{name} is not compared by {node.op}.")
        found = _compared(column, node)
        return ~found if node.op == CompareOperator.ne else found

    def visit_present(self, node) -> Q:
        column = self._column(self._name(node.attr_path))
        if column in CASE_EXACT:
            return ~Q(**{column: ""})
        return Q(**{f"{column}__isnull": False})

    def visit_not(self, node) -> Q:
        return ~self.visit(node.expr)

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        first, *others = (self.visit(term) for term in node.terms)
        for other in others:
            joined = node.op == LogicalOperator.and_
            first = first & other if joined else first | other
        return first

    def visit_value_path(self, node: ValuePath) -> Q:
        within = self._name(node.attr_path)
        return Asked(self.columns, within=within).visit(node.val_filter)

    def _name(self, path: AttrPath) -> str:
        parts = [self.within, path.attr, path.sub_attr]
        return ".".join(part.lower() for part in parts if part)

    def _column(self, name: str) -> str:
        if name not in self.columns:
            raise InvalidFilterException(detail=f"{name} cannot be filtered by here.")
        return self.columns[name]


def _always(answer: bool) -> Q:
    return ~Q(pk__in=[]) if answer else Q(pk__in=[])


def _compared(column: str, node: Comparison) -> Q:
    value = node.value
    if column in IDS:
        pk = id_of(value)
        return Q(**{column: pk}) if pk else _always(False)
    if isinstance(value, bool):
        return Q(**{column: value})
    if not isinstance(value, str):
        raise InvalidFilterException(detail=f"{value} is not text.")
    if column in CASE_EXACT and LOOKUPS[node.op] == "iexact":
        return Q(**{column: value})
    if column == "email" and LOOKUPS[node.op] == "iexact":
        return Q(email=value.lower())
    return Q(**{f"{column}__{LOOKUPS[node.op]}": value})


def id_of(text) -> int | None:
    """The primary key that a SCIM id names, if it can be one."""
    text = str(text)
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 20):
        return None
    return int(text) if int(text) <= LARGEST_ID else None


@dataclass
class Wishes:
    """What PATCH operations want of a role, one after the other."""

    name: str | None = None
    external_id: str | None = None
    joining: set[int] = field(default_factory=set)
    leaving: set[int] = field(default_factory=set)
    exactly: set[int] | None = None

    def join(self, members: set[int]) -> None:
        if self.exactly is not None:
            self.exactly |= members
        self.joining |= members
        self.leaving -= members

    def leave(self, members: set[int]) -> None:
        if self.exactly is not None:
            self.exactly -= members
        self.leaving |= members
        self.joining -= members

    def be(self, members: set[int]) -> None:
        self.exactly, self.joining, self.leaving = set(members), set(), set()


def wishes(patch: PatchOp[Group]) -> Wishes:
    """The operations of a PATCH on a role, without reading who is in it.

    Refuses members without an id (invalidValue), and a selection of members by anything
    but their id (invalidFilter). Attributes that roles do not have are read over.
    """
    found = Wishes()
    for operation in patch.operations or []:
        path, value = operation.path and operation.path.ast, operation.value
        if path is None:
            for name, one in (value or {}).items():
                _wish(found, operation.op, name.lower(), one)
        elif isinstance(path, ValuePath):
            if path.attr_path.attr.lower() == "members" and operation.op == "remove":
                found.leave(_selected(path.val_filter))
        elif isinstance(path, AttrPath):
            _wish(found, operation.op, path.attr.lower(), value)
    return found


def _wish(found: Wishes, op: str, name: str, value) -> None:
    if name == "displayname" and op != "remove":
        found.name = str(value or "")
    elif name == "externalid":
        found.external_id = "" if op == "remove" else str(value or "")
    elif name == "members" and op == "remove":
        found.be(set()) if value is None else found.leave(_known(value))
    elif name == "members":
        members = ids(value)
        found.join(members) if op == "add" else found.be(members)


def ids(members) -> set[int]:
    """The ids that a list of members names. Refuses what is none (invalidValue)."""
    found = set()
    for value in _values(members):
        pk = id_of(value)
        if pk is None:
            raise InvalidValueException(detail=f"{value!r} is the id of nobody here.")
        found.add(pk)
    return found


def _known(members) -> set[int]:
    """Ids that can be somebody's; whoever is not here needs no leaving."""
    return {pk for value in _values(members) if (pk := id_of(value))}


def _values(members):
    for member in members if isinstance(members, list) else [members]:
        if isinstance(member, GroupMember):
            yield member.value
        elif isinstance(member, dict):
            yield {name.lower(): one for name, one in member.items()}.get("value")
        else:
            yield member


def _selected(node) -> set[int]:
    """Whose ids a selection such as value eq "7" or value eq "8" names."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_:
        return set().union(*(_selected(term) for term in node.terms))
    by_id = isinstance(node, Comparison) and node.attr_path.attr.lower() == "value"
    if not by_id or node.op != CompareOperator.eq:
        raise InvalidFilterException(detail="Select members by value eq their id.")
    pk = id_of(node.value)
    return {pk} if pk else set()
