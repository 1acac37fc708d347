"""Searching tickets: by number, account, app, plan, order form, person and what was said,
internal notes included. For staff alone: nothing of this is asked for a customer.

Words are found by their beginning, in any order and without regard to accents; "quoted
words" as they stand; -words are left out. Scripts without spaces are found by any run of
their signs. The database keeps the words of each ticket (migration 0007_search_words).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import QuerySet

from support.models import Ticket, TicketText

MOST = 1_000
"""So many are ranked: of more matches, the newest."""

AROUND = 90
"""Letters shown on each side of the first word found."""

_PARTS = re.compile(
    r"[\u0001-/:-@[-`{-\u00BF\u2010-\u206F\u3000-\u303F\uFF01-\uFF0F\uFF1A-\uFF20\s]+"
)
_SIGN = re.compile(
    r"([\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u4DBF\u4E00-\u9FFF])"
)
_ASKED = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_NUMBER = re.compile(r"\s*(?:T-?)?0*(\d{1,18})\s*", re.IGNORECASE)

_RANKED = """
    WITH matched AS MATERIALIZED (
        SELECT text.ticket_id, text.words
        FROM support_tickettext text
        JOIN support_ticket ticket ON ticket.id = text.ticket_id
        WHERE text.words @@ to_tsquery('support_words', %(asked)s)
            AND (%(states)s::text[] IS NULL OR ticket.state = ANY (%(states)s::text[]))
        ORDER BY text.ticket_id DESC
        LIMIT %(most)s
    )
    SELECT ticket_id FROM matched
    ORDER BY ticket_id = %(number)s DESC,
        ts_rank(words, to_tsquery('support_words', %(asked)s), 1) DESC, ticket_id DESC
"""

_SAID = """
    SELECT DISTINCT ON (said.ticket_id) said.ticket_id, said.body, said.internal
    FROM unnest(%s::bigint[]) AS wanted(ticket_id)
    CROSS JOIN LATERAL (
        SELECT message.ticket_id, message.id, left(message.body, 20000) AS body,
            message.internal
        FROM support_message message
        WHERE message.ticket_id = wanted.ticket_id
        ORDER BY message.id DESC
        LIMIT 100
    ) said
    WHERE to_tsvector('support_words', support_spaced(said.body))
        @@ to_tsquery('support_words', %s)
    ORDER BY said.ticket_id, said.id DESC
"""


@dataclass(frozen=True)
class Piece:
    """A part of a text, and whether it is what was looked for."""

    text: str
    found: bool


@dataclass(frozen=True)
class Excerpt:
    """Where a ticket's conversation says it, and whether that is an internal note."""

    pieces: list[Piece]
    internal: bool


def expression(words: str) -> str:
    """What to ask PostgreSQL's full text for; empty where there is nothing to look for."""
    wanted, unwanted = [], []
    for minus, quoted, bare in _ASKED.findall(words.replace("\0", " ")):
        parts = _parts(quoted or bare)
        if parts:
            phrase = _phrase(parts, prefix=bool(bare))
            (unwanted if minus else wanted).append(phrase)
    if not wanted:
        return ""
    return " & ".join([*wanted, *(f"!{phrase}" for phrase in unwanted)])


def number(words: str) -> int | None:
    """The ticket that words name by its number: T-000123, t123 or 123."""
    named = _NUMBER.fullmatch(words)
    return int(named[1]) if named else None


def matching(words: str) -> QuerySet[TicketText]:
    """The entries of tickets with these words: `filter(pk__in=….values("ticket"))`."""
    asked = expression(words)
    if not asked:
        return TicketText.objects.none()
    query = SearchQuery(asked, config="support_words", search_type="raw")
    return TicketText.objects.filter(words=query)


def found(words: str, *, states: Iterable[str] | None = None) -> list[int]:
    """The tickets' ids, best first: at most MOST, the newest of those that match.

    A ticket named by its number stands first. Words of the subject weigh more than whom
    it is about, those more than what was said, and notes least.
    """
    asked = expression(words)
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _RANKED,
            {
                "asked": asked,
                "number": number(words),
                "states": None if states is None else list(states),
                "most": MOST,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def survivors(tickets: Iterable[Ticket]) -> dict[int, Ticket]:
    """Where merged tickets lead to, by the merged one's id: through several merges."""
    leads = {one.pk: one.merged_into_id for one in tickets if one.merged_into_id}
    known: dict[int, Ticket] = {}
    wanted = set(leads.values())
    while wanted:
        known |= Ticket.objects.in_bulk(wanted)
        wanted = {one.merged_into_id for one in known.values()} - {None} - set(known)
    return {merged: _last(known, into) for merged, into in leads.items()}


def excerpts(tickets: Iterable[int], words: str) -> dict[int, Excerpt]:
    """Where each of a page's tickets says any of the words, newest first; one query."""
    terms = _terms(words)
    phrases = [_phrase(_parts(term), prefix=True) for term in terms]
    if not phrases:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [list(tickets), " | ".join(phrases)])
        return {
            ticket: Excerpt(excerpt(body, terms), internal)
            for ticket, body, internal in cursor.fetchall()
        }


def marked(text: str, words: str) -> list[Piece]:
    """All of a short text, with what was looked for marked."""
    return _pieces(text, _spans(text, _terms(words)), 0, len(text))


def excerpt(text: str, terms: list[str]) -> list[Piece]:
    """A stretch of a text around the first of the terms, each of them marked."""
    spans = _spans(text, terms)
    first = spans[0][0] if spans else 0
    start, end = max(first - AROUND, 0), min(first + 2 * AROUND, len(text))
    if start:
        start = max(text.find(" ", start, first) + 1, start)
    if end < len(text):
        end = max(text.rfind(" ", first + AROUND, end), first + AROUND)
    pieces = _pieces(text, spans, start, end)
    before = [Piece("… ", found=False)] if start else []
    after = [Piece(" …", found=False)] if end < len(text) else []
    return before + pieces + after


def _last(known: dict[int, Ticket], pk: int) -> Ticket:
    while known[pk].merged_into_id:
        pk = known[pk].merged_into_id
    return known[pk]


def _parts(word: str) -> list[str]:
    """A word as the database has it: joined words apart, signs alone."""
    return _SIGN.sub(r" \1 ", _PARTS.sub(" ", word)).split()


def _phrase(parts: list[str], *, prefix: bool) -> str:
    """Words one after the other; their beginnings are enough, but for a single sign.

    In one pair of quotes, so that what PostgreSQL drops leaves no gap between them.
    """
    return f"'{' '.join(parts)}'" + (":*" if prefix and len(parts[-1]) > 1 else "")


def _terms(words: str) -> list[str]:
    """What is looked for, without what is left out."""
    asked = _ASKED.findall(words.replace("\0", " "))
    terms = (quoted or bare for minus, quoted, bare in asked if not minus)
    return [term for term in terms if _parts(term)]


@cache
def _folded(character: str) -> str:
    """A letter without case and accents, as the database compares it."""
    apart = unicodedata.normalize("NFKD", character)
    plain = "".join(one for one in apart if not unicodedata.combining(one))
    return _STROKES.get(plain, plain).casefold()


_STROKES = {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae",
            "Æ": "AE", "œ": "oe", "Œ": "OE", "ı": "i", "ð": "d", "þ": "th"}  # fmt: skip


def _spans(text: str, terms: list[str]) -> list[tuple[int, int]]:
    """Where terms stand in a text, from the beginning of a word on; none overlap."""
    folded, places = [], []
    for place, character in enumerate(text):
        plain = _folded(character)
        folded.append(plain)
        places += [place] * len(plain)
    whole = "".join(folded)
    found = []
    for term in terms:
        parts = ["".join(map(_folded, part)) for part in _parts(term)]
        joined = r"[\W_]*".join(map(re.escape, filter(None, parts)))
        if not joined:
            continue
        begins = "" if _SIGN.match(parts[0]) else r"(?<![^\W_])"
        for match in re.finditer(begins + joined, whole):
            found.append((places[match.start()], places[match.end() - 1] + 1))
    return _apart(sorted(found))


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return kept


def _pieces(text: str, spans, start: int, end: int) -> list[Piece]:
    pieces, at = [], start
    for first, last in spans:
        if first < at or first >= end:
            continue
        pieces += [Piece(text[at:first], found=False)] if first > at else []
        pieces.append(Piece(text[first : min(last, end)], found=True))
        at = min(last, end)
    return pieces + ([Piece(text[at:end], found=False)] if at < end else [])
