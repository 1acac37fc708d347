import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LEDGERS = {
    "batch_is_append_only": "billing_batch",
    "batched_charge_is_append_only": "billing_batchedcharge",
    "acknowledgement_is_append_only": "billing_acknowledgement",
}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_api_keys"),
        ("billing", "0005_credit_grants_append_only"),
        ("journal", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
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
                    "number",
                    models.PositiveIntegerField(
                        help_text="Counted without gaps per account."
                    ),
                ),
                (
                    "day",
                    models.DateField(
                        help_text="The billing day: local to the account."
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("lines", models.PositiveIntegerField()),
                ("total_amount", models.DecimalField(decimal_places=3, max_digits=20)),
                (
                    "content",
                    models.TextField(help_text="The document, as it is fetched."),
                ),
                (
                    "checksum",
                    models.CharField(
                        help_text="SHA-256 of the document.", max_length=64
                    ),
                ),
                ("closed_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "batches",
            },
        ),
        migrations.CreateModel(
            name="Acknowledgement",
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
                    "reference",
                    models.CharField(
                        help_text="What the invoicing system calls it.", max_length=100
                    ),
                ),
                ("acknowledged_on", models.DateField()),
                ("acknowledged_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        help_text="Empty: the command did.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acknowledgement",
                        to="billing.batch",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BatchedCharge",
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
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="billing.batch",
                    ),
                ),
                (
                    "charge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batched",
                        to="billing.charge",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Closing",
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
                    "closed_until",
                    models.DateField(
                        blank=True,
                        help_text="First day not closed. Empty: none is.",
                        null=True,
                    ),
                ),
                ("last_number", models.PositiveIntegerField(default=0)),
                (
                    "closed_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was last closed.", null=True
                    ),
                ),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closing",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["-day", "-id"], name="batches_by_day"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(
                fields=("account", "number"), name="one_batch_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(
                fields=("account", "day", "currency"),
                name="one_batch_per_day_and_currency",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(("lines__gte", 1), ("number__gte", 1)),
                name="a_batch_has_lines",
            ),
        ),
        *(
            migrations.RunSQL(
                f"""
                CREATE TRIGGER {name}
                    BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
                """,
                f"DROP TRIGGER {name} ON {table}",
            )
            for name, table in LEDGERS.items()
        ),
    ]
