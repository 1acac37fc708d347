"""The console: installations, their seats, role activations and install links."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _


class InstallationQuerySet(models.QuerySet):
    def locked(self, pk):
        """The row, locked; after its contract and before its lines."""
        return self.select_for_update(no_key=True).get(pk=pk)

    def of(self, account):
        return self.filter(account=account)

    def sold_by(self, user):
        return self.filter(app__partner__members=user)

    def standing(self):
        """Installations not closed yet: at most one for each app of an account."""
        return self.filter(closed_on=None)

    def working(self, *, on):
        """Confirmed ones whose end has not come. Access ends by date, not by a job."""
        return self.filter(state=Installation.State.ACTIVE, closed_on=None).filter(
            Q(ends_on=None) | Q(ends_on__gt=on)
        )


class Installation(models.Model):
    """An app installed for an account, on one base plan."""

    class State(models.TextChoices):
        INSTALLING = "INSTALLING", _("Installing")
        ACTIVE = "ACTIVE", _("Active")
        FAILED = "FAILED", _("Failed")

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="installations"
    )
    contract = models.ForeignKey("billing.Contract", models.PROTECT, related_name="+")
    app = models.ForeignKey(
        "marketplace.App", models.PROTECT, related_name="installations"
    )
    plan = models.ForeignKey("marketplace.Plan", models.PROTECT, related_name="+")
    order = models.ForeignKey("billing.Order", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State)
    installed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    installed_on = models.DateField()
    confirm_by = models.DateField(
        null=True, blank=True, help_text="First day on which silence is a failure."
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="What the partner said.")
    ends_on = models.DateField(
        null=True, blank=True, help_text="Uninstalled: the first day without it (T12)."
    )
    end_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    closed_on = models.DateField(null=True, blank=True)
    seat_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Auto Install queues users beyond it."
    )
    monthly_spend_limit = models.DecimalField(
        max_digits=18,
        decimal_places=3,
        null=True,
        blank=True,
        help_text="Auto Install queues users beyond it; monthly equivalent.",
    )
    version = models.PositiveIntegerField(
        default=0, help_text="Grows with each event that its partner may be told."
    )

    objects = InstallationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "app"],
                condition=Q(closed_on=None),
                name="one_live_installation_per_app",
                violation_error_message=_("The app is already installed."),
            ),
            models.CheckConstraint(
                condition=~Q(state="INSTALLING") | Q(confirm_by__isnull=False),
                name="an_installing_app_has_a_deadline",
            ),
        ]
        indexes = [
            models.Index(
                fields=["ends_on"],
                name="installations_to_close",
                condition=Q(closed_on=None, ends_on__isnull=False),
            ),
            models.Index(
                fields=["confirm_by"],
                name="installations_unanswered",
                condition=Q(state="INSTALLING", closed_on=None),
            ),
        ]

    def __str__(self):
        return f"{self.app} for {self.account}"


class RoleActivationQuerySet(models.QuerySet):
    def standing(self):
        return self.filter(ended_on=None)

    def automatic(self):
        return self.standing().filter(auto_install=True)


class RoleActivation(models.Model):
    """A role activated for an installation; with Auto Install, a standing order (T6)."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    installation = models.ForeignKey(
        Installation, models.CASCADE, related_name="activations"
    )
    role = models.ForeignKey(
        "accounts.Role", models.SET_NULL, related_name="activations", null=True
    )
    role_name = models.CharField(max_length=100)
    auto_install = models.BooleanField(default=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    activated_on = models.DateField()
    order = models.ForeignKey("billing.Order", models.PROTECT, related_name="+")
    ended_on = models.DateField(null=True, blank=True)

    objects = RoleActivationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "role"],
                condition=Q(ended_on=None),
                name="one_activation_per_role",
            )
        ]

    def __str__(self):
        return f"{self.role_name} for {self.installation_id}"


class Seat(models.Model):
    """A user activated for an installation."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    installation = models.ForeignKey(Installation, models.CASCADE, related_name="seats")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="seats"
    )
    role = models.ForeignKey(
        "accounts.Role",
        models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="The role that gave it.",
    )
    role_name = models.CharField(max_length=100, blank=True)
    team = models.CharField(  # noqa: DJ001 (in no team is not: not recorded)
        max_length=80,
        null=True,
        blank=True,
        help_text="The user's when they got it. Unknown: not recorded then.",
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    added_on = models.DateField()
    left_role_on = models.DateField(
        null=True, blank=True, help_text="No longer in the role that gave it."
    )
    last_launched_on = models.DateField(
        null=True, blank=True, help_text="The last day it was opened from here."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "user"],
                name="one_seat_per_user",
                violation_error_message=_("The user already has a seat."),
            )
        ]
        indexes = [models.Index(fields=["account", "user"], name="seats_of_a_user")]

    def __str__(self):
        return f"{self.user_id} in {self.installation_id}"


class SeatEvent(models.Model):
    """A seat was added or removed: the evidence of who was active when."""

    class Kind(models.TextChoices):
        ADDED = "ADDED", _("Added")
        REMOVED = "REMOVED", _("Removed")

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    installation = models.ForeignKey(
        Installation, models.PROTECT, related_name="seat_events"
    )
    user_id = models.BigIntegerField(help_text="Opaque: the person may be erased.")
    kind = models.CharField(max_length=8, choices=Kind)
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)
    by_id = models.BigIntegerField(null=True)
    why = models.CharField(max_length=80, blank=True)
    role_name = models.CharField(  # noqa: DJ001 (by hand is not: not recorded)
        max_length=100,
        null=True,
        help_text="The role that gave the seat; empty: somebody did by hand.",
    )
    team = models.CharField(  # noqa: DJ001 (in no team is not: not recorded)
        max_length=80,
        null=True,
        help_text="The team the user was in when they got the seat.",
    )
    active = models.PositiveIntegerField(
        help_text="Seats active once its whole change was done."
    )

    class Meta:
        indexes = [
            models.Index(fields=["installation", "on", "id"], name="seat_events_by_day")
        ]

    def __str__(self):
        return f"{self.kind} {self.user_id} on {self.on}"


class JoinEventQuerySet(models.QuerySet):
    def waiting(self):
        """Join events without an outcome: due work, found again by the next tick."""
        return self.filter(outcome="")

    def queued(self):
        return self.filter(outcome=JoinEvent.Outcome.QUEUED)


class JoinEvent(models.Model):
    """Somebody joined a role with Auto Install; it has one outcome (T6)."""

    class Outcome(models.TextChoices):
        SEATED = "SEATED", _("Seated")
        QUEUED = "QUEUED", _("Waiting for an administrator")
        REFUSED = "REFUSED", _("Refused")
        SUPERSEDED = "SUPERSEDED", _("Superseded")

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    activation = models.ForeignKey(RoleActivation, models.PROTECT, related_name="joins")
    installation = models.ForeignKey(Installation, models.PROTECT, related_name="joins")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    joined_on = models.DateField()
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    reason = models.CharField(max_length=80, blank=True, help_text="A rule's code.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_on = models.DateField(null=True, blank=True)

    objects = JoinEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["installation", "id"],
                name="joins_waiting",
                condition=Q(outcome=""),
            ),
            models.Index(
                fields=["account", "installation"],
                name="joins_queued",
                condition=Q(outcome="QUEUED"),
            ),
        ]

    def __str__(self):
        return f"{self.user_id} joined on {self.joined_on}"


class InstallLink(models.Model):
    """An emailed invitation to install what was signed for (T14)."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    line = models.ForeignKey(
        "billing.Line", models.PROTECT, related_name="install_links"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    digest = models.CharField(max_length=64, unique=True)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("sent_at")), name="an_install_link_expires"
            )
        ]

    def __str__(self):
        return f"Install link of {self.sent_at:%Y-%m-%d}"


class CalendarFeedQuerySet(models.QuerySet):
    def standing(self):
        return self.filter(revoked_at=None)


class CalendarFeed(models.Model):
    """A person's private address for a calendar of term ends (3.23)."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(revoked_at=None),
                name="one_calendar_address_per_person",
            )
        ]

    def __str__(self):
        return f"Calendar of {self.made_at:%Y-%m-%d}"


class AddOnActivation(models.Model):
    """Units of a contracted add-on that the partner switched on (T16). Moves no money."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    line = models.ForeignKey("billing.Line", models.PROTECT, related_name="activations")
    quantity = models.PositiveIntegerField()
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    activated_on = models.DateField()
    deactivated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    deactivated_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gte=1), name="an_activation_has_a_quantity"
            )
        ]

    def __str__(self):
        return f"{self.quantity} of line {self.line_id}"


class UsageReport(models.Model):
    """Whom a partner has active, compared with the seats; the newest counts alone (T9)."""

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    installation = models.OneToOneField(
        Installation, models.CASCADE, related_name="usage_report"
    )
    said = models.PositiveIntegerField(help_text="Users that the partner listed.")
    seats = models.PositiveIntegerField(help_text="Seats there were then.")
    posted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    posted_on = models.DateField()
    posted_at = models.DateTimeField()
    repaired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    repaired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"{self.said} users of installation {self.installation_id}"


class DifferenceQuerySet(models.QuerySet):
    def standing(self):
        """Differences that My Apps has not settled since: a seat that is missing there
        still stands, and who is extra there has no seat yet.
        """
        seats = Seat.objects.filter(installation=OuterRef("installation"))
        return self.annotate(seated=Exists(seats.filter(user=OuterRef("user")))).filter(
            Q(kind=Difference.Kind.MISSING, seated=True)
            | Q(kind=Difference.Kind.EXTRA, seated=False)
        )


class Difference(models.Model):
    """One user in whom a partner and My Apps differ. Shown, never acted upon (T9)."""

    class Kind(models.TextChoices):
        MISSING = "MISSING", _("Has a seat, missing at the partner")
        EXTRA = "EXTRA", _("Active at the partner, without a seat")

    report = models.ForeignKey(UsageReport, models.CASCADE, related_name="differences")
    installation = models.ForeignKey(
        Installation, models.CASCADE, related_name="differences"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        null=True,
        help_text="Somebody of the account; empty when the partner names nobody of it.",
    )
    said = models.CharField(
        max_length=254, blank=True, help_text="How the partner names who is extra."
    )

    objects = DifferenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="EXTRA") | Q(user__isnull=False),
                name="who_is_missing_has_a_seat",
            )
        ]
        indexes = [
            models.Index(fields=["installation", "kind", "id"], name="differences_of")
        ]

    def __str__(self):
        return f"{self.kind} {self.user_id or self.said}"


class AppRequestQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)

    def open(self):
        """Requests that nobody has answered or taken back."""
        return self.filter(state=AppRequest.State.OPEN)


class AppRequest(models.Model):
    """Somebody without authority asks for an app, with a reason."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("Waiting for an answer")
        APPROVED = "APPROVED", _("Approved")
        REFUSED = "REFUSED", _("Refused")
        WITHDRAWN = "WITHDRAWN", _("Taken back")

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="app_requests"
    )
    app = models.ForeignKey("marketplace.App", models.PROTECT, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="app_requests"
    )
    reason = models.TextField(max_length=1000)
    asked_on = models.DateField()
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    word = models.TextField(max_length=1000, blank=True, help_text="Told to who asked.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_on = models.DateField(null=True, blank=True)

    objects = AppRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "app"],
                condition=Q(state="OPEN"),
                name="one_open_request_per_person_and_app",
                violation_error_message=_("You have asked for this app already."),
            ),
            models.CheckConstraint(
                condition=~Q(state="REFUSED") | ~Q(word=""),
                name="a_refused_request_has_a_word",
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_on=None)
                | (~Q(state="OPEN") & Q(decided_on__isnull=False)),
                name="a_request_is_answered_on_a_day",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "app", "-id"],
                name="app_requests_open",
                condition=Q(state="OPEN"),
            ),
            models.Index(fields=["user", "-id"], name="app_requests_of_a_user"),
        ]

    def __str__(self):
        return f"{self.user_id} asks for {self.app_id}"


class WaitingPurchaseQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)

    def waiting(self, *, on):
        """Purchases that somebody may still approve on a local day."""
        return self.filter(state=WaitingPurchase.State.WAITING, lapses_on__gt=on)


class WaitingPurchase(models.Model):
    """A purchase that was signed and waits for a second person. Nothing is bought."""

    class Kind(models.TextChoices):
        INSTALL = "INSTALL", _("Install")
        USERS = "USERS", _("Add users")
        PLAN = "PLAN", _("Change the plan")
        ROLE = "ROLE", _("Activate a role")
        AUTO = "AUTO", _("Turn Auto Install on")
        QUEUE = "QUEUE", _("Seat people who wait")

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting for a second person")
        APPROVED = "APPROVED", _("Approved")
        REFUSED = "REFUSED", _("Refused")
        WITHDRAWN = "WITHDRAWN", _("Taken back")
        LAPSED = "LAPSED", _("Lapsed")

    account = models.ForeignKey(
        "accounts.Account", models.PROTECT, related_name="waiting_purchases"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    app = models.ForeignKey("marketplace.App", models.PROTECT, related_name="+")
    plan = models.ForeignKey("marketplace.Plan", models.PROTECT, related_name="+")
    installation = models.ForeignKey(
        Installation, models.PROTECT, related_name="+", null=True, blank=True
    )
    asked = models.JSONField(help_text="Whom and what it is for, by their ids.")
    reason = models.TextField(max_length=1000, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    authority = models.CharField(max_length=60, help_text="Permission acted under.")
    role_name = models.CharField(max_length=100, help_text="Role that held it.")
    from_address = models.GenericIPAddressField(null=True)
    idempotency_key = models.CharField(max_length=100)
    summary = models.JSONField(help_text="The purchase summary as shown (T8).")
    effect = models.JSONField(help_text="What it would have done when it was asked.")
    effect_digest = models.CharField(max_length=64)
    monthly = models.DecimalField(
        max_digits=24, decimal_places=6, help_text="What it newly bills a month."
    )
    currency = models.CharField(max_length=3)
    asked_on = models.DateField(help_text="Local day of the account.")
    asked_at = models.DateTimeField()
    lapses_on = models.DateField(help_text="The first day on which nobody may.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    word = models.TextField(max_length=1000, blank=True, help_text="Told to who asked.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    decided_on = models.DateField(null=True, blank=True)
    order = models.OneToOneField(
        "billing.Order", models.PROTECT, related_name="+", null=True, blank=True
    )

    objects = WaitingPurchaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "idempotency_key"],
                name="one_waiting_purchase_per_key",
            ),
            models.CheckConstraint(
                condition=(Q(state="APPROVED") & Q(order__isnull=False))
                | (~Q(state="APPROVED") & Q(order=None)),
                name="an_approved_purchase_is_an_order",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["APPROVED", "REFUSED"])
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
                name="nobody_decides_their_own_purchase",
            ),
            models.CheckConstraint(
                condition=Q(lapses_on__gt=F("asked_on")),
                name="a_waiting_purchase_lapses",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="waiting_purchases_of"),
            models.Index(
                fields=["lapses_on"],
                name="waiting_purchases_to_lapse",
                condition=Q(state="WAITING"),
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.plan_id}, {self.state}"
