"""The partner's API: installations and their answers, drift, contracted add-ons.

The same rules as the portal's pages, over the rows of myapps.partner_scopes: what is
another partner's is 404.
"""

from datetime import date

import django_filters
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import clock, remembered
from accounts.api_doors import etag, opens
from accounts.models import Account, ApiKey, User
from billing.account_api import slug
from billing.models import Line
from marketplace.models import Plan
from myapps import add_ons, api, drift, partner_events, provisioning
from myapps import partner_scopes as scopes
from myapps.models import AddOnActivation, Difference, Installation, Seat

PARTNER = ApiKey.Audience.PARTNER
INSTALLATIONS = opens(PARTNER, "installations")
ADD_ONS = opens(PARTNER, "add_ons")
STATES = ["installing", "active", "failed", "ending", "ended"]


def today(account: Account) -> date:
    return clock.today(account.timezone)


class PartnerAccountSerializer(serializers.ModelSerializer):
    """The customer. Its prices and contract are not shown."""

    class Meta:
        model = Account
        fields = ["id", "name", "timezone"]
        read_only_fields = fields


class PartnerPlanSerializer(serializers.ModelSerializer):
    class Meta:
        model = Plan
        fields = ["code", "name"]
        read_only_fields = fields


class PartnerPersonSerializer(serializers.ModelSerializer):
    """Somebody with a seat."""

    name = serializers.CharField(source="display_name")

    class Meta:
        model = User
        fields = ["id", "email", "name"]
        read_only_fields = fields


class PartnerHealthSerializer(serializers.Serializer):
    """How telling you of an installation goes."""

    state = serializers.ChoiceField(
        choices=["NONE", "WELL", "WAITING", "FAILING"],
        help_text="NONE: you take no events.",
    )
    delivered_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last event arrived."
    )
    waiting = serializers.IntegerField(help_text="Events that have not arrived yet.")


class PartnerInstallationSerializer(serializers.ModelSerializer):
    """One of your apps, installed for an account."""

    app = serializers.CharField(source="app.slug")
    account = PartnerAccountSerializer()
    plan = PartnerPlanSerializer()
    state = serializers.SerializerMethodField()
    since = serializers.SerializerMethodField(help_text="In this state since that day.")
    seats_count = serializers.IntegerField(source="people")
    differences_count = serializers.IntegerField(
        help_text="People in whom your last list differs from the seats."
    )
    health = serializers.SerializerMethodField()

    class Meta:
        model = Installation
        fields = [
            *("id", "version", "app", "account", "plan", "state", "since"),
            *("installed_on", "confirm_by", "answered_at", "answer", "ends_on"),
            *("seats_count", "differences_count", "health"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, row):
        return partner_events.standing(row, on=today(row.account))

    @extend_schema_field(serializers.DateField())
    def get_since(self, row):
        return scopes.since(row, on=today(row.account)).isoformat()

    @extend_schema_field(PartnerHealthSerializer)
    def get_health(self, row):
        return PartnerHealthSerializer(self.context["health"][row.pk]).data


class PartnerConfirmSerializer(serializers.Serializer):
    answer = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=1000,
        help_text="A word to the administrator, as where to sign in.",
    )


class PartnerRefuseSerializer(serializers.Serializer):
    reason = serializers.CharField(
        max_length=1000, help_text="The administrator reads it."
    )


class PartnerUsersSerializer(serializers.Serializer):
    """Everybody you have active, by email, by the id that events tell, or both."""

    emails = serializers.ListField(
        child=serializers.CharField(max_length=254, allow_blank=True),
        max_length=drift.MOST,
        required=False,
        default=list,
    )
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID),
        max_length=drift.MOST,
        required=False,
        default=list,
    )


class PartnerReportSerializer(serializers.Serializer):
    """What your list was compared with, and how many differ now."""

    said = serializers.IntegerField(help_text="Users in your list.")
    seats = serializers.IntegerField(help_text="Seats in My Apps then.")
    missing = serializers.IntegerField(help_text="With a seat, not in your list.")
    extra = serializers.IntegerField(help_text="In your list, without a seat.")


class PartnerDifferenceSerializer(serializers.ModelSerializer):
    """One person in whom you and My Apps differ. My Apps counts.

    Who has no seat is named as you named them: whether the account knows them is its
    own affair.
    """

    person = serializers.SerializerMethodField(help_text="Who has a seat; else null.")

    class Meta:
        model = Difference
        fields = ["kind", "said", "person"]
        read_only_fields = fields

    @extend_schema_field(PartnerPersonSerializer(allow_null=True))
    def get_person(self, one):
        if one.kind == Difference.Kind.EXTRA:
            return None
        return PartnerPersonSerializer(one.user).data


class PartnerRepairSerializer(serializers.Serializer):
    version = serializers.IntegerField(help_text="Of the event that is on its way.")


class InstallationFilter(django_filters.FilterSet):
    app = slug(field_name="app__slug", label="An app's slug")
    account = django_filters.NumberFilter(
        field_name="account", max_value=api.LARGEST_ID, label="An account's id"
    )
    standing = django_filters.BooleanFilter(
        field_name="closed_on", lookup_expr="isnull", label="Not closed yet"
    )
    waiting = django_filters.BooleanFilter(
        method="of_state", label="Waits for your answer"
    )

    class Meta:
        model = Installation
        fields: list[str] = []

    def of_state(self, rows, name, value):
        asked = {"state": Installation.State.INSTALLING, "closed_on": None}
        return rows.filter(**asked) if value else rows.exclude(**asked)


class Installations(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Your apps where they are installed."""

    permission_classes = [INSTALLATIONS]
    serializer_class = PartnerInstallationSerializer
    filterset_class = InstallationFilter
    queryset = Installation.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return scopes.installations(self.request.user)

    def list(self, request, *args, **kwargs):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self._data(page, many=True))

    def retrieve(self, request, *args, **kwargs):
        return self._shown(self.get_object())

    @extend_schema(
        request=PartnerConfirmSerializer, responses=PartnerInstallationSerializer
    )
    @action(detail=True, methods=["post"])
    @remembered.answer
    def confirm(self, request, pk):
        """Say that the app is set up. A late answer is refused: 409, answered."""
        row = self.get_object()
        asked = api.asked(PartnerConfirmSerializer, request)
        provisioning.confirm(
            row, by=request.user, on=today(row.account), answer=asked["answer"]
        )
        return self._shown(self.get_object())

    @extend_schema(
        request=PartnerRefuseSerializer, responses=PartnerInstallationSerializer
    )
    @action(detail=True, methods=["post"])
    @remembered.answer
    def refuse(self, request, pk):
        """Say that the app cannot be set up: all of it is paid back. A late answer is
        refused: 409, answered.
        """
        row = self.get_object()
        asked = api.asked(PartnerRefuseSerializer, request)
        provisioning.refuse(
            row, by=request.user, on=today(row.account), reason=asked["reason"]
        )
        return self._shown(self.get_object())

    @extend_schema(
        responses=PartnerPersonSerializer(many=True),
        operation_id="partner_installations_seats",
    )
    @action(detail=True, filterset_class=None, serializer_class=PartnerPersonSerializer)
    def seats(self, request, pk):
        """Everybody with a seat, page by page; events name a thousand at most."""
        held = Seat.objects.filter(installation=self.get_object()).values("user")
        page = self.paginate_queryset(User.objects.filter(pk__in=held))
        return self.get_paginated_response(
            PartnerPersonSerializer(page, many=True).data
        )

    @extend_schema(request=PartnerUsersSerializer, responses=PartnerReportSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def users(self, request, pk):
        """Post the full list of users you have active. It never changes seats or bills;
        what differs is shown to the administrator and to you (T9).
        """
        row = self.get_object()
        asked = api.asked(PartnerUsersSerializer, request)
        report = drift.report(
            row,
            emails=asked["emails"],
            ids=asked["ids"],
            by=request.user,
            on=today(row.account),
            at=timezone.now(),
        )
        kinds = list(report.differences.values_list("kind", flat=True))
        data = {
            "said": report.said,
            "seats": report.seats,
            "missing": kinds.count(Difference.Kind.MISSING),
            "extra": kinds.count(Difference.Kind.EXTRA),
        }
        return Response(PartnerReportSerializer(data).data)

    @extend_schema(
        responses=PartnerDifferenceSerializer(many=True),
        operation_id="partner_installations_differences",
    )
    @action(
        detail=True, filterset_class=None, serializer_class=PartnerDifferenceSerializer
    )
    def differences(self, request, pk):
        """In whom your last list still differs from the seats."""
        rows = Difference.objects.filter(installation=self.get_object()).standing()
        page = self.paginate_queryset(rows.select_related("user"))
        return self.get_paginated_response(
            PartnerDifferenceSerializer(page, many=True).data
        )

    @extend_schema(request=None, responses=PartnerRepairSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def repair(self, request, pk):
        """Have the truth sent again: `app.updated` with the whole state (T9)."""
        row = self.get_object()
        drift.repair(row, by=request.user, on=today(row.account), at=timezone.now())
        row.refresh_from_db(fields=["version"])
        return Response(PartnerRepairSerializer({"version": row.version}).data)

    def _shown(self, row: Installation) -> Response:
        return Response(self._data(row), headers={"ETag": etag(row.version)})

    def _data(self, rows, *, many: bool = False):
        found = rows if many else [rows]
        context = self.get_serializer_context() | {"health": scopes.health(found)}
        return PartnerInstallationSerializer(rows, many=many, context=context).data


# Add-ons (T16)


class PartnerAddOnSerializer(serializers.ModelSerializer):
    """An add-on contracted with sales for one of your apps."""

    app = serializers.CharField(source="app.slug")
    account = PartnerAccountSerializer()
    plan = PartnerPlanSerializer()
    state = serializers.SerializerMethodField()
    contracted = serializers.SerializerMethodField()
    active = serializers.IntegerField()
    left = serializers.SerializerMethodField(help_text="Units that are still off.")

    class Meta:
        model = Line
        fields = [
            *("id", "app", "account", "plan", "state", "contracted", "active", "left"),
            *("starts_on", "ends_on"),
        ]
        read_only_fields = fields

    @extend_schema_field(
        serializers.ChoiceField(choices=[scopes.FUTURE, scopes.RUNNING, scopes.ENDED])
    )
    def get_state(self, line):
        return scopes.add_on(line, on=today(line.account)).state

    @extend_schema_field(serializers.IntegerField())
    def get_contracted(self, line):
        return scopes.add_on(line, on=today(line.account)).contracted

    @extend_schema_field(serializers.IntegerField())
    def get_left(self, line):
        return scopes.add_on(line, on=today(line.account)).left


class PartnerActivationSerializer(serializers.ModelSerializer):
    """Units of a contracted add-on that were switched on."""

    activated_by = serializers.CharField(source="activated_by.display_name")
    deactivated_by = serializers.CharField(
        source="deactivated_by.display_name", allow_null=True, default=None
    )

    class Meta:
        model = AddOnActivation
        fields = [
            *("id", "line", "quantity", "activated_by", "activated_on"),
            *("deactivated_by", "deactivated_on"),
        ]
        read_only_fields = fields


class PartnerQuantitySerializer(serializers.Serializer):
    quantity = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class PartnerActivateSerializer(PartnerQuantitySerializer):
    """An add-on plan by its code, and the account it is for."""

    app = serializers.SlugField(max_length=80)
    plan = serializers.SlugField(max_length=100)
    account = serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID)


class AddOnFilter(django_filters.FilterSet):
    app = slug(field_name="app__slug", label="An app's slug")
    account = django_filters.NumberFilter(
        field_name="account", max_value=api.LARGEST_ID, label="An account's id"
    )

    class Meta:
        model = Line
        fields: list[str] = []


class AddOns(viewsets.ReadOnlyModelViewSet):
    """Add-on lines contracted for your apps. The contract bills them, on or off (T16)."""

    permission_classes = [ADD_ONS]
    serializer_class = PartnerAddOnSerializer
    filterset_class = AddOnFilter
    queryset = Line.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return scopes.add_on_lines(self.request.user)

    @extend_schema(
        request=PartnerQuantitySerializer, responses={201: PartnerActivationSerializer}
    )
    @action(detail=True, methods=["post"])
    @remembered.answer
    def activate(self, request, pk):
        """Switch units on, up to the contracted quantity (T16)."""
        line = self.get_object()
        asked = api.asked(PartnerQuantitySerializer, request)
        made = add_ons.activate(
            line,
            quantity=asked["quantity"],
            by=request.user,
            on=today(line.account),
        )
        return Response(PartnerActivationSerializer(made).data, 201)


class ActivationFilter(django_filters.FilterSet):
    line = django_filters.NumberFilter(
        field_name="line", max_value=api.LARGEST_ID, label="A line's id"
    )
    active = django_filters.BooleanFilter(
        field_name="deactivated_on", lookup_expr="isnull", label="Still on"
    )

    class Meta:
        model = AddOnActivation
        fields: list[str] = []


class Activations(viewsets.ReadOnlyModelViewSet):
    """Units of add-ons that you switched on, and off."""

    permission_classes = [ADD_ONS]
    serializer_class = PartnerActivationSerializer
    filterset_class = ActivationFilter
    queryset = AddOnActivation.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return scopes.activations(self.request.user)

    @extend_schema(
        request=PartnerActivateSerializer, responses={201: PartnerActivationSerializer}
    )
    @remembered.answer
    def create(self, request):
        """Switch units of a plan on for an account, without knowing the line: refused
        where nothing of it is contracted there (422, not_contracted).
        """
        asked = api.asked(PartnerActivateSerializer, request)
        plan = get_object_or_404(
            scopes.plans(request.user), app__slug=asked["app"], code=asked["plan"]
        )
        account = Account.objects.filter(pk=asked["account"]).first()
        on = today(account) if account else clock.today("UTC")
        line = add_ons.contracted(account, plan, on=on)
        made = add_ons.activate(
            line, quantity=asked["quantity"], by=request.user, on=on
        )
        return Response(PartnerActivationSerializer(made).data, 201)

    @extend_schema(request=None, responses=PartnerActivationSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def deactivate(self, request, pk):
        """Switch the units off; the contract bills on (T16)."""
        row = self.get_object()
        add_ons.deactivate(row, by=request.user, on=today(row.account))
        return Response(PartnerActivationSerializer(self.get_object()).data)
