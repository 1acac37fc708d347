"""What the demo's desk has written before: canned replies, and macros."""

from datetime import date

from support import canned_replies, macros
from support.models import Ticket

Category = Ticket.Category

REPLIES = [
    (
        "received",
        "We have your request",
        "",
        (
            "Dear {{ customer }},\n\nwe have your request {{ number }} and look into it. You "
            "hear from us here.\n\n{{ me }}"
        ),
    ),
    (
        "term-end",
        "What happens at the term end",
        Category.CANCELLATION,
        (
            "Dear {{ customer }},\n\n{{ app }} {{ plan }} works and is billed until its term "
            "ends, before {{ term_end }}. If we decide later than that, what you asked for is "
            "held and not billed until then.\n\n{{ me }}"
        ),
    ),
    (
        "which-charge",
        "Which charge is it about?",
        Category.CHARGE,
        (
            "Dear {{ customer }},\n\nplease tell us the day and the amount of the charge you "
            "mean; both stand in My Apps under Charges. We then show you how it was "
            "computed.\n\n{{ me }}"
        ),
    ),
    (
        "seats-active",
        "More seats active than asked for",
        Category.REDUCTION,
        (
            "Dear {{ customer }},\n\nmore people of {{ account }} have a seat in {{ app }} "
            "than you want billed from {{ term_end }} on. Remove those who no longer need "
            "it: we never bill fewer than are active.\n\n{{ me }}"
        ),
    ),
    (
        "closing",
        "Nothing more to do",
        "",
        (
            "Dear {{ customer }},\n\nthat is done. If anything is left open, answer here and "
            "the request is open again.\n\n{{ me }}"
        ),
    ),
]
MACROS = [
    ("Ask the customer, look again in a week", {"state": "WAITING", "wakes_in": 7}),
    ("Ask the partner, look again in three days", {"state": "PARTNER", "wakes_in": 3}),
    ("Press: urgent", {"priority": 4, "add_tags": "pressing"}),
    ("Can rest: low", {"priority": 1, "remove_tags": "pressing"}),
]


def enter(*, on: date) -> None:
    """Put them all on the desk."""
    for shortcut, name, category, body in REPLIES:
        canned_replies.save(shortcut=shortcut, name=name, category=category, body=body)
    for position, (name, changes) in enumerate(MACROS):
        macros.save(name=name, changes=changes, position=position, on=on)
