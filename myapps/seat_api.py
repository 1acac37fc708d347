"""Seats of an installation, for an account's own software: add and remove people, up to
10,000 in one call, all or none of them (T10, T13).
"""

import django_filters
from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority, people, remembered
from accounts.api import RoleNameSerializer
from billing.account_api import OrderSerializer, PersonNameSerializer
from billing.models import Order
from myapps import api, approval_api, seats
from myapps.line_api import RenewalChangeSerializer, changes_of
from myapps.models import Seat
from myapps.purchases import Kind, Wanted

SKIP, REFUSE = "skip", "refuse"
POLICIES = [(SKIP, SKIP), (REFUSE, REFUSE)]


class SeatSerializer(serializers.ModelSerializer):
    """Somebody who has a seat, and who or which role gave it."""

    user = PersonNameSerializer()
    added_by = PersonNameSerializer()
    role = RoleNameSerializer(allow_null=True, help_text="The role that gave it.")

    class Meta:
        model = Seat
        fields = ["id", "user", "role", "added_by", "added_on", "left_role_on"]
        read_only_fields = fields


class AddPeopleSerializer(api.PeopleSerializer):
    """Who shall get a seat. `already_seated`: skip them, or refuse the list with a row
    error (has_seat).
    """

    already_seated = serializers.ChoiceField(
        choices=POLICIES, default=SKIP, required=False
    )


class AddSerializer(AddPeopleSerializer):
    effect_digest = api.digest_field()


class AddedSerializer(serializers.Serializer):
    """The order that was signed, and how many seats are active now."""

    order = OrderSerializer()
    seats = serializers.IntegerField()


class RemoveSerializer(api.PeopleSerializer):
    """Whose seats go. The bill stays; `lower` asks to bill fewer from the renewal on."""

    not_seated = serializers.ChoiceField(
        choices=POLICIES,
        default=SKIP,
        required=False,
        help_text="Skip those who have no seat, or refuse the list (no_seat).",
    )
    lower = serializers.BooleanField(default=False, required=False)
    ticket_wanted = api.ticket_field()


class RemovedSerializer(serializers.Serializer):
    """How many seats went and are left, and what was asked for at renewal."""

    removed = serializers.IntegerField()
    seats = serializers.IntegerField()
    renewal_changes = RenewalChangeSerializer(many=True)


class SeatFilter(django_filters.FilterSet):
    email = django_filters.CharFilter(
        field_name="user__email",
        lookup_expr="iexact",
        max_length=254,
        validators=[ProhibitNullCharactersValidator()],
    )
    role = django_filters.NumberFilter(field_name="role_id", max_value=api.LARGEST_ID)
    left_role = django_filters.BooleanFilter(
        field_name="left_role_on",
        lookup_expr="isnull",
        exclude=True,
        label="No longer in the role that gave it",
    )

    class Meta:
        model = Seat
        fields: list[str] = []


@extend_schema(parameters=[api.INSTALLATION])
class Seats(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Who has a seat in an app."""

    permission_classes = [api.MANAGES]
    serializer_class = SeatSerializer
    filterset_class = SeatFilter
    queryset = Seat.objects.all()
    ordering = "id"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return Seat.objects.none()
        seats = Seat.objects.filter(installation=api.installation_of(self))
        return seats.select_related("user", "added_by", "role")

    @extend_schema(
        request=AddSerializer,
        responses={201: AddedSerializer, 202: approval_api.WaitingPurchaseSerializer},
    )
    @remembered.answer
    def create(self, request, installation):
        """Give people seats; those above the contracted quantity are billed at once
        (T10).
        """
        installation = api.installation_of(self)
        asked = api.asked(AddSerializer, request)
        on = api.today(installation.account)
        users = _to_add(installation, asked)
        count = installation.seats.count()
        signed = api.sign(
            request,
            authority.MANAGE,
            installation.plan,
            seats=count + len(users),
            digest=asked["effect_digest"],
            on=on,
        )
        wanted = Wanted(
            Kind.USERS, installation.account, installation.plan,
            installation=installation, users=users,
        )  # fmt: skip
        made = approval_api.make(request, wanted, signed=signed, on=on)
        return approval_api.waits(made) or Response(added(made, installation), 201)

    @extend_schema(request=AddPeopleSerializer, responses=api.OutcomeSerializer)
    @action(detail=False, methods=["post"])
    @remembered.answer
    def effect(self, request, installation):
        """What giving these people seats would do, to the cent. Buys nothing."""
        installation = api.installation_of(self)
        asked = api.asked(AddPeopleSerializer, request)
        users = _to_add(installation, asked)
        held = _seated(installation, users)
        more = sum(1 for user in users if user.pk not in held)
        effect = seats.effect_of(installation, more, on=api.today(installation.account))
        return Response(
            api.outcome(
                installation.account,
                installation.plan,
                effect,
                seats=installation.seats.count() + more,
            )
        )

    @extend_schema(request=RemoveSerializer, responses=RemovedSerializer)
    @action(detail=False, methods=["post"])
    @remembered.answer
    def remove(self, request, installation):
        """Free seats. No bill changes; `lower` asks for the lower quantity at renewal
        (T13).
        """
        installation = api.installation_of(self)
        asked = api.asked(RemoveSerializer, request)
        users = _to_remove(installation, asked)
        before = installation.seats.count()
        changes = seats.remove(
            installation,
            users,
            by=request.user,
            on=api.today(installation.account),
            lower=asked["lower"],
            ticket_wanted=asked["ticket_wanted"],
        )
        left = installation.seats.count()
        return Response(
            RemovedSerializer(
                {
                    "removed": before - left,
                    "seats": left,
                    "renewal_changes": changes_of(installation.account).filter(
                        pk__in=[change.pk for change in changes]
                    ),
                }
            ).data
        )


def added(order: Order, installation) -> dict:
    return AddedSerializer({"order": order, "seats": installation.seats.count()}).data


def _to_add(installation, asked: dict):
    rows = people.rows(installation.account, ids=asked["users"], emails=asked["emails"])
    if asked["already_seated"] == REFUSE:
        _mark(rows, _seated(installation, _users(rows)), code="has_seat")
    return people.chosen(rows)


def _to_remove(installation, asked: dict):
    """Deactivated people may be named: whoever has a seat can lose it."""
    rows = people.rows(installation.account, ids=asked["users"], emails=asked["emails"])
    for row in rows:
        row.code = "" if row.code == "inactive" else row.code
    if asked["not_seated"] == REFUSE:
        held = _seated(installation, _users(rows))
        without = {user.pk for user in _users(rows)} - held
        _mark(rows, without, code="no_seat")
    return people.chosen(rows)


def _users(rows: list[people.Row]):
    return [row.user for row in rows if row.user]


def _mark(rows: list[people.Row], pks: set[int], *, code: str) -> None:
    for row in rows:
        if row.user and row.user.pk in pks and not row.code:
            row.code = code


def _seated(installation, users) -> set[int]:
    """Those of the users who have a seat, by their ids."""
    held = Seat.objects.filter(
        installation=installation, user__in=[user.pk for user in users]
    )
    return set(held.values_list("user_id", flat=True))
