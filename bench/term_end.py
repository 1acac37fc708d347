"""What a term end costs: the job over many due lines, beside a bare INSERT … SELECT that
writes the same rows into the same tables.
"""

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from bench import ground  # noqa: E402
from support import term_end  # noqa: E402

ZONE = "Europe/Lisbon"
TABLES = {
    "billing_term": "starts_on >= %s",
    "billing_charge": "billed_on >= %s",
}


def main(lines: int) -> None:
    ground.fill(accounts=lines // 50, lines_each=50, zone=ZONE)
    job = _timed(lambda: term_end.run(zone=ZONE, on=ground.ENDS_ON))
    written = _keep()
    _take_back()
    bare = _timed(_write_bare)
    again = _timed(lambda: term_end.run(zone=ZONE, on=ground.ENDS_ON))
    print(f"  lines due             {lines:>10,}")
    print(f"  rows written          {written:>10,}")
    print(f"  end_terms             {job:>10.1f} s")
    print(f"  bare INSERT … SELECT  {bare:>10.1f} s")
    print(f"  ratio                 {job / bare:>10.2f}   (at most 3; next goal 2)")
    print(f"  run again, nothing due{again:>10.2f} s")


def _timed(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _keep() -> int:
    rows = 0
    with connection.cursor() as cursor:
        for table, new in TABLES.items():
            cursor.execute(
                f"CREATE TABLE kept_{table} AS SELECT * FROM {table} WHERE {new}",
                [ground.ENDS_ON],
            )
            rows += cursor.rowcount
    return rows


def _take_back() -> None:
    """As if the job had not run: without the triggers, as only a benchmark may."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table in reversed(TABLES):
            cursor.execute(
                f"DELETE FROM {table} WHERE {TABLES[table]}", [ground.ENDS_ON]
            )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM billing_term")
        cursor.execute("VACUUM billing_charge")


def _write_bare() -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            columns = _columns(table)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM kept_{table}"
            )


def _columns(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
            " WHERE table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
        return cursor.fetchone()[0]


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
