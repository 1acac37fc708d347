"""Who looks at a ticket or types on it just now: a courtesy, not a lock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.models import User
from support.models import Presence, Ticket

LASTS = timedelta(seconds=30)
"""How long somebody counts as there after they were last heard of."""

KEPT = timedelta(hours=1)

_REPORT = """
    WITH gone AS (
        DELETE FROM support_presence
        WHERE user_id = %(user)s AND ticket_id <> %(ticket)s AND seen_at < %(old)s
    ), here AS (
        INSERT INTO support_presence (ticket_id, user_id, typing, seen_at)
        SELECT id, %(user)s, %(typing)s, %(at)s FROM support_ticket WHERE id = %(ticket)s
        ON CONFLICT (ticket_id, user_id)
        DO UPDATE SET typing = EXCLUDED.typing, seen_at = EXCLUDED.seen_at
    )
    SELECT ticket.version,
        (SELECT count(*) FROM support_message said WHERE said.ticket_id = ticket.id
            AND said.id > %(seen)s AND said.author_id IS DISTINCT FROM %(user)s),
        person.display_name, presence.typing
    FROM support_ticket ticket
    LEFT JOIN support_presence presence ON presence.ticket_id = ticket.id
        AND presence.user_id <> %(user)s AND presence.seen_at > %(fresh)s
    LEFT JOIN accounts_user person ON person.id = presence.user_id
    WHERE ticket.id = %(ticket)s
    ORDER BY person.display_name
"""


@dataclass(frozen=True)
class Room:
    """What goes on at a ticket beside oneself."""

    typing: list[str]
    viewing: list[str]
    version: int
    newer: int

    @property
    def heard(self) -> str:
        """All of it in one line: a page that has this one need not be told again."""
        names = "|".join([*self.typing, "", *self.viewing])
        return f"{names}|{self.newer}|{self.version}"


def report(
    ticket_id: int, *, by: User, at: datetime, typing: bool = False, seen: int = 0
) -> Room | None:
    """Say that somebody is at a ticket, and hear who else is; one query for all of it.

    With it comes how many messages are newer than `seen`, and the ticket's version. None
    where there is no such ticket.
    """
    about = {
        "user": by.pk,
        "ticket": ticket_id,
        "typing": typing,
        "at": at,
        "seen": seen,
        "fresh": at - LASTS,
        "old": at - KEPT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, about)
        rows = cursor.fetchall()
    if not rows:
        return None
    version, newer = rows[0][:2]
    return Room(
        typing=[name for *_about, name, types in rows if name and types],
        viewing=[name for *_about, name, types in rows if name and not types],
        version=version,
        newer=newer,
    )


def of(ticket: Ticket, *, by: User, at: datetime) -> Room:
    """Who else is at a ticket, without saying that one is there oneself."""
    there = Presence.objects.filter(ticket=ticket, seen_at__gt=at - LASTS)
    people = there.exclude(user=by).order_by("user__display_name")
    found = list(people.values_list("user__display_name", "typing"))
    return Room(
        typing=[name for name, typing in found if typing],
        viewing=[name for name, typing in found if not typing],
        version=ticket.version,
        newer=0,
    )
