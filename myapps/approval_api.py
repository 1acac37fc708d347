"""Purchases that wait for a second person, for an account's own software (ADR 34).

A purchase above the account's limit answers 202 with one of these, and nothing is
bought. People decide on them, on pages: a program never does.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from rest_framework import serializers, viewsets
from rest_framework.response import Response

from accounts import clock
from billing.account_api import (
    AppNameSerializer,
    PersonNameSerializer,
    PlanNameSerializer,
)
from billing.effect_api import EffectSerializer, exact
from billing.models import Order
from billing.orders import Signature
from myapps import api, purchases
from myapps.models import WaitingPurchase
from myapps.purchases import Wanted


class WaitingPurchaseSerializer(serializers.ModelSerializer):
    """A signed purchase that a second person approves or refuses. Once it is APPROVED,
    `order` is what was bought.
    """

    app = AppNameSerializer()
    plan = PlanNameSerializer()
    asked_by = PersonNameSerializer()
    decided_by = PersonNameSerializer(allow_null=True)
    permission = serializers.CharField(source="authority")
    monthly = exact(help_text="What it newly bills, as a monthly equivalent.")
    effect = serializers.SerializerMethodField(
        help_text="What it would have done when it was asked for."
    )

    class Meta:
        model = WaitingPurchase
        fields = [
            *("id", "kind", "state", "app", "plan", "installation", "permission"),
            *("monthly", "currency", "reason", "asked_by", "asked_on", "asked_at"),
            *("lapses_on", "decided_by", "decided_on", "word", "order", "effect"),
        ]
        read_only_fields = fields

    def get_effect(self, waiting) -> EffectSerializer:
        return EffectSerializer(purchases.shown(waiting)).data


class Approvals(viewsets.ReadOnlyModelViewSet):
    """Purchases that wait, or waited, for a second person; newest first."""

    permission_classes = [api.EITHER]
    serializer_class = WaitingPurchaseSerializer
    queryset = WaitingPurchase.objects.all()
    filterset_fields = ["state"]
    lookup_value_regex = api.PK

    def get_queryset(self):
        return WaitingPurchase.objects.of(self.request.user.account_id).select_related(
            "app", "plan", "asked_by", "decided_by"
        )


def make(
    request: HttpRequest, wanted: Wanted, *, signed: Signature, on
) -> Order | WaitingPurchase:
    """Buy what a call asks for, or let it wait for a second person."""
    return purchases.make(
        wanted,
        signed=signed,
        on=on,
        at=clock.now(),
        lapses_on=on + timedelta(days=settings.APPROVAL_DAYS),
    )


def waits(made: Order | WaitingPurchase) -> Response | None:
    """202 for what waits; None where it is bought."""
    if isinstance(made, WaitingPurchase):
        return Response(WaitingPurchaseSerializer(made).data, 202)
    return None
