"""The desk: tickets, what was said on them, the evidence they carry, and its own tools."""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import known_zone
from billing.models import amount


class TicketQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)

    def open(self):
        return self.exclude(state__in=Ticket.DONE)

    def public(self):
        """What a customer may see."""
        return self.filter(internal=False)

    def billing(self):
        """Tickets that propose to decide a renewal change."""
        return self.filter(change__isnull=False)

    def due(self, *, by):
        """Open ones whose term end comes on or before a local day."""
        return self.open().filter(term_ends_on__lte=by)

    def parked(self):
        return self.filter(category=Ticket.Category.PARKED)

    def unassigned(self):
        return self.filter(assignee=None)

    def mine(self, user):
        return self.filter(assignee=user)


class Ticket(models.Model):
    """A request to Support; a billing one carries a line and its term end (T12, T13)."""

    class Category(models.TextChoices):
        INSTALL = (
            "INSTALL",
            _("Technical and Product Support > AppConnect > App Install/Uninstall"),
        )
        CANCELLATION = "CANCELLATION", _("Billing > Cancellation at term end")
        REDUCTION = "REDUCTION", _("Billing > Seat reduction at renewal")
        PLAN_AT_RENEWAL = "PLAN_AT_RENEWAL", _("Billing > Plan change at renewal")
        REPLACED = "REPLACED", _("Billing > Plan replaced")
        CHARGE = "CHARGE", _("Billing > Charge question")
        ADD_ON = "ADD_ON", _("Billing > Add-on activation")
        PARKED = "PARKED", _("Billing > Parked line")
        CONTRACT = "CONTRACT", _("Sales > Contract ended")
        SALES = "SALES", _("Sales > Price request")

    class State(models.TextChoices):
        NEW = "NEW", _("New")
        OPEN = "OPEN", _("Open")
        WAITING = "WAITING", _("Waiting for the customer")
        PARTNER = "PARTNER", _("Waiting for a partner")
        SCHEDULED = "SCHEDULED", _("Scheduled for renewal")
        SOLVED = "SOLVED", _("Solved")
        CLOSED = "CLOSED", _("Closed")

    class Origin(models.TextChoices):
        CUSTOMER = "CUSTOMER", _("Customer")
        TERM_END = "TERM_END", _("End of term")
        PLAN_CHANGE = "PLAN_CHANGE", _("Plan change")
        STAFF = "STAFF", _("Staff")
        PARTNER = "PARTNER", _("Partner")
        RECONCILE = "RECONCILE", _("Reconcile")

    class Priority(models.IntegerChoices):
        LOW = 1, _("Low")
        NORMAL = 2, _("Normal")
        HIGH = 3, _("High")
        URGENT = 4, _("Urgent")

    DONE = ["SOLVED", "CLOSED"]
    ASLEEP = ["WAITING", "PARTNER"]
    MOVES = {
        State.NEW: {
            State.OPEN,
            State.WAITING,
            State.PARTNER,
            State.SCHEDULED,
            State.SOLVED,
        },
        State.OPEN: {State.WAITING, State.PARTNER, State.SCHEDULED, State.SOLVED},
        State.WAITING: {State.OPEN, State.PARTNER, State.SCHEDULED, State.SOLVED},
        State.PARTNER: {State.OPEN, State.WAITING, State.SCHEDULED, State.SOLVED},
        State.SCHEDULED: {State.OPEN, State.SOLVED},
        State.SOLVED: {State.OPEN, State.CLOSED},
        State.CLOSED: {State.OPEN},
    }
    BY_HAND = [State.OPEN, State.WAITING, State.PARTNER, State.SOLVED, State.CLOSED]
    BILLING = ["CANCELLATION", "REDUCTION", "PLAN_AT_RENEWAL", "REPLACED"]

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="tickets"
    )
    category = models.CharField(max_length=20, choices=Category)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    origin = models.CharField(max_length=12, choices=Origin)
    internal = models.BooleanField(
        default=False, help_text="For staff alone: no customer sees it."
    )
    subject = models.CharField(max_length=200)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="tickets",
        null=True,
        blank=True,
        help_text="Empty: the calendar asked.",
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    app = models.ForeignKey(
        "marketplace.App", models.PROTECT, related_name="+", null=True, blank=True
    )
    plan = models.ForeignKey(
        "marketplace.Plan", models.PROTECT, related_name="+", null=True, blank=True
    )
    line = models.ForeignKey(
        "billing.Line", models.PROTECT, related_name="tickets", null=True, blank=True
    )
    term_ends_on = models.DateField(null=True, blank=True)
    change = models.ForeignKey(
        "billing.RenewalChange",
        models.PROTECT,
        related_name="tickets",
        null=True,
        blank=True,
        help_text="The renewal change it proposes to decide.",
    )
    contract = models.ForeignKey(
        "billing.Contract",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The contract whose end sales is told of.",
    )
    priority = models.PositiveSmallIntegerField(
        choices=Priority, default=Priority.NORMAL
    )
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    followers = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="followed_tickets", blank=True
    )
    wakes_on = models.DateField(
        null=True, blank=True, help_text="First day a waiting ticket is open again."
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, related_name="merged", null=True, blank=True
    )
    cause = models.CharField(
        max_length=80,
        null=True,
        blank=True,
        unique=True,
        help_text="What the product found by itself, told once: as installation:12.",
    )
    version = models.PositiveIntegerField(
        default=0, help_text="Counts the changes to its fields; a form names its own."
    )
    opened_on = models.DateField()
    opened_at = models.DateTimeField(
        default=timezone.now, help_text="Its promises count from then."
    )
    touched_at = models.DateTimeField(auto_now=True)
    first_answered_at = models.DateTimeField(null=True, blank=True)
    solved_at = models.DateTimeField(null=True, blank=True)
    answer_due_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The first or next answer was promised by then.",
    )
    solution_due_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the customer waits for an answer."
    )
    rests_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when its promises rest."
    )
    answer_rest = models.DurationField(
        default=timedelta, help_text="Working time since it was asked that did rest."
    )
    solution_rest = models.DurationField(
        default=timedelta, help_text="Working time since it was opened that did rest."
    )
    late_answers = models.PositiveIntegerField(
        default=0, help_text="Answers that came later than promised."
    )
    presses_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The earlier of what was promised and the term end; queues sort by it.",
    )

    objects = TicketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "term_ends_on"],
                condition=Q(term_ends_on__isnull=False),
                name="one_ticket_per_line_and_term_end",
            ),
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(category="PARKED") & ~Q(state__in=["SOLVED", "CLOSED"]),
                name="one_open_ticket_per_parked_line",
            ),
            models.UniqueConstraint(
                fields=["contract"], name="one_ticket_per_ended_contract"
            ),
            models.CheckConstraint(
                condition=Q(change=None) | Q(term_ends_on__isnull=False),
                name="a_change_has_a_term_end",
            ),
            models.CheckConstraint(
                condition=Q(term_ends_on=None) | Q(line__isnull=False),
                name="a_term_end_has_a_line",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["WAITING", "PARTNER"])
                | Q(wakes_on__isnull=False),
                name="a_waiting_ticket_wakes",
                violation_error_message=_("Say on which day the ticket wakes."),
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("id")),
                name="no_ticket_is_merged_into_itself",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="tickets_of_an_account"),
            models.Index(fields=["state", "term_ends_on"], name="tickets_by_deadline"),
            models.Index(fields=["assignee", "state"], name="tickets_by_assignee"),
            models.Index(fields=["account", "requester"], name="tickets_of_a_person"),
            models.Index(
                fields=["presses_at", "id"],
                name="tickets_that_press",
                condition=~Q(state__in=["SOLVED", "CLOSED"]),
            ),
            models.Index(
                fields=["wakes_on"],
                name="tickets_to_wake",
                condition=Q(state__in=["WAITING", "PARTNER"]),
            ),
            models.Index(
                fields=["solved_at", "id"],
                name="tickets_to_close",
                condition=Q(state="SOLVED"),
            ),
            models.Index(
                fields=["solved_at"],
                name="tickets_solved",
                condition=Q(solved_at__isnull=False),
            ),
            GinIndex(fields=["tags"], name="tickets_by_tag"),
        ]

    def __str__(self):
        return f"{self.number} {self.subject}"

    @property
    def number(self):
        return f"T-{self.pk:06d}"

    @property
    def is_done(self):
        return self.state in self.DONE

    @property
    def moves(self):
        """Where a person may move it by hand; scheduling it is deciding it."""
        return [state for state in self.BY_HAND if state in self.MOVES[self.state]]


class MessageQuerySet(models.QuerySet):
    def public(self):
        """What a customer may read: no internal note, on no internal ticket, and no
        reply that can still be taken back. The only door to what was said for pages,
        mails, exports, webhooks and APIs of customers and partners.
        """
        left = Q(leaves_at=None) | Q(leaves_at__lte=Now())
        return self.filter(left, internal=False, ticket__internal=False)


class Message(models.Model):
    """What was said on a ticket: to the customer, or among staff."""

    class Channel(models.TextChoices):
        PAGE = "PAGE", _("Page")
        EMAIL = "EMAIL", _("Email")
        API = "API", _("API")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    internal = models.BooleanField(default=False)
    body = models.TextField()
    channel = models.CharField(max_length=5, choices=Channel, default=Channel.PAGE)
    mentions = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="mentioned_in", blank=True
    )
    mail_id = models.CharField(
        max_length=300,
        null=True,
        blank=True,
        unique=True,
        help_text="The Message-ID of the email it came or left with.",
    )
    on = models.DateField(help_text="Local day of the account.")
    at = models.DateTimeField(auto_now_add=True)
    leaves_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="A reply can be taken back until then; nobody outside sees it.",
    )
    state_before = models.CharField(
        max_length=10,
        choices=Ticket.State,
        blank=True,
        help_text="Where the ticket stood, if saying this moved it.",
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["ticket", "id"], name="messages_of_a_ticket")]

    def __str__(self):
        return f"{self.author_id} on {self.ticket_id}"


class TicketText(models.Model):
    """The words a ticket is found by: its number, whom and what it is about, and what
    was said, notes included: for staff alone. Written by triggers (migration
    0007_search_words).
    """

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, related_name="text"
    )
    words = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["words"], name="tickets_full_text")]

    def __str__(self):
        return f"Words of {self.ticket_id}"


class AdjustmentQuerySet(models.QuerySet):
    def live(self):
        """Versions that may still act: proposed, approved, or waiting for the boundary."""
        return self.filter(state__in=Adjustment.LIVE)

    def drafts(self):
        return self.filter(state=Adjustment.State.DRAFT)

    def proposed(self):
        return self.filter(state=Adjustment.State.PROPOSED)

    def waiting_for(self, user):
        """Proposed above the limit, with one of staff behind them: `user` may be the other.

        Neither who wrote or asked for it, nor who approved it already.
        """
        if user.kind not in {"SUPPORT", "SALES"}:
            return self.none()
        approved = AdjustmentApproval.objects.filter(adjustment=OuterRef("pk"))
        by_staff = Q(author__isnull=False, author__account=None)
        return (
            self.proposed()
            .filter(by_staff | Exists(approved), two_needed=True)
            .exclude(author=user)
            .exclude(change__asked_by=user)
            .exclude(ticket__requester=user)
            .exclude(Exists(approved.filter(by=user)))
        )


class Adjustment(models.Model):
    """One version of what a billing ticket proposes, with the figures it was proposed on.

    What is at a term end carries a renewal change, a disputed charge its credit. A
    version is never rewritten: another one supersedes it.
    """

    class Kind(models.TextChoices):
        END = "END", _("End at renewal")
        LOWER = "LOWER", _("Lower the quantity at renewal")
        PLAN = "PLAN", _("Change plan at renewal")
        REPLACED = "REPLACED", _("End a replaced plan early")
        CREDIT = "CREDIT", _("Credit a disputed charge")

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        PROPOSED = "PROPOSED", _("Proposed")
        APPROVED = "APPROVED", _("Approved")
        SCHEDULED = "SCHEDULED", _("Scheduled for renewal")
        APPLIED = "APPLIED", _("Applied")
        DECLINED = "DECLINED", _("Declined")
        SUPERSEDED = "SUPERSEDED", _("Superseded")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    LIVE = ["PROPOSED", "APPROVED", "SCHEDULED"]
    MOVES = {
        State.DRAFT: {State.PROPOSED, State.SUPERSEDED, State.WITHDRAWN},
        State.PROPOSED: {
            State.APPROVED,
            State.DECLINED,
            State.SUPERSEDED,
            State.WITHDRAWN,
        },
        State.APPROVED: {State.SCHEDULED, State.APPLIED},
        State.SCHEDULED: {State.APPLIED, State.WITHDRAWN},
        State.APPLIED: set(),
        State.DECLINED: set(),
        State.SUPERSEDED: set(),
        State.WITHDRAWN: set(),
    }

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="adjustments")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    line = models.ForeignKey("billing.Line", models.PROTECT, related_name="+")
    change = models.ForeignKey(
        "billing.RenewalChange",
        models.PROTECT,
        related_name="adjustments",
        null=True,
        blank=True,
        help_text="The wish it answers.",
    )
    charge = models.ForeignKey(
        "billing.Charge",
        models.PROTECT,
        related_name="adjustments",
        null=True,
        blank=True,
        help_text="The charge that is disputed.",
    )
    from_quantity = models.PositiveIntegerField()
    from_plan = models.ForeignKey("marketplace.Plan", models.PROTECT, related_name="+")
    to_quantity = models.PositiveIntegerField(null=True, blank=True)
    to_plan = models.ForeignKey(
        "marketplace.Plan", models.PROTECT, related_name="+", null=True, blank=True
    )
    boundary_on = models.DateField(
        null=True, blank=True, help_text="The end of the term it is for."
    )
    effective_on = models.DateField(
        null=True,
        blank=True,
        help_text="Counts from this day: the boundary, or the day a plan was replaced.",
    )
    currency = models.CharField(max_length=3)
    bill_before = amount(help_text="The next bill if nothing is changed.")
    bill_after = amount(
        null=True, blank=True, help_text="The next bill after it. Empty: it cannot act."
    )
    gives_back = amount(default=0, help_text="What is credited when it acts.")
    held = amount(default=0, help_text="What was held and not billed by then.")
    weight = amount(default=0, help_text="What the approval limit is compared with.")
    two_needed = models.BooleanField(
        default=False, help_text="Above the limit: two people of staff answer for it."
    )
    reason = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Who wrote this version. Empty: the calendar.",
    )
    drafted_on = models.DateField()
    drafted_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_on = models.DateField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    applied_on = models.DateField(null=True, blank=True)

    objects = AdjustmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "version"], name="one_adjustment_per_version"
            ),
            models.UniqueConstraint(
                fields=["line", "boundary_on"],
                condition=Q(
                    state__in=["PROPOSED", "APPROVED", "SCHEDULED"],
                    boundary_on__isnull=False,
                ),
                name="one_live_adjustment_per_line_and_boundary",
            ),
            models.UniqueConstraint(
                fields=["charge"],
                condition=Q(
                    state__in=["PROPOSED", "APPROVED", "SCHEDULED"],
                    charge__isnull=False,
                ),
                name="one_live_adjustment_per_charge",
                violation_error_message=_(
                    "A credit for this charge is proposed already."
                ),
            ),
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(state="DRAFT"),
                name="one_draft_adjustment_per_ticket",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="CREDIT",
                    charge__isnull=False,
                    change=None,
                    boundary_on=None,
                    to_quantity=None,
                    to_plan=None,
                    gives_back__gt=0,
                )
                | Q(charge=None, change__isnull=False, boundary_on__isnull=False)
                & (
                    Q(kind="END", to_quantity=0, to_plan=None)
                    | Q(kind="LOWER", to_quantity__gte=1, to_plan=None)
                    | Q(kind="PLAN", to_quantity=None, to_plan__isnull=False)
                    | Q(kind="REPLACED", to_quantity=0, to_plan=None)
                ),
                name="an_adjustment_has_one_target",
            ),
            models.CheckConstraint(
                condition=Q(kind="CREDIT")
                | Q(kind="REPLACED", effective_on__lt=F("boundary_on"))
                | Q(effective_on=F("boundary_on")),
                name="an_adjustment_counts_from_its_boundary",
            ),
        ]
        indexes = [
            models.Index(
                fields=["ticket"],
                name="adjustments_for_a_second",
                condition=Q(state="PROPOSED", two_needed=True),
            ),
        ]

    def __str__(self):
        return f"{self.kind} v{self.version} on {self.ticket_id}"

    @property
    def is_live(self):
        return self.state in self.LIVE


class AdjustmentApproval(models.Model):
    """One of staff approved a version. Above the limit it takes two people (3.14)."""

    adjustment = models.ForeignKey(Adjustment, models.CASCADE, related_name="approvals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["adjustment", "by"], name="one_approval_per_person"
            )
        ]

    def __str__(self):
        return f"{self.by_id} for {self.adjustment_id}"


class ApprovalLimit(models.Model):
    """Above it, an adjustment takes two people of staff. A currency without one: one."""

    currency = models.CharField(max_length=3, unique=True)
    amount = amount()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="an_approval_limit_is_not_negative"
            )
        ]

    def __str__(self):
        return f"{self.amount} {self.currency}"


class HeldAlert(models.Model):
    """Staff were told, once for each mark, that a ticket holds money undecided (3.14)."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="held_alerts")
    days = models.PositiveSmallIntegerField(help_text="Held for so many days.")
    told_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "days"], name="one_held_alert_per_ticket_and_mark"
            )
        ]

    def __str__(self):
        return f"{self.days} days on {self.ticket_id}"


class Evidence(models.Model):
    """A frozen look at the line and its use: at opening, and again at the decision.

    Append-only. Each wish that a ticket carries has its own, and each version that was
    approved or declined.
    """

    class Moment(models.TextChoices):
        OPENED = "OPENED", _("When it was opened")
        DECIDED = "DECIDED", _("When it was decided")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="evidence")
    change = models.ForeignKey(
        "billing.RenewalChange",
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The wish it is about. Empty: a disputed charge.",
    )
    adjustment = models.ForeignKey(
        Adjustment,
        models.PROTECT,
        related_name="evidence",
        null=True,
        blank=True,
        help_text="The version that was decided.",
    )
    moment = models.CharField(max_length=8, choices=Moment)
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    taken_on = models.DateField()
    taken_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "change"],
                condition=Q(moment="OPENED"),
                nulls_distinct=False,
                name="one_snapshot_at_opening",
            ),
            models.UniqueConstraint(
                fields=["adjustment"],
                condition=Q(moment="DECIDED"),
                name="one_snapshot_per_decision",
            ),
        ]

    def __str__(self):
        return f"{self.moment} {self.digest[:12]}"


class StaffVisit(models.Model):
    """Support staff opened an account's data: who, whose, why."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="visits"
    )
    reason = models.CharField(max_length=300)
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, related_name="+", null=True, blank=True
    )
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.staff_id} at {self.account_id}"


class Viewing(models.Model):
    """Staff saw an account's console as one of its people sees it: read-only, for a
    reason, for half an hour at most.
    """

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="viewings"
    )
    seen_as = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        help_text="Whose pages were shown.",
    )
    reason = models.CharField(max_length=300)
    begun_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="It ends by itself then.")
    left_at = models.DateTimeField(
        null=True, blank=True, help_text="Left, or signed out, before it ended."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("begun_at"))
                & Q(ends_at__lte=F("begun_at") + timedelta(minutes=30)),
                name="a_viewing_ends_within_half_an_hour",
            ),
            models.CheckConstraint(
                condition=~Q(staff=F("seen_as")), name="nobody_views_as_themselves"
            ),
            models.CheckConstraint(
                condition=~Q(reason=""), name="a_viewing_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-begun_at"], name="viewings_of_an_account")
        ]

    def __str__(self):
        return f"{self.staff_id} at {self.account_id}"


class ViewedPage(models.Model):
    """One page that staff saw in a viewing."""

    viewing = models.ForeignKey(Viewing, models.PROTECT, related_name="pages")
    address = models.CharField(max_length=500)
    at = models.DateTimeField()

    def __str__(self):
        return self.address


class TermNotice(models.Model):
    """An account was told that a term of a line comes to its end (3.23)."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    line = models.ForeignKey("billing.Line", models.PROTECT, related_name="notices")
    term_ends_on = models.DateField()
    days = models.PositiveSmallIntegerField(help_text="So many days ahead: 30, 7 or 1.")
    told_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "term_ends_on", "days"],
                name="one_notice_per_line_term_end_and_mark",
            )
        ]

    def __str__(self):
        return f"{self.days} days before {self.term_ends_on}"


class Attachment(models.Model):
    """A file on a ticket. Kept in the database: web servers hold no state."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="attachments")
    message = models.ForeignKey(
        Message,
        models.CASCADE,
        related_name="attachments",
        null=True,
        blank=True,
        help_text="Empty: uploaded with a draft that is not sent yet.",
    )
    internal = models.BooleanField(
        default=False, help_text="Uploaded for a note: it never leaves with a reply."
    )
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100, help_text="Read off the content.")
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.BinaryField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["message"], name="attachments_of_a_message")]

    def __str__(self):
        return self.name


class Draft(models.Model):
    """A reply or a note that somebody has begun and not sent."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="drafts")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+"
    )
    internal = models.BooleanField(default=False)
    body = models.TextField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "author", "internal"],
                name="one_draft_per_author_and_kind",
            )
        ]

    def __str__(self):
        return f"{self.author_id} on {self.ticket_id}"


class CannedReply(models.Model):
    """A reply written before, put in with `::` and its shortcut; variables in {{…}}."""

    shortcut = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    body = models.TextField()
    category = models.CharField(
        max_length=20, choices=Ticket.Category, blank=True, help_text="Empty: for all."
    )

    class Meta:
        verbose_name_plural = "canned replies"

    def __str__(self):
        return self.name


class Macro(models.Model):
    """A bundle of changes to a ticket's fields in one click; never a reply."""

    name = models.CharField(max_length=120, unique=True)
    changes = models.JSONField(help_text="Field by field, as a ticket's form has them.")
    position = models.PositiveIntegerField(default=0)

    def __str__(self):
        return self.name


class Presence(models.Model):
    """Who looks at a ticket or types on it, as of a moment ago. A courtesy."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="presences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    typing = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "user"], name="one_presence_per_ticket_and_user"
            )
        ]

    def __str__(self):
        return f"{self.user_id} at {self.ticket_id}"


class Merge(models.Model):
    """A ticket was merged into another, by whom; both keep their histories."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="merges")
    into = models.ForeignKey(Ticket, models.CASCADE, related_name="received_merges")
    state_before = models.CharField(max_length=10, choices=Ticket.State)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"],
                condition=Q(undone_at=None),
                name="one_standing_merge_per_ticket",
            )
        ]

    def __str__(self):
        return f"{self.ticket_id} into {self.into_id}"


class TicketLink(models.Model):
    """Two tickets that belong together."""

    class Kind(models.TextChoices):
        RELATED = "RELATED", _("Related")
        SPLIT = "SPLIT", _("Split off")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="links")
    other = models.ForeignKey(Ticket, models.CASCADE, related_name="linked_by")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RELATED)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "other"], name="two_tickets_are_linked_once"
            ),
            models.CheckConstraint(
                condition=~Q(ticket=F("other")), name="no_ticket_is_linked_to_itself"
            ),
        ]

    def __str__(self):
        return f"{self.ticket_id} {self.kind} {self.other_id}"


class Rating(models.Model):
    """What the customer thought of the answer, said once."""

    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="rating")
    score = models.PositiveSmallIntegerField(help_text="1 to 5.")
    word = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(score__gte=1, score__lte=5), name="a_rating_is_one_to_five"
            )
        ]

    def __str__(self):
        return f"{self.score} for {self.ticket_id}"


class Calendar(models.Model):
    """When the desk works: intervals of each weekday, less holidays, in a time zone."""

    name = models.CharField(max_length=80, unique=True)
    timezone = models.CharField(max_length=60, validators=[known_zone])
    country = models.CharField(
        max_length=2, blank=True, help_text="Its public holidays are closed: PT, US."
    )
    subdivision = models.CharField(max_length=10, blank=True)

    def __str__(self):
        return self.name


class OpeningHours(models.Model):
    """One interval of a weekday on which the desk works, in the calendar's time."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday.")
    opens = models.TimeField()
    closes = models.TimeField(help_text="00:00 is midnight, the end of the day.")

    class Meta:
        verbose_name_plural = "opening hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")) | Q(closes="00:00"),
                name="opening_hours_have_minutes",
            ),
            models.CheckConstraint(
                condition=Q(weekday__lte=6), name="a_week_has_seven_days"
            ),
        ]

    def __str__(self):
        return f"{self.weekday} {self.opens}–{self.closes}"


class Closure(models.Model):
    """A day on which the desk is closed beside the public holidays."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="closures")
    on = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "on"], name="one_closure_per_day"
            )
        ]

    def __str__(self):
        return f"{self.on} {self.name}"


class ServicePromise(models.Model):
    """How soon a kind of ticket is answered and solved, in working minutes (its SLA)."""

    category = models.CharField(
        max_length=20, choices=Ticket.Category, blank=True, help_text="Empty: all."
    )
    priority = models.PositiveSmallIntegerField(choices=Ticket.Priority)
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="promises")
    first_answer_minutes = models.PositiveIntegerField()
    next_answer_minutes = models.PositiveIntegerField()
    solution_minutes = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["category", "priority"],
                name="one_promise_per_category_and_priority",
            )
        ]

    def __str__(self):
        return f"{self.category or 'All'}, {self.get_priority_display()}"


class SavedQueue(models.Model):
    """Filters, columns and an order under a name; for oneself, or for a kind of staff."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_queues"
    )
    shared_with = models.CharField(
        max_length=10,
        blank=True,
        choices=[("SUPPORT", "Support staff"), ("SALES", "Sales operations")],
        help_text="Empty: its owner alone.",
    )
    name = models.CharField(max_length=80)
    filters = models.JSONField(default=dict)
    columns = ArrayField(models.CharField(max_length=30), default=list)
    sort = models.CharField(max_length=30, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="one_saved_queue_per_name",
                violation_error_message=_("You have a queue of that name already."),
            )
        ]

    def __str__(self):
        return self.name


class BulkJob(models.Model):
    """One change to many tickets, with an outcome for each."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    changes = models.JSONField(help_text="Field by field, as a macro has them.")
    created_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: a preview, nothing is changed."
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["begun_at"],
                name="bulk_jobs_under_way",
                condition=Q(begun_at__isnull=False, finished_at=None),
            )
        ]

    def __str__(self):
        return f"Bulk job {self.pk}"


class BulkItem(models.Model):
    """One ticket of a bulk job: waiting, done, or refused with words."""

    class Outcome(models.TextChoices):
        WAITING = "", _("Waiting")
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Refused")

    job = models.ForeignKey(BulkJob, models.CASCADE, related_name="items")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    outcome = models.CharField(
        max_length=8, choices=Outcome, default=Outcome.WAITING, blank=True
    )
    foreseen = models.CharField(
        max_length=8,
        choices=Outcome,
        default=Outcome.WAITING,
        blank=True,
        help_text="What the preview said.",
    )
    words = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "ticket"], name="a_ticket_is_once_in_a_bulk_job"
            )
        ]
        indexes = [
            models.Index(
                fields=["job", "id"],
                name="bulk_items_to_do",
                condition=Q(outcome=""),
            )
        ]

    def __str__(self):
        return f"{self.ticket_id} in {self.job_id}"


class IncomingMail(models.Model):
    """An email that came to the desk, and what became of it; each is taken once."""

    class Outcome(models.TextChoices):
        REPLY = "REPLY", _("Added to a ticket")
        OPENED = "OPENED", _("Opened a ticket")
        AUTOMATIC = "AUTOMATIC", _("An automatic answer, kept aside")
        LOOP = "LOOP", _("Our own mail come back")
        UNKNOWN = "UNKNOWN", _("From nobody we know")
        REFUSED = "REFUSED", _("Could not be read or added")

    mail_id = models.CharField(max_length=300, unique=True)
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    words = models.CharField(max_length=300, blank=True)
    ticket = models.ForeignKey(
        Ticket, models.CASCADE, related_name="mails", null=True, blank=True
    )
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.outcome} {self.mail_id}"
