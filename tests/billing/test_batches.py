"""Charges leave in batches: closed once, numbered without gaps, never changed."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.models import Sum
from django.db.utils import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import clock
from billing import batches, charges, reconcile, tasks
from billing.models import (
    Acknowledgement,
    Batch,
    BatchedCharge,
    Charge,
    Closing,
)
from journal.models import Activity
from marketplace.models import App
from tests.billing import examples
from tests.billing.situations import D, buy, carry, day, plan_of
from tests.factories import AccountFactory, ContractFactory, LineFactory, UserFactory

TODAY = day("2026-11-23")
DAY = timedelta(days=1)


def close(on, zone="UTC"):
    return batches.close(zone=zone, on=day(on) if isinstance(on, str) else on)


def signed(account=None, *, on="2026-03-15", **fields):
    """A line of ten units at 8.00, from 1 January; charged up to a day."""
    contract = ContractFactory(account=account or AccountFactory())
    fields = {"contracted": 10, "plan": plan_of(price="10")} | fields
    return LineFactory(contract=contract, on=day(on), **fields)


def lines_of(batch):
    return json.loads(batch.content)["lines"]


@pytest.mark.django_db
class TestClosing:
    def test_each_billing_day_has_its_batch(self, account):
        signed(account)

        made = close("2026-03-15")

        found = Batch.objects.of(account).order_by("number")
        assert made == 3
        assert [(one.number, str(one.day), one.total_amount) for one in found] == [
            (1, "2026-01-01", D(80)),
            (2, "2026-02-01", D(80)),
            (3, "2026-03-01", D(80)),
        ]

    def test_charges_of_one_day_leave_together(self, account):
        line = signed(account)
        LineFactory(
            contract=line.contract, plan=plan_of(price="1"), on=day("2026-01-02")
        )
        buy(account, line.plan, 12, on="2026-03-01", by=UserFactory(account=account))

        close("2026-03-15")

        first, *_, last = Batch.objects.order_by("number")
        assert [line["amount"] for line in lines_of(first)] == ["80.00", "8.00"]
        assert [line["reason"] for line in lines_of(last)] == ["PERIOD", "INCREASE"]
        assert last.total_amount == D(96)

    def test_a_total_has_one_currency(self, account):
        line = signed(account, on="2026-01-02")
        euros = ContractFactory(currency="JPY")
        other = LineFactory(contract=euros, on=day("2026-01-02"))
        type(other).objects.filter(pk=other.pk).update(account=account)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            other.charges.update(account=account)
            cursor.execute("SET LOCAL session_replication_role = origin")

        close("2026-01-02")

        made = Batch.objects.order_by("number").values_list("number", "currency")
        assert list(made) == [(1, "JPY"), (2, line.currency)]
        assert batches.total(Batch.objects.get(currency="JPY")) == "8"

    def test_a_day_that_is_not_over_stays_open(self, account, today, present):
        signed(account, on="2026-11-23", starts_on=TODAY)

        tasks.close_batches()
        assert not Batch.objects.exists()
        with pytest.raises(CommandError, match="is not over in UTC"):
            call_command("close_batches", on=TODAY)

        clock.set_to(present + DAY)
        tasks.close_batches()
        assert Batch.objects.get().day == TODAY

    def test_each_account_closes_on_its_own_local_day(self, present):
        clock.set_to(present.replace(hour=20))
        west = signed(
            AccountFactory(timezone="America/Los_Angeles"), on="2026-11-23",
            starts_on=TODAY,
        )  # fmt: skip
        east = signed(
            AccountFactory(timezone="Pacific/Auckland"), on="2026-11-23",
            starts_on=TODAY,
        )  # fmt: skip

        call_command("close_batches", verbosity=0)

        assert Batch.objects.get().account == east.account
        assert not Batch.objects.of(west.account).exists()

    def test_again_and_late_are_the_same_batches(self):
        on_time = signed()
        late = signed(AccountFactory(timezone="Europe/London"))
        first = day("2026-01-01")
        for n in range(74):
            close(first + n * DAY)
        close(first + 73 * DAY, zone="Europe/London")
        assert close(first + 73 * DAY) == 0

        def told(line):
            found = Batch.objects.of(line.account).order_by("number")
            return list(found.values_list("number", "day", "total_amount", "lines"))

        assert len(told(late)) == 3
        assert told(late) == told(on_time)

    def test_what_comes_later_goes_into_a_later_batch(self, account):
        line = signed(account)
        close("2026-03-15")
        kept = list(Batch.objects.order_by("pk").values())
        late = LineFactory(
            contract=line.contract, plan=plan_of(price="1"), on=day("2026-03-20")
        )

        made = close("2026-03-20")

        batch = Batch.objects.latest("number")
        assert made == 1
        assert (batch.number, str(batch.day)) == (4, "2026-03-16")
        assert {line["line"] for line in lines_of(batch)} == {late.pk}
        assert [line["billed_on"] for line in lines_of(batch)] == [
            "2026-01-01",
            "2026-02-01",
            "2026-03-01",
        ]
        assert list(Batch.objects.order_by("pk").values())[:3] == kept

    def test_nothing_to_close_makes_no_batch(self, account):
        signed(account)
        close("2026-03-15")

        assert close("2026-03-28") == 0
        assert Closing.objects.get().last_number == 3

    def test_as_many_queries_for_many_accounts_as_for_few(
        self, django_assert_max_num_queries
    ):
        for _ in range(20):
            signed(on="2026-02-15")

        with django_assert_max_num_queries(20):
            close("2026-03-15")

        assert Batch.objects.count() == 40


@pytest.mark.django_db
class TestTheDocument:
    def test_its_checksum_is_the_sum_of_its_bytes(self, account):
        signed(account)
        close("2026-03-15")

        for batch in Batch.objects.all():
            sum_ = hashlib.sha256(batch.content.encode()).hexdigest()
            assert batch.checksum == sum_

    def test_it_says_all_that_the_sum_needs(self, account):
        line = signed(account, number="OF-5")
        close("2026-01-02")

        document = json.loads(Batch.objects.get().content)

        assert document["total"] == "80.00"
        assert (document["account"], document["batch"]) == ("harbour-lines", 1)
        (said,) = document["lines"]
        assert said["order_form"] == "OF-5"
        assert (said["quantity"], said["unit_price"], said["amount"]) == (
            10,
            "8",
            "80.00",
        )
        assert (said["days"], said["period_days"]) == (31, 31)
        assert said["charge"] == line.charges.earliest("pk").pk

    def test_names_stay_those_of_its_day(self, account):
        line = signed(account)
        close("2026-03-15")
        before = Batch.objects.values_list("content", "checksum").first()

        App.objects.filter(pk=line.app_id).update(name="Something else")

        assert Batch.objects.values_list("content", "checksum").first() == before
        assert list(batches.faults()) == []

    def test_a_table_holds_the_same_lines(self, account):
        signed(account)
        close("2026-03-15")
        batch = Batch.objects.earliest("number")

        (row,) = csv.DictReader(io.StringIO(batches.as_csv(batch), newline=""))

        (said,) = lines_of(batch)
        assert row["amount"] == "80.00"
        assert row["account"] == "harbour-lines"
        for name in batches.LINE:
            assert row[name] == ("" if said[name] is None else str(said[name]))

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
    def test_no_text_of_a_table_is_a_formula(self, account, name):
        app = plan_of(price="1", app__name=name).app
        signed(account, plan=plan_of(app, price="1", name='a "b", c\nd'))
        account.name = "=cmd|' /C calc'!A0"
        account.save()
        close("2026-03-15")

        table = batches.as_csv(Batch.objects.earliest("number"))

        (row,) = csv.DictReader(io.StringIO(table, newline=""))
        assert row["app"] == f"'{name}"
        assert row["account_name"].startswith("'=")
        assert row["plan"] == 'a "b", c\nd'

    def test_money_given_back_stays_a_number(self, account, unreconciled):
        line = signed(account)
        charge = line.charges.earliest("pk")
        charges.reverse([charge], on=day("2026-03-10"))
        close("2026-03-15")

        batch = Batch.objects.latest("number")
        (row,) = csv.DictReader(io.StringIO(batches.as_csv(batch), newline=""))
        assert row["amount"] == "-80.00"
        assert row["reverses"] == str(charge.pk)


@pytest.mark.django_db
class TestAcknowledging:
    @pytest.fixture
    def batch(self, account):
        signed(account)
        close("2026-01-02")
        return Batch.objects.get()

    def acknowledge(self, batch, **how):
        how = {"checksum": batch.checksum, "reference": "INV-7", "by": None} | how
        return batches.acknowledge(batch, on=TODAY, **how)

    def test_it_is_done_once(self, batch, sales):
        self.acknowledge(batch, by=sales)

        with pytest.raises(ValidationError) as refusal:
            self.acknowledge(batch, reference="INV-8")

        assert refusal.value.code == "acknowledged"
        assert "as INV-7" in refusal.value.messages[0]
        assert Acknowledgement.objects.get().acknowledged_by == sales
        assert Activity.objects.get(verb="batch.acknowledged").actor_id == sales.pk
        assert not Batch.objects.waiting().exists()

    @pytest.mark.parametrize(
        ("how", "code"),
        [
            ({"checksum": "0" * 64}, "checksum"),
            ({"checksum": ""}, "checksum"),
            ({"reference": " "}, "reference"),
            ({"reference": "x" * 101}, "reference"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, batch, how, code):
        with pytest.raises(ValidationError) as refusal:
            self.acknowledge(batch, **how)

        assert refusal.value.code == code
        assert Batch.objects.waiting().exists()

    def test_by_command(self, batch, present, capsys):
        asked = ["acknowledge_batch", "harbour-lines", "1", "--reference", "INV-7"]

        with pytest.raises(CommandError, match="checksum is not"):
            call_command(*asked, "--checksum", "beef")
        call_command(*asked, "--checksum", batch.checksum.upper())
        with pytest.raises(CommandError, match="was acknowledged on 23 Nov 2026"):
            call_command(*asked, "--checksum", batch.checksum)
        with pytest.raises(CommandError, match="has no batch 9"):
            call_command(
                "acknowledge_batch", "harbour-lines", "9", *asked[3:], checksum="x"
            )


@pytest.mark.django_db
def test_batches_are_written_as_files_any_number_of_times(account, tmp_path, present):
    signed(account)
    close("2026-03-15")
    batch = Batch.objects.get(number=2)
    batches.acknowledge(
        batch, checksum=batch.checksum, reference="I", by=None, on=TODAY
    )

    call_command("export_batches", to=tmp_path / "a", verbosity=0)
    call_command("export_batches", to=tmp_path / "b", account="harbour-lines")
    call_command("export_batches", to=tmp_path / "c", waiting=True, format=["json"])

    a, b = ({p.name: p.read_bytes() for p in (tmp_path / x).iterdir()} for x in "ab")
    assert a == b
    assert hashlib.sha256(a["harbour-lines-000002.json"]).hexdigest() == batch.checksum
    for entry in a["SHA256SUMS"].decode().splitlines():
        sum_, name = entry.split("  ")
        assert hashlib.sha256(a[name]).hexdigest() == sum_
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "SHA256SUMS",
        "harbour-lines-000001.json",
        "harbour-lines-000003.json",
    ]
    with pytest.raises(CommandError, match="no account nobody"):
        call_command("export_batches", to=tmp_path, account="nobody")


def tampered(statement, *values):
    """What only somebody who owns the database could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.django_db
class TestReconciling:
    @pytest.fixture(autouse=True)
    def closed(self, account, unreconciled):
        line = signed(account)
        close("2026-03-15")
        assert list(reconcile.differences()) == []
        return line

    def what(self):
        return [str(one) for one in reconcile.differences()]

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            (
                "UPDATE billing_batch SET content = content || ' ' WHERE number = 2",
                "batch 2: its checksum is not its document's",
            ),
            (
                "UPDATE billing_batch SET total_amount = 1 WHERE number = 2",
                "batch 2: its total is 80.00, the ledger's 80.00",
            ),
            ("UPDATE billing_batch SET number = 9 WHERE number = 3", "numbered 1 to 9"),
            (
                "UPDATE billing_charge SET amount = 79 WHERE billed_on = '2026-02-01'",
                "batch 2: its lines are not its charges'",
            ),
            (
                "DELETE FROM billing_batchedcharge USING billing_batch b"  # noqa: ISC004
                " WHERE b.id = batch_id AND number = 2",
                "batch 2: it counts 1 lines of 0",
            ),
            (
                "UPDATE billing_closing SET last_number = 4",
                "3 are numbered 1 to 3, but 4 were closed",
            ),
        ],
    )
    def test_it_finds_what_was_changed_behind_our_back(self, statement, words):
        tampered(statement)

        assert any(words in one for one in self.what())

    def test_it_finds_a_document_that_was_forged_with_its_checksum(self):
        batch = Batch.objects.get(number=2)
        forged = batch.content.replace("80.00", "81.00")
        tampered(
            "UPDATE billing_batch SET content = %s, checksum = %s, total_amount = 81"
            " WHERE number = 2",
            forged,
            batches.checksum(forged),
        )

        said = self.what()

        assert any("its lines are not its charges'" in one for one in said)
        assert any("its total is 81.00, the ledger's 80.00" in one for one in said)

    def test_it_finds_a_charge_that_was_left_behind(self, closed):
        batch = Batch.objects.get(number=2)
        charge = batch.charges.get().charge
        tampered("DELETE FROM billing_batchedcharge WHERE charge_id = %s", charge.pk)
        assert not any("is in none" in one for one in self.what())

        tampered(
            "UPDATE billing_charge SET created_at = created_at - interval '1 day'"
            " WHERE id = %s",
            charge.pk,
        )

        assert any(
            f"charge {charge.pk} of 2026-02-01, 80.000, is in none" in one
            for one in self.what()
        )

    def test_a_charge_that_came_after_is_no_fault_until_the_next_day(self, closed):
        LineFactory(
            contract=closed.contract, plan=plan_of(price="1"), on=day("2026-03-15")
        )

        assert self.what() == []

    def test_a_charge_is_in_one_batch_at_most(self):
        batched = BatchedCharge.objects.first()
        other = Batch.objects.exclude(pk=batched.batch_id).first()

        with pytest.raises(IntegrityError), transaction.atomic():
            BatchedCharge.objects.create(
                account=other.account, batch=other, charge=batched.charge
            )


histories = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["run", "buy", "close", "close", "late line"]),
        st.integers(0, 2),
        st.integers(1, 30),
    ),
    max_size=12,
)


@given(histories=histories)
@settings(
    max_examples=examples.about(30),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_in_any_history_each_charge_leaves_once(db, histories):
    """Purchases, runs, closings and back-dated lines in any order, days apart."""
    with transaction.atomic():
        live(histories)
        transaction.set_rollback(True)


def live(histories):
    lines = [
        signed(on="2026-01-01"),
        signed(AccountFactory(), on="2026-01-01", monthly_unit_price=D("7.333333")),
        signed(AccountFactory(timezone="Asia/Tokyo"), on="2026-01-01"),
    ]
    buyers = [UserFactory(account=line.account) for line in lines]
    on, kept = day("2026-01-01"), {}
    for days, step, which, units in histories:
        on += days * DAY
        line = lines[which]
        if step == "run":
            carry(*line.account.lines.all(), to=str(on))
        elif step == "buy":
            carry(*line.account.lines.all(), to=str(on))
            buy(line.account, line.plan, 10 + units, on=on, by=buyers[which])
        elif step == "late line":
            plan = plan_of(price="1")
            LineFactory(contract=line.contract, plan=plan, contracted=units, on=on)
        else:
            batches.close(zone=line.account.timezone, on=on - DAY)
            kept = unchanged(kept)
    for zone in ("UTC", "Asia/Tokyo"):
        batches.close(zone=zone, on=on)
    unchanged(kept)

    assert not Charge.objects.filter(batched=None, billed_on__lte=on).exists()
    assert not Charge.objects.filter(batched__isnull=False, billed_on__gt=on).exists()
    for line in lines:
        made = list(Batch.objects.of(line.account).order_by("number"))
        assert [one.number for one in made] == list(range(1, len(made) + 1))
        assert [one.day for one in made] == sorted({one.day for one in made})
        left = sum((one.total_amount for one in made), D(0))
        owed = Charge.objects.of(line.account).filter(billed_on__lte=on)
        assert left == owed.aggregate(sum=Sum("amount", default=0))["sum"]
        for one in made:
            assert all(row["billed_on"] <= str(one.day) for row in lines_of(one))
    assert [str(one) for one in reconcile.differences()] == []


def unchanged(kept):
    """Every batch that was there is as it was; answers all there are now."""
    now = {row["id"]: row for row in Batch.objects.values()}
    assert all(now[pk] == row for pk, row in kept.items())
    return now


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_closers_at_once_make_one_batch():
    for _ in range(30):
        signed(on="2026-02-15")
    close("2026-01-31")
    closers, made = 4, []
    start = Barrier(closers)

    def closer():
        try:
            connection.ensure_connection()
            start.wait(30)
            made.append(close("2026-02-15"))
        finally:
            connections.close_all()

    threads = [Thread(target=closer) for _ in range(closers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(made) == closers
    assert (sum(made), Batch.objects.count()) == (30, 60)
    assert BatchedCharge.objects.count() == Charge.objects.count() == 60
    assert set(Batch.objects.values_list("number", flat=True)) == {1, 2}
