"""News from the journal."""

from django.dispatch import Signal

# A message was written to the outbox: whoever can deliver may be nudged.
promised = Signal()

# A partner's endpoint was disabled by itself: it failed for days, or answered 410.
endpoint_disabled = Signal()
