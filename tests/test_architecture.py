"""The rules about the code that a reader should not have to check.

What pages may not contain stands in tests/config/test_look.py, that every verb is a
sentence in tests/journal/test_activities.py, that each tick has its task in
tests/config/test_ticks.py, and who may open what in the permission matrix.
"""

import ast
import os
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.urls import URLPattern, get_resolver

ROOT: Path = settings.BASE_DIR
ROOMS = ["journal", "accounts", "marketplace", "billing", "myapps", "support"]
PURE = {"billing/periods.py", "billing/prices.py", "support/working_time.py"}
OUTSIDE = re.compile(
    r"(.*_pages|views|forms|(?!order_).*_forms|filters|mails|tasks|receivers|admin|api"
    r"|.*_api|urls|apps|api_doors|downloads|remembered|adapters|sealing)"
)
NAMELESS = {"utils", "helpers", "common", "core", "services", "managers", "mixins"}
# Doors that open to everybody: nobody can sign in, or set a password, behind one.
PUBLIC = {
    *("login", "logout", "account_login", "account_logout", "account_inactive"),
    *("password_reset", "password_reset_done"),
    *("password_reset_confirm", "password_reset_complete"),
    *("account_reset_password", "account_reset_password_done"),
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    *("mfa_authenticate", "mfa_login_webauthn", "company-sign-in"),
    *("openid_connect_login", "openid_connect_callback"),
    "socialaccount_login_cancelled",
    "myapps:calendar-feed",  # a private address opens it
}
WRITES = {
    *("create", "save", "delete", "update", "bulk_create", "bulk_update"),
    *("get_or_create", "update_or_create", "raw", "execute"),
}
# Modules that a rule never sees, by the beginning of their name.
ABOVE_RULES = (
    *("django.conf", "django.forms", "django.http", "django.shortcuts"),
    *("django.views", "django.contrib.auth.views", "django_htmx", "rest_framework"),
    *("celery", "accounts.clock", "config", "demo"),
)
READS_THE_CLOCK = {"now", "today", "utcnow", "localdate", "localtime"}


def code_of(room: str):
    files = sorted((ROOT / room).rglob("*.py"))
    return [path.relative_to(ROOT) for path in files if "migrations" not in path.parts]


def is_outside(path: Path) -> bool:
    return bool(OUTSIDE.fullmatch(path.stem)) or "management" in path.parts


CODE = [path for room in [*ROOMS, "config", "demo"] for path in code_of(room)]
IN_ROOMS = [path for room in ROOMS for path in code_of(room)]
RULES = [
    path
    for path in IN_ROOMS
    if not is_outside(path)
    and path.name not in {"models.py", "__init__.py"}
    and str(path) != "accounts/clock.py"
]
every_rule = pytest.mark.parametrize("path", RULES, ids=str)
every_outside = pytest.mark.parametrize(
    "path", [path for path in IN_ROOMS if is_outside(path)], ids=str
)


def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def imported(path: Path) -> set[str]:
    """Every module, and name of one, that a file imports."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def begins(name: str, modules) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def test_only_two_modules_know_guardian():
    know = {
        str(path)
        for path in CODE
        if any(begins(name, ["guardian"]) for name in imported(path))
    }

    assert know == {"accounts/models.py", "accounts/authority.py"}


def test_few_modules_know_allauth():
    know = {
        str(path)
        for path in CODE
        if any(begins(name, ["allauth"]) for name in imported(path))
    }

    assert know == {"config/second_factor.py"} | {
        f"accounts/{module}.py"
        for module in (
            *("adapters", "identity_providers", "second_factors"),
            *("sign_in_forms", "sign_in_pages", "urls"),
        )
    }


@pytest.mark.parametrize("path", sorted(PURE))
def test_the_calculator_is_pure(path):
    ours = [*ROOMS, "config", "demo", "django"]

    assert not {
        name
        for name in imported(Path(path))
        if begins(name, ours)
        and not begins(name, ["billing.periods", "billing.prices"])
    }


@every_rule
def test_a_rule_knows_nothing_of_the_outside(path):
    """One door is not beside the rules but in one: accounts.authority's decorators."""
    names = imported(path)
    if str(path) == "accounts/authority.py":
        names = {name for name in names if not name.startswith("django.")}

    assert not {name for name in names if begins(name, ABOVE_RULES)}
    assert not {
        name
        for name in names
        if begins(name, ROOMS) and OUTSIDE.fullmatch(name.rpartition(".")[2])
    }


@every_rule
def test_a_rule_is_told_the_day(path):
    """What only marks when a row was written is the database's: auto_now_add, Now()."""
    asked = {
        ast.unparse(node)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READS_THE_CLOCK
    }

    assert not asked


@every_outside
def test_the_outside_never_writes_rows(path):
    """`roles.create(…)` is a call into the rules: its left side is an imported module.
    So is `super().save_model(…)` of the admin, which is Django's. A statement that asks
    for a consistent look at the database (SET TRANSACTION …) writes nothing.
    """
    tree = parsed(path)
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ROOMS
        for alias in node.names
    }
    writes = {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and not (
            isinstance(node.func.value, ast.Name) and node.func.value.id in modules
        )
        and not (node.args and "SET TRANSACTION" in ast.unparse(node.args[0]))
    }

    assert not writes


def routes(resolver, name=""):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            # The API's doors are tried on every route, in tests/api/test_doors.py.
            if not hasattr(pattern.callback, "cls"):
                yield f"{name}{pattern.name}", pattern.callback
        elif pattern.namespace != "admin":
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routes(pattern, name + inner)


def test_every_address_says_to_whom_it_opens():
    unguarded = {
        name
        for name, callback in routes(get_resolver())
        if not getattr(callback, "authority", None)
    }

    assert unguarded == PUBLIC


@pytest.mark.parametrize("path", [*CODE, *code_of("tests")], ids=str)
def test_a_module_is_named_for_a_noun(path):
    assert not NAMELESS & set(path.with_suffix("").parts)


OUR_MODELS = [
    model for room in ROOMS for model in apps.get_app_config(room).get_models()
]
every_model = pytest.mark.parametrize(
    "model", OUR_MODELS, ids=lambda model: model._meta.label
)


def constraints():
    return [one for model in OUR_MODELS for one in model._meta.constraints]


@pytest.mark.parametrize("name", [constraint.name for constraint in constraints()])
def test_a_constraint_is_named_as_a_claim(name):
    """At least three words, and none of them the database's."""
    words = name.split("_")

    assert len(words) >= 3
    assert all(re.fullmatch(r"[a-z]+", word) for word in words)
    assert not {"check", "unique", "uniq", "constraint", "excl", "chk"} & set(words)


@every_model
def test_nothing_is_kept_as_a_float(model):
    kinds = {type(field) for field in model._meta.concrete_fields}

    assert models.FloatField not in kinds
    for field in model._meta.concrete_fields:
        if re.search(r"(^|_)(price|amount)$|spend", field.name):
            assert isinstance(field, models.DecimalField), field.name


@pytest.mark.parametrize("path", code_of("billing"), ids=str)
def test_billing_never_counts_in_floats(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float)
        if isinstance(node, ast.Name) and node.id == "float":
            # Naming it to refuse it is how the calculator keeps floats out.
            assert str(path) in PURE


def test_a_float_is_refused_by_the_calculator():
    from billing import prices

    with pytest.raises(TypeError):
        prices.rounded(0.1 + 0.2, digits=2)
    assert prices.rounded(Decimal("0.305"), digits=2) == Decimal("0.31")


def test_the_vendor_is_named_by_a_setting_alone():
    name = b"talk" + b"desk"
    skipped = {".git", ".venv", "var", "node_modules", "vendor", "__pycache__"}
    skipped |= {".hypothesis", ".pytest_cache", ".ruff_cache", ".import_linter_cache"}
    said = [
        str(path.relative_to(ROOT))
        for folder, _folders, files in os.walk(ROOT)
        if not skipped.intersection(Path(folder).relative_to(ROOT).parts)
        for path in (Path(folder, file) for file in files)
        if name in path.read_bytes().lower()
    ]

    assert said == []


def contract_within(room: str) -> dict:
    linted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]
    within = [one for one in linted["contracts"] if one.get("containers") == [room]]
    assert len(within) == 1
    return within[0]


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_has_its_place_in_the_room(room):
    """import-linter says so too; this needs no more than pytest, and names the module."""
    contract = contract_within(room)
    placed = {
        module.strip("() ")
        for layer in contract["layers"]
        for module in re.split(r"[|:]", layer)
    }
    there = {path.with_suffix("").parts[1] for path in code_of(room)} - {"__init__"}

    assert contract["exhaustive"] is True
    assert there - placed == set()
    assert placed - there == set()


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True)
