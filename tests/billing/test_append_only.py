"""Orders, increases, charges, batches and seat events are written once (5.3)."""

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from billing import batches
from billing.models import (
    Acknowledgement,
    Batch,
    BatchedCharge,
    Charge,
    Increase,
    Order,
)
from myapps.models import SeatEvent
from tests.billing.situations import buy, day, plan_of
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = day("2026-11-23")
LEDGERS = [
    *("billing_order", "billing_increase", "billing_charge", "myapps_seatevent"),
    *("billing_batch", "billing_batchedcharge", "billing_acknowledgement"),
]


@pytest.fixture
def bought(account):
    """An order, its increase, its charges, and the batches that they left in."""
    line = LineFactory(
        contract=ContractFactory(account=account), plan=plan_of(price="10"), on=TODAY
    )
    buy(account, line.plan, 2, on=TODAY, by=UserFactory(account=account))
    batches.close(zone="UTC", on=TODAY)
    batch = Batch.objects.first()
    batches.acknowledge(
        batch, checksum=batch.checksum, reference="INV-1", by=None, on=TODAY
    )


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Order, {"role_name": "Nobody"}),
        (Increase, {"to_quantity": 99}),
        (Charge, {"amount": 0}),
        (SeatEvent, {"active": 0}),
        (Batch, {"total_amount": 0}),
        (BatchedCharge, {"batch": 1}),
        (Acknowledgement, {"reference": "another"}),
    ],
)
def test_a_record_is_neither_changed_nor_deleted(bought, model, values):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.update(**values)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.all()._raw_delete("default")


@pytest.mark.parametrize("table", LEDGERS)
def test_a_ledger_is_not_emptied(bought, table):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table} CASCADE")


def test_the_applications_role_is_kept_from_every_ledger():
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT event_object_table FROM information_schema.triggers
            WHERE action_statement LIKE '%refuse_change%'
            """
        )
        guarded = {table for (table,) in cursor.fetchall()}

    assert set(LEDGERS) <= guarded <= set(settings.APPEND_ONLY_TABLES)


@pytest.mark.parametrize("table", LEDGERS)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET id = id",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "DROP TABLE {}",
    ],
)
def test_the_applications_role_can_read_and_add_and_no_more(table, statement):
    """With the rights that ops/database.py gives it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE an_application")
        cursor.execute("GRANT USAGE ON SCHEMA public TO an_application")
        cursor.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
            " TO an_application"
        )
        cursor.execute(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM an_application"
        )
        cursor.execute("SET LOCAL ROLE an_application")
        cursor.execute(f"SELECT count(*) FROM {table}")

        with (
            pytest.raises(ProgrammingError, match=r"denied|owner"),
            transaction.atomic(),
        ):
            cursor.execute(statement.format(table))
        with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
            cursor.execute("SET session_replication_role = replica")
        cursor.execute("RESET ROLE")
