"""What covers an installation: its lines, brought up to the day before anything reads or
changes them (5.5)."""

from contextlib import contextmanager
from datetime import date

from django.db import transaction

from accounts.models import Account
from billing import starts, terms
from billing.models import Line
from marketplace.models import App, Plan
from myapps import endings, usage


def of(account: Account, plan: Plan, *, on: date) -> list[Line]:
    """Base lines of a plan that run on a day, oldest first."""
    return list(
        Line.objects.of(account)
        .base()
        .running(on=on)
        .filter(plan=plan)
        .order_by("starts_on", "id")
    )


def behind(account: Account, app: App, *, on: date) -> bool:
    """Whether the hourly run has not yet carried this app's lines to the day."""
    lines = Line.objects.of(account).filter(app=app, parked_at=None)
    return terms.behind(lines, on=on) or _starting(account, app, on=on).exists()


def bring_forward(account: Account, app: App, *, on: date) -> None:
    """Carry an app's lines to a day, as the hourly run would have done already.

    Callers hold the contract's lock.
    """
    if not behind(account, app, on=on):
        return
    for line in _starting(account, app, on=on).select_related("plan", "account", "app"):
        endings.follow(starts.begin(line, active=active_for(line, on=line.starts_on)))
    lines = _lines(account, app)
    terms.lock(lines)
    endings.follow(terms.advance(lines, active=usage.active_on(lines, on=on), on=on))


def active_for(line: Line, *, on: date) -> int:
    """Units of the line's plan that are active for its account; 0 when not installed."""
    seats = usage.active_of(line.account, [line.plan_id], on=on).get(line.plan_id, 0)
    return line.plan.units(seats) if seats else 0


@contextmanager
def as_of(account: Account, app: App, *, on: date):
    """Read as if the hourly run had carried the app's lines to the day; writes nothing."""
    if not behind(account, app, on=on):
        yield
        return
    with transaction.atomic():
        bring_forward(account, app, on=on)
        yield
        transaction.set_rollback(True)


def _lines(account, app) -> list[int]:
    lines = Line.objects.of(account).filter(app=app, parked_at=None)
    return list(lines.values_list("pk", flat=True))


def _starting(account, app, *, on):
    return (
        Line.objects.of(account)
        .signed()
        .base()
        .filter(app=app, began_on=None, starts_on__lte=on)
        .order_by("starts_on", "id")
    )
