"""Lists are taken along whole, harmless to spreadsheets, exact, and with the filters."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pypdf
import pytest
from django.urls import reverse

from accounts import authority, roles
from billing.models import Charge
from journal import activities, tables
from journal.models import Activity
from journal.tables import Table
from tests.factories import ContractFactory, LineFactory, RoleFactory, UserFactory

DAY = date(2026, 11, 23)
SECRETS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "  =1+1", "＝1"]


def table_of(*values):
    """A table of one column, a row for each value."""
    return Table([("Name", lambda row: row)], iter(values))


def read_csv(chunks):
    text = b"".join(chunks).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def read_excel(content):
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [list(row) for row in book.worksheets[0].iter_rows()]


def excel(*values):
    """The rows of a workbook of one column."""
    with tables.excel(table_of(*values)) as file:
        return read_excel(file.read())


class TestTables:
    @pytest.mark.parametrize("text", SECRETS)
    def test_text_never_begins_a_formula(self, text):
        rows = read_csv(tables.csv_lines(table_of(text)))

        assert rows[1] == [f"'{text}"]

    @pytest.mark.parametrize("text", ["=1+1", "{=1}", "http://x.example", "00123"])
    def test_in_excel_text_is_text(self, text):
        cell = excel(text)[1][0]

        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)

    def test_amounts_are_exact_in_csv_and_numbers_in_excel(self):
        amount = Decimal("-1234567.10")

        rows = read_csv(tables.csv_lines(table_of(amount)))
        cell = excel(amount)[1][0]

        assert rows[1] == ["-1234567.10"]
        assert (cell.value, cell.number_format) == (-1234567.1, "#,##0.00")

    def test_days_are_days(self):
        at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

        rows = read_csv(tables.csv_lines(table_of(DAY, at)))
        cells = excel(DAY)

        assert rows[1:] == [["2026-11-23"], ["2026-11-23 09:30:00"]]
        assert cells[1][0].value.date() == DAY

    def test_excel_knows_that_it_is_utf8(self):
        content = b"".join(tables.csv_lines(table_of("ท่าเรือ, شركة")))

        assert content.startswith(b"\xef\xbb\xbf")
        assert read_csv([content])[1] == ["ท่าเรือ, شركة"]

    def test_nothing_has_a_row_of_titles(self):
        assert read_csv(tables.csv_lines(table_of())) == [["Name"]]
        assert len(excel()) == 1

    def test_ten_thousand_rows_are_sent_in_pieces(self):
        chunks = list(tables.csv_lines(table_of(*range(10_000))))

        assert len(chunks) == 1 + 10_000 / tables.ROWS_AT_ONCE
        assert len(read_csv(chunks)) == 10_001

    def test_more_rows_than_a_sheet_holds_begin_another(self, monkeypatch):
        monkeypatch.setattr(tables, "ROWS_OF_A_SHEET", 3)

        with tables.excel(table_of(*range(7))) as file:
            book = openpyxl.load_workbook(file)

        assert [sheet.max_row for sheet in book.worksheets] == [4, 4, 2]


@pytest.fixture
def contract(account):
    return ContractFactory(account=account, starts_on=date(2026, 1, 1))


@pytest.mark.django_db
class TestPages:
    def test_charges_come_with_the_filter_on_screen(self, contract, admin, client_of):
        line = LineFactory(contract=contract, on=DAY)
        LineFactory(contract=contract, on=DAY)

        answer = client_of(admin).get(
            reverse("myapps:export-charges", args=["csv"]), {"app": line.app.slug}
        )

        _titles, *rows = read_csv(answer.streaming_content)
        amounts = [Decimal(row[13]) for row in rows]
        assert sum(amounts) == line.charges.total() > 0
        assert len(rows) == line.charges.count() < Charge.objects.count()

    def test_excel_says_the_same(self, contract, admin, client_of):
        line = LineFactory(contract=contract, on=DAY)

        answer = client_of(admin).get(reverse("myapps:export-charges", args=["xlsx"]))

        _titles, *rows = read_excel(b"".join(answer.streaming_content))
        assert sum(Decimal(str(row[13].value)) for row in rows) == line.charges.total()

    def test_a_name_cannot_be_a_formula(self, account, admin, client_of):
        UserFactory(account=account, display_name='=HYPERLINK("http://x.example")')

        answer = client_of(admin).post(reverse("accounts:export-people", args=["csv"]))

        names = [row[0] for row in read_csv(answer.streaming_content)]
        assert '\'=HYPERLINK("http://x.example")' in names

    @pytest.mark.parametrize("what", ["seats", "activity"])
    def test_who_takes_along_names_is_written_down(self, admin, client_of, what):
        answer = client_of(admin).post(reverse(f"myapps:export-{what}", args=["csv"]))

        assert answer.status_code == 200
        entry = Activity.objects.latest("pk")
        assert (entry.verb, entry.actor_id) == (f"{what}.exported", admin.pk)

    def test_activity_comes_with_the_filters_on_screen(self, admin, client_of, today):
        account = admin.account
        for verb in ("calendar.made", "seats.exported"):
            activities.record(verb, account=account, by=admin, on=today, subject=admin)
        address = reverse("myapps:export-activity", args=["csv"])

        answer = client_of(admin).post(f"{address}?kind=money&since={today}")

        entries = Activity.objects.filter(account_id=admin.account_id, on=today)
        _titles, *rows = read_csv(answer.streaming_content)
        assert len(rows) == 1 < entries.count()

    def test_who_keeps_roles_takes_along_what_they_may_read(
        self, admin, account, client_of, today
    ):
        keeper = UserFactory(account=account)
        role = RoleFactory(account=account, name="Keepers")
        authority.grant(role, authority.MANAGE_ROLES, by=None, on=today)
        roles.join(role, [keeper], by=None, on=today)
        activities.record(
            "seats.exported",
            account=account,
            by=admin,
            on=today,
            subject=admin,
            app="box",
        )

        answer = client_of(keeper).post(reverse("myapps:export-activity", args=["csv"]))

        apps = [row[2] for row in read_csv(answer.streaming_content)]
        assert len(apps) > 1
        assert "box" not in apps

    def test_opening_an_address_takes_no_names_along(self, admin, client_of):
        answer = client_of(admin).get(reverse("myapps:export-seats", args=["csv"]))

        assert answer.status_code == 405

    def test_another_kind_is_not_there(self, admin, client_of):
        answer = client_of(admin).get(reverse("myapps:export-orders", args=["doc"]))

        assert answer.status_code == 404

    def test_the_file_is_called_after_account_and_day(self, admin, client_of, present):
        answer = client_of(admin).get(reverse("myapps:export-orders", args=["csv"]))

        assert "harbour-lines-orders-2026-11-23.csv" in answer["Content-Disposition"]

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    @pytest.mark.parametrize("what", ["charges", "orders", "apps", "renewal-changes"])
    def test_queries_do_not_grow_with_rows(
        self, contract, admin, client_of, what, kind, django_assert_max_num_queries
    ):
        LineFactory.create_batch(3, contract=contract, on=DAY)
        address = reverse(f"myapps:export-{what}", args=[kind])

        with django_assert_max_num_queries(25):
            b"".join(client_of(admin).get(address).streaming_content)


@pytest.mark.django_db
@pytest.mark.usefixtures("present")
def test_an_order_is_a_paper_that_says_who_signed_what(
    contract, plan, install, admin, client_of
):
    install(plan, [admin])
    order = admin.account.orders.get()

    answer = client_of(admin).get(reverse("myapps:order-paper", args=[order.pk]))

    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert answer["Content-Type"] == "application/pdf"
    for words in (admin.display_name, plan.app.name, plan.name, order.terms_version):
        assert words in text
