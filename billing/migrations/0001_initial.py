import django.contrib.postgres.constraints
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.math
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

import billing.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("marketplace", "0002_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Contract",
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
                ("currency", models.CharField(max_length=3)),
                ("starts_on", models.DateField()),
                (
                    "term_months",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "frequency_months",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("auto_renews", models.BooleanField(default=True)),
                (
                    "ends_on",
                    models.DateField(
                        blank=True,
                        help_text="First day after it. Empty: it renews.",
                        null=True,
                    ),
                ),
                (
                    "billed_until",
                    models.DateField(
                        blank=True,
                        help_text="First day not yet billed elsewhere.",
                        null=True,
                    ),
                ),
                (
                    "wound_up_on",
                    models.DateField(
                        blank=True,
                        help_text="The day its end was carried out for.",
                        null=True,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Order",
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
                        choices=[
                            ("INSTALL", "Install"),
                            ("USERS", "Users added"),
                            ("PLAN", "Plan changed"),
                            ("ROLE", "Role activated"),
                            ("QUEUE", "Queued users seated"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "authority",
                    models.CharField(
                        help_text="Permission acted under.", max_length=60
                    ),
                ),
                (
                    "role_name",
                    models.CharField(help_text="Role that held it.", max_length=100),
                ),
                ("terms_version", models.CharField(max_length=40)),
                ("terms_address", models.URLField()),
                ("placed_on", models.DateField(help_text="Local day of the account.")),
                ("placed_at", models.DateTimeField(auto_now_add=True)),
                ("from_address", models.GenericIPAddressField(null=True)),
                (
                    "summary",
                    models.JSONField(help_text="The purchase summary as shown (T8)."),
                ),
                (
                    "effect",
                    models.JSONField(
                        help_text="What it does under the contract, as shown."
                    ),
                ),
                ("effect_digest", models.CharField(max_length=64)),
                ("idempotency_key", models.CharField(max_length=100)),
                ("body_digest", models.CharField(max_length=64)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="accounts.account",
                    ),
                ),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="marketplace.app",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="billing.contract",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="marketplace.plan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OrderForm",
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
                ("number", models.CharField(max_length=60, unique=True)),
                ("signed_on", models.DateField()),
                ("signed_by", models.EmailField(blank=True, max_length=254)),
                ("install_link_to", models.EmailField(blank=True, max_length=254)),
                ("content", models.JSONField()),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_forms",
                        to="accounts.account",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_forms",
                        to="billing.contract",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Line",
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
                    "basis",
                    models.CharField(
                        choices=[
                            ("SIGNED", "Signed order form"),
                            ("SELF_SERVE", "Marketplace, month to month"),
                            ("REPLACEMENT", "Plan change, under the contract's term"),
                        ],
                        max_length=12,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "digits",
                    models.PositiveSmallIntegerField(
                        help_text="Digits of the currency's minor unit."
                    ),
                ),
                (
                    "monthly_unit_price",
                    models.DecimalField(decimal_places=6, max_digits=18),
                ),
                (
                    "anchor_on",
                    models.DateField(
                        help_text="Periods and terms are counted from it."
                    ),
                ),
                (
                    "frequency_months",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "term_months",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("starts_on", models.DateField()),
                (
                    "ends_on",
                    models.DateField(
                        blank=True,
                        help_text="First day after it. Empty: it goes on.",
                        null=True,
                    ),
                ),
                (
                    "began_on",
                    models.DateField(
                        blank=True, help_text="The day seats were put on it.", null=True
                    ),
                ),
                ("replaced_on", models.DateField(blank=True, null=True)),
                ("parked_at", models.DateTimeField(blank=True, null=True)),
                ("parked_because", models.TextField(blank=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="accounts.account",
                    ),
                ),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="marketplace.app",
                    ),
                ),
                (
                    "continues",
                    models.ForeignKey(
                        blank=True,
                        help_text="The line it carries on: resumed, or renewed into a new contract.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="continued_by",
                        to="billing.line",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.contract",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="marketplace.plan",
                    ),
                ),
                (
                    "replaced_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="The line a plan change put in its place; it never renews.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaces",
                        to="billing.line",
                    ),
                ),
                (
                    "order_form",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.orderform",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RenewalChange",
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
                        choices=[
                            ("END", "End at renewal"),
                            ("LOWER", "Lower the quantity at renewal"),
                            ("PLAN", "Change plan at renewal"),
                            ("REPLACED", "End a replaced plan early"),
                        ],
                        max_length=10,
                    ),
                ),
                ("term_ends_on", models.DateField(help_text="The boundary it is for.")),
                ("target_quantity", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "effective_on",
                    models.DateField(
                        blank=True,
                        help_text="The day of change, for a replaced plan.",
                        null=True,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("asked_on", models.DateField()),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                (
                    "ticket_wanted",
                    models.BooleanField(
                        default=False,
                        help_text="The ticket opens at once, not at term end.",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("UNDECIDED", "Waiting for Support"),
                            ("APPROVED", "Approved"),
                            ("DECLINED", "Declined"),
                            ("APPLIED", "Applied"),
                            ("WITHDRAWN", "Taken back"),
                            ("SUPERSEDED", "Replaced by a later wish"),
                            ("MOOT", "No longer needed"),
                        ],
                        default="UNDECIDED",
                        max_length=10,
                    ),
                ),
                ("decided_on", models.DateField(blank=True, null=True)),
                ("applied_on", models.DateField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="renewal_changes",
                        to="accounts.account",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        help_text="Empty: sales signed an order form.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="renewal_changes",
                        to="billing.line",
                    ),
                ),
                (
                    "new_line",
                    models.ForeignKey(
                        blank=True,
                        help_text="The line whose charges cap the credit of a replaced one.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.line",
                    ),
                ),
                (
                    "target_plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketplace.plan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Term",
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
                ("timezone", models.CharField(max_length=60)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(help_text="First day after it.")),
                ("contracted", models.PositiveIntegerField()),
                (
                    "peak",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Most units active on this line in this term.",
                    ),
                ),
                (
                    "billed",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.Greatest(
                            "contracted", "peak"
                        ),
                        output_field=models.PositiveIntegerField(),
                    ),
                ),
                (
                    "billed_until",
                    models.DateField(
                        help_text="First day whose period is not charged."
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("RENEWED", "Renewed"),
                            ("ENDED", "Ended"),
                            ("CONTINUED", "Continued by another line"),
                        ],
                        max_length=10,
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
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terms",
                        to="billing.line",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Increase",
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
                    "cause",
                    models.CharField(
                        help_text="As order:7, join:12, start:3.", max_length=80
                    ),
                ),
                ("on", models.DateField()),
                ("from_quantity", models.PositiveIntegerField()),
                ("to_quantity", models.PositiveIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="increases",
                        to="billing.line",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="increases",
                        to="billing.order",
                    ),
                ),
                (
                    "term",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="increases",
                        to="billing.term",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Hold",
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
                ("quantity", models.PositiveIntegerField()),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="billing.renewalchange",
                    ),
                ),
                (
                    "term",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="billing.term",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Charge",
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
                    "reason",
                    models.CharField(
                        choices=[
                            ("PERIOD", "Billing period"),
                            ("INCREASE", "Additional units"),
                            ("HELD", "Held until decided"),
                            ("CREDIT", "Credit"),
                            ("REVERSAL", "Reversal"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("ORDER_FORM", "Order form"),
                            ("MARKETPLACE", "Marketplace"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        help_text="As period, order:7, join:12, change:3.",
                        max_length=80,
                    ),
                ),
                ("period_starts_on", models.DateField()),
                ("period_ends_on", models.DateField()),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("quantity", models.PositiveIntegerField()),
                (
                    "unit_price",
                    models.DecimalField(
                        decimal_places=6,
                        help_text="One unit for the whole billing period.",
                        max_digits=18,
                    ),
                ),
                ("days", models.PositiveIntegerField()),
                ("period_days", models.PositiveIntegerField()),
                (
                    "capped_at",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=20, null=True
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=3, max_digits=20)),
                ("currency", models.CharField(max_length=3)),
                ("billed_on", models.DateField(help_text="The day it fell due.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="accounts.account",
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="billing.charge",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="billing.line",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="billing.order",
                    ),
                ),
                (
                    "term",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="billing.term",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("frequency_months__gte", 1), ("term_months__gte", 1)
                ),
                name="contract_has_months",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    django.db.models.functions.math.Mod(
                        models.F("term_months"), models.F("frequency_months")
                    ),
                    0,
                ),
                name="frequency_divides_the_term",
                violation_error_message="The billing frequency must divide the term, as 3 divides 12.",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on", None),
                    ("ends_on__gt", models.F("starts_on")),
                    _connector="OR",
                ),
                name="contract_has_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("auto_renews", True), ("ends_on__isnull", False), _connector="OR"
                ),
                name="a_contract_renews_or_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("account", "="),
                    (billing.models.DateRange("starts_on", "ends_on"), "&&"),
                ],
                name="one_contract_at_a_time",
                violation_error_message="The account has another contract then.",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["account", "-id"], name="orders_of_an_account"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["account", "app", "-id"], name="orders_for_an_app"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                fields=("account", "idempotency_key"), name="one_order_per_key"
            ),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(fields=["account", "app"], name="lines_of_an_app"),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(fields=["account", "plan"], name="lines_of_a_plan"),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(
                condition=models.Q(("began_on", None)),
                fields=["starts_on"],
                name="lines_to_begin",
            ),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=models.Q(("monthly_unit_price__gte", 0)),
                name="line_price_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on", None),
                    ("ends_on__gte", models.F("starts_on")),
                    _connector="OR",
                ),
                name="line_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=models.Q(("starts_on__gte", models.F("anchor_on"))),
                name="line_starts_on_its_grid",
            ),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    django.db.models.functions.math.Mod(
                        models.F("term_months"), models.F("frequency_months")
                    ),
                    0,
                ),
                name="line_frequency_divides_its_term",
            ),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("replaced_by", None), ("replaced_on", None)),
                    models.Q(
                        ("replaced_by__isnull", False), ("replaced_on__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="a_replacement_has_a_day",
            ),
        ),
        migrations.AddIndex(
            model_name="renewalchange",
            index=models.Index(
                fields=["account", "term_ends_on"], name="renewal_changes_by_end"
            ),
        ),
        migrations.AddIndex(
            model_name="renewalchange",
            index=models.Index(
                condition=models.Q(("state__in", ["UNDECIDED", "APPROVED"])),
                fields=["term_ends_on"],
                name="renewal_changes_standing",
            ),
        ),
        migrations.AddConstraint(
            model_name="renewalchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["UNDECIDED", "APPROVED"])),
                fields=("line", "term_ends_on"),
                name="one_renewal_change_per_line_and_term_end",
                violation_error_message="This line already has a change at that term end.",
            ),
        ),
        migrations.AddConstraint(
            model_name="renewalchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "END"), ("target_plan", None), ("target_quantity", 0)
                    ),
                    models.Q(
                        ("kind", "LOWER"),
                        ("target_plan", None),
                        ("target_quantity__gte", 1),
                    ),
                    models.Q(
                        ("kind", "PLAN"),
                        ("target_plan__isnull", False),
                        ("target_quantity", None),
                    ),
                    models.Q(
                        ("effective_on__isnull", False),
                        ("kind", "REPLACED"),
                        ("new_line__isnull", False),
                        ("target_plan", None),
                        ("target_quantity", 0),
                    ),
                    _connector="OR",
                ),
                name="a_renewal_change_has_one_target",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                condition=models.Q(("outcome", "")),
                fields=["timezone", "ends_on", "id"],
                name="terms_to_end",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                condition=models.Q(("billed_until__lt", models.F("ends_on"))),
                fields=["timezone", "billed_until", "id"],
                name="terms_to_bill",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                fields=["account", "ends_on"], name="terms_of_an_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="term",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__gt", models.F("starts_on"))),
                name="term_has_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="term",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("billed_until__gte", models.F("starts_on")),
                    ("billed_until__lte", models.F("ends_on")),
                ),
                name="billed_until_within_the_term",
            ),
        ),
        migrations.AddConstraint(
            model_name="term",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("line", "="),
                    (billing.models.DateRange("starts_on", "ends_on"), "&&"),
                ],
                name="one_term_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="increase",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_quantity__gt", models.F("from_quantity"))),
                name="an_increase_is_more",
            ),
        ),
        migrations.AddConstraint(
            model_name="increase",
            constraint=models.UniqueConstraint(
                fields=("term", "cause"), name="one_increase_per_cause"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__gt", models.F("starts_on"))),
                name="hold_has_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="hold_has_a_quantity"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("change", "="),
                    ("term", "="),
                    (billing.models.DateRange("starts_on", "ends_on"), "&&"),
                ],
                name="one_hold_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                fields=["account", "-billed_on", "-id"], name="charges_by_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.UniqueConstraint(
                fields=("line", "period_starts_on", "cause"),
                name="one_charge_per_line_period_and_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("period_ends_on__gt", models.F("period_starts_on"))
                ),
                name="charge_period_has_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__gt", models.F("starts_on")),
                    ("starts_on__gte", models.F("period_starts_on")),
                    ("ends_on__lte", models.F("period_ends_on")),
                ),
                name="charge_days_within_its_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reason__in", ["CREDIT", "REVERSAL"]),
                    ("amount__gte", 0),
                    _connector="OR",
                ),
                name="only_credits_and_reversals_give_back",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "CREDIT"), _negated=True),
                    ("amount__lte", 0),
                    _connector="OR",
                ),
                name="a_credit_gives_back",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "REVERSAL"), ("reverses__isnull", False)),
                    models.Q(
                        models.Q(("reason", "REVERSAL"), _negated=True),
                        ("reverses__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="a_reversal_names_what_it_reverses",
            ),
        ),
    ]
