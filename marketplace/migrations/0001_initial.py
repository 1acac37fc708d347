import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import marketplace.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Partner",
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
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("website", models.URLField(blank=True)),
                (
                    "members",
                    models.ManyToManyField(
                        blank=True, related_name="partners", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="App",
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
                ("slug", models.SlugField(max_length=80, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("category", models.CharField(max_length=80)),
                (
                    "currency",
                    models.CharField(
                        blank=True,
                        help_text="Shown to those who have no contract.",
                        max_length=3,
                    ),
                ),
                ("tagline", models.CharField(blank=True, max_length=200)),
                ("description", models.TextField(blank=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "logo",
                    models.CharField(
                        blank=True,
                        help_text="Below static/, as logos/zoom.svg.",
                        max_length=200,
                    ),
                ),
                ("launch_address", models.URLField(blank=True)),
                (
                    "provisioning_address",
                    models.URLField(
                        blank=True,
                        help_text="Empty: an installation is active at once.",
                    ),
                ),
                ("listed_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Draft"),
                            ("IN_REVIEW", "In review"),
                            ("PUBLISHED", "Published"),
                        ],
                        default="PUBLISHED",
                        max_length=10,
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="apps",
                        to="marketplace.partner",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Plan",
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
                ("code", models.SlugField(max_length=100)),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("BASE", "Base"), ("ADD_ON", "Add-on")],
                        default="BASE",
                        max_length=10,
                    ),
                ),
                (
                    "charge_model",
                    models.CharField(
                        choices=[
                            ("PER_SEAT", "Per Seat"),
                            ("PER_ACCOUNT", "Per Account"),
                        ],
                        max_length=12,
                    ),
                ),
                ("unit", models.CharField(blank=True, max_length=60)),
                ("description", models.TextField(blank=True)),
                (
                    "features",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "listed",
                    models.BooleanField(
                        default=True,
                        help_text="Not listed: contracted once, offered to nobody (T15).",
                    ),
                ),
                ("price_on_request", models.BooleanField(default=False)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plans",
                        to="marketplace.app",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Offer",
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
                ("offered_on", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="accounts.account",
                    ),
                ),
                (
                    "offered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="marketplace.plan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ListPrice",
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
                ("monthly_price", models.DecimalField(decimal_places=6, max_digits=18)),
                ("effective_from", models.DateField()),
                ("effective_until", models.DateField(blank=True, null=True)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="list_prices",
                        to="marketplace.plan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                (
                    "app",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_entry",
                        serialize=False,
                        to="marketplace.app",
                    ),
                ),
                ("words", django.contrib.postgres.search.SearchVectorField()),
                (
                    "keywords",
                    models.TextField(help_text="For words that are nearly right."),
                ),
            ],
            options={
                "verbose_name_plural": "search entries",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["words"], name="apps_full_text"
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass(
                            "keywords", name="gin_trgm_ops"
                        ),
                        name="apps_keyword_trigrams",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="app",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                ),
                name="apps_name_trigrams",
            ),
        ),
        migrations.AddIndex(
            model_name="app",
            index=models.Index(fields=["category", "name"], name="apps_by_category"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(
                fields=("app", "code"),
                name="one_plan_per_code",
                violation_error_message="The app already has a plan with this code.",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                fields=("account", "plan"), name="one_offer_per_account_and_plan"
            ),
        ),
        migrations.AddIndex(
            model_name="listprice",
            index=models.Index(
                fields=["plan", "currency", "effective_from"], name="list_prices_by_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="listprice",
            constraint=models.CheckConstraint(
                condition=models.Q(("monthly_price__gte", 0)),
                name="list_price_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="listprice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_until", None),
                    ("effective_until__gt", models.F("effective_from")),
                    _connector="OR",
                ),
                name="list_price_has_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="listprice",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("plan", "="),
                    ("currency", "="),
                    (
                        marketplace.models.DateRange(
                            "effective_from", "effective_until"
                        ),
                        "&&",
                    ),
                ],
                name="one_list_price_a_day",
                violation_error_message="The plan has another price on those days.",
            ),
        ),
    ]
