"""Reading a catalogue file and its supplement: every fault with its place. Pure.

A price stands in the file as text ("8.75") or as a number, read exactly. Days are ISO
dates. `reading` gives what the file says and, when anything is wrong, all of it.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from babel.numbers import list_currencies
from django.core.exceptions import ValidationError

from journal import addresses

SLUG = re.compile(r"[A-Za-z0-9_-]+")
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")
CURRENCIES = frozenset(list_currencies())
KINDS = {"base": "BASE", "add_on": "ADD_ON"}
CHARGE_MODELS = {"per_seat": "PER_SEAT", "per_account": "PER_ACCOUNT"}


@dataclass(frozen=True)
class Fault:
    """Something wrong in a file: where, what, and what would be right."""

    place: str
    wrong: str
    right: str

    def __str__(self):
        return f"{self.place}: {self.wrong} {self.right}"


@dataclass(frozen=True)
class PlanEntry:
    place: str
    code: str
    name: str
    kind: str
    charge_model: str
    unit: str
    description: str
    features: list[str]
    price_on_request: bool
    prices: dict[str, dict[date, Decimal]] = field(default_factory=dict)


@dataclass(frozen=True)
class AppEntry:
    place: str
    slug: str
    name: str
    category: str
    currency: str
    tags: list[str]
    listed_on: date
    plans: list[PlanEntry]


@dataclass(frozen=True)
class PartnerEntry:
    slug: str
    name: str
    website: str


@dataclass(frozen=True)
class AppDetails:
    """What a catalogue file lacks: whose app it is, what it does, where it lives."""

    place: str
    slug: str
    partner: str
    tagline: str
    description: str
    logo: str
    launch_address: str


@dataclass(frozen=True)
class Supplement:
    partners: list[PartnerEntry]
    apps: list[AppDetails]


class Reading:
    """A cursor over parsed JSON that takes typed values and notes what is wrong."""

    def __init__(self, value, place: str, faults: list[Fault]):
        self.value, self.place, self.faults = value, place, faults

    def fault(self, wrong: str, right: str, *, at: str = "") -> None:
        self.faults.append(Fault(self.place + at, wrong, right))

    def __getitem__(self, name: str) -> "Reading":
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return Reading(value, f"{self.place}.{name}", self.faults)

    def __iter__(self):
        if not isinstance(self.value, list):
            self.fault(f"is {shown(self.value)}.", "Write a list: [ … ].")
            return
        for i, value in enumerate(self.value):
            yield Reading(value, f"{self.place}[{i}]", self.faults)

    def an_object(self, *names: str, optional: tuple[str, ...] = ()) -> bool:
        """Whether this is an object with these keys and no others."""
        if not isinstance(self.value, dict):
            self.fault(f"is {shown(self.value)}.", "Write an object: { … }.")
            return False
        for name in names:
            if name not in self.value:
                self.fault("is missing.", "Give it.", at=f".{name}")
        for name in self.value.keys() - {*names, *optional}:
            known = ", ".join([*names, *optional])
            self.fault("is not known here.", f"Known are {known}.", at=f".{name}")
        return all(name in self.value for name in names)

    def text(self, *, most: int, empty: bool = True) -> str:
        value = self.value
        if not isinstance(value, str):
            self.fault(f"is {shown(value)}.", "Write text in quotes.")
            return ""
        if UNSTORABLE.search(value):
            self.fault("has a character that is none.", "Leave it out.")
            return ""
        if len(value) > most:
            self.fault(f"has {len(value)} characters.", f"Use {most} at most.")
        if not empty and not value.strip():
            self.fault("is empty.", "Give it.")
        return value.strip()

    def slug(self, *, most: int) -> str:
        value = self.text(most=most, empty=False)
        if value and not SLUG.fullmatch(value):
            self.fault(
                f'is "{value}".', "Use letters, digits, hyphens and underscores alone."
            )
        return value

    def address(self) -> str:
        value = self.text(most=200)
        if value and not ADDRESS.fullmatch(value):
            self.fault(f'is "{value}".', "Write an address as https://app.example/.")
        return value

    def launches(self) -> str:
        """Where people open an app: https, out in the world (ADR 35)."""
        value = self.address()
        try:
            if value and ADDRESS.fullmatch(value):
                addresses.read(value)
        except ValidationError as refusal:
            self.fault(
                f'is "{value}". {refusal.message}',
                "Write an address as https://app.example/.",
            )
        return value

    def one_of(self, choices: dict[str, str]) -> str:
        if not isinstance(self.value, str) or self.value not in choices:
            known = " or ".join(f'"{choice}"' for choice in choices)
            self.fault(f"is {shown(self.value)}.", f"Write {known}.")
            return ""
        return choices[self.value]

    def currency(self) -> str:
        if not isinstance(self.value, str) or self.value not in CURRENCIES:
            self.fault(
                f"is {shown(self.value)}.", 'Write an ISO 4217 code, as "USD" or "EUR".'
            )
            return ""
        return self.value

    def day(self) -> date | None:
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", self.value):
                raise ValueError
            return date.fromisoformat(self.value)
        except (TypeError, ValueError):
            self.fault(f"is {shown(self.value)}.", 'Write a day as "2026-01-31".')
            return None

    def yes_or_no(self) -> bool:
        if not isinstance(self.value, bool):
            self.fault(f"is {shown(self.value)}.", "Write true or false.")
            return False
        return self.value

    def price(self) -> Decimal | None:
        value = self.value
        amount = "" if isinstance(value, bool) else str(value)
        if not isinstance(value, (str, int, Decimal)) or not AMOUNT.fullmatch(amount):
            self.fault(
                f"is {shown(value)}.",
                'Write an amount of 0 or more with 6 digits at most, as "8.75".',
            )
            return None
        return Decimal(amount)

    def texts(self, *, most: int) -> list[str]:
        """A list of texts; what is said twice is kept once, in the place of the first."""
        return list(dict.fromkeys(item.text(most=most, empty=False) for item in self))


def catalogue(text: str) -> tuple[list[AppEntry], list[Fault]]:
    """The apps of a catalogue file, and everything that is wrong with it."""
    root, faults = opened(text)
    if faults or not root.an_object("apps", optional=("source", "note")):
        return [], faults
    entries = [entry for node in root["apps"] if (entry := app(node))]
    if not faults and not entries:
        root["apps"].fault("is empty.", "List one app at least.")
    seen: dict[str, str] = {}
    for entry in entries:
        once(seen, entry.slug, entry.place, faults, what="slug")
    return entries, faults


def supplement(text: str) -> tuple[Supplement, list[Fault]]:
    """The partners and details of a supplement, and everything wrong with it."""
    root, faults = opened(text)
    nothing = Supplement([], [])
    if faults or not root.an_object("partners", "apps", optional=("source", "note")):
        return nothing, faults
    partners: list[PartnerEntry] = []
    seen: dict[str, str] = {}
    for node in root["partners"]:
        if node.an_object("slug", "name", "website"):
            slug = node["slug"].slug(most=80)
            name = node["name"].text(most=200, empty=False)
            partners.append(PartnerEntry(slug, name, node["website"].address()))
            once(seen, slug, node.place, faults, what="slug")
    seen = {}
    apps = [details for node in root["apps"] if (details := app_details(node))]
    known = {partner.slug for partner in partners}
    for details in apps:
        once(seen, details.slug, details.place, faults, what="slug")
        if details.partner not in known:
            faults.append(
                Fault(
                    f"{details.place}.partner",
                    f'is "{details.partner}".',
                    "Name the slug of one of the partners in this file.",
                )
            )
    return Supplement(partners, apps), faults


def opened(text: str) -> tuple[Reading, list[Fault]]:
    faults: list[Fault] = []

    def without_twins(pairs):
        names = [name for name, _ in pairs]
        for name in {name for name in names if names.count(name) > 1}:
            faults.append(Fault("$", f'An object has "{name}" twice.', "Keep one."))
        return dict(pairs)

    try:
        root = json.loads(text, parse_float=Decimal, object_pairs_hook=without_twins)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        faults.append(Fault(place, f"This is not JSON: {error.msg}.", "Correct it."))
        root = None
    except (ValueError, RecursionError):
        faults.append(Fault("$", "A number or nesting is too long.", "Shorten it."))
        root = None
    return Reading(root, "$", faults), faults


def app(node: Reading) -> AppEntry | None:
    if not node.an_object(
        "slug", "name", "category", "currency", "listed_on", "tags", "plans"
    ):
        return None
    listed_on = node["listed_on"].day()
    currency = node["currency"].currency()
    plans = [
        entry
        for part in node["plans"]
        if (entry := plan(part, currency=currency, listed_on=listed_on))
    ]
    if node["plans"].value == []:
        node["plans"].fault("is empty.", "Give one plan at least.")
    seen: dict[str, str] = {}
    for entry in plans:
        once(seen, entry.code, entry.place, node.faults, what="code")
    return AppEntry(
        place=node.place,
        slug=node["slug"].slug(most=80),
        name=node["name"].text(most=200, empty=False),
        category=node["category"].text(most=80, empty=False),
        currency=currency,
        tags=node["tags"].texts(most=80),
        listed_on=listed_on,
        plans=plans,
    )


def plan(node: Reading, *, currency: str, listed_on: date | None) -> PlanEntry | None:
    if not node.an_object(
        *("code", "name", "kind", "charge_model", "unit", "description", "features"),
        *("monthly_price", "price_on_request", "list_prices"),
    ):
        return None
    entry = PlanEntry(
        place=node.place,
        code=node["code"].slug(most=100),
        name=node["name"].text(most=200, empty=False),
        kind=node["kind"].one_of(KINDS),
        charge_model=node["charge_model"].one_of(CHARGE_MODELS),
        unit=node["unit"].text(most=60),
        description=node["description"].text(most=10_000),
        features=node["features"].texts(most=300),
        price_on_request=node["price_on_request"].yes_or_no(),
    )
    for part in node["list_prices"]:
        list_price(part, entry)
    check_prices(node, entry, currency=currency, listed_on=listed_on)
    return entry


def list_price(node: Reading, entry: PlanEntry) -> None:
    if not node.an_object("currency", "monthly_price", "effective_from"):
        return
    currency = node["currency"].currency()
    price = node["monthly_price"].price()
    day = node["effective_from"].day()
    if not currency or price is None or day is None:
        return
    listed = entry.prices.setdefault(currency, {})
    if day in listed:
        node["effective_from"].fault(
            f"is {day}, a day that already has a {currency} price of {listed[day]}.",
            "Keep one price for each currency and day.",
        )
    listed[day] = price


def check_prices(
    node: Reading, entry: PlanEntry, *, currency: str, listed_on: date | None
) -> None:
    """A plan has list prices or is on request; the two must not contradict."""
    monthly_price = node["monthly_price"]
    if entry.price_on_request:
        if monthly_price.value is not None:
            monthly_price.fault(
                f"is {shown(monthly_price.value)}, yet the price is on request.",
                "Write null, or price_on_request false.",
            )
        for listed in entry.prices.values():
            for day in listed:
                if listed_on and day >= listed_on:
                    node["list_prices"].fault(
                        f"has a price from {day}, yet the price is on request"
                        f" since {listed_on}, the day the app was listed.",
                        "Leave that price out, or write price_on_request false.",
                    )
        return
    if node["list_prices"].value == []:
        node["list_prices"].fault(
            "is empty, yet the price is not on request.",
            "Give one price at least, or write price_on_request true.",
        )
    price = monthly_price.price()
    own = entry.prices.get(currency, {})
    if price is not None and own and price not in own.values():
        monthly_price.fault(
            f"is {price}, which is no {currency} price of this plan.",
            f"Write one of {', '.join(map(str, own.values()))}, or list it.",
        )


def app_details(node: Reading) -> AppDetails | None:
    if not node.an_object(
        *("slug", "partner", "tagline", "description"),
        optional=("logo", "launch_address"),
    ):
        return None
    said = node.value
    launches = node["launch_address"].launches() if "launch_address" in said else ""
    return AppDetails(
        place=node.place,
        slug=node["slug"].slug(most=80),
        partner=node["partner"].slug(most=80),
        tagline=node["tagline"].text(most=200),
        description=node["description"].text(most=10_000),
        logo=node["logo"].text(most=200) if "logo" in said else "",
        launch_address=launches,
    )


def once(
    seen: dict[str, str], key: str, place: str, faults: list[Fault], *, what: str
) -> None:
    if key and key in seen:
        faults.append(
            Fault(
                f"{place}.{what}",
                f'is "{key}", as at {seen[key]} already.',
                f"Give each its own {what}.",
            )
        )
    elif key:
        seen[key] = place


def shown(value) -> str:
    """A value as a person would point at it."""
    if value is None:
        return "null or missing"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
