"""The keys of the desk, as data: the dialog that `?` opens lists them, and desk.js reads
them there. A key focuses or presses what has `data-key-for` with its name.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

COOKIE = "desk_keys"
"""Set to "off" where somebody turned single keys off."""


@dataclass(frozen=True)
class Key:
    """A key, what it is for, and how it is said; `held` with Ctrl or ⌘."""

    key: str
    does: str
    label: str
    held: bool = False


@dataclass(frozen=True)
class Place:
    """Where on the desk a group of keys works."""

    label: str
    keys: list[Key]


PLACES = [
    Place(
        _("Everywhere"),
        [
            Key("?", "keys", _("Show these keys")),
            Key("/", "search", _("Search")),
            Key("u", "queue", _("Back to the queue")),
        ],
    ),
    Place(
        _("In a list of tickets"),
        [
            Key("j", "next", _("Next ticket")),
            Key("k", "previous", _("Previous ticket")),
            Key("o", "open", _("Open the ticket")),
            Key("x", "choose", _("Choose it for a change to many")),
        ],
    ),
    Place(
        _("On a ticket"),
        [
            Key("r", "reply", _("Reply to the customer")),
            Key("n", "note", _("Write an internal note")),
            Key("c", "conversation", _("Read the conversation")),
            Key("p", "proposal", _("Read what is proposed")),
            Key("e", "evidence", _("Read the evidence")),
            Key("f", "fields", _("Change its fields")),
            Key("m", "macros", _("Apply a macro")),
            Key("i", "mine", _("Assign it to yourself")),
            Key("a", "approve", _("Approve…")),
            Key("d", "decline", _("Decline…")),
            Key("z", "undo", _("Undo the reply just sent")),
        ],
    ),
    Place(
        _("While writing"),
        [
            Key("Enter", "send", _("Send or save what you wrote"), held=True),
            Key("::", "canned", _("Put in a canned reply")),
            Key("@", "mention", _("Mention a colleague, in a note")),
            Key("Esc", "leave", _("Close a list, or leave the field")),
        ],
    ),
]
