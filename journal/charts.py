"""Charts: each is a table, which the page writes, draws and offers as CSV (ADR 22)."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import itemgetter

from journal import tables


@dataclass(frozen=True)
class Column:
    """A column of figures; `drawn` ones are series of the chart. `unit`: "", %, days,
    or a currency.
    """

    label: str
    unit: str = ""
    drawn: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of a name and its figures; None where there is nothing to say."""

    key: str
    title: str
    first: str
    columns: list[Column]
    rows: list[tuple] = field(default_factory=list)
    chart: str = "bars"
    """bars (stacked), lying (stacked, sideways) or lines."""
    by_month: bool = False
    """The days that name its rows are first days of months."""
    to_come: int = 0
    """So many of the last rows have not happened yet."""
    subtitle: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(value for _name, *values in self.rows for value in values)


def drawn(table: Table) -> dict:
    """A table as the page writes it: each figure with its unit, and as charts read it."""
    happened = len(table.rows) - table.to_come
    return {
        "key": table.key,
        "title": table.title,
        "subtitle": table.subtitle,
        "first": table.first,
        "chart": table.chart,
        "is_empty": table.is_empty,
        "by_month": table.by_month,
        "columns": table.columns,
        "rows": [
            {
                "name": name,
                "on": name if isinstance(name, date) else None,
                "to_come": at >= happened,
                "cells": [
                    {"value": value, "unit": column.unit, "plain": _plain(value)}
                    for column, value in zip(table.columns, values, strict=True)
                ],
            }
            for at, (name, *values) in enumerate(table.rows)
        ],
    }


def as_file(table: Table) -> tables.Table:
    """A table as it is downloaded: the same rows, its units beside its titles."""
    titles = [table.first, *(_headed(column) for column in table.columns)]
    columns = [(title, itemgetter(place)) for place, title in enumerate(titles)]
    return tables.Table(columns, table.rows)


def _plain(value) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _headed(column: Column) -> str:
    told = column.unit and column.unit != "days"
    return f"{column.label} ({column.unit})" if told else column.label
