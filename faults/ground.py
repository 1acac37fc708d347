"""What the fault run asks of its database: fill it, is anything due, a tick, the verdict."""

import os
import sys
from datetime import UTC, datetime, time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from accounts import clock  # noqa: E402
from bench import ground  # noqa: E402
from config.celery import app  # noqa: E402

DECISIONS = """
    INSERT INTO billing_renewalchange (account_id, line_id, kind, term_ends_on,
        target_quantity, reason, asked_on, asked_at, ticket_wanted, state)
    SELECT account_id, id, 'END', %(ends)s, 0, '', %(starts)s, now(), false, 'UNDECIDED'
    FROM billing_line WHERE id %% 2 = 0
"""
DUE = """
    SELECT (SELECT count(*) FROM billing_term
            WHERE outcome = '' AND ends_on <= %(ends)s)
         + (SELECT count(*) FROM billing_renewalchange change
            WHERE NOT EXISTS (SELECT FROM support_ticket ticket
                              WHERE ticket.line_id = change.line_id))
"""
VERDICT = {
    "lines without exactly one next term": """
        SELECT count(*) FROM (
            SELECT line.id FROM billing_line line LEFT JOIN billing_term term
                ON term.line_id = line.id AND term.starts_on = %(ends)s
            GROUP BY line.id HAVING count(term.id) <> 1) wrong""",
    "lines without exactly one charge": """
        SELECT count(*) FROM (
            SELECT line.id FROM billing_line line LEFT JOIN billing_charge charge
                ON charge.line_id = line.id
            WHERE line.id %% 2 = 1
            GROUP BY line.id HAVING count(charge.id) <> 1) wrong""",
    "charges for what is held": """
        SELECT count(*) FROM billing_charge WHERE line_id %% 2 = 0""",
    "decisions without exactly one ticket and its evidence": """
        SELECT count(*) FROM (
            SELECT change.id FROM billing_renewalchange change
            LEFT JOIN support_ticket ticket ON ticket.change_id = change.id
            LEFT JOIN support_evidence evidence ON evidence.ticket_id = ticket.id
            GROUP BY change.id HAVING count(ticket.id) <> 1 OR count(evidence.id) <> 1
        ) wrong""",
    "parked lines": "SELECT count(*) FROM billing_line WHERE parked_at IS NOT NULL",
}


def fill(lines: str) -> str:
    ground.fill(accounts=int(lines) // 50, lines_each=50)
    with connection.cursor() as cursor:
        cursor.execute(DECISIONS, _days())
    noon = datetime.combine(ground.ENDS_ON, time(12), UTC)
    clock.set_to(noon)
    return lines


def due() -> str:
    return str(_count(DUE))


def tick() -> str:
    app.send_task("support.tasks.end_terms", expires=60)
    return "sent"


def verdict() -> str:
    wrong = {name: _count(question) for name, question in VERDICT.items()}
    found = [f"{count} {name}" for name, count in wrong.items() if count]
    return "; ".join(found) or "good: one record each"


def _count(question: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(question, _days())
        return cursor.fetchone()[0]


def _days() -> dict:
    return {"starts": ground.STARTS_ON, "ends": ground.ENDS_ON}


if __name__ == "__main__":
    _, question, *arguments = sys.argv
    print(globals()[question](*arguments))
