"""What the product finds by itself and somebody must look at: charges that do not
reconcile, installations that a partner did not set up. One ticket for each, once.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import islice

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Account
from billing import reconcile
from billing.models import Line
from billing.reconcile import Difference
from journal import activities
from myapps.models import Installation
from support import tickets
from support.models import Ticket

RECENT = timedelta(days=7)
"""Failures older than that are history: somebody has met them by now."""
MOST = 200
"""Differences that are told of at once: more are one fault, not so many tickets."""


def reconciled(*, most: int = MOST) -> list[Difference]:
    """What does not reconcile at one moment, at most so many."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # what is written meanwhile is no difference
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
        return list(islice(reconcile.differences(), most))


def differences(found: Iterable[Difference], *, on: Callable[[str], date]) -> int:
    """Open a ticket for staff alone for each difference of `reconcile` (5.7).

    `on` tells the local day of a time zone. A difference that is found again opens
    nothing, also when its ticket is done. Returns how many were opened.
    """
    by_cause = {_cause(difference): difference for difference in found}
    accounts = Account.objects.in_bulk(
        {difference.account for difference in by_cause.values()}, field_name="slug"
    )
    lines = Line.objects.select_related("plan__app").in_bulk(
        {difference.line_id for difference in by_cause.values()} - {None}
    )
    return sum(
        _open(
            accounts[by_cause[cause].account],
            cause,
            on=on,
            category=Ticket.Category.CHARGE,
            origin=Ticket.Origin.RECONCILE,
            subject=_("Does not reconcile: %(line)s") % {"line": by_cause[cause].line},
            body=str(by_cause[cause]),
            priority=Ticket.Priority.HIGH,
            **_about(lines.get(by_cause[cause].line_id)),
        )
        for cause in _new(by_cause)
    )


def failures(*, zone: str, on: date) -> int:
    """Open a ticket for staff alone for each installation that a partner refused, or
    left unanswered, in the last week: the customer still needs the app (3.20).

    Returns how many were opened.
    """
    failed = Installation.objects.filter(
        state=Installation.State.FAILED,
        closed_on__gt=on - RECENT,
        closed_on__lte=on,
        account__timezone=zone,
    ).select_related("account", "app", "plan")
    by_cause = {activities.reference(one): one for one in failed.order_by("pk")}
    return sum(
        _open(
            by_cause[cause].account,
            cause,
            on=lambda _zone: on,
            category=Ticket.Category.INSTALL,
            origin=Ticket.Origin.PARTNER,
            subject=_("Not set up: %(app)s") % {"app": by_cause[cause].app},
            body=_answered(by_cause[cause]),
            app=by_cause[cause].app,
            plan=by_cause[cause].plan,
        )
        for cause in _new(by_cause)
    )


def _about(line: Line | None) -> dict:
    return {"line": line, "plan": line.plan, "app": line.plan.app} if line else {}


def _answered(installation: Installation) -> str:
    if installation.answer:
        return _("The partner refused: %(answer)s") % {"answer": installation.answer}
    return _("The partner did not answer within seven days.")


def _cause(difference: Difference) -> str:
    return f"reconcile:{hashlib.sha256(str(difference).encode()).hexdigest()}"


def _new(causes: Iterable[str]) -> list[str]:
    """Those that no ticket tells of."""
    told = Ticket.objects.filter(cause__in=list(causes)).values_list("cause", flat=True)
    return sorted(set(causes) - set(told))


def _open(account: Account, cause: str, *, on: Callable[[str], date], **about) -> bool:
    """Whether it was opened here: the database admits one for each cause."""
    try:
        with transaction.atomic():
            tickets.open(
                account,
                by=None,
                on=on(account.timezone),
                internal=True,
                cause=cause,
                **about,
            )
    except IntegrityError as clash:
        if "cause" not in str(clash):
            raise
        return False
    return True
