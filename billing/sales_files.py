"""Reading a file of contracts and signed order forms: every fault with its place. Pure.

Prices stand in the file as text ("7.25"), so that no cent is lost on the way. Days are
ISO dates. `reading` gives what the file says and, when anything is wrong, all of it.
"""

from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from zoneinfo import available_timezones

from babel.core import Locale, UnknownLocaleError
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from marketplace.catalogue_files import (
    AMOUNT,
    CHARGE_MODELS,
    KINDS,
    Fault,
    Reading,
    once,
    opened,
    shown,
)

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)
MOST_UNITS = 1_000_000
MOST_MONTHS = 120


@dataclass(frozen=True)
class ContractEntry:
    place: str
    account: str
    name: str
    timezone: str
    locale: str
    currency: str
    starts_on: date
    term_months: int
    frequency_months: int
    auto_renews: bool
    billed_until: date | None


@dataclass(frozen=True)
class LineEntry:
    place: str
    app: str
    plan: str
    kind: str
    quantity: int
    monthly_unit_price: Decimal
    starts_on: date
    not_listed: bool
    plan_name: str
    charge_model: str


@dataclass(frozen=True)
class FormEntry:
    place: str
    number: str
    account: str
    signed_on: date
    signed_by: str
    install_link_to: str
    lines: list[LineEntry]
    content: dict = field(compare=False)


@dataclass(frozen=True)
class SalesFile:
    contracts: list[ContractEntry]
    order_forms: list[FormEntry]


def reading(text: str) -> tuple[SalesFile, list[Fault]]:
    """The contracts and order forms of a file, and everything wrong with it."""
    root, faults = opened(text)
    nothing = SalesFile([], [])
    if faults or not root.an_object("contracts", "order_forms", optional=("note",)):
        return nothing, faults
    contracts = [entry for node in root["contracts"] if (entry := _contract(node))]
    forms = [entry for node in root["order_forms"] if (entry := form(node))]
    seen: dict[str, str] = {}
    for entry in forms:
        once(seen, entry.number, entry.place, faults, what="number")
    _check_accounts(contracts, faults)
    return SalesFile(contracts, forms), faults


def _contract(node: Reading) -> ContractEntry | None:
    if not node.an_object(
        *("account", "name", "currency", "timezone", "locale", "starts_on"),
        *("term_months", "billing_frequency_months", "auto_renews", "billed_until"),
    ):
        return None
    entry = ContractEntry(
        place=node.place,
        account=node["account"].slug(most=80),
        name=node["name"].text(most=200, empty=False),
        timezone=_timezone(node["timezone"]),
        locale=_locale(node["locale"]),
        currency=node["currency"].currency(),
        starts_on=_day(node["starts_on"]),
        term_months=_whole(node["term_months"], most=MOST_MONTHS),
        frequency_months=_whole(node["billing_frequency_months"], most=MOST_MONTHS),
        auto_renews=node["auto_renews"].yes_or_no(),
        billed_until=_day(node["billed_until"], or_null=True),
    )
    term, frequency = entry.term_months, entry.frequency_months
    if term and frequency and term % frequency:
        good = ", ".join(str(n) for n in range(1, term + 1) if term % n == 0)
        node["billing_frequency_months"].fault(
            f"is {frequency}, which does not divide the term of {term} months.",
            f"Write one of {good}.",
        )
    if entry.starts_on and entry.billed_until and entry.billed_until < entry.starts_on:
        node["billed_until"].fault(
            f"is {entry.billed_until}, before the contract starts on"
            f" {entry.starts_on}.",
            "Write null, or the first day not yet billed elsewhere.",
        )
    return entry


def form(node: Reading) -> FormEntry | None:
    """One order form, as the file or an order form recorded before says it."""
    if not node.an_object(
        *("number", "account", "signed_on", "signed_by", "lines"),
        optional=("install_link_to",),
    ):
        return None
    signed_by = _email(node["signed_by"])
    link = node["install_link_to"]
    lines = [entry for part in node["lines"] if (entry := _line(part))]
    if node["lines"].value == []:
        node["lines"].fault("is empty.", "Give one line at least.")
    return FormEntry(
        place=node.place,
        number=node["number"].text(most=60, empty=False),
        account=node["account"].slug(most=80),
        signed_on=_day(node["signed_on"]),
        signed_by=signed_by,
        install_link_to=_email(link) if link.value is not None else "",
        lines=lines,
        content=node.value,
    )


def _line(node: Reading) -> LineEntry | None:
    if not node.an_object(
        *("app", "plan", "kind", "quantity", "monthly_unit_price", "starts_on"),
        optional=("not_listed", "plan_name", "charge_model"),
    ):
        return None
    flag = node["not_listed"]
    not_listed = flag.yes_or_no() if "not_listed" in node.value else False
    named = dict.fromkeys(("plan_name", "charge_model"), "")
    if not_listed:
        named = {
            "plan_name": node["plan_name"].text(most=200, empty=False),
            "charge_model": node["charge_model"].one_of(CHARGE_MODELS),
        }
    else:
        for name in named.keys() & node.value.keys():
            node[name].fault(
                "is for a plan that is not listed.",
                "Leave it out, or write not_listed true.",
            )
    return LineEntry(
        place=node.place,
        app=node["app"].slug(most=80),
        plan=node["plan"].slug(most=100),
        kind=node["kind"].one_of(KINDS),
        quantity=_whole(node["quantity"], most=MOST_UNITS),
        monthly_unit_price=_price(node["monthly_unit_price"]),
        starts_on=_day(node["starts_on"]),
        not_listed=not_listed,
        **named,
    )


def _check_accounts(contracts: list[ContractEntry], faults: list[Fault]) -> None:
    """Contracts of one account say the same of it."""
    first: dict[str, ContractEntry] = {}
    for entry in contracts:
        earlier = first.setdefault(entry.account, entry)
        for name in ("name", "timezone", "locale"):
            here, there = getattr(entry, name), getattr(earlier, name)
            if here and there and here != there:
                faults.append(
                    Fault(
                        f"{entry.place}.{name}",
                        f'is "{here}", but "{there}" at {earlier.place}.{name}.',
                        "Say the same of an account at each of its contracts.",
                    )
                )


def differences(now: FormEntry, before: FormEntry) -> list[Fault]:
    """Where an order form differs from what was recorded under its number."""
    faults = _differing(now, before, place=now.place, number=now.number)
    for i, line in enumerate(now.lines):
        if i < len(before.lines):
            faults += _differing(
                line, before.lines[i], place=line.place, number=now.number
            )
    if len(now.lines) != len(before.lines):
        faults.append(
            _difference(
                f"{now.place}.lines",
                f"has {len(now.lines)} lines",
                f"{len(before.lines)}",
                number=now.number,
            )
        )
    return faults


def _differing(now, before, *, place: str, number: str) -> list[Fault]:
    names = [one.name for one in fields(now) if one.compare]
    return [
        _difference(
            f"{place}.{name}",
            f"is {_said(getattr(now, name))}",
            _said(getattr(before, name)),
            number=number,
        )
        for name in names
        if name not in ("place", "lines")
        and getattr(now, name) != getattr(before, name)
    ]


def _difference(place: str, now: str, before: str, *, number: str) -> Fault:
    return Fault(
        place,
        f"{now}, but {number} was recorded with {before}.",
        "Write it as it was signed; a change is another order form with its own number.",
    )


def _said(value) -> str:
    return shown(value if isinstance(value, (bool, str)) else str(value))


def _day(node: Reading, *, or_null: bool = False) -> date | None:
    if or_null and node.value is None:
        return None
    day = node.day()
    if day and not FIRST_DAY <= day <= LAST_DAY:
        node.fault(f"is {day}.", f"Write a day from {FIRST_DAY} to {LAST_DAY}.")
        return None
    return day


def _whole(node: Reading, *, most: int) -> int:
    value = node.value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        node.fault(f"is {shown(value)}.", f"Write a whole number from 1 to {most}.")
        return 0
    return value


def _price(node: Reading) -> Decimal | None:
    value = node.value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        node.fault(
            f"is the number {value}, which programs may round.",
            f'Write it as text in quotes, as "{abs(value)}".',
        )
        return None
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        node.fault(
            f"is {shown(value)}.",
            'Write an amount of 0 or more with 6 decimal places at most, as "7.25".',
        )
        return None
    return Decimal(value)


def _timezone(node: Reading) -> str:
    if not isinstance(node.value, str) or node.value not in available_timezones():
        node.fault(f"is {shown(node.value)}.", 'Write a time zone as "Europe/Lisbon".')
        return ""
    return node.value


def _locale(node: Reading) -> str:
    try:
        Locale.parse(node.text(most=20, empty=False), sep="-")
    except (ValueError, UnknownLocaleError):
        node.fault(f"is {shown(node.value)}.", 'Write a locale as "pt-PT" or "en-US".')
    return node.value if isinstance(node.value, str) else ""


def _email(node: Reading) -> str:
    value = node.text(most=254)
    try:
        if value:
            validate_email(value)
    except ValidationError:
        node.fault(f'is "{value}".', 'Write an address as "ana@harbour.example".')
    return value.lower()
