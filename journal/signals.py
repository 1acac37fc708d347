"""News from the journal."""

from django.dispatch import Signal

# A message was written to the outbox: whoever can deliver may be nudged.
promised = Signal()
