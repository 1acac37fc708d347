"""The tree of categories, as data: what a ticket is about decides what is asked, what it
must be linked to, and whose queue it stands in.

The places in the tree are the labels of `Ticket.Category`, with " > " between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from support.models import Ticket

Category = Ticket.Category
BETWEEN = " > "
QUEUES = {
    "technical": gettext_lazy("Technical"),
    "billing": gettext_lazy("Billing"),
    "operations": gettext_lazy("Operations"),
    "sales": gettext_lazy("Sales"),
}


@dataclass(frozen=True)
class Kind:
    """What one category asks for.

    `questions` are the fields of a customer's form, none where customers do not choose
    it; `links` what a ticket of it must name; `queue` whose it is; `manage` whether
    asking takes the Manage permission, `buys` whether it takes purchasing authority.
    """

    queue: str
    questions: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    manage: bool = False
    buys: bool = False


@dataclass
class Branch:
    """A place in the tree: its name, the category that ends there, and what is below."""

    name: str
    category: str = ""
    branches: list["Branch"] = field(default_factory=list)


KINDS = {
    Category.INSTALL: Kind("technical", ("app", "plan", "body"), links=("app",)),
    Category.CHARGE: Kind(
        "billing", ("charge", "line", "body"), links=("line",), manage=True
    ),
    Category.REDUCTION: Kind(
        "billing", ("line", "quantity", "body"), links=("line",), manage=True
    ),
    Category.CANCELLATION: Kind(
        "billing", ("line", "body"), links=("line",), manage=True
    ),
    Category.PLAN_AT_RENEWAL: Kind("billing", links=("line",)),
    Category.REPLACED: Kind("billing", links=("line",)),
    Category.ADD_ON: Kind("billing", ("line", "body"), links=("line",), manage=True),
    Category.PARKED: Kind("operations", links=("line",)),
    Category.CONTRACT: Kind("sales"),
    Category.SALES: Kind(
        "sales",
        ("app", "plan", "people", "currency", "body"),
        links=("app",),
        buys=True,
    ),
}

MISSING = {
    "app": gettext_lazy("Choose the app it is about."),
    "line": gettext_lazy("Choose the line it is about."),
    "contract": gettext_lazy("Choose the contract it is about."),
}


def tree() -> list[Branch]:
    """The categories as they branch, in their order."""
    roots = []
    for category in KINDS:
        below = roots
        *path, name = category.label.split(BETWEEN)
        for step in path:
            branch = next((one for one in below if one.name == step), None)
            if branch is None:
                branch = Branch(step)
                below.append(branch)
            below = branch.branches
        below.append(Branch(name, category=category.value))
    return roots


def in_queue(queue: str) -> list[str]:
    """The categories whose tickets stand in a queue."""
    return [category.value for category, kind in KINDS.items() if kind.queue == queue]


def asked_of_customers() -> dict[str, list[str]]:
    """The questions of each category that a customer may choose."""
    return {
        category: list(kind.questions)
        for category, kind in KINDS.items()
        if kind.questions
    }


def opened_by_staff() -> list[str]:
    """The categories that staff may choose for a ticket: all but those that carry a
    change at renewal, which the change itself opens.
    """
    own = {*Ticket.BILLING, Category.PARKED, Category.CONTRACT}
    return [category.value for category in KINDS if category not in own]


def fitting(ticket: Ticket) -> list[str]:
    """The categories that a ticket may have; its own alone, where that stays."""
    if ticket.change_id or ticket.category in {*Ticket.BILLING, Category.PARKED}:
        return [ticket.category]
    linked = {"app": ticket.app_id, "line": ticket.line_id}
    others = [
        name
        for name in opened_by_staff()
        if name != ticket.category
        and all(linked.get(link) for link in KINDS[Category(name)].links)
    ]
    return [ticket.category, *others]


def grouped(some: Iterable[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Categories under the branch where each stands, for a list to choose from."""
    groups = {}
    for name in some:
        branch, _between, leaf = Category(name).label.rpartition(BETWEEN)
        groups.setdefault(branch, []).append((name, leaf))
    return list(groups.items())


def refuse_unlinked(category: str, **links) -> None:
    """Refuse a ticket that does not name what its category is about (code link_missing).

    `links` are what it names: app, line, contract; an app also by its line or plan.
    """
    for name in KINDS[Category(category)].links:
        if not links.get(name):
            raise ValidationError(MISSING[name], code="link_missing")
