"""What managers look at: each figure against a count by hand, its chart and its CSV."""

import csv
import datetime
import io
from decimal import Decimal

import pytest
from django.urls import reverse

from billing import renewals
from billing.models import RenewalChange
from journal import charts, tables
from support import figures
from support.models import Adjustment, Ticket
from tests.factories import (
    ContractFactory,
    LineFactory,
    TicketFactory,
)

pytestmark = pytest.mark.usefixtures("present")
State = Ticket.State
WEEK = datetime.timedelta(weeks=1)


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def change(line, admin, today):
    return renewals.end(line, by=admin, on=today, ticket_wanted=True)


def decided(change, *, on, by):
    RenewalChange.objects.filter(pk=change.pk).update(
        state="APPROVED", decided_on=on, decided_by=by
    )


class TestOpenByAge:
    @pytest.mark.parametrize(
        ("days", "place"),
        [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (14, 3), (15, 4),
         (30, 4), (31, 5), (900, 5)],
    )  # fmt: skip
    def test_each_day_is_in_one_column(self, today, days, place):
        TicketFactory(opened_on=today - datetime.timedelta(days=days))

        ((_kind, *ages, whole),) = figures.open_by_age(on=today).rows

        assert ages == [int(place == column) for column in range(6)]
        assert whole == 1

    def test_by_kind_the_most_first_and_only_what_is_open(self, today, line):
        TicketFactory.create_batch(2, opened_on=today, category="SALES")
        TicketFactory(opened_on=today, category="CHARGE")
        TicketFactory(opened_on=today, category="INSTALL", state=State.CLOSED)

        rows = figures.open_by_age(on=today).rows

        assert [(kind, whole) for kind, *_ages, whole in rows] == [
            ("Price request", 2), ("Charge question", 1),
        ]  # fmt: skip


class TestPromisesKept:
    def test_the_part_in_time_of_what_was_solved_in_a_week(self, today, present):
        hour = datetime.timedelta(hours=1)
        for late_answers, solved_late in [
            (0, False),
            (0, True),
            (2, False),
            (0, False),
        ]:
            TicketFactory(
                state=State.SOLVED, late_answers=late_answers,
                solution_due_at=present - WEEK,
                solved_at=present - WEEK + hour * (1 if solved_late else -1),
            )  # fmt: skip
        TicketFactory(state=State.SOLVED, solved_at=present, solution_due_at=None)

        rows = figures.promises_kept(on=today, weeks=2).rows

        assert rows == [
            (today - WEEK, 75, 75, 4),
            (today, None, None, 0),
        ]

    def test_what_was_merged_is_counted_once(self, today, present):
        kept = TicketFactory(
            state=State.SOLVED, solved_at=present, solution_due_at=present
        )
        TicketFactory(
            state=State.SOLVED, solved_at=present, solution_due_at=present,
            merged_into=kept,
        )  # fmt: skip

        assert figures.promises_kept(on=today, weeks=1).rows == [(today, 100, 100, 1)]


class TestDecidedBefore:
    @pytest.mark.parametrize(
        ("days", "place"),
        [(40, 0), (31, 0), (30, 1), (8, 1), (7, 2), (1, 2), (0, 3), (-3, 3)],
    )
    def test_by_the_days_that_were_left(self, change, support, days, place):
        on = change.term_ends_on - datetime.timedelta(days=days)
        decided(change, on=on, by=support)

        table = figures.decided_before(on=on, weeks=1)

        ((_week, *counts, median),) = table.rows
        assert counts == [int(place == column) for column in range(4)]
        assert median == days

    def test_what_nobody_decided_does_not_count(self, change, today):
        renewals.withdraw(change, by=change.asked_by, on=today)

        ((_week, *counts, median),) = figures.decided_before(on=today, weeks=1).rows

        assert (sum(counts), median) == (0, None)


class TestAdjusted:
    def proposed(self, change) -> Adjustment:
        return Adjustment.objects.get(change=change)

    def test_what_was_decided_in_a_week_by_currency(self, change, today):
        one = self.proposed(change)
        Adjustment.objects.filter(pk=one.pk).update(
            state="SCHEDULED", decided_on=today, weight="120.50"
        )

        (table,) = figures.adjusted(on=today, weeks=2)

        assert table.key == "adjustments-usd"
        assert [row[1:] for row in table.rows] == [(0, 0, 0), (Decimal("120.50"), 0, 1)]

    def test_what_is_only_proposed_is_worth_nothing_yet(self, change, today):
        assert self.proposed(change).state == Adjustment.State.PROPOSED
        assert figures.adjusted(on=today, weeks=2) == []

    def test_declined_stands_beside_approved(self, change, today):
        Adjustment.objects.filter(change=change).update(
            state="DECLINED", decided_on=today, weight="80"
        )

        (table,) = figures.adjusted(on=today, weeks=1)

        assert table.rows == [(today, 0, Decimal("80"), 1)]


class TestThePage:
    address = "/figures/"

    @pytest.fixture
    def lived(self, change, support, today, present):
        """A desk with something in each table."""
        TicketFactory(opened_on=today)
        TicketFactory(state=State.SOLVED, solved_at=present, solution_due_at=present)
        decided(change, on=today, by=support)
        Adjustment.objects.filter(change=change).update(
            state="SCHEDULED", decided_on=today
        )

    def test_shows_a_table_behind_each_chart(self, desk, lived):
        html = desk.get(self.address).content.decode()

        assert html.count("<figure") == 4
        assert html.count("<table") == 4
        assert html.count("data-value=") > 20

    def test_is_the_same_for_a_year_of_weeks(
        self, desk, lived, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(25):
            page = desk.get(self.address, {"weeks": "52"})

        assert len(page.context["tables"][1]["rows"]) == 52

    def test_an_empty_desk_says_that_it_fills(self, desk):
        html = desk.get(self.address).content.decode()

        assert "It fills as the desk works" in html
        assert "<figure" not in html

    @pytest.mark.parametrize("weeks", ["", "x", "-1", "9999999"])
    def test_other_spans_are_twelve_weeks(self, desk, weeks):
        assert desk.get(self.address, {"weeks": weeks}).context["weeks"] == 12

    def test_the_library_loads_on_this_page_alone_and_nothing_is_inline(
        self, desk, lived
    ):
        html = desk.get(self.address).content.decode()
        queue = desk.get(reverse("support:queue")).content.decode()

        assert 'type="module" src="/static/js/charts.js"' in html
        assert "vendor/chart.js" not in queue
        assert "charts.js" not in queue
        assert "style=" not in html


class TestCsv:
    def rows(self, desk, key):
        answer = desk.get(f"/figures/{key}.csv")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer["Content-Disposition"]
        return list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))

    def test_has_what_the_table_has(self, desk, today):
        TicketFactory(opened_on=today)

        head, row = self.rows(desk, "open")

        assert head[:2] == ["Kind", "up to a day"]
        assert row == ["Charge question", "1", "0", "0", "0", "0", "0", "1"]

    @pytest.mark.parametrize("key", ["sla", "decisions"])
    def test_weeks_are_days_that_machines_read(self, desk, today, key):
        rows = self.rows(desk, key)

        assert rows[-1][0] == today.isoformat()
        assert len(rows) == 13

    def test_one_there_is_not_is_not_found(self, desk):
        assert desk.get("/figures/adjustments-xxx.csv").status_code == 404

    @pytest.mark.parametrize(
        "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"]
    )
    def test_no_text_is_a_formula(self, text):
        table = charts.Table(
            key="x", title="x", first=text, columns=[charts.Column(text)],
            rows=[(text, -1)],
        )  # fmt: skip

        lines = b"".join(tables.csv_lines(charts.as_file(table))).decode("utf-8-sig")
        head, row = csv.reader(io.StringIO(lines, newline=""))

        assert all(cell.startswith("'") for cell in head)
        assert row[0].startswith("'")
        assert row[1] == "-1"
