"""The application's role: everything on ordinary tables, only adding to ledgers.

The tests take the role on in the test database itself, as the web and workers do.
"""

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg.errors import InsufficientPrivilege

from ops import database

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def role(django_db_setup, django_db_blocker):
    """A connection working as an application role that got its rights from us."""
    with django_db_blocker.unblock():
        given = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    role = f"works_on_{given['dbname']}"
    words = psycopg.conninfo.make_conninfo(**{n: given.get(n) for n in names})
    with psycopg.connect(words, autocommit=True) as session:
        session.execute(f"DROP ROLE IF EXISTS {role}")
        session.execute(f"CREATE ROLE {role}")
        database.grant(words, role=role)
        session.execute(f"SET ROLE {role}")
        yield session
        session.execute("RESET ROLE")
        session.execute(f"DROP OWNED BY {role}")
        session.execute(f"DROP ROLE {role}")


@pytest.fixture
def application(role):
    """The same, and whatever a test does is undone."""
    with role.transaction(force_rollback=True):
        yield role


@pytest.mark.parametrize("table", settings.APPEND_ONLY_TABLES)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET id = id",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "DROP TABLE {} CASCADE",
    ],
)
def test_the_application_changes_no_ledger(application, table, change):
    with pytest.raises(InsufficientPrivilege):
        application.execute(change.format(table))


@pytest.mark.parametrize("table", settings.APPEND_ONLY_TABLES)
def test_the_application_reads_and_adds_to_ledgers(application, table):
    for right in ("SELECT", "INSERT"):
        asked = "SELECT has_table_privilege(%s, %s)"
        assert application.execute(asked, [table, right]).fetchone() == (True,)


def test_the_application_cannot_set_the_triggers_aside(application):
    with pytest.raises(InsufficientPrivilege):
        application.execute("SET session_replication_role = replica")


def test_the_application_works_on_ordinary_tables(application):
    application.execute("UPDATE accounts_user SET is_active = is_active")
    application.execute("DELETE FROM django_session")


def test_every_table_whose_rows_refuse_change_is_listed(role):
    found = role.execute(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger "
        "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE proname = 'refuse_change'"
    )

    assert {table for (table,) in found} == set(settings.APPEND_ONLY_TABLES)
