"""News of the desk, sent inside the transaction that made it."""

from django.dispatch import Signal

# Something was said that the customer reads: message. It may still be taken back.
said = Signal()
# Staff were named in an internal note: message, people.
mentioned = Signal()
