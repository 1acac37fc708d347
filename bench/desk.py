"""What the desk's pages cost over 100,000 tickets and 500,000 messages, each beside an
empty Django view on the same server, both signed in.
"""

import os
import sys
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from bench import pages  # noqa: E402
from support.models import Ticket  # noqa: E402

ACCOUNTS, PEOPLE_EACH, STAFF = 2_000, 5, 40
MESSAGES_EACH = 5

PAGES = {
    "queue": "/desk/",
    "queue, page 40": "/desk/?page=40",
    "queue, mine": "/desk/?view=mine",
    "queue, all done": "/desk/?view=done",
    "queue, by account": "/desk/?sort=account",
    "queue, filtered": "/desk/?priority=4&state=OPEN&tag=vip",
    "queue, with words": "/desk/?q=marmalade",
    "search, a rare word": "/desk/search/?q=marmalade",
    "search, a common word": "/desk/search/?q=please",
    "search, several words": "/desk/search/?q=invoice+octob+bench",
    "search, one letter": "/desk/search/?q=a",
    "search, a number": "/desk/search/?q=T-050000",
    "figures": "/figures/",
}


def main(tickets: int) -> None:
    call_command("load_demo", verbosity=0)
    began = time.perf_counter()
    fill(tickets)
    print(f"  {'seeded in':<28}{time.perf_counter() - began:>8.1f} s")
    sofia = User.objects.filter(kind="SUPPORT").order_by("pk").first()
    long, decided = _tickets()
    measured = PAGES | {"ticket": long, "ticket with its evidence": decided}
    pages.measure(measured, pages.signed_in(sofia))


def _tickets() -> tuple[str, str]:
    """A ticket that was talked on, and a billing one that waits for its decision."""
    talked = Ticket.objects.filter(subject__startswith="Bench").earliest("pk")
    waits = Ticket.objects.filter(change__state="UNDECIDED").earliest("pk")
    return f"/desk/{talked.number}/", f"/desk/{waits.number}/"


def fill(tickets: int) -> None:
    """Tickets of every kind and state, most of them done, over two years; by SQL."""
    values = {
        "accounts": ACCOUNTS,
        "people": PEOPLE_EACH,
        "staff": STAFF,
        "tickets": tickets,
        "messages": MESSAGES_EACH,
    }
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, values)
        for table in ("ticket", "message", "tickettext"):
            cursor.execute(f"VACUUM ANALYZE support_{table}")
        cursor.execute("ANALYZE accounts_user")


STATEMENTS = [
    # Thirty words that everybody uses, and three thousand that are rare.
    """CREATE TEMP TABLE word AS
       SELECT n, CASE WHEN n < 30 THEN (string_to_array(
              'please invoice charge seat user plan october november month order form '
              'contract renew cancel refund credit license team install access question '
              'answer hello thanks regards price quantity twice missing wrong', ' '))[1 + n]
              ELSE 'w' || left(md5(n::text), 3 + n %% 6) END AS said
       FROM generate_series(0, 3029) n""",
    "CREATE UNIQUE INDEX ON word (n)",
    """CREATE TEMP TABLE sentence AS
       SELECT i AS n, initcap(string_agg(word.said, ' ' ORDER BY md5(i || word.said)))
              || '.' AS said
       FROM generate_series(0, 4999) i
       JOIN word ON word.n IN (i %% 30, i * 7 %% 30, i * 11 %% 30, i * 13 %% 30, i %% 17,
                               30 + i * 19 %% 3000, 30 + i * 23 %% 3000,
                               30 + i * 29 %% 3000)
       GROUP BY i""",
    "CREATE UNIQUE INDEX ON sentence (n)",
    """INSERT INTO accounts_account (slug, name, timezone, locale, created_at)
       SELECT 'bench-' || n, 'Bench ' || n, 'Europe/Lisbon', 'en-US', now()
       FROM generate_series(1, %(accounts)s) n""",
    """INSERT INTO accounts_user (password, is_superuser, kind, email, display_name, team,
           is_active, is_staff, created_at, account_id, external_id)
       SELECT '!', false, 'CUSTOMER',
              'person' || i || '@' || account.slug || '.example',
              (string_to_array('Ana Bao Carmen Dmitri Élise Fatima Goran Hana Iker Jūlija',
              ' '))[1 + (account.id + i) %% 10] || ' ' || initcap(word.said),
              '', true, false, now(), account.id, ''
       FROM accounts_account account
       CROSS JOIN generate_series(1, %(people)s) i
       JOIN word ON word.n = 30 + (account.id * 7 + i) %% 3000
       WHERE account.slug LIKE 'bench-%%'""",
    """INSERT INTO accounts_user (password, is_superuser, kind, email, display_name, team,
           is_active, is_staff, created_at, external_id)
       SELECT '!', false, 'SUPPORT', 'staff' || n || '@bench.example', 'Staff ' || n, '',
              true, false, now(), ''
       FROM generate_series(1, %(staff)s) n""",
    """CREATE TEMP TABLE person AS
       SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, account_id
       FROM accounts_user WHERE email LIKE '%%@bench-%%'""",
    "CREATE UNIQUE INDEX ON person (n)",
    """CREATE TEMP TABLE staff AS
       SELECT row_number() OVER (ORDER BY id) - 1 AS n, id
       FROM accounts_user WHERE kind = 'SUPPORT'""",
    """CREATE TEMP TABLE app AS
       SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM marketplace_app""",
    # The oldest six sevenths are done; what is open is young, and presses soon or later.
    """INSERT INTO support_ticket (account_id, requester_id, app_id, assignee_id, category,
           state, origin, internal, subject, opened_on, opened_at, touched_at, asked_at,
           first_answered_at, solved_at, answer_due_at, solution_due_at, presses_at,
           wakes_on, priority, tags, version, answer_rest, solution_rest, late_answers)
       SELECT person.account_id, person.id, app.id,
              CASE WHEN i %% 5 > 0 THEN staff.id END,
              (ARRAY['CHARGE', 'INSTALL', 'ADD_ON', 'SALES'])[1 + i %% 4], life.state,
              (ARRAY['CUSTOMER', 'CUSTOMER', 'STAFF', 'PARTNER'])[1 + i %% 4],
              i %% 50 = 0,
              'Bench: ' || left(first.said, 60), opened::date, opened,
              opened + interval '1 day', opened, opened + interval '4 hours',
              CASE WHEN done THEN opened + i %% 9 * interval '1 day' END,
              opened + interval '8 hours', opened + interval '6 days',
              CASE WHEN NOT done THEN now() + (i %% 400 - 40) * interval '1 hour' END,
              CASE WHEN life.state = 'WAITING' THEN current_date + 7 END,
              1 + i %% 4,
              CASE i %% 20 WHEN 0 THEN ARRAY['vip'] WHEN 1 THEN ARRAY['refund', 'vip']
                   ELSE '{}' END,
              i %% 4, '0', '0', CASE WHEN i %% 7 = 0 THEN 1 ELSE 0 END
       FROM generate_series(1, %(tickets)s) i
       CROSS JOIN LATERAL (
           SELECT i < %(tickets)s * 6 / 7 AS done,
                  now() - (%(tickets)s - i) * (interval '730 days' / %(tickets)s) AS opened
       ) time
       CROSS JOIN LATERAL (
           SELECT CASE WHEN done THEN (ARRAY['SOLVED', 'CLOSED'])[1 + i %% 2]
                  ELSE (ARRAY['NEW', 'OPEN', 'OPEN', 'WAITING'])[1 + i %% 4] END AS state
       ) life
       JOIN person ON person.n = i * 7919::bigint %% (SELECT count(*) FROM person)
       JOIN staff ON staff.n = i %% (SELECT count(*) FROM staff)
       JOIN app ON app.n = i %% (SELECT count(*) FROM app)
       JOIN sentence first ON first.n = i %% 5000
       ORDER BY i""",
    """INSERT INTO support_message (ticket_id, author_id, internal, body, "on", at, channel,
           state_before)
       SELECT ticket.id,
              CASE WHEN m %% 2 = 1 THEN ticket.requester_id ELSE ticket.assignee_id END,
              m = 3,
              first.said || ' ' || second.said || ' ' || third.said
              || CASE WHEN m = 2 AND ticket.id %% 5000 = 17 THEN ' Marmalade.' ELSE '' END,
              ticket.opened_on, ticket.opened_at + m * interval '5 hours', 'PAGE', ''
       FROM support_ticket ticket
       CROSS JOIN generate_series(1, %(messages)s) m
       JOIN sentence first ON first.n = (ticket.id * 31 + m) %% 5000
       JOIN sentence second ON second.n = (ticket.id * 37 + m * 3) %% 5000
       JOIN sentence third ON third.n = (ticket.id * 41 + m * 7) %% 5000
       WHERE ticket.subject LIKE 'Bench:%%'""",
]


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
