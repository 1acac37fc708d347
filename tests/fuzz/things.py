"""What the cases of the API are tried on: who calls, and which ids hit something."""

from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlsplit

from django.urls import resolve

from accounts import authority, clock
from accounts.models import Account
from journal.models import Endpoint
from myapps import add_ons, installs, purchases, seats, uninstalls
from myapps.models import WaitingPurchase
from myapps.purchases import Wanted
from support import tickets
from tests import factories

LIVELY = 0.8
"""The share of ids, in addresses and bodies, that mean something."""
KEYS = ("id", "slug", "code", "number", "public_id", "email")


def account(firm):
    """Somebody of the account, where a plan change waits for a second person."""
    Account.objects.filter(pk=firm.account.pk).update(approval_above=0)
    wanted = Wanted(
        WaitingPurchase.Kind.PLAN, firm.account, firm.other_plan,
        installation=firm.installation,
    )  # fmt: skip
    purchases.make(
        wanted, signed=firm.signature(), on=firm.on, at=clock.now(),
        lapses_on=firm.on + timedelta(days=14),
    )  # fmt: skip
    Account.objects.filter(pk=firm.account.pk).update(approval_above=None)
    return firm.admin


def partner(firm, user):
    """Somebody of the partner whose app the firm has installed: it listens, was told
    something, and has another app to confirm.
    """
    firm.app.partner.members.add(user)
    Endpoint.objects.create(
        partner_id=firm.app.partner_id,
        address="https://partner.example/hooks",
        verified_at=datetime(2026, 1, 1, tzinfo=UTC),
        secret="whsec_c2VjcmV0",
    )
    seats.remove(firm.installation, firm.people[:1], by=firm.admin, on=firm.on)
    app = factories.AppFactory(partner=firm.app.partner)
    plan = factories.PlanFactory(app=app, price="2.00")
    signed = firm.signature(authority.INSTALL)
    installs.install(
        firm.account, plan, firm.people[:2], roles={}, signed=signed, on=firm.on
    )
    add_ons.activate(firm.add_on_line, quantity=1, by=user, on=firm.on)
    return user


def desk(firm, user):
    """Somebody of the desk: two wishes of the firm have their tickets, and there is a
    question.
    """
    wish = {"by": firm.admin, "on": firm.on, "ticket_wanted": True}
    seats.lower_to(firm.installation, 4, **wish)
    uninstalls.end_line(firm.add_on_line, **wish)
    tickets.open(
        firm.account, category="CHARGE", subject="Why this charge?", by=firm.admin,
        on=firm.on, body="I do not understand it.", at=clock.now(),
    )  # fmt: skip
    return user


def audience_of(operation) -> str:
    """For whom an operation is: the audience of its route's door."""
    for one in ("1", "T-000001"):
        path = operation.full_path
        for name in operation.path_parameters or []:
            stands_for = one if name.name == "number" else "1"
            path = path.replace("{" + name.name + "}", stands_for)
        door = resolve(path).func.cls.permission_classes[0]
        if hasattr(door, "authority"):
            return door.authority[0]
    return ""


def known(caller, operations) -> dict[str, list[dict]]:
    """The rows of every list that somebody sees, by the list's path."""
    found: dict[str, list[dict]] = {}
    lists = [one for one in operations if one.method.upper() == "GET"]
    for operation in sorted(lists, key=lambda one: one.full_path.count("{")):
        for path in _paths(operation, found):
            answer = caller.get(path)
            body = answer.json() if answer.status_code == 200 else None
            rows = body.get("results") if isinstance(body, dict) else body
            if isinstance(rows, list):
                rows = [row for row in rows if isinstance(row, dict)]
                found.setdefault(operation.full_path, []).extend(rows[:50])
    return found


def _paths(operation, found):
    if "{" not in operation.full_path:
        return [operation.full_path]
    before, _brace, rest = operation.full_path.partition("{")
    name, _brace, after = rest.partition("}")
    if "{" in after:
        return []
    return [
        f"{before}{value_of(row, name)}{after}"
        for row in found.get(before, [])[:3]
        if value_of(row, name) is not None
    ]


def value_of(row: dict, name: str):
    """What an address calls a row."""
    for key in (name, "id", "slug", "public_id", "code"):
        if isinstance(row.get(key), str | int):
            return row[key]
    return None


def enliven(case, known: dict, random: Random) -> None:
    """Let a case mean things that are there: most ids in its address and body."""
    path = case.operation.full_path
    for name in list(case.path_parameters or {}):
        before = path.partition("{" + name + "}")[0]
        rows = [row for row in known.get(before, []) if value_of(row, name) is not None]
        if rows and random.random() < LIVELY:
            case.path_parameters[name] = value_of(random.choice(rows), name)
    if isinstance(case.body, dict | list):
        case.body = _lively(case.body, _values(known), random)
    if case.headers and "If-Match" in case.headers and random.random() < LIVELY:
        case.headers["If-Match"] = "*"
    if case.query:
        case.query = _lively(dict(case.query), _values(known), random)


def _values(known: dict) -> dict[str, list]:
    """Ids by what bodies call them: users, line, installation, plan, app …"""
    found: dict[str, list] = {}
    for path, rows in known.items():
        noun = [part for part in urlsplit(path).path.split("/") if "{" not in part]
        plural = noun[-2] if len(noun) > 1 else ""
        for row in rows:
            for name in {plural, plural.removesuffix("s")}:
                found.setdefault(name.replace("-", "_"), []).append(row.get("id"))
            found.setdefault("ids", []).append(row.get("id"))
            for key, value in row.items():
                if isinstance(value, dict):
                    nested = value.get("code") or value.get("slug") or value.get("id")
                    found.setdefault(key, []).append(nested)
                elif key in KEYS or isinstance(value, str | int):
                    found.setdefault(key, []).append(value)
            found.setdefault("emails", []).append(row.get("email"))
    found["users"] = found.get("people", [])
    found["app"] = found.get("app", []) + found.get("slug", [])
    return {
        key: [one for one in ones if one is not None] for key, ones in found.items()
    }


def _lively(value, values: dict[str, list], random: Random):
    if isinstance(value, list):
        return [_lively(one, values, random) for one in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, inner in value.items():
        there = [one for one in values.get(str(key), []) if one is not None]
        if there and random.random() < LIVELY:
            if isinstance(inner, list):
                made[key] = random.sample(there, min(len(there), random.randint(1, 3)))
            elif isinstance(inner, str | int) and not isinstance(inner, bool):
                made[key] = random.choice(there)
            else:
                made[key] = inner
        else:
            made[key] = _lively(inner, values, random)
    return made
