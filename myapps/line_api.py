"""Lines under contract and renewal changes, for an account's own software (T10, T12,
T13).
"""

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority, remembered
from accounts.api_doors import opens
from billing import prices
from billing.account_api import (
    AppNameSerializer,
    PersonNameSerializer,
    PlanNameSerializer,
    slug,
)
from billing.effect_api import exact
from billing.models import Hold, Line, RenewalChange, Term
from myapps import api, overview, seats, uninstalls

BILLING = opens(api.ACCOUNT, "billing", authority.MANAGE)


class TermSerializer(serializers.ModelSerializer):
    """A term: billed is the greater of contracted and the most ever active in it (T10)."""

    class Meta:
        model = Term
        fields = [
            *("starts_on", "ends_on", "contracted", "peak", "billed"),
            "billed_until",
        ]
        read_only_fields = fields


class LineSerializer(serializers.ModelSerializer):
    """One plan under contract, at one price, with its current term."""

    app = AppNameSerializer()
    plan = PlanNameSerializer()
    plan_kind = serializers.CharField(source="plan.kind")
    order_form = serializers.CharField(
        source="order_form.number", allow_null=True, default=None
    )
    monthly_unit_price = exact()
    each_period = serializers.SerializerMethodField(
        help_text="What the billed units cost for one whole billing period."
    )
    term = serializers.SerializerMethodField()
    active = serializers.IntegerField(help_text="Units active on it now.")
    held = serializers.IntegerField(help_text="Units not billed until Support decides.")

    class Meta:
        model = Line
        fields = [
            *("id", "app", "plan", "plan_kind", "basis", "order_form", "currency"),
            *("monthly_unit_price", "frequency_months", "term_months", "anchor_on"),
            *("starts_on", "ends_on", "replaced_by", "replaced_on", "continues"),
            *("term", "active", "held", "each_period"),
        ]
        read_only_fields = fields

    @extend_schema_field(TermSerializer(allow_null=True))
    def get_term(self, line):
        return TermSerializer(line.term).data if line.term else None

    def get_each_period(self, line) -> str | None:
        if line.term is None:
            return None
        cost = prices.amount(
            line.unit_price, quantity=line.term.billed, digits=line.digits
        )
        return str(cost)


class LineFilter(django_filters.FilterSet):
    app = slug(field_name="app__slug", label="An app's slug")
    running = django_filters.BooleanFilter(
        method="runs", label="Started and not ended today"
    )

    class Meta:
        model = Line
        fields = ["basis"]

    def runs(self, lines, name, value):
        on = api.today(self.request.user.account)
        running = Line.objects.running(on=on).values("pk")
        return lines.filter(pk__in=running) if value else lines.exclude(pk__in=running)


class Lines(viewsets.ReadOnlyModelViewSet):
    """What is under contract: signed lines, replacements, and what goes month to month;
    also those that ended or start later.
    """

    permission_classes = [BILLING]
    serializer_class = LineSerializer
    filterset_class = LineFilter
    queryset = Line.objects.all()
    ordering = "id"
    lookup_value_regex = api.PK

    def get_queryset(self):
        lines = Line.objects.of(self.request.user.account_id)
        return lines.select_related("app", "plan", "order_form")

    def get_object(self):
        return self._told([super().get_object()])[0]

    def paginate_queryset(self, queryset):
        return self._told(super().paginate_queryset(queryset))

    def _told(self, lines: list[Line]) -> list[Line]:
        """Lines with their term, what is active and what is held; five queries more."""
        account = self.request.user.account
        on = api.today(account)
        newest = Term.objects.filter(line__in=lines).order_by("starts_on")
        terms: dict[int, Term] = {}
        for term in newest:
            if term.starts_on <= on or term.line_id not in terms:
                terms[term.line_id] = term
        held: dict[int, int] = {}
        undecided = Hold.objects.filter(
            term__line__in=lines,
            change__state=RenewalChange.State.UNDECIDED,
            starts_on__lte=on,
            ends_on__gt=on,
        )
        for line_id, quantity in undecided.values_list("term__line_id", "quantity"):
            held[line_id] = held.get(line_id, 0) + quantity
        active = {
            line.pk: one.active_on(line)
            for one in overview.of(account, on=on)
            for line in one.lines
        }
        for line in lines:
            line.term = terms.get(line.pk)
            line.held, line.active = held.get(line.pk, 0), active.get(line.pk, 0)
        return lines


class RenewalChangeSerializer(serializers.ModelSerializer):
    """A decrease: what shall be lower, end or differ from a term end on (T12, T13)."""

    app = AppNameSerializer(source="line.plan.app")
    plan = PlanNameSerializer(source="line.plan")
    target_plan = PlanNameSerializer(allow_null=True)
    granted_plan = PlanNameSerializer(allow_null=True)
    asked_by = PersonNameSerializer(
        allow_null=True, help_text="Null: sales signed an order form."
    )
    held = serializers.BooleanField(
        help_text="Its term end came undecided: Support decides over what is held."
    )

    class Meta:
        model = RenewalChange
        fields = [
            *("id", "line", "app", "plan", "kind", "state", "term_ends_on"),
            *("target_quantity", "target_plan", "granted_quantity", "granted_plan"),
            *("effective_on", "reason", "asked_by", "asked_on", "ticket_wanted"),
            *("decided_on", "applied_on", "held"),
        ]
        read_only_fields = fields


def changes_of(account):
    """The account's renewal changes as the API shows them."""
    return (
        RenewalChange.objects.of(account)
        .select_related("line__plan__app", "target_plan", "granted_plan", "asked_by")
        .annotate(held=Count("holds"))
        .order_by("-id")
    )


class WishSerializer(serializers.Serializer):
    """Either `installation` with the `quantity` that its plan's lines shall bill together
    from their renewal on, or `line`, which shall end: an add-on, or what is paid for and
    not installed. An installed app is uninstalled instead.
    """

    installation = serializers.IntegerField(
        min_value=1, max_value=api.LARGEST_ID, required=False
    )
    quantity = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False
    )
    line = serializers.IntegerField(
        min_value=1, max_value=api.LARGEST_ID, required=False
    )
    reason = api.reason_field()
    ticket_wanted = api.ticket_field()

    def validate(self, asked):
        if ("installation" in asked) == ("line" in asked):
            raise serializers.ValidationError(_("Name an installation or a line."))
        if ("installation" in asked) != ("quantity" in asked):
            raise serializers.ValidationError(
                _("A quantity goes with an installation, and with nothing else.")
            )
        return asked


class RenewalChangeFilter(django_filters.FilterSet):
    app = slug(field_name="line__app__slug", label="An app's slug")
    line = django_filters.NumberFilter(field_name="line_id", max_value=api.LARGEST_ID)

    class Meta:
        model = RenewalChange
        fields = ["state", "kind"]


class RenewalChanges(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """What the account asked to be less at renewal, and what became of it."""

    permission_classes = [BILLING]
    serializer_class = RenewalChangeSerializer
    filterset_class = RenewalChangeFilter
    queryset = RenewalChange.objects.all()
    lookup_value_regex = api.PK

    def get_queryset(self):
        return changes_of(self.request.user.account_id)

    @extend_schema(
        request=WishSerializer, responses={201: RenewalChangeSerializer(many=True)}
    )
    @remembered.answer
    def create(self, request):
        """Ask to bill fewer, or to end a line, from the term end on. Support decides
        (T12, T13). A later wish takes the place of an undecided one.
        """
        asked = api.asked(WishSerializer, request)
        account, on = request.user.account, api.today(request.user.account)
        wish = {
            "by": request.user,
            "on": on,
            "reason": asked["reason"],
            "ticket_wanted": asked["ticket_wanted"],
        }
        if "line" in asked:
            lines = Line.objects.of(account).select_related("account", "app", "plan")
            line = get_object_or_404(lines, pk=asked["line"])
            made = [uninstalls.end_line(line, **wish)]
        else:
            found = account.installations.select_related("app", "plan")
            installation = get_object_or_404(found, pk=asked["installation"])
            _above_active(installation, asked["quantity"])
            made = seats.lower_to(installation, asked["quantity"], **wish)
        changes = self.get_queryset().filter(pk__in=[change.pk for change in made])
        return Response(RenewalChangeSerializer(changes, many=True).data, 201)

    @extend_schema(request=None, responses=RenewalChangeSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def withdraw(self, request, pk):
        """Take a wish back, until its term end (3.15)."""
        change = self.get_object()
        uninstalls.withdraw(change, by=request.user, on=api.today(request.user.account))
        return Response(RenewalChangeSerializer(self.get_object()).data)


def _above_active(installation, quantity: int) -> None:
    """As the page: nobody asks for fewer than are active (T13)."""
    active = installation.plan.units(installation.seats.count())
    if quantity < active:
        raise ValidationError(
            _(
                "%(active)s are active. Remove somebody first, or choose %(active)s"
                " or more."
            )
            % {"active": active},
            code="in_use",
        )
