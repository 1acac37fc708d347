"""Roles activated for an app, Auto Install, and who waits, for an account's own software
(T6).
"""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority, remembered
from accounts.api import RoleNameSerializer
from accounts.api_doors import etag, match
from accounts.models import Role
from billing.account_api import PersonNameSerializer
from myapps import api, approval_api, joins, role_activations, seats
from myapps.models import JoinEvent, RoleActivation
from myapps.purchases import Kind, Wanted
from myapps.seat_api import AddedSerializer, added

ROLE = OpenApiParameter("role", int, required=True, description="A role's id.")


class ActivationSerializer(serializers.ModelSerializer):
    """A role activated for an app; with Auto Install whoever joins it gets a seat."""

    role = RoleNameSerializer(allow_null=True, help_text="Null: it was deleted.")
    activated_by = PersonNameSerializer()

    class Meta:
        model = RoleActivation
        fields = [
            *("id", "role", "role_name", "auto_install", "activated_by"),
            *("activated_on", "order", "ended_on"),
        ]
        read_only_fields = fields


class ActivateSerializer(serializers.Serializer):
    role = serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID)
    auto_install = serializers.BooleanField(default=False, required=False)
    effect_digest = api.digest_field()


class AutoInstallSerializer(serializers.Serializer):
    """Turning Auto Install on is a standing order of its own; nobody gets a seat yet."""

    auto_install = serializers.BooleanField()
    effect_digest = api.digest_field()


@extend_schema(parameters=[api.INSTALLATION])
class Activations(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Roles activated for an app, also those that were stopped."""

    permission_classes = [api.MANAGES]
    serializer_class = ActivationSerializer
    filterset_fields = ["auto_install"]
    queryset = RoleActivation.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return RoleActivation.objects.none()
        activations = api.installation_of(self).activations
        return activations.select_related(
            "role", "activated_by", "account", "installation__app", "installation__plan"
        )

    def retrieve(self, request, *args, **kwargs):
        return self._shown(self.get_object())

    @extend_schema(
        request=ActivateSerializer,
        responses={
            201: ActivationSerializer,
            202: approval_api.WaitingPurchaseSerializer,
        },
    )
    @remembered.answer
    def create(self, request, installation):
        """Seat a role's people now; with Auto Install, whoever joins it later too (T6)."""
        installation = api.installation_of(self)
        asked = api.asked(ActivateSerializer, request)
        on, role = api.today(installation.account), self._role(asked["role"])
        members = role_activations.unseated(installation, role)
        made = approval_api.make(
            request,
            Wanted(
                Kind.ROLE,
                installation.account,
                installation.plan,
                installation=installation,
                role=role,
                auto_install=asked["auto_install"],
            ),
            signed=api.sign(
                request,
                authority.MANAGE,
                installation.plan,
                seats=installation.seats.count() + members.count(),
                digest=asked["effect_digest"],
                on=on,
            ),
            on=on,
        )
        if waits := approval_api.waits(made):
            return waits
        activation = self.get_queryset().filter(order=made).earliest("pk")
        return self._shown(activation, status=201)

    @extend_schema(parameters=[ROLE], responses=api.OutcomeSerializer, filters=False)
    @action(detail=False, filter_backends=[], pagination_class=None)
    def effect(self, request, installation):
        """What activating a role would do now: its people get seats. Writes nothing."""
        installation = api.installation_of(self)
        asked = RoleQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        role = self._role(asked.validated_data["role"])
        members = role_activations.unseated(installation, role).count()
        effect = role_activations.effect(
            installation, role, on=api.today(installation.account)
        )
        return Response(
            api.outcome(
                installation.account,
                installation.plan,
                effect,
                seats=installation.seats.count() + members,
            )
        )

    @extend_schema(
        operation_id="installations_roles_auto_install_effect",
        responses=api.OutcomeSerializer,
    )
    @action(detail=True, url_path="effect", filter_backends=[], pagination_class=None)
    def standing_effect(self, request, installation, pk):
        """What turning Auto Install on would do now. Writes nothing."""
        self.get_object()
        installation = api.installation_of(self)
        effect = role_activations.standing_effect(
            installation, on=api.today(installation.account)
        )
        return Response(
            api.outcome(
                installation.account,
                installation.plan,
                effect,
                seats=installation.seats.count(),
            )
        )

    @extend_schema(
        request=AutoInstallSerializer,
        responses=ActivationSerializer,
        parameters=[api.IF_MATCH],
    )
    @remembered.answer
    def partial_update(self, request, installation, pk):
        """Turn Auto Install on, which is a standing order, or off (T6). The activation
        that answers takes this one's place. Send If-Match.
        """
        activation = self.get_object()
        match(request, _version(activation))
        asked = api.asked(AutoInstallSerializer, request)
        on = api.today(activation.account)
        signed = api.sign(
            request,
            authority.MANAGE,
            activation.installation.plan,
            seats=activation.installation.seats.count(),
            digest=asked["effect_digest"],
            on=on,
        )
        if not asked["auto_install"] or activation.auto_install:
            renewed = role_activations.set_auto_install(
                activation, asked["auto_install"], signed=signed, on=on
            )
            return self._shown(renewed)
        wanted = Wanted(
            Kind.AUTO,
            activation.account,
            activation.installation.plan,
            installation=activation.installation,
            activation=activation,
        )
        made = approval_api.make(request, wanted, signed=signed, on=on)
        if waits := approval_api.waits(made):
            return waits
        return self._shown(self.get_queryset().filter(order=made).earliest("pk"))

    @extend_schema(request=None, responses=ActivationSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def stop(self, request, installation, pk):
        """Stop activating a role. Its people keep their seats; the bill stays (3.22)."""
        activation = self.get_object()
        role_activations.stop(
            activation, by=request.user, on=api.today(activation.account)
        )
        return self._shown(self.get_object())

    def _role(self, pk: int) -> Role:
        return get_object_or_404(
            Role.objects.of(self.request.user.account).select_related("group"), pk=pk
        )

    def _shown(self, activation: RoleActivation, *, status: int = 200) -> Response:
        data = ActivationSerializer(activation).data
        return Response(data, status, headers={"ETag": etag(_version(activation))})


class RoleQuerySerializer(serializers.Serializer):
    role = serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID)


def _version(activation: RoleActivation) -> str:
    return f"{activation.pk}:{activation.auto_install}:{activation.ended_on}"


class WaitingSerializer(serializers.ModelSerializer):
    """Somebody who joined an activated role and waits for a decision (3.21)."""

    user = PersonNameSerializer()
    role_name = serializers.CharField(source="activation.role_name")
    reason = serializers.CharField(help_text="What stopped Auto Install, as a code.")

    class Meta:
        model = JoinEvent
        fields = ["id", "user", "role_name", "joined_on", "reason"]
        read_only_fields = fields


class DecideSerializer(serializers.Serializer):
    """Which of those who wait: by the ids of the queue, or everybody (`all`)."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID),
        max_length=api.MOST_ROWS,
        required=False,
        default=list,
    )
    all = serializers.BooleanField(required=False, default=False)


class SeatWaitingSerializer(DecideSerializer):
    effect_digest = api.digest_field()


class RefusedSerializer(serializers.Serializer):
    refused = serializers.IntegerField()


@extend_schema(parameters=[api.INSTALLATION])
class Queue(mixins.ListModelMixin, viewsets.GenericViewSet):
    """People who wait because Auto Install may not seat them by itself."""

    permission_classes = [api.MANAGES]
    serializer_class = WaitingSerializer
    filter_backends = []
    queryset = JoinEvent.objects.all()
    ordering = "id"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return JoinEvent.objects.none()
        return self._queued(api.installation_of(self))

    @extend_schema(request=DecideSerializer, responses=api.OutcomeSerializer)
    @action(detail=False, methods=["post"])
    @remembered.answer
    def effect(self, request, installation):
        """What seating people who wait would do, to the cent. Buys nothing."""
        installation = api.installation_of(self)
        waiting = self._chosen(installation, api.asked(DecideSerializer, request))
        effect = seats.effect(
            installation,
            [join.user for join in waiting],
            on=api.today(installation.account),
        )
        return Response(
            api.outcome(
                installation.account,
                installation.plan,
                effect,
                seats=installation.seats.count() + len(waiting),
            )
        )

    @extend_schema(
        request=SeatWaitingSerializer,
        responses={201: AddedSerializer, 202: approval_api.WaitingPurchaseSerializer},
    )
    @action(detail=False, methods=["post"])
    @remembered.answer
    def seat(self, request, installation):
        """Seat people who wait: an order like any other (3.21)."""
        installation = api.installation_of(self)
        asked = api.asked(SeatWaitingSerializer, request)
        waiting = self._chosen(installation, asked)
        on = api.today(installation.account)
        made = approval_api.make(
            request,
            Wanted(
                Kind.QUEUE,
                installation.account,
                installation.plan,
                installation=installation,
                joins=waiting,
            ),
            signed=api.sign(
                request,
                authority.MANAGE,
                installation.plan,
                seats=installation.seats.count() + len(waiting),
                digest=asked["effect_digest"],
                on=on,
            ),
            on=on,
        )
        return approval_api.waits(made) or Response(added(made, installation), 201)

    @extend_schema(request=DecideSerializer, responses=RefusedSerializer)
    @action(detail=False, methods=["post"])
    @remembered.answer
    def refuse(self, request, installation):
        """Refuse people who wait; they get no seat and nothing is billed (3.21)."""
        installation = api.installation_of(self)
        waiting = self._chosen(installation, api.asked(DecideSerializer, request))
        joins.refuse(
            installation, waiting, by=request.user, on=api.today(installation.account)
        )
        return Response({"refused": len(waiting)})

    def _queued(self, installation):
        return (
            JoinEvent.objects.queued()
            .filter(installation=installation)
            .select_related("user", "activation")
        )

    def _chosen(self, installation, asked: dict) -> list[JoinEvent]:
        """Those that are meant. Who is not waiting here is refused by the rule."""
        queued = self._queued(installation).order_by("id")
        if asked["all"]:
            return list(queued)
        return joins.queued(installation, asked["ids"])
