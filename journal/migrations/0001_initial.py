from django.contrib.postgres.operations import (
    BtreeGistExtension,
    TrigramExtension,
    UnaccentExtension,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        TrigramExtension(),
        BtreeGistExtension(),
        UnaccentExtension(),
        migrations.CreateModel(
            name="Activity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("account_id", models.BigIntegerField(null=True)),
                (
                    "actor_id",
                    models.BigIntegerField(
                        help_text="Empty: the calendar did.", null=True
                    ),
                ),
                (
                    "authority",
                    models.CharField(
                        blank=True,
                        help_text="Permission and role acted under.",
                        max_length=200,
                    ),
                ),
                ("verb", models.CharField(max_length=60)),
                ("app", models.CharField(blank=True, max_length=80)),
                (
                    "subject",
                    models.CharField(help_text="As installation:12.", max_length=80),
                ),
                ("data", models.JSONField(default=dict)),
                ("on", models.DateField()),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "activity",
                "indexes": [
                    models.Index(
                        fields=["account_id", "-id"], name="activity_of_an_account"
                    ),
                    models.Index(
                        fields=["account_id", "app", "-id"],
                        name="activity_about_an_app",
                    ),
                    models.Index(
                        fields=["subject", "-id"], name="activity_of_a_subject"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("EMAIL", "Email"), ("WEBHOOK", "Webhook")],
                        max_length=10,
                    ),
                ),
                ("account_id", models.BigIntegerField(null=True)),
                (
                    "key",
                    models.CharField(
                        help_text="Says the same thing once.",
                        max_length=200,
                        unique=True,
                    ),
                ),
                (
                    "thread",
                    models.CharField(
                        blank=True,
                        help_text="Delivered in order within it.",
                        max_length=80,
                    ),
                ),
                ("recipient", models.CharField(max_length=400)),
                ("subject", models.CharField(blank=True, max_length=300)),
                ("body", models.TextField(blank=True)),
                ("html", models.TextField(blank=True)),
                ("payload", models.JSONField(default=dict)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("due_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("delivered_at", None), ("failed_at", None)),
                        fields=["due_at"],
                        name="messages_waiting",
                    ),
                    models.Index(fields=["thread", "id"], name="messages_of_a_thread"),
                ],
            },
        ),
    ]
