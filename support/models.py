"""The desk: tickets, what was said on them, and the evidence they carry."""

from django.conf import settings
from django.db import models
from django.db.models import Q


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
            "Technical and Product Support > AppConnect > App Install/Uninstall",
        )
        CANCELLATION = "CANCELLATION", "Billing > Cancellation at term end"
        REDUCTION = "REDUCTION", "Billing > Seat reduction at renewal"
        PLAN_AT_RENEWAL = "PLAN_AT_RENEWAL", "Billing > Plan change at renewal"
        REPLACED = "REPLACED", "Billing > Plan replaced"
        CHARGE = "CHARGE", "Billing > Charge question"
        ADD_ON = "ADD_ON", "Billing > Add-on activation"
        PARKED = "PARKED", "Billing > Parked line"
        CONTRACT = "CONTRACT", "Sales > Contract ended"
        SALES = "SALES", "Sales > Price request"

    class State(models.TextChoices):
        NEW = "NEW", "New"
        OPEN = "OPEN", "Open"
        WAITING = "WAITING", "Waiting for the customer"
        SCHEDULED = "SCHEDULED", "Scheduled for renewal"
        SOLVED = "SOLVED", "Solved"
        CLOSED = "CLOSED", "Closed"

    class Origin(models.TextChoices):
        CUSTOMER = "CUSTOMER", "Customer"
        TERM_END = "TERM_END", "End of term"
        PLAN_CHANGE = "PLAN_CHANGE", "Plan change"
        STAFF = "STAFF", "Staff"
        RECONCILE = "RECONCILE", "Reconcile"

    DONE = ["SOLVED", "CLOSED"]
    MOVES = {
        State.NEW: {State.OPEN, State.WAITING, State.SCHEDULED, State.SOLVED},
        State.OPEN: {State.WAITING, State.SCHEDULED, State.SOLVED},
        State.WAITING: {State.OPEN, State.SCHEDULED, State.SOLVED},
        State.SCHEDULED: {State.OPEN, State.SOLVED},
        State.SOLVED: {State.OPEN, State.CLOSED},
        State.CLOSED: {State.OPEN},
    }
    BY_HAND = [State.OPEN, State.WAITING, State.SOLVED, State.CLOSED]
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
    opened_on = models.DateField()
    opened_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

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
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="tickets_of_an_account"),
            models.Index(fields=["state", "term_ends_on"], name="tickets_by_deadline"),
            models.Index(fields=["assignee", "state"], name="tickets_by_assignee"),
            models.Index(fields=["account", "requester"], name="tickets_of_a_person"),
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
        """What a customer may read: no internal note, on no internal ticket."""
        return self.filter(internal=False, ticket__internal=False)


class Message(models.Model):
    """What was said on a ticket: to the customer, or among staff."""

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
    on = models.DateField(help_text="Local day of the account.")
    at = models.DateTimeField(auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["ticket", "id"], name="messages_of_a_ticket")]

    def __str__(self):
        return f"{self.author_id} on {self.ticket_id}"


class Evidence(models.Model):
    """A frozen look at the line and its use: at opening, and again at the decision.

    Append-only. Each wish that a ticket carries has its own.
    """

    class Moment(models.TextChoices):
        OPENED = "OPENED", "When it was opened"
        DECIDED = "DECIDED", "When it was decided"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="evidence")
    change = models.ForeignKey(
        "billing.RenewalChange", models.PROTECT, related_name="+"
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
                fields=["ticket", "change", "moment"], name="one_snapshot_per_moment"
            )
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


class Notice(models.Model):
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
