"""What the account's API of the console shares: doors, the day, the installation of an
address, the signature under a purchase, and whom a body names.
"""

from datetime import date

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from accounts import authority, clock, people, remembered
from accounts.api_doors import opens
from accounts.models import Account, ApiKey, User
from billing import contracts
from billing.account_api import SummarySerializer
from billing.effect_api import EffectSerializer
from billing.effects import Effect
from billing.orders import Signature
from marketplace.models import App, Plan
from myapps import overview, signing, summary
from myapps.models import Installation
from myapps.overview import Holding

ACCOUNT = ApiKey.Audience.ACCOUNT
MANAGES = opens(ACCOUNT, "apps", authority.MANAGE)
INSTALLS = opens(ACCOUNT, "apps", authority.INSTALL)
EITHER = opens(ACCOUNT, "apps", authority.MANAGE, authority.INSTALL)
PK = "[0-9]{1,18}"
OF_AN_INSTALLATION = rf"installations/(?P<installation>{PK})"
INSTALLATION = OpenApiParameter("installation", int, OpenApiParameter.PATH)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of what was read.",
)
MOST_ROWS = 10_000
LARGEST_ID = 2**63 - 1


def today(account: Account) -> date:
    return clock.today(account.timezone)


def installation_of(view) -> Installation:
    """The installation of the address; 404 where it is not the account's."""
    installations = view.request.user.account.installations.select_related(
        "app", "plan__app"
    )
    found = get_object_or_404(installations, pk=view.kwargs["installation"])
    found.account = view.request.user.account
    return found


def apps_for(account: Account) -> QuerySet[App]:
    """Apps in the marketplace, and those the account has under contract (T14)."""
    ours = Q(pk__in=account.lines.values("app"))
    return App.objects.filter(Q(state=App.State.PUBLISHED) | ours)


def holding_of(installation: Installation, *, on: date) -> Holding:
    """What the account has of an installed app; one that ended is refused
    (not_installed).
    """
    found = overview.of(installation.account, on=on, app=installation.app)
    if not found or found[0].installation != installation:
        raise ValidationError(
            _("The app is not installed any more. Install it again first."),
            code="not_installed",
        )
    return found[0]


def sign(
    request, permission: str, plan: Plan, *, seats: int, digest: str | None, on: date
) -> Signature:
    """The signature of the key's person under a purchase; the digest is what they agreed
    to, None whatever it is (T7).
    """
    account = request.user.account
    currency = contracts.currency_of(account, on=on)
    shown = currency and summary.of(plan, seats=seats, currency=currency, on=on)
    return signing.sign(
        request.user,
        permission,
        key=remembered.order_key(request),
        agreed=digest,
        summary=shown or None,
        on=on,
        from_address=request.META.get("REMOTE_ADDR") or None,
    )


def asked(serializer: type[serializers.Serializer], request) -> dict:
    """What a body asks for, or 400 with every field that needs another value."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data


def people_of(account: Account, asked: dict) -> list[User]:
    """Whom a body names, by ids and addresses: all of them, or refused row by row."""
    return people.chosen(
        people.rows(account, ids=asked["users"], emails=asked["emails"])
    )


def digest_field() -> serializers.CharField:
    return serializers.CharField(
        allow_null=True,
        max_length=64,
        help_text="The digest of the effect that was agreed to; null agrees to whatever"
        " it is.",
    )


def reason_field() -> serializers.CharField:
    return serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=500,
        help_text="Support reads it.",
    )


def ticket_field() -> serializers.BooleanField:
    return serializers.BooleanField(
        required=False,
        default=False,
        help_text="Open the ticket now; otherwise it opens when the term ends.",
    )


class PeopleSerializer(serializers.Serializer):
    """People by their ids, by the addresses they sign in with, or both."""

    users = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        max_length=MOST_ROWS,
        required=False,
        default=list,
    )
    emails = serializers.ListField(
        child=serializers.CharField(max_length=254),
        max_length=MOST_ROWS,
        required=False,
        default=list,
    )


class OutcomeSerializer(serializers.Serializer):
    """What a purchase would do, and the indicative summary beside it (T8)."""

    seats = serializers.IntegerField(help_text="Active seats afterwards.")
    effect = EffectSerializer()
    summary = SummarySerializer(allow_null=True)


def outcome(account: Account, plan: Plan, effect: Effect, *, seats: int) -> dict:
    """An effect as the API shows it before a purchase; nothing is written."""
    shown = summary.of(plan, seats=seats, currency=effect.currency, on=effect.on)
    return OutcomeSerializer(
        {"seats": seats, "effect": effect, "summary": shown.as_json()}
    ).data
