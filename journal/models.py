"""What happened, and what must still be told."""

from django.db import models
from django.db.models import Q


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
    def waiting(self):
        return self.filter(delivered_at=None, failed_at=None)

    def due(self, *, at):
        return self.waiting().filter(due_at__lte=at)


class Message(models.Model):
    """An email or webhook still to deliver. Written with the change it tells of."""

    class Kind(models.TextChoices):
        EMAIL = "EMAIL", "Email"
        WEBHOOK = "WEBHOOK", "Webhook"

    kind = models.CharField(max_length=10, choices=Kind)
    account_id = models.BigIntegerField(null=True)
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
    payload = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"],
                name="messages_waiting",
                condition=Q(delivered_at=None, failed_at=None),
            ),
            models.Index(fields=["thread", "id"], name="messages_of_a_thread"),
        ]

    def __str__(self):
        return f"{self.kind} to {self.recipient}: {self.subject}"
