"""The clause table of ARCHITECTURE.md: nothing in it may stop existing."""

import ast
import re
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings

CLAUSES = [f"T{number}" for number in range(1, 20)]


def table():
    """The rows of the table, by clause: in our words, home, held by, proved by."""
    text = (settings.BASE_DIR / "ARCHITECTURE.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if re.match(r"\| T\d+ \|", line)
    ]
    return {clause: cells for clause, *cells in rows}


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def the_named(place: str):
    """What a dotted name stands for: a module's function, or a model's method."""
    parts = place.split(".")
    found = import_module(".".join(parts[:2]))
    for name in parts[2:]:
        found = getattr(found, name)
    return found


def constraints() -> set[str]:
    return {one.name for model in apps.get_models() for one in model._meta.constraints}


def test_every_clause_has_one_row_in_its_order():
    text = (settings.BASE_DIR / "ARCHITECTURE.md").read_text("utf-8")

    assert re.findall(r"^\| (T\d+) \|", text, re.M) == CLAUSES


@pytest.mark.parametrize("clause", CLAUSES)
def test_its_one_home_exists(clause):
    _words, home, _held, _proved = table()[clause]

    (place,) = names(home)
    assert callable(the_named(place))


@pytest.mark.parametrize("clause", CLAUSES)
def test_the_constraints_that_hold_it_exist(clause):
    _words, _home, held, _proved = table()[clause]

    assert set(names(held)) - constraints() == set()


@pytest.mark.parametrize("clause", CLAUSES)
def test_the_test_that_proves_it_exists(clause):
    _words, _home, _held, proved = table()[clause]

    (place,) = names(proved)
    path, test = place.split("::")
    assert path.startswith(f"tests/terms/test_t{int(clause[1:]):02}_")
    tree = ast.parse((settings.BASE_DIR / path).read_text("utf-8"))
    assert test in {node.name for node in tree.body if hasattr(node, "name")}


@pytest.mark.parametrize(
    "document",
    ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "docs/operations.md"],
)
def test_the_documents_name_files_that_exist(document):
    """Links to files, and paths between backticks that begin in one of our folders."""
    text = (settings.BASE_DIR / document).read_text("utf-8")
    folder = (settings.BASE_DIR / document).parent
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    begin = r"`((?:accounts|billing|config|demo|docs|journal|marketplace|myapps|support"
    named = re.findall(begin + r"|static|templates|tests)/[\w/.-]*)`", text)

    missing = [name for name in linked if not (folder / name).exists()]
    missing += [name for name in named if not (settings.BASE_DIR / name).exists()]
    assert missing == []
