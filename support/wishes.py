"""Renewal changes in plain words: what was asked for, and what came of it."""

from datetime import timedelta
from decimal import Decimal

from babel.numbers import format_currency
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_noop as _

from billing.models import RenewalChange
from journal import days
from support.models import Adjustment, Ticket

Kind = RenewalChange.Kind
State = RenewalChange.State

CATEGORIES = {
    Kind.END: Ticket.Category.CANCELLATION,
    Kind.LOWER: Ticket.Category.REDUCTION,
    Kind.PLAN: Ticket.Category.PLAN_AT_RENEWAL,
    Kind.REPLACED: Ticket.Category.REPLACED,
}


def title(change: RenewalChange) -> str:
    """What is asked for, as a ticket's subject."""
    return (translated(_TITLES[change.kind]) % _words(change))[:200]


def decided(change: RenewalChange, *, approve: bool, held: bool) -> str:
    """What a decision means, for the customer (3.12–3.14).

    `held` says that the term end had come: the decision counts from there.
    """
    outcome = "approved" if approve else "declined"
    when = "late" if held and change.kind != Kind.REPLACED else "early"
    if not is_granted(change):
        return translated(_DECISIONS[change.kind, outcome, when]) % _words(change)
    kind = change.kind
    if kind != Kind.PLAN:
        kind = Kind.END if change.ends_line else Kind.LOWER
    words = _DECISIONS[kind, outcome, when]
    if kind == Kind.LOWER and when == "late":
        words = _GRANTED_LATE
    return "\n\n".join(
        [
            translated(words) % _words(change, granted=True),
            translated(_INSTEAD) % {"title": title(change)},
        ]
    )


def is_granted(change: RenewalChange) -> bool:
    """Whether something else was approved than was asked."""
    return change.granted_quantity is not None or change.granted_plan_id is not None


def proposed(adjustment: Adjustment) -> str:
    """What a version does, in a few words."""
    line = adjustment.line
    if adjustment.kind == Adjustment.Kind.CREDIT:
        return translated(_GIVES_BACK) % {
            "amount": sum_of(adjustment.gives_back, adjustment.currency),
            "name": f"{line.plan.app.name} {line.plan.name}",
        }
    words = _words(adjustment.change) | {
        "quantity": adjustment.to_quantity,
        "to_plan": adjustment.to_plan.name if adjustment.to_plan_id else "",
    }
    return translated(_TITLES[adjustment.kind]) % words


def credited(adjustment: Adjustment, *, approve: bool) -> str:
    """What became of a disputed charge, for the customer."""
    charge, line = adjustment.charge, adjustment.charge.line
    words = _CREDITED if approve else _NOT_CREDITED
    return translated(words) % {
        "amount": sum_of(adjustment.gives_back, charge.currency),
        "charge": sum_of(charge.amount, charge.currency),
        "name": f"{line.plan.app.name} {line.plan.name}",
        "first_day": days.said(charge.starts_on),
        "last_day": days.said(charge.ends_on - timedelta(days=1)),
        "reason": adjustment.reason,
    }


def reopened(change: RenewalChange) -> str:
    """An approval was taken back before it acted."""
    return translated(_REOPENED) % _words(change)


def sum_of(amount: Decimal, currency: str) -> str:
    """An amount as sentences have it: $12.50."""
    locale = to_locale(get_language() or "en")
    return format_currency(amount, currency, locale=locale)


def settled(change: RenewalChange) -> str:
    """What became of a wish that is no longer Support's to decide."""
    return translated(_SETTLED[change.state]) % _words(change)


def _words(change: RenewalChange, *, granted: bool = False) -> dict:
    plan = change.to_plan if granted else change.target_plan
    line = change.line
    return {
        "name": f"{line.plan.app.name} {line.plan.name}",
        "app": line.plan.app.name,
        "plan": line.plan.name,
        "to_plan": plan.name if plan else "",
        "quantity": change.to_quantity if granted else change.target_quantity,
        "last_day": days.said(change.term_ends_on - timedelta(days=1)),
        "day": days.said(change.term_ends_on),
        "changed_on": days.said(change.effective_on) if change.effective_on else "",
    }


_TITLES = {
    Kind.END: _("End %(name)s after %(last_day)s"),
    Kind.LOWER: _("Lower %(name)s to %(quantity)s from %(day)s"),
    Kind.PLAN: _("Change %(app)s from %(plan)s to %(to_plan)s from %(day)s"),
    Kind.REPLACED: _("End the replaced plan %(name)s on %(changed_on)s, with a credit"),
}

_DECISIONS = {
    (Kind.END, "approved", "early"): _(
        "Approved. %(name)s ends after %(last_day)s, and no later period is billed."
    ),
    (Kind.END, "approved", "late"): _(
        "Approved. %(name)s ended after %(last_day)s. What was held since then is not "
        "billed."
    ),
    (Kind.END, "declined", "early"): _(
        "Declined. %(name)s renews on %(day)s at the same quantity and price."
    ),
    (Kind.END, "declined", "late"): _(
        "Declined. %(name)s renewed on %(day)s at the same quantity and price, and the "
        "periods held since then are billed."
    ),
    (Kind.LOWER, "approved", "early"): _(
        "Approved. From %(day)s %(quantity)s of %(name)s are billed, or as many as are "
        "active then if that is more."
    ),
    (Kind.LOWER, "approved", "late"): _(
        "Approved. Since %(day)s the lower quantity of %(name)s counts. What was held "
        "is not billed."
    ),
    (Kind.LOWER, "declined", "early"): _(
        "Declined. %(name)s renews on %(day)s at the quantity billed now."
    ),
    (Kind.LOWER, "declined", "late"): _(
        "Declined. %(name)s renewed on %(day)s at the quantity billed before, and what "
        "was held since then is billed."
    ),
    (Kind.PLAN, "approved", "early"): _(
        "Approved. On %(day)s %(app)s changes from %(plan)s to %(to_plan)s, at the "
        "price listed that day."
    ),
    (Kind.PLAN, "approved", "late"): _(
        "Approved. %(app)s is on %(to_plan)s since %(day)s, at the price listed that "
        "day. What %(plan)s was billed since then is given back."
    ),
    (Kind.PLAN, "declined", "early"): _(
        "Declined. %(app)s stays on %(plan)s, which renews on %(day)s."
    ),
    (Kind.PLAN, "declined", "late"): _(
        "Declined. %(app)s stays on %(plan)s, which renewed on %(day)s."
    ),
    (Kind.REPLACED, "approved", "early"): _(
        "Approved. The replaced plan %(name)s ended on %(changed_on)s, and its unused "
        "days are credited."
    ),
    (Kind.REPLACED, "declined", "early"): _(
        "Declined. The replaced plan %(name)s is billed to the end of its term, "
        "%(last_day)s, and does not renew."
    ),
}

_GIVES_BACK = _("Give back %(amount)s of a charge for %(name)s")
_GRANTED_LATE = _(
    "Approved. Since %(day)s %(quantity)s of %(name)s are billed, or as many as were "
    "active if that is more. The rest of what was held is not billed."
)
_INSTEAD = _("This is not all that was asked for: “%(title)s”.")
_CREDITED = _(
    "Approved. Of the charge of %(charge)s for %(name)s, %(first_day)s to %(last_day)s, "
    "%(amount)s are given back: %(reason)s"
)
_NOT_CREDITED = _(
    "Declined. The charge of %(charge)s for %(name)s, %(first_day)s to %(last_day)s, "
    "stands."
)
_REOPENED = _(
    "The approval was taken back, so nothing is decided yet. Support decides it again, "
    "before %(day)s if it can."
)

_SETTLED = {
    State.WITHDRAWN: _("The request was taken back. %(name)s goes on as before."),
    State.SUPERSEDED: _("A later request for %(name)s took the place of this one."),
    State.MOOT: _("Nothing is left to decide here: %(name)s no longer renews."),
    State.APPLIED: _("Carried out on %(day)s, as approved."),
    State.DECLINED: _("Declined."),
}
