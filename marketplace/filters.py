"""The catalogue's filters: what an address or a form says, as questions to catalogue."""

from datetime import date

import django_filters
from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from marketplace import catalogue
from marketplace.models import App, Plan

EVERYTHING = "all"
ORDERS = [
    (catalogue.NAME, _("Name")),
    (catalogue.PRICE, _("Lowest price")),
    (catalogue.NEWEST, _("Newest")),
]
SHOWING = [(EVERYTHING, _("All apps"))]


def same(names: list[str]) -> list[tuple[str, str]]:
    """Choices that are called what they are."""
    return [(name, name) for name in names]


class CatalogueForm(forms.Form):
    """Prices the wrong way round are pointed at, not silently empty."""

    def clean(self):
        wanted = super().clean()
        low, high = wanted.get("price_from"), wanted.get("price_to")
        if low is not None and high is not None and low > high:
            self.add_error("price_to", _("Give a price that is not below the first."))
        return wanted


class CatalogueFilter(django_filters.FilterSet):
    """Listed apps as somebody wishes to see them.

    `ours` is the currency of the account's contract, or None without one: by default
    only apps that can be bought in it are found. Once `qs` is read, `counts` says how
    many apps each category has and `nearly` whether words were only nearly right.
    """

    q = django_filters.CharFilter(
        label=_("Search apps"),
        max_length=100,
        validators=[ProhibitNullCharactersValidator()],
    )
    show = django_filters.ChoiceFilter(
        label=_("Show"),
        choices=SHOWING,
        empty_label=_("Apps we can buy"),
        widget=forms.RadioSelect,
    )
    category = django_filters.MultipleChoiceFilter(
        label=_("Category"), widget=forms.CheckboxSelectMultiple
    )
    charge_model = django_filters.ChoiceFilter(
        label=_("Charge model"),
        choices=Plan.ChargeModel.choices,
        empty_label=_("Any charge model"),
    )
    price_from = django_filters.NumberFilter(
        label=_("Monthly price from"), min_value=0, max_digits=18, decimal_places=6
    )
    price_to = django_filters.NumberFilter(
        label=_("to"), min_value=0, max_digits=18, decimal_places=6
    )
    currency = django_filters.ChoiceFilter(label=_("Listed in"))
    sort = django_filters.ChoiceFilter(
        label=_("Sort by"), choices=ORDERS, empty_label=_("Best match")
    )

    class Meta:
        model = App
        fields: list[str] = []
        form = CatalogueForm

    def __init__(self, data, *, ours: str | None, on: date, **kwargs):
        super().__init__(data, **kwargs)
        self.ours, self.on = ours, on
        self.counts: dict[str, int] = {}
        self.nearly = False
        self.filters["category"].extra["choices"] = same(catalogue.categories())
        self.filters["currency"].extra["choices"] = same(catalogue.currencies())
        self.filters["currency"].extra["empty_label"] = (
            _("%(currency)s, your contract") % {"currency": ours}
            if ours
            else _("Any currency")
        )

    @property
    def wanted(self) -> dict:
        """What was asked for and makes sense; the rest is as if it were not said."""
        self.form.is_valid()
        return {
            name: value
            for name, value in self.form.cleaned_data.items()
            if value not in (None, "", [])
        }

    @property
    def shown_in(self) -> str:
        """The currency that prices are shown in."""
        return self.wanted.get("currency") or self.ours or catalogue.OWN

    @property
    def categories(self) -> list[dict]:
        """Every category: its name, how many apps are found there, whether chosen."""
        chosen = self.wanted.get("category", [])
        return [
            {"name": name, "count": self.counts.get(name, 0), "chosen": name in chosen}
            for name, _label in self.form.fields["category"].choices
        ]

    def cards(self, page) -> list[App]:
        """The apps of a page with their prices: asked for these alone."""
        return catalogue.cards(
            [app.pk for app in page], currency=self.shown_in, on=self.on
        )

    def filter_queryset(self, queryset: QuerySet[App]) -> QuerySet[App]:
        wanted = self.wanted
        apps = self._found(queryset, wanted.get("q", ""))
        apps = self._sold(apps, wanted)
        self.counts = catalogue.by_category(apps)
        if "category" in wanted:
            apps = apps.filter(category__in=wanted["category"])
        words = "q" in wanted
        order = wanted.get("sort") or (catalogue.RELEVANCE if words else catalogue.NAME)
        if order == catalogue.PRICE:
            apps = catalogue.priced(apps, currency=self.shown_in, on=self.on)
        return catalogue.ordered(apps, order)

    def _found(self, apps: QuerySet[App], words: str) -> QuerySet[App]:
        if not words:
            return apps
        exact = catalogue.matching(apps, words)
        self.nearly = not exact.exists()
        return catalogue.near(apps, words) if self.nearly else exact

    def _sold(self, apps: QuerySet[App], wanted: dict) -> QuerySet[App]:
        charge_model = wanted.get("charge_model", "")
        limits = {name: wanted.get(name) for name in ("price_from", "price_to")}
        if self.ours and "show" not in wanted:
            apps = catalogue.sold(
                apps, currency=self.ours, on=self.on, charge_model=charge_model
            )
        if "currency" in wanted or any(limit is not None for limit in limits.values()):
            return catalogue.sold(
                apps,
                currency=self.shown_in,
                on=self.on,
                charge_model=charge_model,
                **limits,
            )
        if charge_model:
            return catalogue.charged(apps, charge_model=charge_model)
        return apps
