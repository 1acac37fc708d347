"""Installations, for an account's own software: install, look, limit, uninstall, keep."""

from datetime import date

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority, remembered
from accounts.api_doors import etag, match
from accounts.models import Role
from billing import contracts
from billing.account_api import (
    AppNameSerializer,
    PersonNameSerializer,
    PlanNameSerializer,
    SummarySerializer,
    slug,
)
from billing.effect_api import exact
from billing.models import Line
from marketplace.models import Plan
from myapps import (
    api,
    approval_api,
    installs,
    role_activations,
    seats,
    summary,
    uninstalls,
)
from myapps.models import Installation, JoinEvent, Seat
from myapps.purchases import Kind, Wanted

STATES = ["INSTALLING", "ACTIVE", "FAILED", "ENDING", "ENDED"]


class InstallationSerializer(serializers.ModelSerializer):
    """An app installed for the account, on one base plan."""

    app = AppNameSerializer()
    plan = PlanNameSerializer()
    state = serializers.SerializerMethodField()
    installed_by = PersonNameSerializer()
    seats = serializers.IntegerField(source="active")
    queued = serializers.IntegerField(help_text="People who wait for a seat.")
    partner_said = serializers.CharField(source="answer")
    monthly_spend_limit = exact(allow_null=True)

    class Meta:
        model = Installation
        fields = [
            *("id", "app", "plan", "state", "order", "installed_by", "installed_on"),
            *("confirm_by", "answered_at", "partner_said", "ends_on", "closed_on"),
            *("seats", "queued", "seat_limit", "monthly_spend_limit"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, installation):
        return state(installation, on=self.context["on"])


def state(installation: Installation, *, on: date) -> str:
    """Where an installation stands on a day: its end counts by its date (3.15)."""
    if installation.state == Installation.State.FAILED:
        return "FAILED"
    if installation.closed_on or (installation.ends_on and installation.ends_on <= on):
        return "ENDED"
    return "ENDING" if installation.ends_on else installation.state


class RoleChoiceSerializer(serializers.Serializer):
    role = serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID)
    auto_install = serializers.BooleanField(
        default=False,
        required=False,
        help_text="Seat whoever joins it later, too (T6).",
    )


class ChoiceSerializer(api.PeopleSerializer):
    """An app, one of its base plans, and who gets a seat at once."""

    app = serializers.SlugField(max_length=80)
    plan = serializers.SlugField(max_length=100)
    roles = RoleChoiceSerializer(many=True, required=False, max_length=100)


class InstallSerializer(ChoiceSerializer):
    effect_digest = api.digest_field()


class LimitsSerializer(serializers.Serializer):
    """How far Auto Install may go by itself; null is no limit (3.21)."""

    seat_limit = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, allow_null=True, required=False
    )
    monthly_spend_limit = serializers.DecimalField(
        max_digits=18, decimal_places=3, min_value=0, allow_null=True, required=False
    )


class UninstallSerializer(serializers.Serializer):
    reason = api.reason_field()
    ticket_wanted = api.ticket_field()
    add_ons = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=api.LARGEST_ID),
        required=False,
        default=list,
        max_length=1000,
        help_text="Add-on lines of the app that shall end with it.",
    )


class InstallationFilter(django_filters.FilterSet):
    app = slug(field_name="app__slug", label="An app's slug")
    standing = django_filters.BooleanFilter(
        field_name="closed_on", lookup_expr="isnull", label="Not closed yet"
    )

    class Meta:
        model = Installation
        fields: list[str] = []


class Installations(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Installed apps of the account."""

    permission_classes = [api.EITHER]
    serializer_class = InstallationSerializer
    filterset_class = InstallationFilter
    queryset = Installation.objects.all()
    lookup_value_regex = api.PK

    def get_permissions(self):
        if self.action in {"create", "effect"}:
            return [api.INSTALLS()]
        if self.action in {"list", "retrieve"}:
            return [api.EITHER()]
        return [api.MANAGES()]

    def get_queryset(self):
        return (
            Installation.objects.of(self.request.user.account_id)
            .select_related("app", "plan__app", "account", "installed_by")
            .annotate(
                active=_counted(Seat.objects.all()),
                queued=_counted(JoinEvent.objects.queued()),
            )
        )

    def get_serializer_context(self):
        context = super().get_serializer_context()
        if not getattr(self, "swagger_fake_view", False):
            context["on"] = api.today(self.request.user.account)
        return context

    def retrieve(self, request, *args, **kwargs):
        return self._shown(self.get_object())

    @extend_schema(
        request=InstallSerializer,
        responses={
            201: InstallationSerializer,
            202: approval_api.WaitingPurchaseSerializer,
        },
    )
    @remembered.answer
    def create(self, request):
        """Install an app: a signed order (T7). With a partner who confirms, it is
        INSTALLING until then. Needs the permission to install.
        """
        asked = api.asked(InstallSerializer, request)
        account, on = request.user.account, api.today(request.user.account)
        plan, users, roles = _choice(account, asked)
        everybody = installs.chosen(account, users, roles)
        made = approval_api.make(
            request,
            Wanted(Kind.INSTALL, account, plan, users=users, roles=roles),
            signed=api.sign(
                request,
                authority.INSTALL,
                plan,
                seats=len(everybody),
                digest=asked["effect_digest"],
                on=on,
            ),
            on=on,
        )
        if waits := approval_api.waits(made):
            return waits
        return self._shown(self.get_queryset().get(order=made), status=201)

    @extend_schema(request=ChoiceSerializer, responses=api.OutcomeSerializer)
    @action(detail=False, methods=["post"])
    @remembered.answer
    def effect(self, request):
        """What installing would do under the contract, to the cent. Buys nothing."""
        asked = api.asked(ChoiceSerializer, request)
        account, on = request.user.account, api.today(request.user.account)
        plan, users, roles = _choice(account, asked)
        everybody = len(installs.chosen(account, users, roles))
        effect = installs.effect(account, plan, seats=everybody, on=on)
        return Response(api.outcome(account, plan, effect, seats=everybody))

    @extend_schema(
        request=LimitsSerializer,
        responses=InstallationSerializer,
        parameters=[api.IF_MATCH],
    )
    @remembered.answer
    def partial_update(self, request, pk):
        """Set how far Auto Install may go by itself (3.21). Send If-Match."""
        found, on = self.get_object(), api.today(request.user.account)
        contracts.locked(found.account, on=on)
        row = seats.locked(found, on=on)
        match(request, _version(row))
        asked = api.asked(LimitsSerializer, request)
        role_activations.limit(
            row,
            seats=asked.get("seat_limit", row.seat_limit),
            monthly_spend=asked.get("monthly_spend_limit", row.monthly_spend_limit),
            by=request.user,
            on=on,
        )
        return self._shown(self.get_object())

    @extend_schema(request=UninstallSerializer, responses=InstallationSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def uninstall(self, request, pk):
        """Uninstall at the term end (T12). Until then it works, and can be kept."""
        installation, on = self.get_object(), api.today(request.user.account)
        asked = api.asked(UninstallSerializer, request)
        add_ons = uninstalls.add_ons(installation, on=on)
        uninstalls.ask(
            installation,
            by=request.user,
            on=on,
            reason=asked["reason"],
            ticket_wanted=asked["ticket_wanted"],
            with_add_ons=_among(add_ons, asked["add_ons"]),
        )
        return self._shown(self.get_object())

    @extend_schema(request=None, responses=InstallationSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def keep(self, request, pk):
        """Take the uninstall back before its day; change and ticket go (3.15)."""
        installation, on = self.get_object(), api.today(request.user.account)
        uninstalls.take_back(installation, by=request.user, on=on)
        return self._shown(self.get_object())

    @extend_schema(responses=SummarySerializer, operation_id="installations_summary")
    @action(detail=True, filter_backends=[], pagination_class=None)
    def summary(self, request, pk):
        """The purchase summary: listed price now × active users, indicative (T8)."""
        installation, on = self.get_object(), api.today(request.user.account)
        currency = contracts.currency_of(installation.account, on=on)
        shown = summary.of(
            installation.plan,
            seats=installation.active,
            currency=currency or installation.app.currency,
            on=on,
        )
        return Response(SummarySerializer(shown.as_json()).data)

    def _shown(self, installation: Installation, *, status: int = 200) -> Response:
        data = self.get_serializer(installation).data
        headers = {"ETag": etag(_version(installation))}
        return Response(data, status, headers=headers)


def _version(installation: Installation) -> str:
    limits = (installation.seat_limit, installation.monthly_spend_limit)
    return f"{installation.pk}:{limits[0]}:{limits[1]}"


def _counted(rows):
    mine = rows.filter(installation=OuterRef("pk")).order_by().values("installation")
    return Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0)


def _choice(account, asked: dict):
    """The plan, people and roles that a body names. An add-on is found, too: the rule
    refuses it (T5).
    """
    plans = Plan.objects.filter(app__slug=asked["app"], app__in=api.apps_for(account))
    plan = plans.filter(code=asked["plan"]).select_related("app").first()
    if plan is None:
        raise serializers.ValidationError({"plan": ["No app has such a plan."]})
    users = api.people_of(account, asked)
    wanted = {one["role"]: one["auto_install"] for one in asked.get("roles", [])}
    roles = Role.objects.of(account).in_bulk(wanted)
    missing = [
        {} if one["role"] in roles else {"role": ["The account has no such role."]}
        for one in asked.get("roles", [])
    ]
    if any(missing):
        raise serializers.ValidationError({"roles": missing})
    return plan, users, {roles[pk]: auto for pk, auto in wanted.items()}


def _among(add_ons: list[Line], wanted: list[int]) -> list[Line]:
    by_id = {line.pk: line for line in add_ons}
    if set(wanted) - set(by_id):
        raise ValidationError(
            _("Some of these lines are no add-ons of the app that could end with it."),
            code="not_add_ons",
        )
    return [by_id[pk] for pk in dict.fromkeys(wanted)]
