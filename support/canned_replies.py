"""Canned replies: written before, put in with `::`, their variables filled in.

A variable is a name in double braces; each is looked up in `VARIABLES` and nothing is
evaluated. Names that are not there are refused when a reply is saved.
"""

import re
from collections.abc import Callable
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from journal import days
from support.models import CannedReply, Ticket

VARIABLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)

VARIABLES: dict[str, tuple[str, Callable]] = {
    "customer": (
        gettext_lazy("Name of who asked"),
        lambda ticket, by, on: ticket.requester and ticket.requester.display_name,
    ),
    "account": (
        gettext_lazy("Name of their company"),
        lambda ticket, by, on: ticket.account.name,
    ),
    "number": (
        gettext_lazy("Number of the ticket"),
        lambda ticket, by, on: ticket.number,
    ),
    "app": (
        gettext_lazy("App it is about"),
        lambda ticket, by, on: ticket.app and ticket.app.name,
    ),
    "plan": (
        gettext_lazy("Plan it is about"),
        lambda ticket, by, on: ticket.plan and ticket.plan.name,
    ),
    "term_end": (
        gettext_lazy("First day after the term"),
        lambda ticket, by, on: ticket.term_ends_on and days.said(ticket.term_ends_on),
    ),
    "today": (
        gettext_lazy("Today at the customer's"),
        lambda ticket, by, on: days.said(on),
    ),
    "me": (
        gettext_lazy("Your own name"),
        lambda ticket, by, on: by.display_name,
    ),
}


@transaction.atomic
def save(
    reply: CannedReply | None = None, *,
    shortcut: str, name: str, body: str, category: str = "",
) -> CannedReply:  # fmt: skip
    """Add a canned reply, or change one.

    Refuses a variable that does not exist (code unknown_variable) and a shortcut that
    another reply has (taken).
    """
    unknown = [one for one in variables(body) if one not in VARIABLES]
    if unknown:
        raise ValidationError(
            _("There is no variable %(unknown)s. There are: %(known)s."),
            code="unknown_variable",
            params={
                "unknown": ", ".join(one or "{{ }}" for one in unknown),
                "known": ", ".join(VARIABLES),
            },
        )
    reply = reply or CannedReply()
    if CannedReply.objects.filter(shortcut=shortcut).exclude(pk=reply.pk).exists():
        raise ValidationError(
            _("Another reply has the shortcut “%(shortcut)s”."),
            code="taken",
            params={"shortcut": shortcut},
        )
    reply.shortcut, reply.name = shortcut, name
    reply.body, reply.category = body, category
    reply.save()
    return reply


def delete(reply: CannedReply) -> None:
    reply.delete()


def variables(text: str) -> list[str]:
    """The names in double braces, each once, in their order."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def rendered(reply: CannedReply, *, ticket: Ticket, by: User, on: date) -> str:
    """The reply for a ticket, as plain text. What the ticket does not have stays a
    variable, which `conversations.send` refuses to let go.
    """

    def value(found: re.Match) -> str:
        _label, look_up = VARIABLES.get(found[1], (None, lambda *about: None))
        return look_up(ticket, by, on) or found[0]

    return VARIABLE.sub(value, reply.body)


def fitting(ticket: Ticket, words: str = ""):
    """The canned replies for a ticket's category, found by shortcut or name."""
    found = CannedReply.objects.filter(category__in=["", ticket.category])
    for word in words.split():
        found = found.filter(Q(shortcut__icontains=word) | Q(name__icontains=word))
    return found.order_by("shortcut")
