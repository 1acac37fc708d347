"""The cast and the day, for every test. Rows are made by tests/factories.py."""

import datetime
import fcntl

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client

from accounts import authority, clock, roles
from config.celery import app as celery
from tests import factories


def pytest_configure():
    """Throttles count in this process alone."""
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    django_settings.CACHES = {"default": memory}


@pytest.fixture(autouse=True)
def nothing_counted():
    """Nobody has called the API yet."""
    cache.clear()


@pytest.fixture(scope="session", autouse=True)
def nobody_left(django_db_setup, django_db_blocker):
    """The database of the tests goes at their end, also where a thread that was cut off
    still holds a connection to it.
    """
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()


@pytest.fixture
def crowd():
    """Fifty connections and more: only one such test at a time, for PostgreSQL has a
    hundred for all who test.
    """
    place = django_settings.BASE_DIR / "var/crowd.lock"
    place.parent.mkdir(exist_ok=True)
    with place.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def today():
    """The local day on which tests act."""
    return datetime.date(2026, 11, 23)


@pytest.fixture
def present(db, today):
    """The product's clock stands at noon of today, for pages and commands."""
    noon = datetime.datetime.combine(today, datetime.time(12), datetime.UTC)
    clock.set_to(noon)
    return noon


@pytest.fixture
def account(db):
    """The company that most tests are about."""
    return factories.AccountFactory(slug="harbour-lines", name="Harbour Lines")


@pytest.fixture
def administrators(account):
    """The role that may do everything, purchasing included."""
    role = factories.RoleFactory(account=account, name="Administrators")
    for permission in authority.ALL:
        authority.grant(role, permission, by=None, on=role.created_on, delegates=True)
    return role


@pytest.fixture
def admin(account, administrators):
    """Alice: has purchasing authority and manages roles, as an administrator."""
    user = factories.UserFactory(
        account=account, display_name="Alice Almeida", email="alice@harbour.example"
    )
    roles.join(administrators, [user], by=None, on=administrators.created_on)
    return user


@pytest.fixture
def member(account):
    """Bob: works for the same account, with no authority and in no role."""
    return factories.UserFactory(
        account=account, display_name="Bob Brito", email="bob@harbour.example"
    )


@pytest.fixture
def stranger(db):
    """Charlie: administrator of another account."""
    account = factories.AccountFactory(slug="meridian-care", name="Meridian Care")
    user = factories.UserFactory(
        account=account, display_name="Charlie Chen", email="charlie@meridian.example"
    )
    role = factories.RoleFactory(account=account, name="Administrators")
    for permission in authority.ALL:
        authority.grant(role, permission, by=None, on=role.created_on, delegates=True)
    roles.join(role, [user], by=None, on=role.created_on)
    return user


@pytest.fixture
def support(db):
    """Sofia: answers billing tickets at the vendor."""
    return factories.UserFactory(
        account=None,
        kind="SUPPORT",
        display_name="Sofia Santos",
        email="sofia@vendor.example",
    )


@pytest.fixture
def sales(db):
    """Simon: sales operations at the vendor, who may open the Django admin."""
    return factories.UserFactory(
        account=None,
        kind="SALES",
        is_staff=True,
        is_superuser=True,
        display_name="Simon Stone",
        email="simon@vendor.example",
    )


@pytest.fixture
def partner_user(db):
    """Petra: works for a partner."""
    return factories.UserFactory(
        account=None,
        kind="PARTNER",
        display_name="Petra Park",
        email="petra@partner.example",
    )


@pytest.fixture
def client_of():
    """A browser in which somebody is signed in: client_of(admin).get(…)."""

    def signed_in(user):
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture(autouse=True, scope="session")
def no_broker():
    """Nothing that a test publishes reaches a worker."""
    celery.conf.update(broker_url="memory://", broker_transport_options={})


@pytest.fixture(autouse=True, scope="session")
def flush_past_triggers():
    """Let tests with real commits empty append-only tables: the owner, and only while
    flushing, steps past the triggers.
    """
    flush = DatabaseOperations.execute_sql_flush

    def past_triggers(self, statements):
        flush(self, ["SET LOCAL session_replication_role = replica", *statements])

    DatabaseOperations.execute_sql_flush = past_triggers
    yield
    DatabaseOperations.execute_sql_flush = flush
