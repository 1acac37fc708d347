"""What happened, and what must still be told."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ActivityQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account_id=account.pk)

    def about(self, app):
        """What happened to one app, named by its slug."""
        return self.filter(app=app)


class Activity(models.Model):
    """Who did what to what, written in the transaction that did it. Append-only."""

    account_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True, help_text="Empty: the calendar did.")
    authority = models.CharField(
        max_length=200, blank=True, help_text="Permission and role acted under."
    )
    verb = models.CharField(max_length=60)
    app = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=80, help_text="As installation:12.")
    data = models.JSONField(default=dict)
    on = models.DateField()
    at = models.DateTimeField(auto_now_add=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "activity"
        indexes = [
            models.Index(fields=["account_id", "-id"], name="activity_of_an_account"),
            models.Index(
                fields=["account_id", "app", "-id"], name="activity_about_an_app"
            ),
            models.Index(fields=["subject", "-id"], name="activity_of_a_subject"),
        ]

    def __str__(self):
        return f"{self.on} {self.verb} {self.subject}"


class MessageQuerySet(models.QuerySet):
    def emails(self):
        return self.filter(kind=Message.Kind.EMAIL)

    def webhooks(self):
        return self.filter(kind=Message.Kind.WEBHOOK)

    def to_partner(self, partner_id):
        return self.webhooks().filter(partner_id=partner_id)

    def waiting(self):
        return self.filter(delivered_at=None, failed_at=None, replaced_at=None)

    def settled(self):
        """Delivered, given up or replaced: nobody tries them any more."""
        return self.exclude(delivered_at=None, failed_at=None, replaced_at=None)

    def due(self, *, at):
        return self.waiting().filter(due_at__lte=at)


class Message(models.Model):
    """An email or webhook still to deliver. Written with the change it tells of."""

    class Kind(models.TextChoices):
        EMAIL = "EMAIL", _("Email")
        WEBHOOK = "WEBHOOK", _("Webhook")

    kind = models.CharField(max_length=10, choices=Kind)
    account_id = models.BigIntegerField(null=True)
    partner_id = models.BigIntegerField(null=True, blank=True)
    public_id = models.CharField(
        max_length=40, blank=True, help_text="A webhook's id, as msg_…."
    )
    event = models.CharField(
        max_length=40, blank=True, help_text="A webhook's type, as app.installed."
    )
    collapses = models.BooleanField(
        default=False, help_text="A newer one of its thread and event replaces it."
    )
    key = models.CharField(
        max_length=200, unique=True, help_text="Says the same thing once."
    )
    thread = models.CharField(
        max_length=80, blank=True, help_text="Delivered in order within it."
    )
    recipient = models.CharField(max_length=400)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    html = models.TextField(blank=True)
    headers = models.JSONField(
        default=dict, blank=True, help_text="An email's own, as Reply-To."
    )
    payload = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then somebody is sending it."
    )
    last_error = models.TextField(blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="WEBHOOK")
                | (Q(partner_id__isnull=False) & ~Q(public_id="")),
                name="a_webhook_has_a_partner_and_an_id",
            ),
            models.UniqueConstraint(
                fields=["public_id"],
                name="one_message_per_public_id",
                condition=Q(kind="WEBHOOK"),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="messages_waiting",
                condition=Q(delivered_at=None, failed_at=None, replaced_at=None),
            ),
            models.Index(
                fields=["thread", "id"],
                name="webhooks_waiting_in_a_thread",
                condition=Q(
                    kind="WEBHOOK", delivered_at=None, failed_at=None, replaced_at=None
                ),
            ),
            models.Index(fields=["thread", "id"], name="messages_of_a_thread"),
            models.Index(
                fields=["partner_id", "-id"],
                name="webhooks_of_a_partner",
                condition=Q(kind="WEBHOOK"),
            ),
        ]

    def __str__(self):
        return f"{self.kind} to {self.recipient}: {self.subject or self.event}"

    @property
    def state(self) -> str:
        """DELIVERED, REPLACED (by a newer one), FAILED (given up) or WAITING."""
        if self.delivered_at:
            return "DELIVERED"
        if self.replaced_at:
            return "REPLACED"
        return "FAILED" if self.failed_at else "WAITING"


class Attempt(models.Model):
    """One try to deliver a webhook: what was asked and what was answered."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    address = models.CharField(max_length=400)
    at = models.DateTimeField()
    headers = models.JSONField(default=dict, help_text="As they were sent.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the answer.")
    answer_headers = models.JSONField(default=dict)
    answer = models.TextField(blank=True, help_text="Its first 16 kilobytes.")
    error = models.CharField(max_length=400, blank=True, help_text="Why it failed.")
    took_ms = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["message", "-id"], name="attempts_of_a_message"),
            models.Index(fields=["at"], name="attempts_by_age"),
        ]

    def __str__(self):
        return f"Try {self.number} of {self.message_id}: {self.status or self.error}"

    @property
    def succeeded(self) -> bool:
        return not self.error


class EndpointQuerySet(models.QuerySet):
    def taking(self):
        """Those that messages may leave to now: verified, and not disabled."""
        return self.filter(disabled_at=None).exclude(verified_at=None)


class Endpoint(models.Model):
    """Where a partner's webhooks go, and the secrets that sign them.

    An address that was asked for takes the place of `address` once it has answered the
    challenge; until the first one has, nothing but the challenge is sent.
    """

    partner_id = models.BigIntegerField(unique=True)
    address = models.CharField(max_length=400, blank=True)
    asked_address = models.CharField(
        max_length=400, blank=True, help_text="Waits for its challenge to be answered."
    )
    challenge = models.CharField(max_length=64, blank=True)
    secret = models.CharField(max_length=80)
    previous_secret = models.CharField(max_length=80, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verified_at=None) | ~Q(address=""),
                name="a_verified_endpoint_has_an_address",
            ),
            models.CheckConstraint(
                condition=~Q(address="", asked_address=""),
                name="an_endpoint_has_or_awaits_an_address",
            ),
        ]

    def __str__(self):
        return self.address or self.asked_address

    @property
    def state(self) -> str:
        """DISABLED, UNVERIFIED (no address has answered yet), FAILING or WORKING."""
        if self.disabled_at:
            return "DISABLED"
        if not self.verified_at:
            return "UNVERIFIED"
        return "FAILING" if self.failing_since else "WORKING"

    def secrets(self, *, at) -> list[str]:
        """What signs at a moment: the secret, and the one before while it runs out."""
        runs_out = self.previous_until and self.previous_until > at
        return [self.secret, *([self.previous_secret] if runs_out else [])]


class NoticeQuerySet(models.QuerySet):
    def of(self, user, *, at):
        """What somebody was told up to a moment: a reply is told of when it has left."""
        return self.filter(user_id=user.pk, created_at__lte=at)

    def unread(self):
        return self.filter(read_at=None)

    def for_digest(self):
        """Told, and still to be mailed with the person's next digest."""
        return self.filter(digest_at__isnull=False, digested_at=None)


class Notice(models.Model):
    """One person was told of one thing, in their language; shown until it is old."""

    user_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=40)
    key = models.CharField(
        max_length=200, help_text="Tells a person the same thing once."
    )
    title = models.CharField(max_length=300)
    words = models.TextField()
    address = models.CharField(max_length=400, help_text="The page it is about.")
    action = models.CharField(max_length=80, help_text="What to do there.")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    digest_at = models.DateTimeField(
        null=True, blank=True, help_text="The digest it waits for; empty: for none."
    )
    digested_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "key"], name="one_notice_per_key"
            ),
            models.CheckConstraint(
                condition=Q(address__regex=r"^/([^/\\]|$)"),
                name="a_notice_leads_to_our_pages",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user_id", "created_at"],
                name="notices_unread",
                condition=Q(read_at=None),
            ),
            models.Index(fields=["user_id", "-id"], name="notices_of_a_person"),
            models.Index(
                fields=["digest_at"],
                name="notices_for_a_digest",
                condition=Q(digest_at__isnull=False, digested_at=None),
            ),
            models.Index(fields=["created_at"], name="notices_by_age"),
        ]

    def __str__(self):
        return self.title


class NoticeChoice(models.Model):
    """How somebody wants to be mailed about a kind of notice, where they chose."""

    class Choice(models.TextChoices):
        AT_ONCE = "AT_ONCE", _("At once")
        DIGEST = "DIGEST", _("Daily digest")
        OFF = "OFF", _("No mail")

    user_id = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    choice = models.CharField(max_length=10, choices=Choice)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "kind"], name="one_choice_per_person_and_kind"
            )
        ]

    def __str__(self):
        return f"{self.user_id} {self.kind}: {self.choice}"
