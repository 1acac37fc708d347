"""One large account: 60 apps, 40,000 people, 100,000 seats, twelve months of charges.

Its people have names of every length and script. Written by SQL, to be measured
(bench/spending.py) and photographed (`make screenshots`).
"""

from datetime import date

from django.db import connection

from accounts import authority, clock, roles
from accounts.models import Account, User
from bench import ground

APPS, PEOPLE, SEATS_EACH, ROLES = 60, 40_000, 1_667, 10
STARTS_ON, ENDS_ON = date(2026, 1, 15), date(2027, 1, 15)
CHARGED_UNTIL = date(2026, 12, 15)
ALICE = "alice@bench.example"
# Every tenth person has one of these: what a page has to bear.
NAMES = [
    "Maximiliane-Theodora Wolkenstein-Hohenberg-Rodeneck von und zu Trostburg-Weißens",
    "عبد الرحمن بن محمد بن عبد العزيز الهاشمي القرشي",
    "สมศักดิ์ศรี เจริญพรวัฒนาอนันต์กุลวงศ์ศิริประเสริฐ",
    "נועה בן־דוד",
    "Ñusta Quispe Mamani",
    "Nguyễn Thị Phương-Thảo",
    "王小明",
    "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftschaferswessen",
]
GIVEN = ["Amara", "Ben", "Carla", "Dmitri", "Elif", "Femi", "Greta", "Hugo", "Ines"]
FAMILY = ["Ahlgren", "Baptista", "Costa", "Dumont", "Eriksen", "Faria", "Okafor"]
TEAMS = ["Night line", "Claims", "Reservations", "Ferries & freight", "Kundendienst"]
WORDS = ["Compass", "Harvest", "Lantern", "Meridian", "Orchard", "Quarry", "Relay"]
KINDS = ["Desk", "Flow", "Insights", "Notes", "Forms", "Voice", "Time", "Board", "Sign"]


def fill(*, password: str | None = None) -> User:
    """Write the account and return its administrator, who can sign in with a password."""
    ground.fill(accounts=1, lines_each=APPS, starts_on=STARTS_ON, ends_on=ENDS_ON)
    account = Account.objects.get(slug="bench-1")
    Account.objects.filter(pk=account.pk).update(name="Tidewater Contact Centres")
    day = clock.today(account.timezone)
    alice = User.objects.create_user(
        ALICE, password, display_name="Alice Almeida", account=account
    )
    _roles(account, alice, on=day)
    known = {
        "account": account.pk,
        "alice": alice.pk,
        "people": PEOPLE,
        "roles": ROLES,
        "seats": SEATS_EACH,
        "starts": STARTS_ON,
        "charged_until": CHARGED_UNTIL,
        "today": min(day, CHARGED_UNTIL),
        "names": NAMES,
        "given": GIVEN,
        "family": FAMILY,
        "teams": TEAMS,
        "words": WORDS,
        "kinds": KINDS,
    }
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, known)
        cursor.execute("ANALYZE")
    return alice


def _roles(account: Account, alice: User, *, on: date) -> None:
    administrators = roles.create(account, name="Administrators", by=None, on=on)
    for permission in authority.ALL:
        authority.grant(administrators, permission, by=None, on=on, delegates=True)
    roles.join(administrators, [alice], by=None, on=on)
    for nth in range(ROLES):
        roles.create(account, name=f"Role {nth}", by=alice, on=on)


STATEMENTS = [
    """INSERT INTO accounts_user (password, is_superuser, kind, email, display_name, team,
           is_active, is_staff, created_at, account_id, external_id, language)
       SELECT '', false, 'CUSTOMER', 'p' || n || '@bench.example',
              CASE WHEN n %% 10 = 3
                   THEN (%(names)s::text[])[1 + n / 10 %% cardinality(%(names)s::text[])]
                   ELSE (%(given)s::text[])[1 + n %% cardinality(%(given)s::text[])]
                        || ' ' || chr(65 + n %% 26) || '. ' ||
                        (%(family)s::text[])[1 + n %% cardinality(%(family)s::text[])]
              END,
              (%(teams)s::text[])[1 + n %% cardinality(%(teams)s::text[])]
              || ' ' || 1 + n %% 40 / 5,
              true, false, now(), %(account)s, '', 'en'
       FROM generate_series(1, %(people)s) n""",
    """UPDATE billing_term SET contracted = 2000, peak = %(seats)s,
           billed_until = %(charged_until)s WHERE account_id = %(account)s""",
    """INSERT INTO billing_charge (account_id, line_id, term_id, reason, origin, cause,
           period_starts_on, period_ends_on, starts_on, ends_on, quantity, unit_price,
           days, period_days, amount, currency, billed_on, created_at)
       SELECT l.account_id, l.id, t.id, 'PERIOD', 'ORDER_FORM', 'period', d, e, d, e,
              2000, l.monthly_unit_price, e - d, e - d,
              round(2000 * l.monthly_unit_price, 2), 'EUR', d, now()
       FROM billing_line l JOIN billing_term t ON t.line_id = l.id,
            generate_series(0, 10) n,
            LATERAL (SELECT (%(starts)s + n * interval '1 month')::date,
                            (%(starts)s + (n + 1) * interval '1 month')::date) m(d, e)
       WHERE l.account_id = %(account)s""",
    """INSERT INTO billing_order (account_id, contract_id, app_id, plan_id, kind,
           placed_by_id, authority, role_name, terms_version, terms_address, placed_on,
           placed_at, summary, effect, effect_digest, idempotency_key, body_digest,
           approved_authority, approved_role_name)
       SELECT l.account_id, contract_id, l.app_id, plan_id, 'INSTALL', %(alice)s,
              'accounts.install_apps', 'Administrators', '2026-01', 'https://vendor.example',
              starts_on, now(),
              jsonb_build_object('plan', p.name, 'seats', %(seats)s::int, 'units', %(seats)s::int,
                  'total', %(seats)s * monthly_unit_price, 'currency', currency,
                  'charge_model', 'PER_SEAT', 'monthly_price', monthly_unit_price),
              jsonb_build_object('on', starts_on, 'plan', p.name, 'plan_id', p.id,
                  'units', %(seats)s::int, 'covered', %(seats)s::int, 'contracted', 2000,
                  'currency', currency, 'growth', null, 'new_line', null,
                  'replaced', '[]'::jsonb, 'restored', '[]'::jsonb, 'resumed', '[]'::jsonb,
                  'covered_until', null),
              '', 'bench-' || l.id, '', '', ''
       FROM billing_line l JOIN marketplace_plan p ON p.id = l.plan_id
       WHERE l.account_id = %(account)s""",
    """INSERT INTO myapps_installation (account_id, contract_id, app_id, plan_id, order_id,
           state, installed_by_id, installed_on, answer, version)
       SELECT account_id, contract_id, app_id, plan_id, id, 'ACTIVE', %(alice)s,
              placed_on, '', 0
       FROM billing_order WHERE account_id = %(account)s""",
    """INSERT INTO myapps_seat (account_id, installation_id, user_id, role_id, role_name, team,
           added_by_id, added_on)
       SELECT i.account_id, i.id, u.id, r.id, r.name, u.team, %(alice)s,
              %(starts)s + (u.id %% 300)::int
       FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM myapps_installation
             WHERE account_id = %(account)s) i
       JOIN accounts_user u ON u.account_id = i.account_id
            AND (u.id + i.n * 600) %% %(people)s < %(seats)s
       JOIN accounts_role r ON r.account_id = u.account_id
            AND r.name = 'Role ' || u.id %% %(roles)s""",
    """INSERT INTO myapps_seatevent (account_id, installation_id, user_id, kind, "on", at,
           why, role_name, team, active)
       SELECT account_id, installation_id, user_id, 'ADDED', added_on, now(), 'added',
              role_name, team, 0
       FROM myapps_seat WHERE account_id = %(account)s""",
    """INSERT INTO accounts_user_groups (user_id, group_id)
       SELECT u.id, r.group_id FROM accounts_user u
       JOIN accounts_role r ON r.account_id = u.account_id
            AND r.name = 'Role ' || u.id %% %(roles)s
       WHERE u.account_id = %(account)s AND u.id <> %(alice)s""",
    """UPDATE marketplace_app SET tagline = 'Measured, and photographed',
           name = (%(words)s::text[])[1 + n %% cardinality(%(words)s::text[])]
                  || ' ' || (%(kinds)s::text[])[1 + n %% cardinality(%(kinds)s::text[])]
       FROM (SELECT id, substr(slug, 7)::int FROM marketplace_app
             WHERE slug LIKE 'bench-%%') bench(app, n)
       WHERE id = app""",
    """INSERT INTO journal_activity (account_id, actor_id, authority, verb, app, subject,
           data, "on", at)
       SELECT i.account_id, %(alice)s, 'Administrators', 'seats.added', a.slug,
              'installation:' || i.id,
              jsonb_build_object('name', a.name, 'users', ARRAY[u.id, u.id + 1]),
              %(today)s, now()
       FROM myapps_installation i JOIN marketplace_app a ON a.id = i.app_id
       JOIN accounts_user u ON u.account_id = i.account_id
            AND (u.id + i.id * 7) %% 400 = 3
       WHERE i.account_id = %(account)s""",
    """INSERT INTO myapps_apprequest (account_id, app_id, user_id, reason, asked_on,
           asked_at, state, word)
       SELECT u.account_id, a.id, u.id, 'My team of the night line needs it.', %(today)s,
              now(), 'OPEN', ''
       FROM accounts_user u
       JOIN marketplace_app a ON a.slug IN ('zoom', 'slack', 'figma', 'quip')
       WHERE u.account_id = %(account)s AND u.id %% 500 = 3""",
]
