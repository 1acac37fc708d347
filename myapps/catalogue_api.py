"""The marketplace, for an account's own software: search, filters, plans and prices in
the account's currency (T2, T8).
"""

from decimal import Decimal

from django.db.models import F, Value, prefetch_related_objects
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority
from accounts.api_doors import opens
from billing import contracts
from billing.account_api import SummarySerializer
from billing.effect_api import exact
from billing.models import Line, Term
from marketplace import catalogue, list_prices, offers
from marketplace.filters import EVERYTHING, ORDERS, CatalogueFilter
from marketplace.models import App, Plan
from myapps import api, installs, summary

READS = opens(api.ACCOUNT, "catalogue")
BUYS = opens(api.ACCOUNT, "catalogue", authority.INSTALL)
NO_PRICE = Decimal(10) ** 12
CURSORS = {
    catalogue.NAME: ("name", "id"),
    catalogue.NEWEST: ("-listed_on", "id"),
    catalogue.PRICE: ("sort_price", "id"),
    catalogue.RELEVANCE: ("-relevance", "id"),
}
"""Each order by what a cursor can stand at."""

QUERY = [
    OpenApiParameter("q", str, description="Words, also nearly right ones."),
    OpenApiParameter(
        "show", str, enum=[EVERYTHING], description="Also apps in other currencies."
    ),
    OpenApiParameter("category", str, many=True),
    OpenApiParameter("charge_model", str, enum=Plan.ChargeModel.values),
    OpenApiParameter("price_from", str, description="A monthly price."),
    OpenApiParameter("price_to", str, description="A monthly price."),
    OpenApiParameter("currency", str, description="Listed in; else the contract's."),
    OpenApiParameter(
        "sort",
        str,
        enum=[name for name, _label in ORDERS],
        description="Else best match with words, name without.",
    ),
]
CHOICE = [
    OpenApiParameter("plan", str, required=True, description="A plan's code."),
    OpenApiParameter("seats", int, required=True, description="People, from 0."),
]


class ListedBySerializer(serializers.Serializer):
    slug = serializers.CharField()
    name = serializers.CharField()


class CardSerializer(serializers.Serializer):
    """An app in the marketplace, with the lowest monthly price it starts from."""

    slug = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    tagline = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    partner = ListedBySerializer()
    listed_on = serializers.DateField()
    currency = serializers.CharField(source="price_currency")
    from_price = exact(allow_null=True)
    sold_elsewhere = serializers.BooleanField(help_text="In another currency.")
    has_plans = serializers.BooleanField(help_text="False: add-ons alone.")


class NextPriceSerializer(serializers.Serializer):
    monthly_price = exact()
    effective_from = serializers.DateField()


class PlanSerializer(serializers.Serializer):
    """A plan: base plans are chosen here, add-ons are sold by sales (T5)."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Plan.Kind.choices)
    charge_model = serializers.ChoiceField(choices=Plan.ChargeModel.choices)
    unit = serializers.CharField()
    description = serializers.CharField()
    features = serializers.ListField(child=serializers.CharField())
    price_on_request = serializers.BooleanField()
    may_choose = serializers.BooleanField(
        help_text="A base plan that is listed, or offered to this account (T15)."
    )
    contracted = serializers.IntegerField(
        help_text="Units that the account has under contract on it (T14)."
    )
    currency = serializers.CharField()
    monthly_price = exact(
        allow_null=True, help_text="Listed today for one unit (T2); null: not so sold."
    )
    next_price = NextPriceSerializer(allow_null=True)


class AppSerializer(CardSerializer):
    """An app with its plans, priced in the account's currency."""

    description = serializers.CharField()
    website = serializers.CharField(source="partner.website")
    state = serializers.ChoiceField(choices=App.State.choices)
    installation = serializers.IntegerField(
        allow_null=True, help_text="The account's installation of it that stands."
    )
    plans = serializers.SerializerMethodField()

    @extend_schema_field(PlanSerializer(many=True))
    def get_plans(self, app):
        return PlanSerializer(app.shown_plans, many=True).data


class ChoiceSerializer(serializers.Serializer):
    plan = serializers.SlugField(max_length=100)
    seats = serializers.IntegerField(min_value=0, max_value=1_000_000)


class Catalogue(viewsets.GenericViewSet):
    """Apps of the marketplace."""

    permission_classes = [READS]
    serializer_class = CardSerializer
    queryset = App.objects.all()
    filter_backends = []
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,80}"

    @extend_schema(parameters=QUERY, responses=CardSerializer(many=True))
    def list(self, request):
        """Apps that can be bought in the account's currency, found by words and filters;
        with show=all, every app.
        """
        found = self._found(request)
        apps = found.qs
        order = found.wanted.get("sort") or (
            catalogue.RELEVANCE if "q" in found.wanted else catalogue.NAME
        )
        if order == catalogue.PRICE:
            apps = apps.annotate(sort_price=Coalesce(F("from_price"), Value(NO_PRICE)))
        self.ordering = CURSORS[order]
        page = self.paginate_queryset(apps)
        cards = catalogue.cards(
            [app.pk for app in page], currency=found.shown_in, on=found.on
        )
        prefetch_related_objects(cards, "partner")
        return self.get_paginated_response(CardSerializer(cards, many=True).data)

    @extend_schema(responses=AppSerializer)
    def retrieve(self, request, slug):
        """An app with its plans. Also one that is not listed, where it is under
        contract (T14).
        """
        app = self.get_object()
        account, on = request.user.account, api.today(request.user.account)
        currency = contracts.currency_of(account, on=on) or app.currency
        (card,) = catalogue.cards([app.pk], currency=currency, on=on)
        card.partner = app.partner
        standing = account.installations.standing().exclude(ends_on__lte=on)
        card.installation = (
            standing.filter(app=app).values_list("pk", flat=True).first()
        )
        card.shown_plans = _plans(app, account, currency=currency, on=on)
        return Response(AppSerializer(card).data)

    @extend_schema(parameters=CHOICE, responses=SummarySerializer)
    @action(detail=True, pagination_class=None)
    def summary(self, request, slug):
        """The purchase summary: listed price now × people, indicative; it is kept
        nowhere (T8).
        """
        app = self.get_object()
        account, on = request.user.account, api.today(request.user.account)
        plan, seats = self._choice(app)
        currency = contracts.currency_of(account, on=on) or app.currency
        shown = summary.of(plan, seats=seats, currency=currency, on=on)
        return Response(SummarySerializer(shown.as_json()).data)

    @extend_schema(parameters=CHOICE, responses=api.OutcomeSerializer)
    @action(detail=True, pagination_class=None, permission_classes=[BUYS])
    def effect(self, request, slug):
        """What installing a plan for so many people would do under the contract, to the
        cent. Writes nothing.
        """
        app = self.get_object()
        account, on = request.user.account, api.today(request.user.account)
        plan, seats = self._choice(app)
        effect = installs.effect(account, plan, seats=seats, on=on)
        return Response(api.outcome(account, plan, effect, seats=seats))

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return App.objects.none()
        return api.apps_for(self.request.user.account).select_related("partner")

    def _found(self, request) -> CatalogueFilter:
        account, on = request.user.account, api.today(request.user.account)
        found = CatalogueFilter(
            request.query_params,
            queryset=App.objects.listed(),
            ours=contracts.currency_of(account, on=on),
            on=on,
        )
        if not found.form.is_valid():
            raise serializers.ValidationError(found.form.errors)
        return found

    def _choice(self, app: App) -> tuple[Plan, int]:
        asked = ChoiceSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        plans = app.plans.select_related("app")
        plan = get_object_or_404(plans, code=asked.validated_data["plan"])
        return plan, asked.validated_data["seats"]


def _plans(app: App, account, *, currency: str, on) -> list[Plan]:
    """Plans that the account may choose or has under contract, then add-ons for sale."""
    terms = Term.objects.holding(on).filter(
        line__in=Line.objects.of(account).running(on=on), line__app=app
    )
    contracted: dict[int, int] = {}
    for plan_id, quantity in terms.values_list("line__plan", "contracted"):
        contracted[plan_id] = contracted.get(plan_id, 0) + quantity
    may_choose = set(offers.choosable(app, account).values_list("pk", flat=True))
    shown = [
        plan
        for plan in app.plans.order_by("kind", "position", "pk")
        if plan.pk in may_choose
        or plan.pk in contracted
        or (plan.listed and not plan.is_base)
    ]
    history = [
        price
        for price in list_prices.changes(shown)
        if price.currency == currency and not price.plan.price_on_request
    ]
    for plan in shown:
        mine = [price for price in history if price.plan_id == plan.pk]
        now = [price for price in mine if price.in_force(on)]
        coming = [price for price in mine if price.effective_from > on]
        plan.monthly_price = now[0].monthly_price if now else None
        plan.next_price = min(coming, key=lambda p: p.effective_from, default=None)
        plan.contracted = contracted.get(plan.pk, 0)
        plan.may_choose = plan.pk in may_choose
        plan.currency = currency
    return sorted(shown, key=lambda plan: not plan.is_base)
