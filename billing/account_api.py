"""What an account agreed to and what it costs, for its own software: contract, orders,
charges. Lines and renewal changes are the console's: it knows who is active.
"""

from decimal import Decimal
from functools import partial

import django_filters
from django.core.validators import ProhibitNullCharactersValidator
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.response import Response

from accounts import authority, clock
from accounts.api_doors import opens
from accounts.models import ApiKey
from billing import contracts, effects, periods, prices
from billing.effect_api import EffectSerializer, exact
from billing.models import Charge, Contract, Order

READS = opens(ApiKey.Audience.ACCOUNT, "billing", authority.MANAGE)

slug = partial(
    django_filters.CharFilter,
    max_length=80,
    validators=[ProhibitNullCharactersValidator()],
)


class AppNameSerializer(serializers.Serializer):
    slug = serializers.CharField()
    name = serializers.CharField()


class PlanNameSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()


class PersonNameSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    email = serializers.CharField()
    name = serializers.CharField(source="display_name")


class SummarySerializer(serializers.Serializer):
    """Listed price × selected users, a month: indicative, no bill and no contract (T8)."""

    plan = serializers.CharField()
    charge_model = serializers.CharField()
    seats = serializers.IntegerField()
    units = serializers.IntegerField()
    currency = serializers.CharField()
    monthly_price = serializers.CharField(allow_null=True)
    total = serializers.CharField(allow_null=True)


class OrderSerializer(serializers.ModelSerializer):
    """A signed order: who, by which authority, under which terms, shown what (T7)."""

    app = AppNameSerializer()
    plan = PlanNameSerializer()
    placed_by = PersonNameSerializer()
    permission = serializers.CharField(source="authority")
    approved_by = PersonNameSerializer(
        allow_null=True, help_text="The second person, where the account asks for one."
    )
    summary = serializers.SerializerMethodField()
    effect = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = [
            *("id", "kind", "app", "plan", "placed_on", "placed_at", "placed_by"),
            *("permission", "role_name", "terms_version", "terms_address"),
            *("approved_by", "approved_role_name", "approved_at"),
            *("effect_digest", "effect", "summary"),
        ]
        read_only_fields = fields

    @extend_schema_field(SummarySerializer(allow_null=True))
    def get_summary(self, order):
        return SummarySerializer(order.summary).data if order.summary else None

    @extend_schema_field(EffectSerializer)
    def get_effect(self, order):
        return EffectSerializer(effects.loaded(order.effect)).data


class OrderFilter(django_filters.FilterSet):
    app = slug(field_name="app__slug", label="An app's slug")
    placed_from = django_filters.DateFilter(field_name="placed_on", lookup_expr="gte")
    placed_until = django_filters.DateFilter(
        field_name="placed_on", lookup_expr="lt", label="First day after"
    )

    class Meta:
        model = Order
        fields = ["kind"]


class Orders(viewsets.ReadOnlyModelViewSet):
    """The account's signed orders, newest first (T7)."""

    permission_classes = [READS]
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    queryset = Order.objects.all()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self):
        orders = Order.objects.filter(account=self.request.user.account_id)
        return orders.select_related("app", "plan", "placed_by", "approved_by")


class ChargeSerializer(serializers.ModelSerializer):
    """Money owed or given back: quantity × unit_price × days ÷ period_days, rounded once,
    half up, to `digits`; a credit is no more than `capped_at`.
    """

    app = AppNameSerializer(source="line.app")
    plan = PlanNameSerializer(source="line.plan")
    digits = serializers.IntegerField(source="line.digits")
    amount = serializers.SerializerMethodField()
    unit_price = exact()
    capped_at = serializers.SerializerMethodField()

    class Meta:
        model = Charge
        fields = [
            *("id", "line", "app", "plan", "order", "reason", "origin", "cause"),
            *(
                "billed_on",
                "period_starts_on",
                "period_ends_on",
                "starts_on",
                "ends_on",
            ),
            *("quantity", "unit_price", "days", "period_days", "digits", "capped_at"),
            *("amount", "currency", "reverses", "created_at"),
        ]
        read_only_fields = fields

    def get_amount(self, charge) -> str:
        return _rounded(charge.amount, charge)

    def get_capped_at(self, charge) -> str | None:
        if charge.capped_at is None:
            return None
        return _rounded(charge.capped_at, charge)


def _rounded(amount: Decimal, charge: Charge) -> str:
    return str(prices.rounded(amount, digits=charge.line.digits))


class ChargeFilter(django_filters.FilterSet):
    app = slug(field_name="line__app__slug", label="An app's slug")
    billed_from = django_filters.DateFilter(field_name="billed_on", lookup_expr="gte")
    billed_until = django_filters.DateFilter(
        field_name="billed_on", lookup_expr="lt", label="First day after"
    )
    line = django_filters.NumberFilter(field_name="line_id", max_value=2**63 - 1)
    order = django_filters.NumberFilter(field_name="order_id", max_value=2**63 - 1)

    class Meta:
        model = Charge
        fields = ["reason", "origin", "currency"]


class Charges(viewsets.ReadOnlyModelViewSet):
    """Every charge of the account, each with the numbers to redo its sum; newest first."""

    permission_classes = [READS]
    serializer_class = ChargeSerializer
    filterset_class = ChargeFilter
    queryset = Charge.objects.all()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self):
        charges = Charge.objects.of(self.request.user.account_id)
        return charges.select_related("line__app", "line__plan")


class ContractSerializer(serializers.ModelSerializer):
    """What the account signed: frequency, term and currency of its purchases (T1)."""

    today = serializers.SerializerMethodField()
    term_starts_on = serializers.SerializerMethodField()
    term_ends_on = serializers.SerializerMethodField()
    timezone = serializers.CharField(source="account.timezone")

    class Meta:
        model = Contract
        fields = [
            *("id", "currency", "starts_on", "ends_on", "auto_renews"),
            *("term_months", "frequency_months", "term_starts_on", "term_ends_on"),
            *("timezone", "today"),
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateField(help_text="The account's local day."))
    def get_today(self, contract):
        return self.context["on"]

    @extend_schema_field(serializers.DateField())
    def get_term_starts_on(self, contract):
        return self._term(contract).start

    @extend_schema_field(serializers.DateField())
    def get_term_ends_on(self, contract):
        return self._term(contract).end

    def _term(self, contract):
        return periods.period_on(
            contract.starts_on, contract.term_months, self.context["on"]
        )


class CurrentContract(viewsets.GenericViewSet):
    """The contract that runs today; 404 without one."""

    permission_classes = [READS]
    serializer_class = ContractSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(operation_id="contract_retrieve", responses=ContractSerializer)
    def retrieve(self, request):
        account = request.user.account
        on = clock.today(account.timezone)
        contract = contracts.current(account, on=on)
        if contract is None:
            raise Http404
        return Response(ContractSerializer(contract, context={"on": on}).data)
