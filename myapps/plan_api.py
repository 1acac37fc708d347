"""The plan of an installed app, for an account's own software: choices, now or at renewal
(T11, T15, 3.13).
"""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority, remembered
from billing import contracts
from billing.account_api import OrderSerializer
from billing.effect_api import exact
from marketplace import list_prices
from marketplace.models import Plan
from myapps import api, approval_api, plan_options, plans
from myapps.line_api import RenewalChangeSerializer, changes_of
from myapps.purchases import Kind, Wanted

PLAN = OpenApiParameter("plan", str, required=True, description="A plan's code.")


class PlanQuerySerializer(serializers.Serializer):
    plan = serializers.SlugField(max_length=100)


class OptionSerializer(serializers.Serializer):
    """A base plan that the app could be on, and what stands in the way."""

    code = serializers.CharField(source="plan.code")
    name = serializers.CharField(source="plan.name")
    charge_model = serializers.CharField(source="plan.charge_model")
    monthly_price = exact(
        allow_null=True, source="price", help_text="Listed today; null: not sold so."
    )
    currency = serializers.CharField()
    current = serializers.BooleanField()
    contracted = serializers.SerializerMethodField(
        help_text="Units under contract on this plan."
    )
    obstacle = serializers.ChoiceField(
        choices=["", "not_listed", "on_request", "currency"],
        help_text="Why a change would be refused; empty where nothing is in the way.",
    )
    asked_at_renewal = serializers.SerializerMethodField()

    def get_contracted(self, option) -> int:
        return sum(line.term.contracted for line in option.lines)

    def get_asked_at_renewal(self, option) -> bool:
        return option.wish is not None


class OutcomesSerializer(serializers.Serializer):
    """What becomes of the plan that is left, by Support's decision (3.13)."""

    proposed = serializers.BooleanField(
        help_text="Whether there is a decision to make."
    )
    credit = exact(help_text="Given back if Support approves the early end.")
    still_to_bill = exact(help_text="Billed to the term's end if Support declines.")
    ends_on = serializers.DateField(allow_null=True)


class AtRenewalSerializer(serializers.Serializer):
    """Changing at renewal instead: the days it would count from, today's list price."""

    days = serializers.ListField(child=serializers.DateField())
    monthly_price = exact(allow_null=True)
    currency = serializers.CharField()


class ChangeOutcomeSerializer(api.OutcomeSerializer):
    """Both ways to another plan, with both outcomes of the one that is taken now."""

    outcomes = OutcomesSerializer()
    at_renewal = AtRenewalSerializer()


class ChangeSerializer(PlanQuerySerializer):
    effect_digest = api.digest_field()


class ChangeAtRenewalSerializer(PlanQuerySerializer):
    reason = api.reason_field()
    ticket_wanted = api.ticket_field()


class ChangedSerializer(serializers.Serializer):
    """The order that was signed, with its effect."""

    order = OrderSerializer()


@extend_schema(parameters=[api.INSTALLATION])
class Plans(viewsets.GenericViewSet):
    """The base plans of an installed app, and changing to another."""

    permission_classes = [api.MANAGES]
    serializer_class = OptionSerializer
    queryset = Plan.objects.all()
    pagination_class = None
    filter_backends = []

    @extend_schema(responses=OptionSerializer(many=True))
    def list(self, request, installation):
        """The plans side by side: those the account may choose, then contracted ones
        that are not listed (T15).
        """
        installation = api.installation_of(self)
        on = api.today(installation.account)
        holding = api.holding_of(installation, on=on)
        options = plan_options.of(installation.account, holding)
        return Response(OptionSerializer(options, many=True).data)

    @extend_schema(parameters=[PLAN], responses=ChangeOutcomeSerializer)
    @action(detail=False)
    def effect(self, request, installation):
        """What changing now would do, both outcomes for the plan that is left, and what
        changing at renewal means beside it. Writes nothing.
        """
        installation = api.installation_of(self)
        asked = PlanQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        plan = self._plan(installation, asked.validated_data)
        on = api.today(installation.account)
        holding = api.holding_of(installation, on=on)
        effect = plans.effect(installation, plan, on=on)
        shown = api.outcome(installation.account, plan, effect, seats=holding.active)
        currency = (
            contracts.currency_of(installation.account, on=on) or holding.currency
        )
        at_renewal = {
            "days": plan_options.renewal_days(holding),
            "monthly_price": list_prices.of(plan, currency=currency, on=on),
            "currency": currency,
        }
        return Response(
            shown
            | {
                "outcomes": OutcomesSerializer(plan_options.outcomes(effect)).data,
                "at_renewal": AtRenewalSerializer(at_renewal).data,
            }
        )

    @extend_schema(
        request=ChangeSerializer,
        responses={201: ChangedSerializer, 202: approval_api.WaitingPurchaseSerializer},
    )
    @action(detail=False, methods=["post"])
    @remembered.answer
    def change(self, request, installation):
        """Change the plan now, for all its users, at today's list price (T11)."""
        installation = api.installation_of(self)
        asked = api.asked(ChangeSerializer, request)
        plan = self._plan(installation, asked)
        on = api.today(installation.account)
        made = approval_api.make(
            request,
            Wanted(Kind.PLAN, installation.account, plan, installation=installation),
            signed=api.sign(
                request,
                authority.MANAGE,
                plan,
                seats=installation.seats.count(),
                digest=asked["effect_digest"],
                on=on,
            ),
            on=on,
        )
        if waits := approval_api.waits(made):
            return waits
        return Response({"order": OrderSerializer(made).data}, 201)

    @extend_schema(
        request=ChangeAtRenewalSerializer,
        responses={201: RenewalChangeSerializer(many=True)},
    )
    @action(detail=False, methods=["post"], url_path="change-at-renewal")
    @remembered.answer
    def change_at_renewal(self, request, installation):
        """Ask for another plan from the renewal on, at the price listed that day (3.12).
        Support decides by ticket.
        """
        installation = api.installation_of(self)
        asked = api.asked(ChangeAtRenewalSerializer, request)
        made = plans.change_at_renewal(
            installation,
            self._plan(installation, asked),
            by=request.user,
            on=api.today(installation.account),
            reason=asked["reason"],
            ticket_wanted=asked["ticket_wanted"],
        )
        changes = changes_of(installation.account).filter(
            pk__in=[change.pk for change in made]
        )
        return Response(RenewalChangeSerializer(changes, many=True).data, 201)

    def _plan(self, installation, asked: dict) -> Plan:
        """A plan of the app by its code. Add-ons are found, too: the rules refuse them
        (T5).
        """
        found = installation.app.plans.select_related("app")
        return get_object_or_404(found, code=asked["plan"])
