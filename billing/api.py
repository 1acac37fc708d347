"""Batches of charges, for the company's invoicing system: fetched any number of times,
acknowledged once.
"""

import base64

import django_filters
from django.core.validators import ProhibitNullCharactersValidator
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import clock, remembered
from accounts.api_doors import etag, opens
from accounts.models import ApiKey
from billing import batches
from billing.models import Acknowledgement, Batch, Charge

DOOR = opens(ApiKey.Audience.INVOICING, "batches")


class AcknowledgementSerializer(serializers.ModelSerializer):
    class Meta:
        model = Acknowledgement
        fields = ["reference", "acknowledged_on", "acknowledged_at"]
        read_only_fields = fields


class BatchSerializer(serializers.ModelSerializer):
    """What is known of a batch; its lines are in its document."""

    account = serializers.CharField(source="account.slug")
    count = serializers.IntegerField(source="lines")
    total = serializers.SerializerMethodField()
    acknowledgement = serializers.SerializerMethodField()

    class Meta:
        model = Batch
        fields = [
            *("id", "account", "number", "day", "currency", "count", "total"),
            *("checksum", "closed_at", "acknowledgement"),
        ]
        read_only_fields = fields

    def get_total(self, batch) -> str:
        return batches.total(batch)

    @extend_schema_field(AcknowledgementSerializer(allow_null=True))
    def get_acknowledgement(self, batch):
        found = getattr(batch, "acknowledgement", None)
        return AcknowledgementSerializer(found).data if found else None


class BatchLineSerializer(serializers.Serializer):
    """A charge, as it was when its batch was closed. Upper bounds are exclusive."""

    charge = serializers.IntegerField()
    line = serializers.IntegerField()
    order_form = serializers.CharField(allow_null=True)
    app = serializers.CharField()
    plan = serializers.CharField()
    reason = serializers.ChoiceField(Charge.Reason.choices)
    origin = serializers.ChoiceField(Charge.Origin.choices)
    order = serializers.IntegerField(allow_null=True)
    billed_on = serializers.DateField()
    period_starts_on = serializers.DateField()
    period_ends_on = serializers.DateField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    quantity = serializers.IntegerField()
    unit_price = serializers.CharField(help_text="For the whole period, exact.")
    days = serializers.IntegerField()
    period_days = serializers.IntegerField()
    capped_at = serializers.CharField(allow_null=True)
    amount = serializers.CharField(help_text="Negative where it gives back.")
    reverses = serializers.IntegerField(allow_null=True)


class DocumentSerializer(serializers.Serializer):
    """A batch as it was closed: the same bytes each time it is fetched."""

    batch = serializers.IntegerField()
    account = serializers.CharField()
    account_name = serializers.CharField()
    day = serializers.DateField()
    currency = serializers.CharField()
    lines = BatchLineSerializer(many=True)
    count = serializers.IntegerField()
    total = serializers.CharField()


class AcknowledgeSerializer(serializers.Serializer):
    checksum = serializers.RegexField(
        r"^[0-9a-fA-F]{64}\Z", help_text="Of the document that was taken over."
    )
    reference = serializers.CharField(
        max_length=batches.LONGEST_REFERENCE,
        help_text="What the invoicing system calls it.",
    )


class BatchFilter(django_filters.FilterSet):
    account = django_filters.CharFilter(
        field_name="account__slug",
        max_length=80,
        validators=[ProhibitNullCharactersValidator()],
        label="An account's short name",
    )
    currency = django_filters.CharFilter(
        max_length=3, validators=[ProhibitNullCharactersValidator()]
    )
    day_from = django_filters.DateFilter(field_name="day", lookup_expr="gte")
    day_to = django_filters.DateFilter(field_name="day", lookup_expr="lte")
    acknowledged = django_filters.BooleanFilter(
        field_name="acknowledgement", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = Batch
        fields: list[str] = []


CHECKSUMS = [
    OpenApiParameter(
        "Repr-Digest",
        str,
        OpenApiParameter.HEADER,
        response=[200],
        description="SHA-256 of the body (RFC 9530).",
    ),
    OpenApiParameter(
        "ETag",
        str,
        OpenApiParameter.HEADER,
        response=[200],
        description="The batch's checksum.",
    ),
]


class Batches(viewsets.ReadOnlyModelViewSet):
    """Closed batches of charges, oldest first: one for an account, a billing day and a
    currency.
    """

    permission_classes = [DOOR]
    serializer_class = BatchSerializer
    filterset_class = BatchFilter
    queryset = Batch.objects.select_related("account", "acknowledgement")
    ordering = "id"
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self):
        found = super().get_queryset()
        return found.defer("content") if self.action == "list" else found

    @extend_schema(responses=DocumentSerializer, parameters=CHECKSUMS)
    def retrieve(self, request, pk):
        """The batch's document. Its SHA-256 is the checksum."""
        batch = self.get_object()
        return _document(batch, batch.content, "application/json")

    @extend_schema(
        responses={
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR, description="One row a charge, with a header."
            )
        },
        parameters=CHECKSUMS,
    )
    @action(detail=True, url_path="csv", filter_backends=[], pagination_class=None)
    def csv(self, request, pk):
        """The batch as a table, safe to open in a spreadsheet."""
        batch = self.get_object()
        answer = _document(batch, batches.as_csv(batch), "text/csv; charset=utf-8")
        name = f"{batches.file_name(batch)}.csv"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    @extend_schema(request=AcknowledgeSerializer, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def acknowledge(self, request, pk):
        """Say that the batch was taken over, and by which name. Once."""
        batch = self.get_object()
        asked = AcknowledgeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        on = clock.today(batch.account.timezone)
        batches.acknowledge(batch, **asked.validated_data, by=request.user, on=on)
        return Response(self.get_serializer(self.get_object()).data)


def _document(batch: Batch, content: str, content_type: str) -> HttpResponse:
    body = content.encode()
    digest = base64.b64encode(batches.digest(content)).decode()
    headers = {
        "ETag": etag(
            batch.checksum if content is batch.content else f"{batch.checksum}-csv"
        ),
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": "private, no-cache",
    }
    return HttpResponse(body, content_type=content_type, headers=headers)
