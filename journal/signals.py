"""News from the journal."""

from django.dispatch import Signal

# A message was written to the outbox: whoever can deliver may be nudged.
promised = Signal()

# A partner's endpoint was disabled by itself: it failed for days, or answered 410.
endpoint_disabled = Signal()

# A person was told something and wants a mail at once: user, notice_id, kind, said
# (title, words, action), account, at. Sent in the language of the reader.
told = Signal()

# Digests are due: waiting (notices by the id of the user), at.
digest_due = Signal()
