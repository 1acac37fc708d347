"""What the overview and spending cost an account of 60 apps, 40,000 people and 100,000
seats, each page beside an empty Django view on the same server, both signed in.
"""

import os
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
django.setup()

from datetime import date  # noqa: E402

from django.db import connection  # noqa: E402

from accounts import authority, clock, roles  # noqa: E402
from accounts.models import Account, User  # noqa: E402
from bench import ground, pages  # noqa: E402

APPS, PEOPLE, SEATS_EACH = 60, 40_000, 1_667
PAGES = {
    "overview": "/overview/",
    "its charts": "/overview/figures/",
    "spending, a month": "/spending/",
    "spending, a year": "/spending/?since=2025-11&until=2026-11",
    "My Apps": "/apps/",
}


def main() -> None:
    began = time.perf_counter()
    user = fill()
    print(f"  {'seeded in':<28}{time.perf_counter() - began:>8.1f} s")
    pages.measure(PAGES, pages.signed_in(user))


def fill() -> User:
    """The account by SQL: twelve months charged, seats given on many days by ten roles to
    forty teams. Returns its administrator.
    """
    ground.fill(accounts=1, lines_each=APPS)
    account = Account.objects.get(slug="bench-1")
    day = clock.today(account.timezone)
    alice = User.objects.create(
        account=account, email="alice@bench.example", display_name="Alice"
    )
    role = roles.create(account, name="Administrators", by=None, on=day)
    for permission in authority.ALL:
        authority.grant(role, permission, by=None, on=day, delegates=True)
    roles.join(role, [alice], by=None, on=day)
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(
                statement,
                {
                    "account": account.pk,
                    "alice": alice.pk,
                    "people": PEOPLE,
                    "seats": SEATS_EACH,
                    "starts": ground.STARTS_ON,
                    "today": min(day, date(2026, 11, 29)),
                },
            )
        cursor.execute("ANALYZE")
    return alice


STATEMENTS = [
    """INSERT INTO accounts_user (password, is_superuser, kind, email, display_name, team,
           is_active, is_staff, created_at, account_id, external_id, language)
       SELECT '', false, 'CUSTOMER', 'p' || n || '@bench.example', 'Person ' || n,
              'Team ' || n %% 40, true, false, now(), %(account)s, '', 'en'
       FROM generate_series(1, %(people)s) n""",
    """INSERT INTO billing_charge (account_id, line_id, term_id, reason, origin, cause,
           period_starts_on, period_ends_on, starts_on, ends_on, quantity, unit_price,
           days, period_days, amount, currency, billed_on, created_at)
       SELECT l.account_id, l.id, t.id, 'PERIOD', 'ORDER_FORM', 'period', d, e, d, e,
              2000, l.monthly_unit_price, e - d, e - d,
              round(2000 * l.monthly_unit_price, 2), 'EUR', d, now()
       FROM billing_line l JOIN billing_term t ON t.line_id = l.id,
            generate_series(0, 11) n,
            LATERAL (SELECT (%(starts)s + n * interval '1 month')::date,
                            (%(starts)s + (n + 1) * interval '1 month')::date) m(d, e)
       WHERE l.account_id = %(account)s""",
    """INSERT INTO billing_order (account_id, contract_id, app_id, plan_id, kind,
           placed_by_id, authority, role_name, terms_version, terms_address, placed_on,
           placed_at, summary, effect, effect_digest, idempotency_key, body_digest,
           approved_authority, approved_role_name)
       SELECT account_id, contract_id, app_id, plan_id, 'INSTALL', %(alice)s, '', '', '',
              '', starts_on, now(), '{}', '{}', '', 'bench-' || id, '', '', ''
       FROM billing_line WHERE account_id = %(account)s""",
    """INSERT INTO myapps_installation (account_id, contract_id, app_id, plan_id, order_id,
           state, installed_by_id, installed_on, answer, version)
       SELECT account_id, contract_id, app_id, plan_id, id, 'ACTIVE', %(alice)s,
              placed_on, '', 0
       FROM billing_order WHERE account_id = %(account)s""",
    """INSERT INTO myapps_seat (account_id, installation_id, user_id, role_name, team,
           added_by_id, added_on)
       SELECT i.account_id, i.id, u.id, 'Role ' || u.id %% 10, u.team, %(alice)s,
              %(starts)s + (u.id %% 300)::int
       FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM myapps_installation
             WHERE account_id = %(account)s) i
       JOIN accounts_user u ON u.account_id = i.account_id
            AND (u.id + i.n * 600) %% %(people)s < %(seats)s""",
    """INSERT INTO myapps_seatevent (account_id, installation_id, user_id, kind, "on", at,
           why, role_name, team, active)
       SELECT account_id, installation_id, user_id, 'ADDED', added_on, now(), 'added',
              role_name, team, 0
       FROM myapps_seat WHERE account_id = %(account)s""",
]


if __name__ == "__main__":
    main()
