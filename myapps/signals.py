"""News of the console, sent inside the transaction that makes them."""

from django.dispatch import Signal

app_asked = Signal()
"""Somebody asks for an app: request, on."""

app_answered = Signal()
"""Requests for an app were answered: requests (of one app and answer), on."""

approval_asked = Signal()
"""A purchase waits for a second person: waiting, on."""

approval_answered = Signal()
"""What became of a purchase that waited: waiting, on."""

not_set_up = Signal()
"""A partner did not set an app up: installation."""

queued = Signal()
"""Auto Install seats nobody more by itself: installation, reason."""

seats_bought = Signal()
"""Auto Install seated people and was charged: installation, users, effect, on."""

link_used = Signal()
"""An app was installed by its link: link."""
