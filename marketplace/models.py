"""What is sold: partners, their apps, plans and dated list prices."""

import re

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

LAUNCHES = r"^(https://|http://127\.0\.0\.1:[0-9]+/)"
"""Tokens go out over https alone, or to a demo's partners on this machine."""


class DateRange(Func):
    """The half-open range of two day columns; an empty end is open."""

    function = "daterange"
    template = "%(function)s(%(expressions)s, '[)')"


class Partner(models.Model):
    """Who makes and runs apps."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    website = models.URLField(blank=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="partners", blank=True
    )

    def __str__(self):
        return self.name


class AppQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(state=App.State.PUBLISHED)

    def by(self, user):
        """Apps of the partners this user works for."""
        return self.filter(partner__members=user)


class App(models.Model):
    """An app in the marketplace."""

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        IN_REVIEW = "IN_REVIEW", _("In review")
        PUBLISHED = "PUBLISHED", _("Published")

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="apps")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=80)
    currency = models.CharField(
        max_length=3, blank=True, help_text="Shown to those who have no contract."
    )
    tagline = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    logo = models.CharField(
        max_length=200, blank=True, help_text="Below static/, as logos/zoom.svg."
    )
    launch_address = models.URLField(
        blank=True,
        validators=[
            RegexValidator(LAUNCHES, _("The address must begin with https://."))
        ],
        help_text=_("Where people open it: a signed token is sent there."),
    )
    listed_on = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.PUBLISHED)
    proposed = models.JSONField(
        default=dict,
        blank=True,
        help_text="What the partner would change of a published listing.",
    )
    proposed_state = models.CharField(
        max_length=10,
        choices=[("DRAFT", "Draft"), ("IN_REVIEW", "In review")],
        blank=True,
    )
    sent_back_because = models.TextField(
        blank=True, help_text="What sales operations said to the last draft."
    )
    version = models.PositiveIntegerField(default=1, help_text="Grows with each edit.")

    objects = AppQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(proposed_state="") | Q(state="PUBLISHED"),
                name="only_what_is_published_has_a_revision",
            ),
            models.CheckConstraint(
                condition=Q(launch_address="") | Q(launch_address__regex=LAUNCHES),
                name="an_app_is_opened_over_https",
            ),
        ]
        indexes = [
            GinIndex(
                OpClass(Upper("name"), name="gin_trgm_ops"), name="apps_name_trigrams"
            ),
            models.Index(fields=["category", "name"], name="apps_by_category"),
        ]

    def __str__(self):
        return self.name


class SearchEntry(models.Model):
    """The words an app is found by. Written by triggers alone (migration 0002)."""

    app = models.OneToOneField(
        App, models.CASCADE, primary_key=True, related_name="search_entry"
    )
    words = SearchVectorField()
    keywords = models.TextField(help_text="For words that are nearly right.")

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="apps_full_text"),
            GinIndex(
                OpClass("keywords", name="gin_trgm_ops"), name="apps_keyword_trigrams"
            ),
        ]
        verbose_name_plural = "search entries"

    def __str__(self):
        return self.keywords


class PlanQuerySet(models.QuerySet):
    def base(self):
        return self.filter(kind=Plan.Kind.BASE)

    def add_ons(self):
        return self.filter(kind=Plan.Kind.ADD_ON)

    def listed(self):
        return self.filter(listed=True)

    def with_a_price(self):
        """Plans whose price is not on request; sales alone sells the others (3.6)."""
        return self.filter(price_on_request=False)


class Plan(models.Model):
    """A plan of an app: a base plan is chosen, an add-on is sold by sales (T5)."""

    class Kind(models.TextChoices):
        BASE = "BASE", _("Base")
        ADD_ON = "ADD_ON", _("Add-on")

    class ChargeModel(models.TextChoices):
        PER_SEAT = "PER_SEAT", _("Per Seat")
        PER_ACCOUNT = "PER_ACCOUNT", _("Per Account")

    app = models.ForeignKey(App, models.CASCADE, related_name="plans")
    code = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.BASE)
    charge_model = models.CharField(max_length=12, choices=ChargeModel)
    unit = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    features = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    listed = models.BooleanField(
        default=True, help_text="Not listed: contracted once, offered to nobody (T15)."
    )
    price_on_request = models.BooleanField(default=False)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "code"],
                name="one_plan_per_code",
                violation_error_message=_("The app already has a plan with this code."),
            )
        ]

    def __str__(self):
        return self.name

    @property
    def is_base(self):
        return self.kind == self.Kind.BASE

    @property
    def per_account(self):
        return self.charge_model == self.ChargeModel.PER_ACCOUNT

    @property
    def measure(self):
        """What the list counts in, in words: "user/month" is "user"."""
        words = [
            re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part).lower().removeprefix("per ")
            for part in self.unit.split("/")
        ]
        return " and ".join(word for word in words if word and word != "month")

    def units(self, seats: int) -> int:
        """Units billed for a number of active seats: Per Account is always 1 (T3, T4)."""
        return 1 if self.per_account else seats


class ListPriceQuerySet(models.QuerySet):
    def on(self, day):
        """The prices listed on a day; from is included, until is not."""
        return self.filter(effective_from__lte=day).filter(
            Q(effective_until=None) | Q(effective_until__gt=day)
        )

    def offered(self):
        """Prices of plans anybody may choose: listed base plans, not on request (T5)."""
        return self.filter(
            plan__kind=Plan.Kind.BASE, plan__listed=True, plan__price_on_request=False
        )


class ListPrice(models.Model):
    """The monthly equivalent listed for one unit of a plan, over a range of days (T2)."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="list_prices")
    currency = models.CharField(max_length=3)
    monthly_price = models.DecimalField(max_digits=18, decimal_places=6)
    effective_from = models.DateField()
    effective_until = models.DateField(null=True, blank=True)

    objects = ListPriceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_price__gte=0), name="list_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(effective_until=None)
                | Q(effective_until__gt=F("effective_from")),
                name="list_price_has_days",
            ),
            ExclusionConstraint(
                name="one_list_price_a_day",
                expressions=[
                    ("plan", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    (
                        DateRange("effective_from", "effective_until"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("The plan has another price on those days."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["plan", "currency", "effective_from"],
                name="list_prices_by_day",
            )
        ]

    def __str__(self):
        return f"{self.monthly_price} {self.currency} from {self.effective_from}"

    def in_force(self, day):
        """Whether it is the price listed on a day."""
        return self.effective_from <= day and (
            self.effective_until is None or self.effective_until > day
        )


class OfferQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)


class Offer(models.Model):
    """A plan that is not listed, made available to one account by Support (T15)."""

    account = models.ForeignKey(
        "accounts.Account", models.CASCADE, related_name="offers"
    )
    plan = models.ForeignKey(Plan, models.CASCADE, related_name="offers")
    offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    offered_on = models.DateField()

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "plan"], name="one_offer_per_account_and_plan"
            )
        ]

    def __str__(self):
        return f"{self.plan} for {self.account}"
