"""Finding apps: by words, also nearly right ones, by category, charge model and price.

Currencies and the day are passed in: whose contract it is, is not known here.
"""

import re
from datetime import date
from decimal import Decimal

from django.contrib.postgres.search import (
    SearchQuery,
    SearchRank,
    TrigramWordSimilarity,
)
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Lower

from marketplace.models import App, ListPrice, Plan

MOST_WORDS = 8
NOTHING = Value(0.0)
BELOW_ONE = 32  # PostgreSQL's flag: rank / (rank + 1), so that names come first
RELEVANCE, NAME, PRICE, NEWEST = "relevance", "name", "price", "newest"
OWN = "own"
"""In place of a currency: each app's own, for those who have no contract."""


def words_in(text: str) -> list[str]:
    """The words somebody typed, without what is no letter or digit."""
    return re.findall(r"[^\W_]+", text)[:MOST_WORDS]


def matching(apps: QuerySet[App], text: str) -> QuerySet[App]:
    """Apps that have every word, or one that begins with it, ranked by `relevance`."""
    query = None
    for word in words_in(text):
        begins = SearchQuery(f"{word}:*", search_type="raw", config="marketplace_words")
        found = begins | SearchQuery(word, config="marketplace_stems")
        query = found if query is None else query & found
    if query is None:
        return apps.none().annotate(relevance=NOTHING)
    rank = SearchRank(F("search_entry__words"), query, normalization=Value(BELOW_ONE))
    called = When(name__istartswith=text.strip(), then=Value(1.0))
    return apps.filter(search_entry__words=query).annotate(
        relevance=rank + Case(called, default=NOTHING)
    )


def near(apps: QuerySet[App], text: str) -> QuerySet[App]:
    """Apps with words close to those typed, ranked: "slak" is near Slack."""
    likeness = None
    for word in words_in(text):
        ids = RawSQL("SELECT marketplace_apps_near(%s)", [word])
        apps = apps.filter(pk__in=ids)
        one = TrigramWordSimilarity(word.lower(), "search_entry__keywords")
        likeness = one if likeness is None else likeness + one
    if likeness is None:
        return apps.none().annotate(relevance=NOTHING)
    return apps.annotate(relevance=likeness)


def prices(*, currency: str, on: date) -> QuerySet[ListPrice]:
    """Of the outer app: prices listed on a local day that somebody may choose from."""
    at: str | Combinable = OuterRef("currency") if currency == OWN else currency
    return (
        ListPrice.objects.offered().on(on).filter(plan__app=OuterRef("pk"), currency=at)
    )


def sold(
    apps: QuerySet[App],
    *,
    currency: str,
    on: date,
    charge_model: str = "",
    price_from: Decimal | None = None,
    price_to: Decimal | None = None,
) -> QuerySet[App]:
    """Apps with one plan that is all of this: listed in the currency on a local day,
    of the charge model, and within the monthly prices, both included.
    """
    wanted = prices(currency=currency, on=on)
    if charge_model:
        wanted = wanted.filter(plan__charge_model=charge_model)
    if price_from is not None:
        wanted = wanted.filter(monthly_price__gte=price_from)
    if price_to is not None:
        wanted = wanted.filter(monthly_price__lte=price_to)
    return apps.filter(Exists(wanted))


def charged(apps: QuerySet[App], *, charge_model: str) -> QuerySet[App]:
    """Apps with a listed base plan of the charge model, also those on request."""
    plans = Plan.objects.base().listed().filter(app=OuterRef("pk"))
    return apps.filter(Exists(plans.filter(charge_model=charge_model)))


def priced(apps: QuerySet[App], *, currency: str, on: date) -> QuerySet[App]:
    """With what a card says: `from_price` and `paid_price`, the lowest monthly price
    and the lowest above 0, with its `paid_charge_model`; `price_currency`;
    `sold_elsewhere`, in another currency; `has_plans`, False for add-ons alone.
    """
    listed = prices(currency=currency, on=on).order_by("monthly_price", "plan_id")
    paid = listed.filter(monthly_price__gt=0)
    anywhere = ListPrice.objects.offered().on(on).filter(plan__app=OuterRef("pk"))
    plans = Plan.objects.base().listed().filter(app=OuterRef("pk"))
    return apps.annotate(
        from_price=Subquery(listed.values("monthly_price")[:1]),
        paid_price=Subquery(paid.values("monthly_price")[:1]),
        paid_charge_model=Subquery(paid.values("plan__charge_model")[:1]),
        price_currency=F("currency") if currency == OWN else Value(currency),
        sold_elsewhere=Exists(anywhere),
        has_plans=Exists(plans),
    )


def cards(keys: list[int], *, currency: str, on: date) -> list[App]:
    """Apps as cards show them, in the order of their keys."""
    found = priced(App.objects.filter(pk__in=keys), currency=currency, on=on)
    by_key = {app.pk: app for app in found}
    return [by_key[key] for key in keys]


def ordered(apps: QuerySet[App], by: str) -> QuerySet[App]:
    """In one of the orders offered; `relevance` needs a search, `price` prices."""
    first = {
        RELEVANCE: [F("relevance").desc()],
        PRICE: [F("from_price").asc(nulls_last=True)],
        NEWEST: [F("listed_on").desc()],
        NAME: [],
    }[by]
    return apps.order_by(*first, Lower("name"), "pk")


def by_category(apps: QuerySet[App]) -> dict[str, int]:
    """How many of the apps are in each category, by name."""
    counts = apps.order_by("category").values_list("category")
    return dict(counts.annotate(number=Count("pk")))


def categories() -> list[str]:
    """Every category with a published app."""
    apps = App.objects.listed().order_by("category")
    return list(apps.values_list("category", flat=True).distinct())


def currencies() -> list[str]:
    """Every currency that something is or was listed in."""
    listed = ListPrice.objects.order_by("currency")
    return list(listed.values_list("currency", flat=True).distinct())
