"""The page about the calculator says what the calculator does."""

import ast
import doctest
import re
import sys
from pathlib import Path

import pytest

from billing import periods, prices

PAGE = Path(__file__).parents[2] / "docs" / "calculator.md"
MODULES = [periods, prices]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def tree(module) -> ast.Module:
    return ast.parse(Path(module.__file__).read_text())


def functions(code: ast.Module) -> list[ast.FunctionDef]:
    defined = (node for node in code.body if isinstance(node, ast.FunctionDef))
    return [function for function in defined if not function.name.startswith("_")]


def signatures(code: ast.Module) -> set[str]:
    return {
        f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in functions(code)
    }


def imports(module) -> set[str]:
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def test_every_example_gives_what_the_page_says():
    examples = doctest.DocTestParser().get_doctest(
        "\n".join(blocks("pycon")), {}, "the page", str(PAGE), 0
    )
    report = []

    result = doctest.DocTestRunner(verbose=False).run(examples, out=report.append)

    assert result.attempted >= 20
    assert result.failed == 0, "".join(report)


@pytest.mark.parametrize("module", MODULES, ids=["periods", "prices"])
def test_every_function_is_shown_at_work(module):
    shown = "\n".join(blocks("pycon"))
    room = module.__name__.removeprefix("billing.")
    calls = [f"{room}.{function.name}(" for function in functions(tree(module))]

    assert [call for call in calls if call not in shown] == []


def test_the_signatures_are_as_promised():
    promised = set().union(*(signatures(ast.parse(b)) for b in blocks("python")))

    assert promised == set().union(*(signatures(tree(module)) for module in MODULES))


@pytest.mark.parametrize("module", MODULES, ids=["periods", "prices"])
def test_the_calculator_needs_the_standard_library_alone(module):
    foreign = {
        name
        for name in imports(module)
        if name.split(".")[0] not in sys.stdlib_module_names
    }

    assert foreign == set()
