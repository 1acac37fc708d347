"""The partner's API: its webhook endpoints, every delivery, and its own keys."""

import json

import django_filters
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import clock, remembered
from accounts.api_doors import opens
from accounts.models import ApiKey
from journal import endpoints, webhooks
from journal.models import Attempt, Endpoint, Message
from marketplace.models import Partner
from myapps import api
from myapps import partner_scopes as scopes

WEBHOOKS = opens(ApiKey.Audience.PARTNER, "webhooks")
SWITCHED_OFF = "Switched off by its partner."

ENDPOINT_STATES = ["WORKING", "FAILING", "UNVERIFIED", "DISABLED"]
DELIVERY_STATES = ["DELIVERED", "WAITING", "REPLACED", "FAILED"]


class PartnerEndpointSerializer(serializers.ModelSerializer):
    """Where webhooks go. The secret is shown once, when it is made."""

    partner = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=ENDPOINT_STATES)

    class Meta:
        model = Endpoint
        fields = [
            *("id", "partner", "state", "address", "asked_address", "verified_at"),
            *("failing_since", "disabled_at", "disabled_because", "previous_until"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.SlugField())
    def get_partner(self, endpoint):
        return self.context["slugs"][endpoint.partner_id]


class PartnerSecretSerializer(PartnerEndpointSerializer):
    """The endpoint with its signing secret: keep it, it is shown this once."""

    secret = serializers.CharField()

    class Meta(PartnerEndpointSerializer.Meta):
        fields = [*PartnerEndpointSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class PartnerAddressSerializer(serializers.Serializer):
    address = serializers.CharField(
        max_length=400, help_text="It begins with https:// and answers a challenge."
    )


class PartnerRegisterSerializer(PartnerAddressSerializer):
    partner = serializers.SlugField(
        max_length=80,
        required=False,
        help_text="Needed by those who work for several partners.",
    )


class PartnerSinceSerializer(serializers.Serializer):
    since = serializers.DateTimeField()


class PartnerReplayedSerializer(serializers.Serializer):
    replayed = serializers.IntegerField(help_text="Deliveries that go out again.")


class PartnerSentSerializer(serializers.Serializer):
    delivery = serializers.CharField(help_text="The id of the delivery.")


class PartnerAttemptSerializer(serializers.ModelSerializer):
    """One try: what was asked, and what was answered."""

    class Meta:
        model = Attempt
        fields = [
            *("number", "at", "address", "headers", "status", "answer_headers"),
            *("answer", "error", "took_ms"),
        ]
        read_only_fields = fields


class PartnerDeliverySerializer(serializers.ModelSerializer):
    """One webhook. Its id stays over every try."""

    id = serializers.CharField(source="public_id")
    state = serializers.ChoiceField(choices=DELIVERY_STATES)

    class Meta:
        model = Message
        fields = [
            *("id", "event", "thread", "state", "attempts", "created_at", "due_at"),
            *("delivered_at", "failed_at", "replaced_at", "last_error"),
        ]
        read_only_fields = fields


class PartnerDeliveryDetailSerializer(PartnerDeliverySerializer):
    """The same with its body and every try, newest first."""

    body = serializers.SerializerMethodField(help_text="Null when too old to be kept.")
    tries = PartnerAttemptSerializer(many=True)

    class Meta(PartnerDeliverySerializer.Meta):
        fields = [*PartnerDeliverySerializer.Meta.fields, "body", "tries"]
        read_only_fields = fields

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_body(self, message):
        return json.loads(message.body) if message.body else None


class PartnerKeySerializer(serializers.ModelSerializer):
    """A key of yours. Its secret was shown once."""

    class Meta:
        model = ApiKey
        fields = [
            *("id", "name", "prefix", "scopes", "created_at", "expires_at"),
            *("last_used_at", "revoked_at"),
        ]
        read_only_fields = fields


class Endpoints(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Your webhook endpoint: one for each partner you work for."""

    permission_classes = [WEBHOOKS]
    serializer_class = PartnerEndpointSerializer
    filter_backends = []
    queryset = Endpoint.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return scopes.endpoints(self.request.user)

    def get_serializer_context(self):
        context = super().get_serializer_context()
        if not getattr(self, "swagger_fake_view", False):
            partners = scopes.partners(self.request.user)
            context["slugs"] = dict(partners.values_list("pk", "slug"))
        return context

    @extend_schema(
        request=PartnerRegisterSerializer, responses={201: PartnerSecretSerializer}
    )
    @remembered.answer
    def create(self, request):
        """Register the endpoint: its secret is shown once, and a challenge is sent."""
        asked = api.asked(PartnerRegisterSerializer, request)
        endpoint, secret = endpoints.register(
            _partner(request, asked.get("partner")).pk,
            address=asked["address"],
            loopback=settings.WEBHOOK_LOOPBACK_ALLOWED,
            **_acting(request),
        )
        return self._shown_once(endpoint, secret, status=201)

    @extend_schema(
        request=PartnerAddressSerializer, responses=PartnerEndpointSerializer
    )
    @remembered.answer
    def partial_update(self, request, pk):
        """Ask for another address; the old one is used until it answered."""
        endpoint = self.get_object()
        asked = api.asked(PartnerAddressSerializer, request)
        return self._shown(
            endpoints.move(
                endpoint,
                address=asked["address"],
                loopback=settings.WEBHOOK_LOOPBACK_ALLOWED,
                **_acting(request),
            )
        )

    @extend_schema(request=None, responses=PartnerSecretSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def rotate(self, request, pk):
        """A new secret, shown once; both sign for 24 hours."""
        endpoint = self.get_object()
        secret = endpoints.rotate(endpoint, **_acting(request))
        return self._shown_once(self.get_object(), secret)

    @extend_schema(request=None, responses=PartnerEndpointSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def challenge(self, request, pk):
        """Send the challenge again."""
        return self._shown(endpoints.challenge(self.get_object(), **_acting(request)))

    @extend_schema(request=None, responses=PartnerSentSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def test(self, request, pk):
        """Send a test event."""
        message = endpoints.test(self.get_object(), **_acting(request))
        return Response(PartnerSentSerializer({"delivery": message.public_id}).data)

    @extend_schema(request=None, responses=PartnerEndpointSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def disable(self, request, pk):
        """Send nothing until it is enabled; what happens meanwhile waits."""
        return self._shown(
            endpoints.disable(
                self.get_object(), because=SWITCHED_OFF, **_acting(request)
            )
        )

    @extend_schema(request=None, responses=PartnerEndpointSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def enable(self, request, pk):
        """Send again, what waits first."""
        return self._shown(endpoints.enable(self.get_object(), **_acting(request)))

    @extend_schema(request=PartnerSinceSerializer, responses=PartnerReplayedSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def replay(self, request, pk):
        """Send everything again that was written since a moment, in order."""
        endpoint = self.get_object()
        asked = api.asked(PartnerSinceSerializer, request)
        number = webhooks.replay_since(
            endpoint.partner_id, since=asked["since"], **_acting(request)
        )
        return Response(PartnerReplayedSerializer({"replayed": number}).data)

    def _shown(self, endpoint: Endpoint) -> Response:
        return Response(self.get_serializer(endpoint).data)

    def _shown_once(self, endpoint, secret: str, *, status: int = 200) -> Response:
        endpoint.secret = secret
        context = self.get_serializer_context()
        return Response(PartnerSecretSerializer(endpoint, context=context).data, status)


class DeliveryFilter(django_filters.FilterSet):
    event = django_filters.CharFilter(
        max_length=40, validators=[ProhibitNullCharactersValidator()]
    )
    thread = django_filters.CharFilter(
        max_length=80,
        validators=[ProhibitNullCharactersValidator()],
        label="As installation:12",
    )
    waiting = django_filters.BooleanFilter(method="still", label="Not arrived yet")

    class Meta:
        model = Message
        fields: list[str] = []

    def still(self, rows, name, value):
        return rows.waiting() if value else rows.settled()


class Deliveries(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Every webhook to you, with request and answer of each try."""

    permission_classes = [WEBHOOKS]
    serializer_class = PartnerDeliverySerializer
    filterset_class = DeliveryFilter
    queryset = Message.objects.all()
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = "[a-zA-Z0-9_]{1,40}"

    def get_queryset(self):
        return scopes.deliveries(self.request.user)

    @extend_schema(responses=PartnerDeliveryDetailSerializer)
    def retrieve(self, request, id):
        return self._shown(self.get_object())

    @extend_schema(request=None, responses=PartnerDeliveryDetailSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def replay(self, request, id):
        """Send it again, with its id and body."""
        message = webhooks.replay(self.get_object(), **_acting(request))
        return self._shown(message)

    def _shown(self, message: Message) -> Response:
        return Response(PartnerDeliveryDetailSerializer(message).data)


class Keys(viewsets.ReadOnlyModelViewSet):
    """Your own keys. They are made, rotated and revoked on a page, by a person."""

    permission_classes = [WEBHOOKS]
    serializer_class = PartnerKeySerializer
    filter_backends = []
    queryset = ApiKey.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return ApiKey.objects.filter(
            user=self.request.user, audience=ApiKey.Audience.PARTNER
        )


def _partner(request, slug: str | None) -> Partner:
    partners = scopes.partners(request.user)
    if slug is not None:
        return get_object_or_404(partners, slug=slug)
    if len(partners) != 1:
        raise ValidationError(
            _("Say for which of your partners."), code="which_partner"
        )
    return partners[0]


def _acting(request) -> dict:
    return {"by": request.user, "on": clock.today("UTC"), "at": timezone.now()}
