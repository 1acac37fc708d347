"""Drafts: what somebody has begun to write on a ticket, one reply and one note each."""

from django.db import transaction

from accounts.models import User
from support.models import Draft, Ticket

LONGEST = 20_000


@transaction.atomic
def save(
    ticket: Ticket, body: str, *, internal: bool, by: User, seen: int | None = None
) -> Draft | None:
    """Keep what was written so far; nothing written is no draft.

    Nor is what was sent meanwhile: `seen` is the newest message on the page that saves
    by itself while somebody types, and may be overtaken by its own sending.
    """
    if not body.strip():
        return discard(ticket, internal=internal, by=by)
    if seen is not None and _sent(ticket, body, internal=internal, by=by, seen=seen):
        return None
    draft, _made = Draft.objects.update_or_create(
        ticket=ticket, author=by, internal=internal, defaults={"body": body[:LONGEST]}
    )
    return draft


def discard(ticket: Ticket, *, internal: bool, by: User) -> None:
    """Forget a draft: it was sent, or is not wanted."""
    Draft.objects.filter(ticket=ticket, author=by, internal=internal).delete()


def of(ticket: Ticket, author: User) -> dict[bool, Draft]:
    """Somebody's drafts on a ticket: the note under True, the reply under False."""
    found = Draft.objects.filter(ticket=ticket, author=author)
    return {draft.internal: draft for draft in found}


def _sent(ticket: Ticket, body: str, *, internal: bool, by: User, seen: int) -> bool:
    said = ticket.messages.filter(author=by, internal=internal, pk__gt=seen)
    return said.filter(body=body.strip()).exists()
