"""A ticket's fields as forms, macros, bulk jobs and the API write them: read, kept in
the journal, and said in words.

What is written is a mapping of field to value, all of it plain enough for JSON:
subject, category, state, wakes_on (a day, or 2026-11-30) or wakes_in (days from now),
priority (1 to 4), assignee (a user, their id, or nothing for nobody), tags (a list, or
words with commas between), add_tags and remove_tags.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from support.models import Ticket

STAFF = {User.Kind.SUPPORT, User.Kind.SALES}
LABELS = {
    "subject": gettext_lazy("Subject"),
    "category": gettext_lazy("Category"),
    "state": gettext_lazy("State"),
    "wakes_on": gettext_lazy("Wakes on"),
    "priority": gettext_lazy("Priority"),
    "assignee": gettext_lazy("Assigned to"),
    "tags": gettext_lazy("Tags"),
}
WRITTEN = {*LABELS, "wakes_in", "add_tags", "remove_tags"}
MOST_TAGS, LONGEST_TAG, LONGEST_SLEEP = 20, 40, 366


def read(changes: Mapping, ticket: Ticket, *, on: date) -> dict:
    """The values that a ticket's fields shall have; those it has already are left out.

    Refuses a field there is not (code unknown_field), a value that its field cannot
    have (unknown_value), an empty subject (no_subject), an assignee who is not active
    staff (not_staff), and a wake-up day that is not to come (wake_day).
    """
    if strange := set(changes) - WRITTEN:
        raise ValidationError(
            _("A ticket has no field “%(name)s”."),
            code="unknown_field",
            params={"name": min(strange)},
        )
    wanted = {
        name: _READ[name](value) for name, value in changes.items() if name in _READ
    }
    if "wakes_in" in changes:
        wanted["wakes_on"] = on + timedelta(days=_number(changes["wakes_in"]))
    if {"tags", "add_tags", "remove_tags"} & set(changes):
        wanted["tags"] = _tagged(changes, ticket)
    _refuse_wake_day(wanted.get("wakes_on"), on=on)
    return {
        name: value
        for name, value in wanted.items()
        if name == "wakes_on" or value != getattr(ticket, name)
    }


def plain(value):
    """A field's value as the journal keeps it: ids for people, days as 2026-11-30."""
    if isinstance(value, User):
        return value.pk
    if isinstance(value, date):
        return value.isoformat()
    return value


def said(name: str, value, people: Mapping[int, str]) -> str:
    """A value from the journal in words; `people` are names by id."""
    if value in (None, "", []):
        return str(_EMPTY[name])
    if name == "assignee":
        return people.get(value, _("somebody no longer here"))
    if name == "tags":
        return ", ".join(value)
    if name == "wakes_on":
        return date_format(date.fromisoformat(value), "j M Y")
    if name in _CHOICES:
        labels = {choice.value: choice.label for choice in _CHOICES[name]}
        return str(labels.get(value, value))
    return str(value)


def tags(words: str | Iterable[str]) -> list[str]:
    """Tags as they are kept: small letters, each once, sorted.

    Refuses too many, or one too long (code unknown_value).
    """
    parts = words.split(",") if isinstance(words, str) else words
    found = sorted({" ".join(str(part).lower().split()) for part in parts} - {""})
    if len(found) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in found):
        raise ValidationError(
            _("At most %(most)d tags, of at most %(longest)d letters each."),
            code="unknown_value",
            params={"most": MOST_TAGS, "longest": LONGEST_TAG},
        )
    return found


_EMPTY = {
    "subject": "–",
    "category": "–",
    "state": "–",
    "wakes_on": gettext_lazy("no day"),
    "priority": "–",
    "assignee": gettext_lazy("nobody"),
    "tags": gettext_lazy("none"),
}
_CHOICES = {
    "category": Ticket.Category,
    "state": Ticket.State,
    "priority": Ticket.Priority,
}


def _tagged(changes: Mapping, ticket: Ticket) -> list[str]:
    kept = tags(changes["tags"]) if "tags" in changes else ticket.tags
    more, less = tags(changes.get("add_tags", "")), tags(changes.get("remove_tags", ""))
    return tags(({*kept} | {*more}) - {*less})


def _subject(value) -> str:
    subject = " ".join(str(value).split())[:200]
    if not subject:
        raise ValidationError(
            _("Say in a few words what it is about."), code="no_subject"
        )
    return subject


def _chosen(name: str):
    def read_choice(value):
        kind = int if name == "priority" else str
        try:
            return _CHOICES[name](kind(value)).value
        except (TypeError, ValueError):
            raise _unknown(name) from None

    return read_choice


def _day(value) -> date | None:
    if isinstance(value, date) or not value:
        return value or None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _unknown("wakes_on") from None


def _number(value) -> int:
    try:
        return min(int(value), LONGEST_SLEEP)
    except (TypeError, ValueError):
        raise _unknown("wakes_on") from None


def _person(value) -> User | None:
    if not value:
        return None
    if not isinstance(value, User):
        pk = int(value) if str(value).isdecimal() and len(str(value)) < 19 else 0
        value = User.objects.filter(pk=pk).first()
    if value is None or value.kind not in STAFF or not value.is_active:
        raise ValidationError(
            _("Tickets are assigned to people of Support."), code="not_staff"
        )
    return value


def _refuse_wake_day(day: date | None, *, on: date) -> None:
    if day is not None and not on < day <= on + timedelta(days=LONGEST_SLEEP):
        raise ValidationError(
            _("The wake-up day is a day to come, within a year."), code="wake_day"
        )


def _unknown(name: str) -> ValidationError:
    return ValidationError(
        _("“%(label)s” cannot have that value."),
        code="unknown_value",
        params={"label": LABELS[name]},
    )


_READ = {
    "subject": _subject,
    "category": _chosen("category"),
    "state": _chosen("state"),
    "wakes_on": _day,
    "priority": _chosen("priority"),
    "assignee": _person,
}
