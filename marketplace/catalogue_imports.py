"""Taking a catalogue file in: what changes, and what the file may not change."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db import models, transaction

from accounts.models import User
from journal import activities
from marketplace import list_prices
from marketplace.catalogue_files import (
    AppDetails,
    AppEntry,
    Fault,
    PlanEntry,
    Supplement,
)
from marketplace.list_prices import Clash, Listed
from marketplace.models import App, ListPrice, Partner, Plan

NO_SUPPLEMENT = Supplement([], [])


class Refused(Exception):
    """A file contradicts what is already listed. Nothing was taken in."""

    def __init__(self, faults: list[Fault]):
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass
class Outcome:
    """What a file did: rows by kind, what was left as it is, and what is wrong."""

    added: Counter = field(default_factory=Counter)
    changed: Counter = field(default_factory=Counter)
    removed: Counter = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.added.total() + self.changed.total() + self.removed.total()


@transaction.atomic
def take_in(
    entries: list[AppEntry],
    supplement: Supplement = NO_SUPPLEMENT,
    *,
    by: User | None,
    on: date,
    each: Callable[[list[AppEntry]], Iterable[AppEntry]] = iter,
) -> Outcome:
    """Add and change apps, plans and list prices until they say what the file says.

    The whole file or nothing of it; a second time changes nothing. Apps, plans and
    currencies that the file does not name are left as they are, and named. An app
    without details belongs to a partner of its own name until it has another.
    Refused (Refused, with every fault): another price for a day that has come, a plan
    with a price again but none to come, details of an app that nobody lists.
    """
    outcome = Outcome()
    apps = {
        app.slug: app
        for app in App.objects.select_for_update(no_key=True)
        .prefetch_related("plans__list_prices")
        .order_by("pk")
    }
    details = {about.slug: about for about in supplement.apps}
    partners = take_partners(entries, supplement, outcome, apps=apps)
    for entry in each(entries):
        about = details.pop(entry.slug, None)
        app = apps.get(entry.slug) or App(slug=entry.slug)
        verb = "app.revised" if app.pk else "app.listed"
        rows = outcome.rows
        take_app(app, entry, about, outcome, partners=partners, on=on)
        if outcome.rows > rows:
            record(verb, app, by=by, on=on)
    for about in details.values():
        take_details(about, outcome, apps=apps, partners=partners)
    named = {entry.slug for entry in entries}
    outcome.left += [f"app {slug}" for slug in apps if slug not in named]
    if outcome.faults:
        raise Refused(outcome.faults)
    return outcome


def take_partners(
    entries: list[AppEntry],
    supplement: Supplement,
    outcome: Outcome,
    *,
    apps: dict[str, App],
) -> dict[str, Partner]:
    """The partners that the file's apps may belong to, by slug."""
    named = {partner.slug: partner for partner in supplement.partners}
    owned = {about.slug for about in supplement.apps} | apps.keys()
    alone = {entry.slug: entry.name for entry in entries if entry.slug not in owned}
    partners = {
        partner.slug: partner
        for partner in Partner.objects.filter(slug__in=[*named, *alone])
    }
    for slug, name in alone.items():
        if slug not in named:
            partner = partners.setdefault(slug, Partner(slug=slug, name=name))
            keep(partner, {}, outcome)
    for slug, entry in named.items():
        partner = partners.setdefault(slug, Partner(slug=slug))
        keep(partner, {"name": entry.name, "website": entry.website}, outcome)
    return partners


def take_app(
    app: App,
    entry: AppEntry,
    about: AppDetails | None,
    outcome: Outcome,
    *,
    partners: dict[str, Partner],
    on: date,
) -> None:
    plans = {plan.code: plan for plan in app.plans.all()} if app.pk else {}
    values = {
        "name": entry.name,
        "category": entry.category,
        "currency": entry.currency,
        "tags": entry.tags,
        "listed_on": entry.listed_on,
    }
    if about:
        values |= detailed(about, partners)
    elif app.pk is None:
        values["partner_id"] = partners[entry.slug].pk
    keep(app, values, outcome)
    known = {code: list(plan.list_prices.all()) for code, plan in plans.items()}
    mine = [
        plans.pop(said.code, None) or Plan(app=app, code=said.code)
        for said in entry.plans
    ]
    store(
        [
            (plan, differing(plan, plan_values(said, position)))
            for position, (plan, said) in enumerate(zip(mine, entry.plans, strict=True))
        ],
        outcome,
    )
    prices = [
        price
        for plan, said in zip(mine, entry.plans, strict=True)
        for price in list_prices_of(
            plan, said, known.get(said.code, []), outcome, app=entry, on=on
        )
    ]
    store(prices, outcome)
    outcome.left += [f"plan {entry.slug}/{code}" for code in plans]


def take_details(
    about: AppDetails,
    outcome: Outcome,
    *,
    apps: dict[str, App],
    partners: dict[str, Partner],
) -> None:
    """Details of an app that this file does not name, but an earlier one did."""
    if about.slug in apps:
        keep(apps[about.slug], detailed(about, partners), outcome)
    else:
        outcome.faults.append(
            Fault(
                f"supplement {about.place}.slug",
                f'is "{about.slug}", an app that is not listed.',
                "Name an app of the catalogue.",
            )
        )


def detailed(about: AppDetails, partners: dict[str, Partner]) -> dict:
    return {
        "partner_id": partners[about.partner].pk,
        "tagline": about.tagline,
        "description": about.description,
        "logo": about.logo,
        "launch_address": about.launch_address,
    }


def plan_values(said: PlanEntry, position: int) -> dict:
    return {
        "name": said.name,
        "kind": said.kind,
        "charge_model": said.charge_model,
        "unit": said.unit,
        "description": said.description,
        "features": said.features,
        "price_on_request": said.price_on_request,
        "position": position,
    }


def list_prices_of(
    plan: Plan,
    said: PlanEntry,
    rows: list[ListPrice],
    outcome: Outcome,
    *,
    app: AppEntry,
    on: date,
) -> list[tuple[ListPrice, list[str]]]:
    """A plan's list prices as they are to be, each with what differs in it.

    Prices to come that are dropped are deleted here; contradictions become faults.
    """
    closes_on = app.listed_on if said.price_on_request else None
    wished: list[tuple[ListPrice, list[str]]] = []
    lasting = False
    for currency in sorted({row.currency for row in rows} | said.prices.keys()):
        wanted = said.prices.get(currency, {})
        if not wanted and not said.price_on_request:
            outcome.left.append(f"{currency} prices of {app.slug}/{said.code}")
        before = [row for row in rows if row.currency == currency]
        history = [listed(row) for row in sorted(before, key=since)]
        for clash in list_prices.clashes(history, wanted, on=on):
            outcome.faults.append(contradiction(clash, said, currency))
        after = list_prices.merged(history, wanted, closes_on=closes_on, on=on)
        lasting = lasting or any(row.until is None or row.until > on for row in after)
        wished += rewritten(plan, currency, before, after, outcome)
    if not said.price_on_request and not lasting:
        outcome.faults.append(
            Fault(
                f"{said.place}.list_prices",
                "has no price for today or later: the price was on request until now.",
                f"Add a price from a day after {on}.",
            )
        )
    return wished


def rewritten(
    plan: Plan,
    currency: str,
    before: list[ListPrice],
    after: list[Listed],
    outcome: Outcome,
) -> list[tuple[ListPrice, list[str]]]:
    rows = {row.effective_from: row for row in before}
    for dropped in rows.keys() - {wanted.since for wanted in after}:
        rows[dropped].delete()
        outcome.removed["list price"] += 1
    wished = []
    for wanted in after:
        row = rows.get(wanted.since) or ListPrice(
            plan=plan, currency=currency, effective_from=wanted.since
        )
        values = {"monthly_price": wanted.price, "effective_until": wanted.until}
        wished.append((row, differing(row, values)))
    return wished


def listed(row: ListPrice) -> Listed:
    return Listed(row.effective_from, row.monthly_price, row.effective_until)


def since(row: ListPrice) -> date:
    return row.effective_from


def contradiction(clash: Clash, said: PlanEntry, currency: str) -> Fault:
    """A past price that differs, said so that both sides can be compared."""
    was = f"{clash.listed} {currency}" if clash.listed is not None else "no change"
    says = f"{clash.said} {currency}" if clash.said is not None else "no change"
    return Fault(
        f"{said.place}.list_prices",
        f"The history has {was} from {clash.since}, the file has {says}.",
        "What was listed stays listed: change prices from a day to come.",
    )


def record(verb: str, app: App, *, by: User | None, on: date) -> None:
    activities.record(
        verb,
        account=None,
        by=by,
        on=on,
        subject=app,
        app=app.slug,
        name=app.name,
        source="import",
    )


def keep(row: models.Model, values: dict, outcome: Outcome) -> None:
    """Save a row if it is new or differs from these values, and count it."""
    store([(row, differing(row, values))], outcome)


def differing(row: models.Model, values: dict) -> list[str]:
    """Set the values, and name those that were not so."""
    names = [
        name
        for name, value in values.items()
        if row.pk is None or getattr(row, name) != value
    ]
    for name in names:
        setattr(row, name, values[name])
    return names


def store(rows: list[tuple[models.Model, list[str]]], outcome: Outcome) -> None:
    """Save what differs, then add what is new at once: prices shrink before others
    take their days.
    """
    for row, names in rows:
        if row.pk and names:
            row.save(update_fields=names)
            outcome.changed[row._meta.verbose_name] += 1
    new = [row for row, _ in rows if row.pk is None]
    if new:
        type(new[0])._default_manager.bulk_create(new)
        outcome.added[new[0]._meta.verbose_name] += len(new)
