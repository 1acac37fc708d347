"""What was agreed and what it costs. Never sees a user list, only a number."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Concat, Greatest, Mod
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from marketplace.models import DateRange


def months(**options):
    return models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], **options
    )


def unit_price(**options):
    return models.DecimalField(max_digits=18, decimal_places=6, **options)


def amount(**options):
    return models.DecimalField(max_digits=20, decimal_places=3, **options)


class ContractQuerySet(models.QuerySet):
    def locked(self, pk):
        """The row, locked until the transaction ends; before installation and line."""
        return self.select_for_update(no_key=True).get(pk=pk)

    def of(self, account):
        return self.filter(account=account)

    def current(self, *, on):
        """Contracts that run on a local day; an account has one at most."""
        return self.filter(starts_on__lte=on).filter(
            Q(ends_on=None) | Q(ends_on__gt=on)
        )


class Contract(models.Model):
    """What an account signed: frequency, term and currency of its purchases (T1)."""

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="contracts"
    )
    currency = models.CharField(max_length=3)
    starts_on = models.DateField()
    term_months = months()
    frequency_months = months()
    auto_renews = models.BooleanField(default=True)
    ends_on = models.DateField(
        null=True, blank=True, help_text="First day after it. Empty: it renews."
    )
    billed_until = models.DateField(
        null=True, blank=True, help_text="First day not yet billed elsewhere."
    )
    wound_up_on = models.DateField(
        null=True, blank=True, help_text="The day its end was carried out for."
    )

    objects = ContractQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(term_months__gte=1, frequency_months__gte=1),
                name="contract_has_months",
            ),
            models.CheckConstraint(
                condition=Exact(Mod(F("term_months"), F("frequency_months")), 0),
                name="frequency_divides_the_term",
                violation_error_message=(
                    _("The billing frequency must divide the term, as 3 divides 12.")
                ),
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gt=F("starts_on")),
                name="contract_has_days",
            ),
            models.CheckConstraint(
                condition=Q(auto_renews=True) | Q(ends_on__isnull=False),
                name="a_contract_renews_or_ends",
            ),
            ExclusionConstraint(
                name="one_contract_at_a_time",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The account has another contract then."),
            ),
        ]

    def __str__(self):
        return f"Contract from {self.starts_on}"


class OrderForm(models.Model):
    """An order form signed with sales, kept as it came."""

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="order_forms"
    )
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="order_forms")
    number = models.CharField(max_length=60, unique=True)
    signed_on = models.DateField()
    signed_by = models.EmailField(blank=True)
    install_link_to = models.EmailField(blank=True)
    content = models.JSONField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.number


class LineQuerySet(models.QuerySet):
    def locked(self, pk):
        return self.select_for_update(no_key=True).get(pk=pk)

    def of(self, account):
        return self.filter(account=account)

    def base(self):
        return self.filter(plan__kind="BASE")

    def add_ons(self):
        return self.filter(plan__kind="ADD_ON")

    def sold_by(self, user):
        """Lines for apps of the partners this user works for."""
        return self.filter(app__partner__members=user)

    def running(self, *, on):
        """Lines that have started and not ended on a local day."""
        return self.filter(starts_on__lte=on).filter(
            Q(ends_on=None) | Q(ends_on__gt=on)
        )

    def signed(self):
        return self.filter(basis=Line.Basis.SIGNED)

    def self_serve(self):
        return self.filter(basis=Line.Basis.SELF_SERVE)

    def renewing(self):
        """Lines that no other line has replaced."""
        return self.filter(replaced_by=None)


class Line(models.Model):
    """One plan under contract, at one price, on one grid of periods and terms.

    What changes from term to term stands on its terms. Its price, anchor, frequency
    and currency never change: where they would, another line continues it.
    """

    class Basis(models.TextChoices):
        SIGNED = "SIGNED", _("Signed order form")
        SELF_SERVE = "SELF_SERVE", _("Marketplace, month to month")
        REPLACEMENT = "REPLACEMENT", _("Plan change, under the contract's term")

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="lines"
    )
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="lines")
    order_form = models.ForeignKey(
        OrderForm, models.PROTECT, related_name="lines", null=True, blank=True
    )
    app = models.ForeignKey("marketplace.App", models.PROTECT, related_name="lines")
    plan = models.ForeignKey("marketplace.Plan", models.PROTECT, related_name="lines")
    basis = models.CharField(max_length=12, choices=Basis)
    currency = models.CharField(max_length=3)
    digits = models.PositiveSmallIntegerField(
        help_text="Digits of the currency's minor unit."
    )
    monthly_unit_price = unit_price()
    anchor_on = models.DateField(help_text="Periods and terms are counted from it.")
    frequency_months = months()
    term_months = months()
    starts_on = models.DateField()
    ends_on = models.DateField(
        null=True, blank=True, help_text="First day after it. Empty: it goes on."
    )
    began_on = models.DateField(
        null=True, blank=True, help_text="The day seats were put on it."
    )
    replaced_by = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="replaces",
        null=True,
        blank=True,
        help_text="The line a plan change put in its place; it never renews.",
    )
    replaced_on = models.DateField(null=True, blank=True)
    continues = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="continued_by",
        null=True,
        blank=True,
        help_text="The line it carries on: resumed, or renewed into a new contract.",
    )
    order = models.ForeignKey(
        "Order",
        models.PROTECT,
        related_name="lines",
        null=True,
        blank=True,
        help_text="The order that opened it.",
    )
    parked_at = models.DateTimeField(null=True, blank=True)
    parked_because = models.TextField(blank=True)

    objects = LineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_unit_price__gte=0), name="line_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                name="line_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__gte=F("anchor_on")),
                name="line_starts_on_its_grid",
            ),
            models.CheckConstraint(
                condition=Exact(Mod(F("term_months"), F("frequency_months")), 0),
                name="line_frequency_divides_its_term",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by=None, replaced_on=None)
                | Q(replaced_by__isnull=False, replaced_on__isnull=False),
                name="a_replacement_has_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "app"], name="lines_of_an_app"),
            models.Index(fields=["account", "plan"], name="lines_of_a_plan"),
            models.Index(
                fields=["starts_on"],
                name="lines_to_begin",
                condition=Q(began_on=None),
            ),
        ]

    def __str__(self):
        return f"{self.plan} from {self.starts_on}"

    @property
    def unit_price(self):
        """One unit for a whole billing period, exact (T2)."""
        return self.monthly_unit_price * self.frequency_months

    @property
    def is_free(self):
        return self.monthly_unit_price == 0


class TermQuerySet(models.QuerySet):
    def holding(self, day):
        return self.filter(starts_on__lte=day, ends_on__gt=day)

    def open(self):
        """Terms whose end has not been carried out."""
        return self.filter(outcome="")

    def over(self, *, by):
        """Open terms that have ended on or before a local day."""
        return self.open().filter(ends_on__lte=by)

    def with_periods_due(self, *, by):
        """Terms with a billing period that has begun and is not charged."""
        return self.filter(billed_until__lte=by, billed_until__lt=F("ends_on"))


class Term(models.Model):
    """One term of a line: what is contracted in it and the most active in it (T10)."""

    class Outcome(models.TextChoices):
        RENEWED = "RENEWED", _("Renewed")
        ENDED = "ENDED", _("Ended")
        CONTINUED = "CONTINUED", _("Continued by another line")

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    line = models.ForeignKey(Line, models.PROTECT, related_name="terms")
    timezone = models.CharField(max_length=60)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="First day after it.")
    contracted = models.PositiveIntegerField()
    peak = models.PositiveIntegerField(
        default=0, help_text="Most units active on this line in this term."
    )
    billed = models.GeneratedField(
        expression=Greatest("contracted", "peak"),
        output_field=models.PositiveIntegerField(),
        db_persist=True,
    )
    billed_until = models.DateField(help_text="First day whose period is not charged.")
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)

    objects = TermQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")), name="term_has_days"
            ),
            models.CheckConstraint(
                condition=Q(billed_until__gte=F("starts_on"))
                & Q(billed_until__lte=F("ends_on")),
                name="billed_until_within_the_term",
            ),
            ExclusionConstraint(
                name="one_term_at_a_time",
                expressions=[
                    ("line", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [
            models.Index(
                fields=["timezone", "ends_on", "id"],
                name="terms_to_end",
                condition=Q(outcome=""),
            ),
            models.Index(
                fields=["timezone", "billed_until", "id"],
                name="terms_to_bill",
                condition=Q(billed_until__lt=F("ends_on")),
            ),
            models.Index(fields=["account", "ends_on"], name="terms_of_an_account"),
        ]

    def __str__(self):
        return f"{self.starts_on} to {self.ends_on}"


class Order(models.Model):
    """A signed order: who clicked, by which authority, what they saw (T7). Append-only."""

    class Kind(models.TextChoices):
        INSTALL = "INSTALL", _("Install")
        USERS = "USERS", _("Users added")
        PLAN = "PLAN", _("Plan changed")
        ROLE = "ROLE", _("Role activated")
        QUEUE = "QUEUE", _("Queued users seated")

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="orders"
    )
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="orders")
    app = models.ForeignKey("marketplace.App", models.PROTECT, related_name="orders")
    plan = models.ForeignKey("marketplace.Plan", models.PROTECT, related_name="orders")
    kind = models.CharField(max_length=10, choices=Kind)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders"
    )
    authority = models.CharField(max_length=60, help_text="Permission acted under.")
    role_name = models.CharField(max_length=100, help_text="Role that held it.")
    terms_version = models.CharField(max_length=40)
    terms_address = models.URLField()
    placed_on = models.DateField(help_text="Local day of the account.")
    placed_at = models.DateTimeField(auto_now_add=True)
    from_address = models.GenericIPAddressField(null=True)
    summary = models.JSONField(help_text="The purchase summary as shown (T8).")
    effect = models.JSONField(help_text="What it does under the contract, as shown.")
    effect_digest = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=100)
    body_digest = models.CharField(max_length=64)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The second person, where the account asks for one.",
    )
    approved_authority = models.CharField(max_length=60, blank=True)
    approved_role_name = models.CharField(max_length=100, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "idempotency_key"], name="one_order_per_key"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("placed_by")),
                name="nobody_seconds_their_own_order",
                violation_error_message=_("Somebody else has to approve this."),
            ),
            models.CheckConstraint(
                condition=Q(
                    approved_by=None,
                    approved_authority="",
                    approved_role_name="",
                    approved_at=None,
                )
                | (
                    Q(approved_by__isnull=False, approved_at__isnull=False)
                    & Q(approved_authority=F("authority"))
                    & ~Q(approved_role_name="")
                ),
                name="a_second_person_has_the_same_authority",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="orders_of_an_account"),
            models.Index(fields=["account", "app", "-id"], name="orders_for_an_app"),
        ]

    def __str__(self):
        return f"Order {self.pk}"


class LimitChange(models.Model):
    """A wish to loosen what an account buys without a second person: nobody alone."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting for a second person")
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Refused")
        WITHDRAWN = "WITHDRAWN", _("Taken back")

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    before = models.DecimalField(max_digits=18, decimal_places=6)
    amount = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="Monthly, in the contract's currency; empty: no second person.",
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    asked_on = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="WAITING"),
                name="one_waiting_limit_per_account",
            ),
            models.CheckConstraint(
                condition=~Q(state="DONE")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
                name="nobody_loosens_a_limit_alone",
            ),
        ]

    def __str__(self):
        return f"{self.before} to {self.amount} for {self.account_id}"


class Increase(models.Model):
    """A line grew above what was billed on it, on a day, for a cause (T6, T10)."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    line = models.ForeignKey(Line, models.PROTECT, related_name="increases")
    term = models.ForeignKey(Term, models.PROTECT, related_name="increases")
    order = models.ForeignKey(
        Order, models.PROTECT, related_name="increases", null=True, blank=True
    )
    cause = models.CharField(max_length=80, help_text="As order:7, join:12, start:3.")
    on = models.DateField()
    from_quantity = models.PositiveIntegerField()
    to_quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(to_quantity__gt=F("from_quantity")),
                name="an_increase_is_more",
            ),
            models.UniqueConstraint(
                fields=["term", "cause"], name="one_increase_per_cause"
            ),
        ]

    def __str__(self):
        return f"{self.from_quantity} to {self.to_quantity} on {self.on}"


class ChargeQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)

    def with_reasons(self):
        """Each credit of a disputed charge with the reason it was granted for."""
        cause = Concat(
            Value("grant:"),
            Cast("pk", models.TextField()),
            Value("/charge:"),
            Cast("charge", models.TextField()),
            output_field=models.TextField(),
        )
        grants = CreditGrant.objects.filter(account=OuterRef("account"))
        same = grants.annotate(its_cause=cause).filter(its_cause=OuterRef("cause"))
        return self.annotate(granted_because=Subquery(same.values("reason")[:1]))

    def total(self):
        """The sum of rounded charges, or 0."""
        return self.aggregate(total=models.Sum("amount", default=0))["total"]


class Charge(models.Model):
    """Money owed, or given back, for units of a line over days of one period.

    amount = quantity × unit_price × days / period_days, rounded once; a credit has a
    negative amount and may be capped. Append-only: a correction is a reversal.
    """

    class Reason(models.TextChoices):
        PERIOD = "PERIOD", _("Billing period")
        INCREASE = "INCREASE", _("Additional units")
        HELD = "HELD", _("Held until decided")
        CREDIT = "CREDIT", _("Credit")
        REVERSAL = "REVERSAL", _("Reversal")

    class Origin(models.TextChoices):
        ORDER_FORM = "ORDER_FORM", _("Order form")
        MARKETPLACE = "MARKETPLACE", _("Marketplace")

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="charges"
    )
    line = models.ForeignKey(Line, models.PROTECT, related_name="charges")
    term = models.ForeignKey(Term, models.PROTECT, related_name="charges")
    order = models.ForeignKey(
        Order, models.PROTECT, related_name="charges", null=True, blank=True
    )
    reason = models.CharField(max_length=10, choices=Reason)
    origin = models.CharField(max_length=12, choices=Origin)
    cause = models.CharField(
        max_length=80, help_text="As period, order:7, join:12, change:3."
    )
    period_starts_on = models.DateField()
    period_ends_on = models.DateField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    quantity = models.PositiveIntegerField()
    unit_price = unit_price(help_text="One unit for the whole billing period.")
    days = models.PositiveIntegerField()
    period_days = models.PositiveIntegerField()
    capped_at = amount(null=True, blank=True)
    amount = amount()
    currency = models.CharField(max_length=3)
    billed_on = models.DateField(help_text="The day it fell due.")
    reverses = models.OneToOneField(
        "self", models.PROTECT, related_name="reversed_by", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ChargeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "period_starts_on", "cause"],
                name="one_charge_per_line_period_and_cause",
            ),
            models.CheckConstraint(
                condition=Q(period_ends_on__gt=F("period_starts_on")),
                name="charge_period_has_days",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on"))
                & Q(starts_on__gte=F("period_starts_on"))
                & Q(ends_on__lte=F("period_ends_on")),
                name="charge_days_within_its_period",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["CREDIT", "REVERSAL"]) | Q(amount__gte=0),
                name="only_credits_and_reversals_give_back",
            ),
            models.CheckConstraint(
                condition=~Q(reason="CREDIT") | Q(amount__lte=0),
                name="a_credit_gives_back",
            ),
            models.CheckConstraint(
                condition=Q(reason="REVERSAL", reverses__isnull=False)
                | (~Q(reason="REVERSAL") & Q(reverses__isnull=True)),
                name="a_reversal_names_what_it_reverses",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "-billed_on", "-id"], name="charges_by_day"
            ),
        ]

    def __str__(self):
        return f"{self.amount} {self.currency} for {self.starts_on} to {self.ends_on}"


class RenewalChangeQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)

    def undecided(self):
        return self.filter(state=RenewalChange.State.UNDECIDED)

    def standing(self):
        """Changes that may still act: undecided, or approved and not applied."""
        return self.filter(state__in=RenewalChange.STANDING)


class RenewalChange(models.Model):
    """A decrease: what shall be lower, end or differ from a term end on (T12, T13)."""

    class Kind(models.TextChoices):
        END = "END", _("End at renewal")
        LOWER = "LOWER", _("Lower the quantity at renewal")
        PLAN = "PLAN", _("Change plan at renewal")
        REPLACED = "REPLACED", _("End a replaced plan early")

    class State(models.TextChoices):
        UNDECIDED = "UNDECIDED", _("Waiting for Support")
        APPROVED = "APPROVED", _("Approved")
        DECLINED = "DECLINED", _("Declined")
        APPLIED = "APPLIED", _("Applied")
        WITHDRAWN = "WITHDRAWN", _("Taken back")
        SUPERSEDED = "SUPERSEDED", _("Replaced by a later wish")
        MOOT = "MOOT", _("No longer needed")

    STANDING = ["UNDECIDED", "APPROVED"]
    MOVES = {
        State.UNDECIDED: {
            State.APPROVED,
            State.DECLINED,
            State.WITHDRAWN,
            State.SUPERSEDED,
            State.MOOT,
        },
        State.APPROVED: {
            State.APPLIED,
            State.WITHDRAWN,
            State.MOOT,
            State.UNDECIDED,
        },
        State.DECLINED: set(),
        State.APPLIED: set(),
        State.WITHDRAWN: set(),
        State.SUPERSEDED: set(),
        State.MOOT: set(),
    }

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="renewal_changes"
    )
    line = models.ForeignKey(Line, models.PROTECT, related_name="renewal_changes")
    kind = models.CharField(max_length=10, choices=Kind)
    term_ends_on = models.DateField(help_text="The boundary it is for.")
    target_quantity = models.PositiveIntegerField(null=True, blank=True)
    target_plan = models.ForeignKey(
        "marketplace.Plan", models.PROTECT, related_name="+", null=True, blank=True
    )
    effective_on = models.DateField(
        null=True, blank=True, help_text="The day of change, for a replaced plan."
    )
    new_line = models.ForeignKey(
        Line,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The line whose charges cap the credit of a replaced one.",
    )
    reason = models.TextField(blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        help_text="Empty: sales signed an order form.",
    )
    asked_on = models.DateField()
    asked_at = models.DateTimeField(auto_now_add=True)
    ticket_wanted = models.BooleanField(
        default=False, help_text="The ticket opens at once, not at term end."
    )
    state = models.CharField(max_length=10, choices=State, default=State.UNDECIDED)
    granted_quantity = models.PositiveIntegerField(
        null=True, blank=True, help_text="Approved instead of what was asked."
    )
    granted_plan = models.ForeignKey(
        "marketplace.Plan",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Approved instead of the one that was asked for.",
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_on = models.DateField(null=True, blank=True)
    applied_on = models.DateField(null=True, blank=True)

    objects = RenewalChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "term_ends_on"],
                condition=Q(state__in=["UNDECIDED", "APPROVED"]),
                name="one_renewal_change_per_line_and_term_end",
                violation_error_message=_(
                    "This line already has a change at that term end."
                ),
            ),
            models.CheckConstraint(
                condition=Q(kind="END", target_quantity=0, target_plan=None)
                | Q(kind="LOWER", target_quantity__gte=1, target_plan=None)
                | Q(kind="PLAN", target_quantity=None, target_plan__isnull=False)
                | Q(
                    kind="REPLACED",
                    target_quantity=0,
                    target_plan=None,
                    effective_on__isnull=False,
                    new_line__isnull=False,
                ),
                name="a_renewal_change_has_one_target",
            ),
            models.CheckConstraint(
                condition=Q(granted_quantity=None, granted_plan=None)
                | Q(state__in=["APPROVED", "APPLIED", "WITHDRAWN", "MOOT"])
                & (
                    Q(kind__in=["END", "LOWER"], granted_plan=None)
                    | Q(kind="PLAN", granted_quantity=None)
                ),
                name="a_grant_is_of_the_kind_asked",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "term_ends_on"], name="renewal_changes_by_end"
            ),
            models.Index(
                fields=["term_ends_on"],
                name="renewal_changes_standing",
                condition=Q(state__in=["UNDECIDED", "APPROVED"]),
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} on {self.term_ends_on}"

    @property
    def to_quantity(self):
        """The quantity it comes to: what was granted, else what was asked."""
        if self.granted_quantity is not None:
            return self.granted_quantity
        return self.target_quantity

    @property
    def to_plan(self):
        return self.granted_plan or self.target_plan

    @property
    def ends_line(self):
        """Whether nothing is left of the line, but what is active then."""
        return self.kind in {"END", "LOWER"} and self.to_quantity == 0


class Hold(models.Model):
    """Units of a term that are not billed while a renewal change is undecided."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    change = models.ForeignKey(RenewalChange, models.PROTECT, related_name="holds")
    term = models.ForeignKey(Term, models.PROTECT, related_name="holds")
    quantity = models.PositiveIntegerField()
    owed = models.PositiveIntegerField(
        default=0, help_text="Units of it that were decided to be billed."
    )
    starts_on = models.DateField()
    ends_on = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")), name="hold_has_days"
            ),
            models.CheckConstraint(
                condition=Q(owed__lte=F("quantity")), name="no_more_is_owed_than_held"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1), name="hold_has_a_quantity"
            ),
            ExclusionConstraint(
                name="one_hold_at_a_time",
                expressions=[
                    ("change", RangeOperators.EQUAL),
                    ("term", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self):
        return f"{self.quantity} held from {self.starts_on}"


class CreditGrant(models.Model):
    """An amount of a disputed charge that Support gave back, and why. Append-only.

    Its credit stands beside the charge as long as the charge itself does.
    """

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="credit_grants"
    )
    charge = models.ForeignKey(Charge, models.PROTECT, related_name="grants")
    amount = amount(help_text="Given back, in the charge's currency.")
    reason = models.TextField(help_text="The customer reads it.")
    key = models.CharField(
        max_length=80, unique=True, help_text="Says the same decision once."
    )
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    granted_on = models.DateField()
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="a_credit_grant_gives_something"
            )
        ]
        indexes = [models.Index(fields=["charge"], name="credit_grants_of_a_charge")]

    def __str__(self):
        return f"{self.amount} of charge {self.charge_id}"

    @property
    def cause(self):
        """What its credit names as its cause."""
        return f"grant:{self.pk}/charge:{self.charge_id}"


class Closing(models.Model):
    """How far an account's charges were handed off: days closed, batches numbered."""

    account = models.OneToOneField(
        "accounts.Account", models.PROTECT, related_name="closing"
    )
    closed_until = models.DateField(
        null=True, blank=True, help_text="First day not closed. Empty: none is."
    )
    last_number = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last closed."
    )

    def __str__(self):
        return f"closed until {self.closed_until}"


class BatchQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)

    def waiting(self):
        """Batches that the invoicing system has not acknowledged."""
        return self.filter(acknowledgement=None)


class Batch(models.Model):
    """An account's charges of a billing day in one currency, for the company's invoicing
    system: a document that never changes. Append-only.
    """

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="batches"
    )
    number = models.PositiveIntegerField(help_text="Counted without gaps per account.")
    day = models.DateField(help_text="The billing day: local to the account.")
    currency = models.CharField(max_length=3)
    lines = models.PositiveIntegerField()
    total_amount = amount()
    content = models.TextField(help_text="The document, as it is fetched.")
    checksum = models.CharField(max_length=64, help_text="SHA-256 of the document.")
    closed_at = models.DateTimeField(auto_now_add=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "number"], name="one_batch_per_number"
            ),
            models.UniqueConstraint(
                fields=["account", "day", "currency"],
                name="one_batch_per_day_and_currency",
            ),
            models.CheckConstraint(
                condition=Q(lines__gte=1, number__gte=1), name="a_batch_has_lines"
            ),
        ]
        indexes = [models.Index(fields=["-day", "-id"], name="batches_by_day")]

    def __str__(self):
        return f"Batch {self.number}, {self.day}"


class BatchedCharge(models.Model):
    """A charge left in a batch, once. Append-only."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="charges")
    charge = models.OneToOneField(Charge, models.PROTECT, related_name="batched")

    def __str__(self):
        return f"charge {self.charge_id} in batch {self.batch_id}"


class Acknowledgement(models.Model):
    """The invoicing system has a batch, and says by which name. Append-only."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    batch = models.OneToOneField(Batch, models.PROTECT, related_name="acknowledgement")
    reference = models.CharField(
        max_length=100, help_text="What the invoicing system calls it."
    )
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        help_text="Empty: the command did.",
    )
    acknowledged_on = models.DateField()
    acknowledged_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.reference
