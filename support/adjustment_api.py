"""Proposed adjustments, for staff's software: drafted, proposed, decided and undone by
the rules of the desk's pages (3.12–3.14).
"""

from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import clock, remembered
from accounts.api_doors import etag, match, opens
from billing import credits
from marketplace.models import Plan
from support import adjustments, tickets, wishes
from support.api import IF_MATCH, NUMBER, SUPPORT, body_of, pk_of, tickets_of_the_desk
from support.models import Adjustment, AdjustmentApproval

OF_A_TICKET = rf"desk/tickets/(?P<number>{NUMBER})/adjustments"
TICKET = OpenApiParameter("number", str, OpenApiParameter.PATH)
VERSION = "[0-9]{1,6}"


class AdjustmentSerializer(serializers.ModelSerializer):
    """A version of what a ticket proposes, with the figures it was proposed on."""

    what = serializers.SerializerMethodField(help_text="What it does, in words.")
    author = serializers.CharField(source="author.email", default=None, allow_null=True)
    approved_by = serializers.SerializerMethodField()
    from_plan = serializers.CharField(source="from_plan.code")
    to_plan = serializers.CharField(
        source="to_plan.code", default=None, allow_null=True
    )
    seen = serializers.SerializerMethodField(
        help_text="A digest of the version and its figures of today: sent with an"
        " approval, it approves these and no others. Empty where nothing waits."
    )

    class Meta:
        model = Adjustment
        fields = [
            *("version", "kind", "state", "what", "from_quantity", "to_quantity"),
            *("from_plan", "to_plan", "charge", "boundary_on", "effective_on"),
            *("currency", "bill_before", "bill_after", "gives_back", "held", "weight"),
            *("two_needed", "reason", "author", "drafted_on", "approved_by"),
            *("decided_on", "applied_on", "seen"),
        ]
        read_only_fields = fields

    def get_what(self, adjustment) -> str:
        return wishes.proposed(adjustment)

    def get_approved_by(self, adjustment) -> list[str]:
        return [one.by.email for one in adjustment.approvals.all()]

    def get_seen(self, adjustment) -> str:
        if adjustment.state != Adjustment.State.PROPOSED:
            return ""
        on = clock.today(adjustment.ticket.account.timezone)
        return adjustments.seen(adjustment, adjustments.price(adjustment, on=on))


class DraftSerializer(serializers.Serializer):
    """One of: a `quantity` or a `plan` instead of what was asked, or the credit of a
    disputed `charge`, whose `amount` is all that is left of it where none is given.
    """

    quantity = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1
    )
    plan = serializers.CharField(required=False, max_length=100)
    charge = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    amount = serializers.DecimalField(
        required=False, max_digits=20, decimal_places=3, default=None, allow_null=True
    )
    reason = serializers.CharField(max_length=1_000, default="", allow_blank=True)

    def validate(self, asked):
        if sum(name in asked for name in ("quantity", "plan", "charge")) != 1:
            raise serializers.ValidationError(_("Name a quantity, a plan or a charge."))
        return asked


class DecisionSerializer(serializers.Serializer):
    seen = serializers.CharField(
        max_length=64,
        help_text="What was read as `seen` of the version that is decided.",
    )
    word = serializers.CharField(
        max_length=2_000, default="", allow_blank=True,
        help_text="Stands before what the decision means, which is said by itself.",
    )  # fmt: skip


@extend_schema(parameters=[TICKET])
class Adjustments(viewsets.GenericViewSet):
    """The versions of a ticket's proposal, newest first."""

    permission_classes = [opens(SUPPORT, "adjustments")]
    serializer_class = AdjustmentSerializer
    queryset = Adjustment.objects.all()
    pagination_class = None
    lookup_field = "version"
    lookup_value_regex = VERSION

    def get_queryset(self):
        given = AdjustmentApproval.objects.select_related("by").order_by("id")
        return (
            adjustments.of(self._ticket())
            .prefetch_related(Prefetch("approvals", given))
            .order_by("-version")
        )

    def _ticket(self):
        return get_object_or_404(tickets_of_the_desk(), pk=pk_of(self.kwargs["number"]))

    def _matched(self):
        ticket = self._ticket()
        match(self.request, ticket.version)
        on = clock.today(ticket.account.timezone)
        return ticket, {"by": self.request.user, "on": on}

    def _answer(self, status=200, **which):
        ticket = self._ticket()
        which = which or {"version": adjustments.newest(ticket).version}
        one = get_object_or_404(self.get_queryset(), **which)
        data = AdjustmentSerializer(one).data
        return Response(data, status, headers={"ETag": etag(ticket.version)})

    @extend_schema(responses=AdjustmentSerializer(many=True))
    def list(self, request, number):
        """Every version; the ETag is the ticket's version."""
        ticket = self._ticket()
        data = AdjustmentSerializer(self.get_queryset(), many=True).data
        return Response(data, headers={"ETag": etag(ticket.version)})

    def retrieve(self, request, number, version):
        """One version with its figures."""
        return self._answer(version=version)

    @extend_schema(
        request=DraftSerializer,
        responses={201: AdjustmentSerializer},
        parameters=[IF_MATCH],
    )
    @remembered.answer
    def create(self, request, number):
        """Draft another quantity or plan than was asked, or the credit of a charge."""
        wanted = body_of(DraftSerializer, request)
        ticket, acting = self._matched()
        acting["reason"] = wanted["reason"]
        if "charge" in wanted:
            charge = get_object_or_404(
                credits.disputable(ticket.account).select_related("line__plan__app"),
                pk=wanted["charge"],
            )
            amount = wanted["amount"]
            if amount is None:
                amount = credits.left([charge])[charge.pk]
            made = adjustments.draft_credit(ticket, charge, amount, **acting)
        elif "plan" in wanted:
            plan = Plan.objects.filter(
                app=ticket.line and ticket.line.app_id, code=wanted["plan"]
            ).first()
            if plan is None:
                raise ValidationError(
                    _("The app has no plan of this code."), code="foreign_plan"
                )
            made = adjustments.draft(ticket, plan=plan, **acting)
        else:
            made = adjustments.draft(ticket, quantity=wanted["quantity"], **acting)
        return self._answer(201, version=made.version)

    @extend_schema(request=None, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    @remembered.answer
    def propose(self, request, number, version):
        """Put a draft in the place of what is proposed."""
        _ticket, acting = self._matched()
        adjustments.propose(self.get_object(), **acting)
        return self._answer(version=version)

    @extend_schema(request=None, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    @remembered.answer
    def discard(self, request, number, version):
        """Take back a draft, or a credit that waits."""
        _ticket, acting = self._matched()
        adjustments.discard(self.get_object(), **acting)
        return self._answer(version=version)

    @extend_schema(request=DecisionSerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    @remembered.answer
    def approve(self, request, number, version):
        """Approve what is proposed; above the limit the first of two waits."""
        return self._decide(approve=True)

    @extend_schema(request=DecisionSerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    @remembered.answer
    def decline(self, request, number, version):
        """Decline what is proposed."""
        return self._decide(approve=False)

    @extend_schema(request=None, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    @remembered.answer
    def undo(self, request, number, version):
        """Take an approval back before its term end."""
        self._newest()
        ticket, acting = self._matched()
        tickets.undo(ticket, at=clock.now(), **acting)
        return self._answer()

    def _decide(self, *, approve: bool):
        said = body_of(DecisionSerializer, self.request)
        ticket, acting = self._matched()
        self._newest()
        tickets.decide(
            ticket, approve=approve, word=said["word"], seen=said["seen"],
            at=clock.now(), **acting,
        )  # fmt: skip
        return self._answer()

    def _newest(self) -> None:
        """What is decided is the version that stands, not one before it."""
        asked, newest = self.get_object(), adjustments.newest(self._ticket())
        if newest is None or newest.version != asked.version:
            raise ValidationError(
                _("Another version stands. Read it, then decide."), code="changed"
            )
