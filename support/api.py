"""The desk's part of the API: an account's own requests, and staff's tickets.

An account's software meets what its pages show and nothing else: no internal ticket, no
internal note. Staff's meets the same rules as the desk's pages; what two people may edit
is sent with If-Match, whose version is the ticket's.
"""

import django_filters
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import authority, clock, remembered
from accounts.api_doors import etag, match, opens
from accounts.models import ApiKey
from support import conversations, tickets, wishes
from support.forms import BUYS, NEEDS_MANAGE, QUESTIONS, RequestForm
from support.models import Message, Ticket

ACCOUNT, SUPPORT = ApiKey.Audience.ACCOUNT, ApiKey.Audience.SUPPORT
NUMBER = "T-[0-9]{6,12}"
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the ticket as it was read.",
)
WORDS = 8_000


def body_of(serializer: type[serializers.Serializer], request) -> dict:
    """What a body asks for, or 400 with every field that needs another value."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data


def pk_of(number: str) -> int:
    """T-000123 in an address is the ticket 123."""
    return int(number.removeprefix("T-"))


class Said(serializers.ModelSerializer):
    """What was said on a request."""

    by = serializers.CharField(
        source="author.display_name", default="", help_text="Empty: said by itself."
    )
    staff = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = ["id", "by", "staff", "body", "on", "at"]
        read_only_fields = fields

    def get_staff(self, message) -> bool:
        return message.author is None or message.author.kind in tickets.STAFF


class RequestSerializer(serializers.ModelSerializer):
    """A request to Support, as the account sees it."""

    number = serializers.CharField()
    app = serializers.CharField(source="app.slug", default=None, allow_null=True)
    plan = serializers.CharField(source="plan.code", default=None, allow_null=True)
    requester = serializers.CharField(
        source="requester.display_name", default="", help_text="Empty: the calendar."
    )
    messages = Said(many=True, source="public_words")

    class Meta:
        model = Ticket
        fields = [
            *("number", "subject", "category", "state", "requester", "app", "plan"),
            *("line", "term_ends_on", "opened_on", "messages"),
        ]
        read_only_fields = fields


class RequestFilter(django_filters.FilterSet):
    class Meta:
        model = Ticket
        fields = ["state", "category"]


class AskSerializer(serializers.Serializer):
    """A request: its category, and the answers to what its form asks."""

    category = serializers.ChoiceField(choices=[(one, one) for one in QUESTIONS])
    body = serializers.CharField(max_length=4_000)
    line = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    quantity = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1
    )
    app = serializers.SlugField(required=False, help_text="An app's slug.")
    plan = serializers.CharField(
        required=False, max_length=100, help_text="A plan's code."
    )
    people = serializers.IntegerField(
        required=False, min_value=1, max_value=10**7, help_text="Asking sales."
    )
    currency = serializers.RegexField(
        "^[A-Z]{3}$", required=False, help_text="Asking sales: three letters, as EUR."
    )


class WordsSerializer(serializers.Serializer):
    body = serializers.CharField(max_length=WORDS)


class Requests(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Requests to Support: one's own, and of those who manage apps the account's."""

    permission_classes = [opens(ACCOUNT, "tickets")]
    serializer_class = RequestSerializer
    filterset_class = RequestFilter
    queryset = Ticket.objects.all()
    lookup_field = "number"
    lookup_value_regex = NUMBER

    def get_queryset(self):
        user = self.request.user
        found = Ticket.objects.of(user.account_id).public()
        if not authority.held(user, authority.MANAGE):
            found = found.filter(requester=user)
        words = Message.objects.public().select_related("author").order_by("id")
        return found.select_related("app", "plan", "requester").prefetch_related(
            Prefetch("messages", words, to_attr="public_words")
        )

    def get_object(self):
        return get_object_or_404(self.get_queryset(), pk=pk_of(self.kwargs["number"]))

    @extend_schema(request=AskSerializer, responses={201: RequestSerializer})
    @remembered.answer
    def create(self, request):
        """Ask Support. What lowers a bill asks billing, which opens the ticket (T12, T13)."""
        asked = body_of(AskSerializer, request)
        user, category = request.user, asked["category"]
        if category in NEEDS_MANAGE and not authority.held(user, authority.MANAGE):
            self.permission_denied(request, "The key's person lacks this authority.")
        on = clock.today(user.account.timezone)
        buys = any(authority.held(user, name) for name in authority.PURCHASING)
        if category in BUYS and not buys:
            self.permission_denied(request, "The key's person lacks this authority.")
        form = RequestForm(asked, account=user.account, category=category, on=on)
        if not form.is_valid():
            raise serializers.ValidationError(form.errors)
        ticket = tickets.submit(
            user.account, category=category, by=user, on=on, at=clock.now(),
            **form.cleaned_data,
        )  # fmt: skip
        found = self.get_queryset().get(pk=ticket.pk)
        return Response(RequestSerializer(found).data, 201)

    @extend_schema(request=WordsSerializer, responses=RequestSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def reply(self, request, number):
        """Answer Support; an answer wakes a request that waits for one."""
        ticket = self.get_object()
        tickets.reply(
            ticket, body_of(WordsSerializer, request)["body"], by=request.user,
            on=clock.today(request.user.account.timezone), at=clock.now(),
            channel=Message.Channel.API,
        )  # fmt: skip
        return Response(RequestSerializer(self.get_object()).data)


class Spoken(Said):
    """What was said on a ticket; internal notes are for staff alone."""

    class Meta(Said.Meta):
        fields = [*Said.Meta.fields, "internal", "leaves_at"]
        read_only_fields = fields


class TicketSerializer(serializers.ModelSerializer):
    """A ticket of the desk."""

    number = serializers.CharField()
    account = serializers.CharField(source="account.slug")
    app = serializers.CharField(source="app.slug", default=None, allow_null=True)
    plan = serializers.CharField(source="plan.code", default=None, allow_null=True)
    requester = serializers.CharField(
        source="requester.display_name", default="", help_text="Empty: the calendar."
    )
    assignee = serializers.CharField(
        source="assignee.email", default=None, allow_null=True
    )
    asked = serializers.SerializerMethodField(
        help_text="What a billing ticket was opened to decide, in words."
    )

    class Meta:
        model = Ticket
        fields = [
            *("number", "subject", "category", "state", "origin", "internal"),
            *("account", "requester", "assignee", "app", "plan", "line", "change"),
            *("term_ends_on", "priority", "tags", "wakes_on", "version", "opened_on"),
            *("opened_at", "answer_due_at", "solution_due_at", "solved_at", "asked"),
        ]
        read_only_fields = fields

    def get_asked(self, ticket) -> str:
        return wishes.title(ticket.change) if ticket.change_id else ""


class WholeTicketSerializer(TicketSerializer):
    """A ticket with all that was said on it."""

    messages = Spoken(many=True)

    class Meta(TicketSerializer.Meta):
        fields = [*TicketSerializer.Meta.fields, "messages"]
        read_only_fields = fields


class TicketFilter(django_filters.FilterSet):
    account = django_filters.CharFilter(field_name="account__slug")
    assignee = django_filters.CharFilter(field_name="assignee__email")
    open = django_filters.BooleanFilter(method="is_open", label="Not done")

    class Meta:
        model = Ticket
        fields = ["state", "category", "origin", "priority", "internal"]

    def is_open(self, found, name, value):
        return found.open() if value else found.filter(state__in=Ticket.DONE)


class ReplySerializer(WordsSerializer):
    wait = serializers.BooleanField(
        default=False, help_text="Wait for the customer's answer."
    )
    wakes_on = serializers.DateField(
        required=False, default=None, allow_null=True,
        help_text="The day it is open again, if no answer comes before.",
    )  # fmt: skip


class MoveSerializer(serializers.Serializer):
    state = serializers.ChoiceField(choices=[(one, one) for one in Ticket.BY_HAND])
    wakes_on = serializers.DateField(required=False, default=None, allow_null=True)


def tickets_of_the_desk():
    """Tickets with what the API says of them; staff see all accounts'."""
    return Ticket.objects.select_related(
        "account", "app", "plan", "requester", "assignee", "change__line__plan__app",
        "change__target_plan", "change__granted_plan", "line",
    )  # fmt: skip


class Tickets(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """The desk's tickets, for staff's software."""

    permission_classes = [opens(SUPPORT, "tickets")]
    serializer_class = TicketSerializer
    filterset_class = TicketFilter
    queryset = Ticket.objects.all()
    lookup_field = "number"
    lookup_value_regex = NUMBER

    def get_queryset(self):
        return tickets_of_the_desk()

    def get_object(self):
        words = Message.objects.select_related("author").order_by("id")
        found = self.get_queryset().prefetch_related(Prefetch("messages", words))
        return get_object_or_404(found, pk=pk_of(self.kwargs["number"]))

    @extend_schema(responses=WholeTicketSerializer)
    def retrieve(self, request, number):
        """A ticket with all that was said; its ETag is its version."""
        return self._whole()

    def _whole(self):
        ticket = self.get_object()
        data = WholeTicketSerializer(ticket).data
        return Response(data, headers={"ETag": etag(ticket.version)})

    def _acting(self, ticket) -> dict:
        on = clock.today(ticket.account.timezone)
        return {"by": self.request.user, "on": on}

    @extend_schema(request=ReplySerializer, responses=WholeTicketSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def reply(self, request, number):
        """Send words to the customer; for ten seconds the desk can take them back."""
        ticket, said = self.get_object(), body_of(ReplySerializer, request)
        conversations.send(
            ticket, said.pop("body"), at=clock.now(), channel=Message.Channel.API,
            **said, **self._acting(ticket),
        )  # fmt: skip
        return self._whole()

    @extend_schema(request=WordsSerializer, responses=WholeTicketSerializer)
    @action(detail=True, methods=["post"])
    @remembered.answer
    def note(self, request, number):
        """Write something that only staff read."""
        ticket, said = self.get_object(), body_of(WordsSerializer, request)
        conversations.note(ticket, said["body"], **self._acting(ticket))
        return self._whole()

    @extend_schema(
        request=MoveSerializer, responses=WholeTicketSerializer, parameters=[IF_MATCH]
    )
    @action(detail=True, methods=["post"])
    @remembered.answer
    def move(self, request, number):
        """Bring a ticket to another state. Closing a billing ticket is deciding it."""
        ticket, wanted = self.get_object(), body_of(MoveSerializer, request)
        match(request, ticket.version)
        changes = {"state": wanted["state"]}
        if wanted["wakes_on"]:
            changes["wakes_on"] = wanted["wakes_on"]
        tickets.revise(
            ticket, changes, version=ticket.version, at=clock.now(),
            **self._acting(ticket),
        )  # fmt: skip
        return self._whole()
