"""A large, plain installation base, written by SQL in seconds: ground for measuring."""

from datetime import date

from django.db import connection

STARTS_ON, ENDS_ON = date(2025, 11, 30), date(2026, 11, 30)


def fill(
    *,
    accounts: int,
    lines_each: int,
    zone: str = "Europe/Lisbon",
    starts_on: date = STARTS_ON,
    ends_on: date = ENDS_ON,
) -> None:
    """Accounts with a yearly contract, monthly periods, and signed lines whose term ends.

    Everything before the term's end is charged; what is due on it is not.
    """
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(
                statement,
                {
                    "accounts": accounts,
                    "lines": lines_each,
                    "zone": zone,
                    "starts": starts_on,
                    "ends": ends_on,
                },
            )
        for table in ("accounts_account", "billing_line", "billing_term"):
            cursor.execute(f"ANALYZE {table}")


STATEMENTS = [
    """INSERT INTO marketplace_partner (slug, name, website)
       VALUES ('bench', 'Bench', '') ON CONFLICT DO NOTHING""",
    """INSERT INTO marketplace_app (partner_id, slug, name, category, tagline,
           description, tags, logo, launch_address, listed_on, state,
           currency, proposed, proposed_state, sent_back_because, version)
       SELECT p.id, 'bench-' || n, 'Bench app ' || n, 'Bench', '', '', '{}', '', '',
              %(starts)s, 'PUBLISHED', 'EUR', '{}', '', '', 1
       FROM marketplace_partner p, generate_series(1, %(lines)s) n
       WHERE p.slug = 'bench' ON CONFLICT DO NOTHING""",
    """INSERT INTO marketplace_plan (app_id, code, name, kind, charge_model, unit,
           description, features, position, listed, price_on_request)
       SELECT id, 'pro', 'Pro', 'BASE', 'PER_SEAT', '', '', '{}', 0, true, false
       FROM marketplace_app WHERE slug LIKE 'bench-%%' ON CONFLICT DO NOTHING""",
    """INSERT INTO accounts_account (slug, name, timezone, locale, requires_mfa, created_at)
       SELECT 'bench-' || n, 'Bench ' || n, %(zone)s, 'en-US', false, now()
       FROM generate_series(1, %(accounts)s) n""",
    """INSERT INTO billing_contract (account_id, currency, starts_on, term_months,
           frequency_months, auto_renews)
       SELECT id, 'EUR', %(starts)s, 12, 1, true
       FROM accounts_account WHERE slug LIKE 'bench-%%'""",
    """INSERT INTO billing_line (account_id, contract_id, app_id, plan_id, basis, currency,
           digits, monthly_unit_price, anchor_on, frequency_months, term_months,
           starts_on, began_on, parked_because)
       SELECT c.account_id, c.id, p.app_id, p.id, 'SIGNED', 'EUR', 2,
              7.25 + (p.id %% 40) / 4.0, %(starts)s, 1, 12, %(starts)s, %(starts)s, ''
       FROM billing_contract c
       JOIN accounts_account a ON a.id = c.account_id AND a.slug LIKE 'bench-%%'
       CROSS JOIN marketplace_plan p
       JOIN marketplace_app app ON app.id = p.app_id AND app.slug LIKE 'bench-%%'""",
    """INSERT INTO billing_term (account_id, line_id, timezone, starts_on, ends_on,
           contracted, peak, billed_until, outcome)
       SELECT l.account_id, l.id, %(zone)s, %(starts)s, %(ends)s, 5 + l.id %% 40,
              0, %(ends)s, ''
       FROM billing_line l JOIN accounts_account a ON a.id = l.account_id
       WHERE a.slug LIKE 'bench-%%'""",
]
