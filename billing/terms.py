"""Terms and periods as they come: each period is charged when it begins, each line
renews or ends when its term is over.

All of it goes by the grid and never by "now": run late, twice or three times at once
it writes the same records (5.5). Sets are written by SQL; what a person decided goes
through `billing.renewals`, line by line.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from django.db import connection, transaction

from billing import renewals
from billing.models import Line, Term

# The period of a term's line that holds its first day not yet charged. PostgreSQL adds
# months as `periods.add_months` does: from the anchor, clamped to the month's last day.
_PERIODS_DUE = """
    WITH due AS (
        SELECT term.id AS term_id, term.billed, term.billed_until, term.ends_on AS term_ends_on,
               line.id AS line_id, line.account_id, line.currency, line.digits,
               line.monthly_unit_price * line.frequency_months AS unit_price,
               line.anchor_on, line.frequency_months,
               months_between(line.anchor_on, term.billed_until)
                   / line.frequency_months AS n
        FROM billing_term term
        JOIN billing_line line ON line.id = term.line_id
        WHERE term.line_id = ANY(%(lines)s) AND term.outcome = ''
          AND term.billed_until <= %(on)s AND term.billed_until < term.ends_on
    ), grid AS (
        SELECT due.*,
               (anchor_on + make_interval(months => n * frequency_months))::date
                   AS period_starts_on,
               (anchor_on + make_interval(months => (n + 1) * frequency_months))::date
                   AS period_ends_on
        FROM due
    ), parts AS (
        SELECT grid.*, billed_until AS starts_on,
               LEAST(period_ends_on, term_ends_on) AS ends_on
        FROM grid
    ), charged AS (
        INSERT INTO billing_charge (
            account_id, line_id, term_id, reason, origin, cause,
            period_starts_on, period_ends_on, starts_on, ends_on,
            quantity, unit_price, days, period_days, amount, currency,
            billed_on, created_at)
        SELECT account_id, line_id, term_id, 'PERIOD', %(origin)s, 'period',
               period_starts_on, period_ends_on, starts_on, ends_on,
               billed, unit_price, ends_on - starts_on,
               period_ends_on - period_starts_on,
               round((billed * unit_price * (ends_on - starts_on))::numeric(60, 24)
                     / (period_ends_on - period_starts_on), digits),
               currency, starts_on, clock_timestamp()
        FROM parts
        WHERE unit_price > 0 AND billed > 0
        ON CONFLICT (line_id, period_starts_on, cause) DO NOTHING
    )
    UPDATE billing_term SET billed_until = parts.ends_on
    FROM parts WHERE billing_term.id = parts.term_id
"""

# Terms that are over, with nothing to decide: they end where the line ends or was
# replaced or its contract ended; otherwise they renew at the same quantity and price,
# with the first period of the new term charged by the same statement, unless it was
# billed elsewhere (3.10).
_RENEW = """
    WITH over AS (
        SELECT term.id AS term_id, term.ends_on AS boundary, term.billed,
               line.id AS line_id, line.account_id, line.anchor_on,
               line.frequency_months, line.term_months, line.currency, line.digits,
               line.monthly_unit_price * line.frequency_months AS unit_price,
               months_between(line.anchor_on, term.ends_on) AS months,
               account.timezone,
               CASE WHEN line.order_form_id IS NOT NULL THEN contract.billed_until END
                   AS elsewhere,
               (line.ends_on <= term.ends_on
                OR line.replaced_by_id IS NOT NULL
                OR (line.basis <> 'SELF_SERVE' AND contract.ends_on <= term.ends_on)
               ) IS TRUE AS ends
        FROM billing_term term
        JOIN billing_line line ON line.id = term.line_id
        JOIN billing_contract contract ON contract.id = line.contract_id
        JOIN accounts_account account ON account.id = line.account_id
        WHERE term.line_id = ANY(%(lines)s) AND term.outcome = ''
          AND term.ends_on <= %(on)s AND term.billed_until = term.ends_on
    ), next AS (
        SELECT over.*,
               (anchor_on + make_interval(
                   months => frequency_months * (months / frequency_months + 1)))::date
                   AS period_ends_on,
               (anchor_on + make_interval(
                   months => term_months * (months / term_months + 1)))::date
                   AS term_ends_on
        FROM over WHERE NOT ends
    ), renewed AS (
        INSERT INTO billing_term (
            account_id, line_id, timezone, starts_on, ends_on, contracted, peak,
            billed_until, outcome)
        SELECT account_id, line_id, timezone, boundary, term_ends_on, billed, 0,
               CASE WHEN elsewhere > boundary THEN LEAST(elsewhere, term_ends_on)
                    ELSE period_ends_on END,
               ''
        FROM next
        RETURNING id, line_id
    ), charged AS (
        INSERT INTO billing_charge (
            account_id, line_id, term_id, reason, origin, cause,
            period_starts_on, period_ends_on, starts_on, ends_on,
            quantity, unit_price, days, period_days, amount, currency,
            billed_on, created_at)
        SELECT next.account_id, next.line_id, renewed.id, 'PERIOD', %(origin)s,
               'period', boundary, period_ends_on, boundary, period_ends_on,
               billed, unit_price, period_ends_on - boundary,
               period_ends_on - boundary, round(billed * unit_price, digits),
               currency, boundary, clock_timestamp()
        FROM next JOIN renewed ON renewed.line_id = next.line_id
        WHERE unit_price > 0 AND billed > 0 AND (elsewhere > boundary) IS NOT TRUE
    ), ended AS (
        UPDATE billing_line SET ends_on = LEAST(billing_line.ends_on, over.boundary)
        FROM over WHERE over.ends AND billing_line.id = over.line_id
    )
    UPDATE billing_term
    SET outcome = CASE WHEN over.ends THEN 'ENDED' ELSE 'RENEWED' END
    FROM over WHERE billing_term.id = over.term_id
"""
_SPECIAL = """
    SELECT term.id FROM billing_term term
    JOIN billing_line line ON line.id = term.line_id
    JOIN billing_contract contract ON contract.id = line.contract_id
    WHERE term.line_id = ANY(%(lines)s) AND term.outcome = ''
      AND term.ends_on <= %(on)s AND term.billed_until = term.ends_on
      AND (EXISTS (SELECT FROM billing_renewalchange change
                   WHERE change.line_id = line.id
                     AND change.state IN ('UNDECIDED', 'APPROVED')
                     AND change.term_ends_on <= term.ends_on)
           OR (line.basis <> 'SELF_SERVE' AND line.replaced_by_id IS NULL
               AND contract.ends_on <= term.ends_on
               AND EXISTS (SELECT FROM billing_contract successor
                           WHERE successor.account_id = line.account_id
                             AND successor.starts_on <= term.ends_on
                             AND successor.starts_on >= contract.ends_on)))
"""


def due(*, zone: str, on: date, most: int) -> list[int]:
    """Lines of a time zone with a period to charge or a term to end, locked.

    What another worker holds is skipped, what is parked is left; call it inside the
    transaction that carries them forward.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT line.id FROM billing_line line
            WHERE line.parked_at IS NULL AND line.id IN (
                (SELECT line_id FROM billing_term
                 WHERE outcome = '' AND timezone = %(zone)s AND ends_on <= %(on)s
                 ORDER BY ends_on, id LIMIT %(most)s * 3)
                UNION
                (SELECT line_id FROM billing_term
                 WHERE outcome = '' AND timezone = %(zone)s
                   AND billed_until <= %(on)s AND billed_until < ends_on
                 ORDER BY billed_until, id LIMIT %(most)s * 3))
            ORDER BY line.id LIMIT %(most)s
            FOR NO KEY UPDATE OF line SKIP LOCKED
            """,
            {"zone": zone, "on": on, "most": most},
        )
        return [pk for (pk,) in cursor.fetchall()]


def behind(lines: Iterable[int], *, on: date) -> bool:
    """Whether any of these lines has something due that is not written yet."""
    terms = Term.objects.open().filter(line__in=lines)
    return (terms.over(by=on) | terms.with_periods_due(by=on)).exists()


@transaction.atomic
def advance(
    lines: Iterable[int],
    *,
    active: Mapping[int, int],
    on: date,
    origin: str = "MARKETPLACE",
) -> list[renewals.Rolled]:
    """Carry lines forward to a local day: charge periods, renew and end terms (T1, 3.14).

    `active` says, for each line with a renewal change, the units active on it: a
    decrease never goes below them. Returns what decisions did, line by line. Callers
    hold the locks of these lines.
    """
    lines = sorted(set(lines))
    rolled = []
    while lines:
        _charge_periods(lines, on=on, origin=origin)
        special = _run(_SPECIAL, lines=lines, on=on, fetch=True)
        terms = Term.objects.filter(pk__in=special).select_related(
            "line__account", "line__contract", "line__plan"
        )
        for term in terms.order_by("line_id"):
            rolled.append(renewals.carry_out(term, active=active.get(term.line_id, 0)))
        changed = _run(_RENEW, lines=lines, on=on, origin=origin)
        lines += [
            r.continued_by for r in rolled if r.continued_by not in (None, *lines)
        ]
        if not changed and not special:
            break
    return rolled


def lock(lines: Iterable[int]) -> None:
    """Lock lines in order of their ids: last in the lock order (5.2)."""
    rows = Line.objects.filter(pk__in=list(lines)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _charge_periods(lines: list[int], *, on: date, origin: str) -> None:
    while _run(_PERIODS_DUE, lines=lines, on=on, origin=origin):
        pass


def _run(sql: str, *, lines: list[int], on: date, fetch: bool = False, **values):
    with connection.cursor() as cursor:
        cursor.execute(sql, {"lines": lines, "on": on, **values})
        return [pk for (pk,) in cursor.fetchall()] if fetch else cursor.rowcount
