"""Macros: a bundle of changes to a ticket's fields in one click or key; never a reply."""

from collections.abc import Mapping
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from support import fields, tickets
from support.models import Macro, Ticket


@transaction.atomic
def save(
    macro: Macro | None = None, *, name: str, changes: Mapping, on: date, position: int = 0
) -> Macro:  # fmt: skip
    """Add a macro, or change one.

    Refuses what `fields.read` refuses of any ticket, no changes at all (code
    no_changes), and a name that another macro has (taken).
    """
    if not changes:
        raise ValidationError(
            _("Choose at least one change that it makes."), code="no_changes"
        )
    fields.read(changes, Ticket(), on=on)
    macro = macro or Macro()
    if Macro.objects.filter(name=name).exclude(pk=macro.pk).exists():
        raise ValidationError(
            _("Another macro is called “%(name)s”."),
            code="taken",
            params={"name": name},
        )
    macro.name, macro.changes, macro.position = name, dict(changes), position
    macro.save()
    return macro


def delete(macro: Macro) -> None:
    macro.delete()


def apply(
    macro: Macro, ticket: Ticket, *, version: int, by: User, on: date,
    at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Make the macro's changes to a ticket; refuses what `tickets.revise` refuses."""
    return tickets.revise(ticket, macro.changes, version=version, by=by, on=on, at=at)


def listed():
    """Every macro, in the order that the desk gave them."""
    return Macro.objects.order_by("position", "name")


def said(changes: Mapping, people: Mapping[int, str]) -> list[str]:
    """What a bundle of changes does, each in a few words; `people` are names by id."""
    return [_SAID[name](value, people) for name, value in changes.items()]


def people(macros) -> set[int]:
    """The ids of those whom macros assign tickets to."""
    return {
        macro.changes["assignee"] for macro in macros if macro.changes.get("assignee")
    }


def _field(name: str):
    def words(value, people):
        label, after = fields.LABELS[name], fields.said(name, value, people)
        return _("%(label)s: %(value)s") % {"label": label, "value": after}

    return words


_SAID = {
    **{name: _field(name) for name in fields.LABELS},
    "wakes_in": lambda value, people: _("Wakes in %(days)s days") % {"days": value},
    "add_tags": lambda value, people: (
        _("Adds tags: %(tags)s") % {"tags": _listed(value)}
    ),
    "remove_tags": lambda value, people: (
        _("Removes tags: %(tags)s") % {"tags": _listed(value)}
    ),
}


def _listed(value) -> str:
    return ", ".join(fields.tags(value))
