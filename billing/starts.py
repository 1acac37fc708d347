"""The day a signed line starts: seats of an app bought self-serve attach to it (3.5)."""

from datetime import date, timedelta

from django.db import transaction

from billing import charges, lines, prices, renewals, terms
from billing.models import Increase, Line


def due(*, by: date, zone: str) -> list[Line]:
    """Signed base lines that have started and were not begun yet, oldest first."""
    return list(
        Line.objects.signed()
        .base()
        .filter(began_on=None, starts_on__lte=by, account__timezone=zone)
        .filter(parked_at=None)
        .select_related("plan", "account", "app")
        .order_by("starts_on", "id")
    )


@transaction.atomic
def begin(line: Line, *, active: int) -> list[renewals.Rolled]:
    """Put the active units of its plan on a signed line, from its start day (3.5).

    Units above what the lines under contract cover together are billed at the latest
    signed price, once all that start that day have begun. A self-serve line of the
    plan ends at its month's end without a ticket, and a credit is proposed. Counted
    from the start day, however late it runs. Returns what decisions did on the way.
    """
    same = Line.objects.of(line.account).filter(plan=line.plan)
    monthly = same.self_serve().filter(replaced_by=None)
    terms.lock(same.values_list("pk", flat=True))
    line.refresh_from_db()
    if line.began_on:
        return []
    start = line.starts_on
    monthly = list(monthly.values_list("pk", flat=True))
    rolled = terms.advance(
        monthly,
        active=dict.fromkeys(monthly, active),
        on=start - timedelta(days=1),
    )
    line.began_on = start
    line.save(update_fields=["began_on"])
    terms.advance([line.pk], active={}, on=start)
    found = lines.covering(lines.running(line.account, line.app, on=start), line.plan)
    under_contract = [one for one in found if one.basis != Line.Basis.SELF_SERVE]
    covered = sum(one.term.billed for one in under_contract)
    extra = prices.uncovered(active, billed=covered)
    if extra and all(one.began_on for one in under_contract):
        _increase(
            lines.growing(under_contract), extra, cause=f"start:{line.pk}", on=start
        )
    for other in found:
        if other.basis == Line.Basis.SELF_SERVE and not other.replaced_by_id:
            _end_self_serve(other, new_line=line, on=start)
    return rolled


def _increase(line: Line, extra: int, *, cause: str, on: date) -> None:
    term = line.term
    term.line = line
    Increase.objects.create(
        account_id=line.account_id,
        line=line,
        term=term,
        cause=cause,
        on=on,
        from_quantity=term.billed,
        to_quantity=term.billed + extra,
    )
    for part in charges.begun(line, term, since=on, quantity=extra):
        charges.write(
            term, part, reason=charges.Reason.INCREASE, cause=cause, on=part.starts_on
        )
    term.peak = term.billed + extra
    term.save(update_fields=["peak"])


def _end_self_serve(line: Line, *, new_line: Line, on: date) -> None:
    line.replaced_by, line.replaced_on = new_line, on
    line.save(update_fields=["replaced_by", "replaced_on"])
    unused = line.terms.open().filter(ends_on__gt=on).exists()
    if unused and not line.is_free:
        renewals.propose_early_end(line, new_line=new_line, by=None, on=on)
