"""The partner's API: listings, plans and list prices; sales operations publish."""

from datetime import date

import django_filters
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import clock, remembered
from accounts.api_doors import etag, match, opens
from accounts.models import ApiKey
from billing.account_api import slug
from billing.effect_api import exact
from marketplace import list_prices, listings
from marketplace.models import App, ListPrice, Plan
from myapps import api
from myapps import partner_scopes as scopes

LISTINGS = opens(ApiKey.Audience.PARTNER, "listings")


def today() -> date:
    """The day that has begun anywhere: list prices start on one after it."""
    return clock.today(list_prices.LATEST_DAY)


def line_of_text(length: int, **how) -> serializers.CharField:
    return serializers.CharField(max_length=length, **how)


class PartnerListingSerializer(serializers.ModelSerializer):
    """One of your apps as it is published, and what you propose instead."""

    partner = serializers.CharField(source="partner.slug")
    proposed_state = serializers.ChoiceField(
        choices=[
            ("", "Nothing proposed"),
            ("DRAFT", "Draft"),
            ("IN_REVIEW", "In review"),
        ]
    )
    proposed = serializers.DictField(
        help_text="What differs from the published listing: details, plan:<code>."
    )
    launch_address = serializers.CharField(help_text="Empty, or an address.")
    lacking = serializers.SerializerMethodField(
        help_text="What it needs before it can be submitted."
    )

    class Meta:
        model = App
        fields = [
            *("slug", "partner", "state", "version", "name", "category", "currency"),
            *("tagline", "description", "tags", "launch_address", "listed_on"),
            *("proposed_state", "proposed", "sent_back_because", "lacking"),
        ]
        read_only_fields = fields

    def get_lacking(self, app) -> list[str]:
        return listings.lacking(app)


class PartnerDetailsSerializer(serializers.Serializer):
    """What you say of an app; what is left out stays."""

    name = line_of_text(200, required=False)
    category = line_of_text(80, required=False)
    currency = serializers.RegexField(
        "^([A-Z]{3})?$", required=False, allow_blank=True, help_text="ISO 4217, as USD."
    )
    tagline = line_of_text(200, required=False, allow_blank=True)
    description = line_of_text(20_000, required=False, allow_blank=True)
    tags = serializers.ListField(child=line_of_text(80), max_length=8, required=False)
    launch_address = serializers.URLField(
        max_length=200, required=False, allow_blank=True
    )


class PartnerDraftSerializer(PartnerDetailsSerializer):
    name = line_of_text(200)
    slug = serializers.SlugField(
        max_length=80, required=False, default="", allow_blank=True
    )
    partner = serializers.SlugField(
        max_length=80,
        required=False,
        help_text="Needed by those who work for several partners.",
    )


class PartnerListingPlanSerializer(serializers.ModelSerializer):
    """A plan of a listing."""

    app = serializers.CharField(source="app.slug")

    class Meta:
        model = Plan
        fields = [
            *("id", "app", "code", "name", "kind", "charge_model", "unit"),
            *("description", "features", "position", "listed", "price_on_request"),
        ]
        read_only_fields = fields


class PartnerPlanDetailsSerializer(serializers.Serializer):
    """What you say of a plan. Of a published one kind, charge model and price on request
    stay.
    """

    name = line_of_text(200, required=False)
    kind = serializers.ChoiceField(choices=Plan.Kind.choices, required=False)
    charge_model = serializers.ChoiceField(
        choices=Plan.ChargeModel.choices, required=False
    )
    unit = line_of_text(60, required=False, allow_blank=True)
    description = line_of_text(20_000, required=False, allow_blank=True)
    features = serializers.ListField(
        child=line_of_text(300), max_length=50, required=False
    )
    position = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False
    )
    listed = serializers.BooleanField(required=False)
    price_on_request = serializers.BooleanField(required=False)


class PartnerNewPlanSerializer(PartnerPlanDetailsSerializer):
    app = serializers.SlugField(max_length=80)
    code = serializers.SlugField(max_length=100)
    name = line_of_text(200)
    charge_model = serializers.ChoiceField(choices=Plan.ChargeModel.choices)


class PartnerListPriceSerializer(serializers.ModelSerializer):
    """The monthly equivalent of one unit, over days; `effective_until` is not included."""

    monthly_price = exact()

    class Meta:
        model = ListPrice
        fields = [
            *("id", "plan", "currency", "monthly_price"),
            *("effective_from", "effective_until"),
        ]
        read_only_fields = fields


class PartnerAnnounceSerializer(serializers.Serializer):
    plan = serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID)
    currency = serializers.RegexField("^[A-Z]{3}$", help_text="ISO 4217, as USD.")
    monthly_price = serializers.DecimalField(
        max_digits=18, decimal_places=6, min_value=0
    )
    effective_from = serializers.DateField(help_text="A day to come.")


class Listings(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Your apps: drafts, in review, published."""

    permission_classes = [LISTINGS]
    serializer_class = PartnerListingSerializer
    filter_backends = []
    queryset = App.objects.all()
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,80}"

    def get_queryset(self):
        return scopes.apps(self.request.user).prefetch_related("plans")

    def retrieve(self, request, *args, **kwargs):
        return self._shown(self.get_object())

    @extend_schema(
        request=PartnerDraftSerializer, responses={201: PartnerListingSerializer}
    )
    @remembered.answer
    def create(self, request):
        """Begin a draft; nobody else sees it."""
        asked = api.asked(PartnerDraftSerializer, request)
        partner = _partner(request, asked.pop("partner", None))
        app = listings.draft(
            partner,
            slug=asked.pop("slug"),
            details=asked,
            by=request.user,
            on=today(),
            loopback=settings.WEBHOOK_LOOPBACK_ALLOWED,
        )
        return self._shown(app, status=201)

    @extend_schema(
        request=PartnerDetailsSerializer,
        responses=PartnerListingSerializer,
        parameters=[api.IF_MATCH],
    )
    @remembered.answer
    def partial_update(self, request, slug):
        """Change a draft at once, what is published as a proposal. Send If-Match."""
        app = _matched(request, self.get_object())
        asked = api.asked(PartnerDetailsSerializer, request)
        app = listings.revise(
            app,
            details=asked,
            by=request.user,
            on=today(),
            loopback=settings.WEBHOOK_LOOPBACK_ALLOWED,
        )
        return self._shown(app)

    @extend_schema(request=None, responses=PartnerListingSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def submit(self, request, slug):
        """Ask sales operations to publish it."""
        return self._step(listings.submit)

    @extend_schema(request=None, responses=PartnerListingSerializer)
    @action(detail=True, methods=["post"], url_path="take-back")
    @remembered.answer
    def take_back(self, request, slug):
        """Take it out of review to go on editing."""
        return self._step(listings.take_back)

    @extend_schema(request=None, responses=PartnerListingSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def discard(self, request, slug):
        """Drop what was proposed for a published app."""
        return self._step(listings.discard)

    def _step(self, do) -> Response:
        app = do(self.get_object(), by=self.request.user, on=today())
        return self._shown(app)

    def _shown(self, app: App, *, status: int = 200) -> Response:
        data = self.get_serializer(app).data
        return Response(data, status, headers={"ETag": etag(app.version)})


class PlanFilter(django_filters.FilterSet):
    app = slug(field_name="app__slug", label="An app's slug")

    class Meta:
        model = Plan
        fields: list[str] = []


class Plans(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """The plans of your apps. Their ETag is their listing's: one edit counts for both."""

    permission_classes = [LISTINGS]
    serializer_class = PartnerListingPlanSerializer
    filterset_class = PlanFilter
    queryset = Plan.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return scopes.plans(self.request.user)

    def retrieve(self, request, *args, **kwargs):
        return self._shown(self.get_object())

    @extend_schema(
        request=PartnerNewPlanSerializer, responses={201: PartnerListingPlanSerializer}
    )
    @remembered.answer
    def create(self, request):
        """Add a plan to a listing; of a published app it is not listed yet."""
        asked = api.asked(PartnerNewPlanSerializer, request)
        app = get_object_or_404(scopes.apps(request.user), slug=asked.pop("app"))
        plan = listings.add_plan(
            app,
            code=asked.pop("code"),
            details=asked,
            by=request.user,
            on=today(),
        )
        return self._shown(self.get_queryset().get(pk=plan.pk), status=201)

    @extend_schema(
        request=PartnerPlanDetailsSerializer,
        responses=PartnerListingPlanSerializer,
        parameters=[api.IF_MATCH],
    )
    @remembered.answer
    def partial_update(self, request, pk):
        """Change a plan: of a draft at once, else as a proposal. Send If-Match."""
        plan = self.get_object()
        _matched(request, plan.app)
        asked = api.asked(PartnerPlanDetailsSerializer, request)
        listings.revise_plan(plan, details=asked, by=request.user, on=today())
        return self._shown(self.get_object())

    @extend_schema(request=None, responses={204: None})
    @remembered.answer
    def destroy(self, request, pk):
        """Take a plan that was never published out of its listing."""
        listings.drop_plan(self.get_object(), by=request.user, on=today())
        return Response(status=204)

    def _shown(self, plan: Plan, *, status: int = 200) -> Response:
        data = self.get_serializer(plan).data
        return Response(data, status, headers={"ETag": etag(plan.app.version)})


class PriceFilter(django_filters.FilterSet):
    plan = django_filters.NumberFilter(
        field_name="plan", max_value=api.LARGEST_ID, label="A plan's id"
    )

    class Meta:
        model = ListPrice
        fields: list[str] = []


class Prices(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """List prices of your plans. What was listed stays listed."""

    permission_classes = [LISTINGS]
    serializer_class = PartnerListPriceSerializer
    filterset_class = PriceFilter
    queryset = ListPrice.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return scopes.prices(self.request.user)

    @extend_schema(
        request=PartnerAnnounceSerializer, responses={201: PartnerListPriceSerializer}
    )
    @remembered.answer
    def create(self, request):
        """List a price from a day to come; the price before it ends there."""
        asked = api.asked(PartnerAnnounceSerializer, request)
        plan = get_object_or_404(scopes.plans(request.user), pk=asked.pop("plan"))
        made = list_prices.announce(plan, **asked, by=request.user, on=today())
        return Response(self.get_serializer(made).data, 201)

    @extend_schema(request=None, responses={204: None})
    @remembered.answer
    def destroy(self, request, pk):
        """Take a price back before its day comes."""
        list_prices.withdraw(self.get_object(), by=request.user, on=today())
        return Response(status=204)


def _matched(request, app: App) -> App:
    """The listing, locked, if it is the version that the caller read (412, 428)."""
    with transaction.atomic():
        row = App.objects.select_for_update(no_key=True).get(pk=app.pk)
        match(request, row.version)
    return row


def _partner(request, slug: str | None):
    partners = list(scopes.partners(request.user))
    if slug is not None:
        return get_object_or_404(scopes.partners(request.user), slug=slug)
    if len(partners) != 1:
        raise ValidationError(
            _("Say for which of your partners."), code="which_partner"
        )
    return partners[0]
