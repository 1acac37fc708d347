"""Tables to download: rows of any number as CSV or Excel, in constant memory.

A table is its columns, each a title in the reader's language and how to read a row, and
the rows, read one after the other. Text stays text: a spreadsheet that opens it computes
nothing. Amounts are exact in CSV and numbers in Excel; days are days in both.
"""

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _

# What a spreadsheet takes for the beginning of a formula, also as East Asia types it.
FORMULAS = tuple("=+-@\t\r\n＝＋－＠")
ROWS_AT_ONCE = 500
ROWS_OF_A_SHEET = 1_048_576 - 1
LONGEST_CELL = 32_767


@dataclass(frozen=True)
class Table:
    """Columns as (title, value of a row), and rows: a list, or an iterator over many."""

    columns: list[tuple[str, Callable[[Any], object]]]
    rows: Iterable

    @property
    def titles(self) -> list[str]:
        return [str(title) for title, _value in self.columns]

    def __iter__(self) -> Iterator[list]:
        for row in self.rows:
            yield [value(row) for _title, value in self.columns]


def csv_lines(table: Table) -> Iterator[bytes]:
    """CSV as RFC 4180 has it, in UTF-8 that Excel recognises, some hundred rows a time."""
    writer = csv.writer(_Echo())
    yield b"\xef\xbb\xbf" + writer.writerow([plain(one) for one in table.titles])
    rows = (writer.writerow([plain(value) for value in row]) for row in table)
    while some := b"".join(islice(rows, ROWS_AT_ONCE)):
        yield some


class _Echo:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> bytes:
        return line.encode()


def plain(value: object) -> object:
    """A value as CSV has it: days as 2026-11-23, numbers exact, text never a formula."""
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case int():
            return value
        case Decimal():
            return f"{value:f}"
        case datetime():
            return f"{_local(value):%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
    return harmless(str(value))


def harmless(text: str) -> str:
    """Text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text


def excel(table: Table) -> tempfile.SpooledTemporaryFile:
    """A workbook with a bold first row that stays; more rows than fit begin a sheet."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001
        rows = iter(table)
        sheet = _Sheet(book, table.titles)
        for row in rows:
            if sheet.rows == ROWS_OF_A_SHEET:
                sheet = _Sheet(book, table.titles)
            sheet.write(row)
    file.seek(0)
    return file


class _Sheet:
    """One sheet that is being written, from the top down."""

    WIDTH = 18

    def __init__(self, book: xlsxwriter.Workbook, titles: list[str]):
        self.book, self.rows = book, 0
        self.formats = {}
        self.sheet = book.add_worksheet()
        self.sheet.freeze_panes(1, 0)
        self.sheet.set_column(0, len(titles) - 1, self.WIDTH)
        for column, title in enumerate(titles):
            self.sheet.write_string(0, column, title, self._format(bold=True))

    def write(self, row: list) -> None:
        self.rows += 1
        for column, value in enumerate(row):
            self._write(column, value)

    def _write(self, column: int, value: object) -> None:
        at = (self.rows, column)
        match value:
            case None | "":
                return
            case bool():
                self.sheet.write_string(*at, plain(value))
            case int():
                self.sheet.write_number(*at, value)
            case Decimal():
                digits = max(-value.as_tuple().exponent, 0)
                shown = "#,##0" + ("." + "0" * digits if digits else "")
                self.sheet.write_number(*at, value, self._format(num_format=shown))
            case datetime():
                shown = self._format(num_format="yyyy-mm-dd hh:mm:ss")
                self.sheet.write_datetime(*at, _local(value), shown)
            case date():
                shown = self._format(num_format="yyyy-mm-dd")
                self.sheet.write_datetime(*at, value, shown)
            case _:
                self.sheet.write_string(*at, str(value)[:LONGEST_CELL])

    def _format(self, **fields):
        key = tuple(fields.items())
        if key not in self.formats:
            self.formats[key] = self.book.add_format(fields)
        return self.formats[key]


def _local(at: datetime) -> datetime:
    """A moment in the active time zone, as spreadsheets know them: without a zone."""
    return timezone.make_naive(at) if timezone.is_aware(at) else at
