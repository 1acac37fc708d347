"""News that billing sends upward, inside the transaction that made it.

decrease_asked: a renewal change waits for a decision (`change`, `by`, `on`); Support
opens its ticket. decrease_settled: it needs none any more, or has acted (`change`,
`by`, `on`); Support closes the ticket. add_ons_contracted: an order form with add-on
lines was recorded (`lines`, `on`); My Apps tells their partners. install_links_asked:
sales wants its links emailed to whom it names (`form`, `by`, `on`); My Apps sends them.
"""

from django.dispatch import Signal

decrease_asked = Signal()
decrease_settled = Signal()
add_ons_contracted = Signal()
install_links_asked = Signal()
