"""News of requests and approvals, sent inside the transaction that makes them."""

from django.dispatch import Signal

app_asked = Signal()
"""Somebody asks for an app: request, on."""

app_answered = Signal()
"""Requests for an app were answered: requests (of one app and answer), on."""

approval_asked = Signal()
"""A purchase waits for a second person: waiting, on."""

approval_answered = Signal()
"""What became of a purchase that waited: waiting, on."""
