"""News that billing sends upward, inside the transaction that made it.

decrease_asked: a renewal change waits for a decision (`change`, `by`, `on`); Support
opens its ticket. decrease_settled: it needs none any more, or has acted (`change`,
`by`, `on`); Support closes the ticket.
"""

from django.dispatch import Signal

decrease_asked = Signal()
decrease_settled = Signal()
