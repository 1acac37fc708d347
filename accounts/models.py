"""Who: accounts, their users and roles, and who may purchase."""

import zoneinfo

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    Group,
    PermissionsMixin,
)
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import TrigramWordSimilarity
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, Upper
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


def known_zone(name):
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("%(zone)s is not a time zone. Use a name such as Europe/Lisbon."),
            code="unknown_zone",
            params={"zone": name},
        )


class AccountQuerySet(models.QuerySet):
    def locked(self, pk):
        """The row, locked until the transaction ends; first in the lock order."""
        return self.select_for_update(no_key=True).get(pk=pk)

    def timezones(self):
        """Every time zone that an account lives in."""
        return self.order_by("timezone").values_list("timezone", flat=True).distinct()


class Account(models.Model):
    """A company that has, had or will have a contract with the vendor."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    timezone = models.CharField(max_length=60, default="UTC", validators=[known_zone])
    locale = models.CharField(max_length=20, default="en-US")
    requires_mfa = models.BooleanField(
        default=False, help_text="Its people sign in with a second factor."
    )
    approval_above = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="A purchase above this a month needs a second person; empty: none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("install_apps", "Install apps (purchasing authority)"),
            ("manage_apps", "Manage apps (purchasing authority)"),
            ("manage_roles", "Manage roles"),
            ("launch_apps", "Launch apps"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(approval_above=None) | Q(approval_above__gte=0),
                name="approval_is_asked_above_an_amount",
            )
        ]

    def __str__(self):
        return self.name


class UserQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def named(self, words):
        """Users whose name, email or team holds every one of the words."""
        found = self
        for word in words.split():
            found = found.filter(
                Q(display_name__icontains=word)
                | Q(email__icontains=word)
                | Q(team__icontains=word)
            )
        return found

    def nearly_named(self, words):
        """Users whose name has words close to these, the closest first: by trigrams."""
        likeness = TrigramWordSimilarity(words.upper(), Upper("display_name"))
        near = RawSQL("UPPER(display_name::text) %%> UPPER(%s)", [words])
        return (
            self.alias(near=near, likeness=likeness)
            .filter(near=True)
            .order_by("-likeness", "pk")
        )

    def in_roles(self, roles):
        return self.filter(groups__role__in=roles).distinct()


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):
    def create_user(self, email, password=None, **fields):
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        fields = {
            "kind": User.Kind.SALES,
            "is_staff": True,
            "is_superuser": True,
        } | fields
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, email):
        return self.get(email=email.strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The one erasable row with their name and address."""

    class Kind(models.TextChoices):
        CUSTOMER = "CUSTOMER", gettext_lazy("Works for an account")
        SUPPORT = "SUPPORT", gettext_lazy("Support staff")
        SALES = "SALES", gettext_lazy("Sales operations")
        PARTNER = "PARTNER", gettext_lazy("Works for a partner")

    account = models.ForeignKey(
        Account, models.PROTECT, related_name="users", null=True, blank=True
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CUSTOMER)
    email = models.EmailField(unique=True)
    display_name = models.CharField(max_length=200)
    team = models.CharField(max_length=80, blank=True)
    language = models.CharField(
        max_length=10, blank=True, help_text="As pt; empty: as the browser asks."
    )
    external_id = models.CharField(
        max_length=200, blank=True, help_text="The company's directory calls them so."
    )
    invited_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last link to set a password left."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(
        default=False, help_text="May open the Django admin."
    )
    deactivated_on = models.DateField(
        null=True, blank=True, help_text="The local day; empty while active."
    )
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then neither name nor address is here."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="CUSTOMER", account__isnull=False)
                | (~Q(kind="CUSTOMER") & Q(account__isnull=True)),
                name="only_customers_have_an_account",
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="one_user_per_address",
                violation_error_message=gettext_lazy(
                    "Somebody already signs in with this address."
                ),
            ),
            models.UniqueConstraint(
                fields=["account", "external_id"],
                condition=~Q(external_id=""),
                name="one_user_per_external_id",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "display_name", "id"], name="users_by_name"
            ),
            GinIndex(
                OpClass(Upper("display_name"), name="gin_trgm_ops"),
                name="users_name_trigrams",
            ),
            GinIndex(
                OpClass(Upper("email"), name="gin_trgm_ops"),
                name="users_email_trigrams",
            ),
            GinIndex(
                OpClass(Upper("team"), name="gin_trgm_ops"), name="users_team_trigrams"
            ),
            models.Index(
                fields=["deactivated_on"],
                name="users_to_erase",
                condition=Q(deactivated_on__isnull=False, erased_at=None),
            ),
        ]

    def __str__(self):
        return self.display_name or self.email


class RoleQuerySet(models.QuerySet):
    def of(self, account):
        return self.filter(account=account)


class Role(models.Model):
    """A named set of an account's users. Its members are its group's users."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="roles")
    group = models.OneToOneField(Group, models.PROTECT, related_name="role")
    name = models.CharField(max_length=100)
    external_id = models.CharField(
        max_length=200, blank=True, help_text="The company's directory calls it so."
    )
    created_on = models.DateField()

    objects = RoleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "account",
                Lower("name"),
                name="one_role_per_name",
                violation_error_message=gettext_lazy(
                    "The account already has a role of that name."
                ),
            )
        ]

    def __str__(self):
        return self.name

    @property
    def members(self):
        return User.objects.filter(groups=self.group_id)


class AccountGroupPermission(GroupObjectPermissionBase):
    """What a role may do in its account, with a real foreign key."""

    content_object = models.ForeignKey(Account, models.CASCADE)


class AccountUserPermission(UserObjectPermissionBase):
    """Unused on purpose: authority is given to roles. guardian asks for the pair."""

    content_object = models.ForeignKey(Account, models.CASCADE)


class TermsVersionQuerySet(models.QuerySet):
    def on(self, day):
        """The version in force on a local day."""
        return self.filter(effective_from__lte=day).order_by("-effective_from").first()


class TermsVersion(models.Model):
    """A published version of the purchase terms."""

    version = models.CharField(max_length=40, unique=True)
    address = models.URLField()
    effective_from = models.DateField(unique=True)

    objects = TermsVersionQuerySet.as_manager()

    def __str__(self):
        return self.version


class TermsAcceptance(models.Model):
    """Somebody with purchasing authority agreed to a version of the terms."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="acceptances")
    version = models.ForeignKey(TermsVersion, models.PROTECT, related_name="+")
    accepted_on = models.DateField()
    accepted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "version"], name="accepted_once_per_version"
            )
        ]

    def __str__(self):
        return f"{self.user_id} accepted {self.version_id}"


class PinnedClock(models.Model):
    """The settable present of demos and browser tests. Refused in production."""

    now = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="only_one_clock")]

    def __str__(self):
        return self.now.isoformat()


class ApiKeyQuerySet(models.QuerySet):
    def live(self, *, at):
        """Keys that open something at a moment: not revoked, not over."""
        return self.filter(revoked_at=None).filter(
            Q(expires_at=None) | Q(expires_at__gt=at)
        )


class ApiKey(models.Model):
    """A key to the API. It acts for a person, within their authority and its scopes.

    A directory key acts for its account alone, and outlives whoever made it.
    """

    class Audience(models.TextChoices):
        ACCOUNT = "ACCOUNT", gettext_lazy("An account's own software")
        PARTNER = "PARTNER", gettext_lazy("A partner's software")
        SUPPORT = "SUPPORT", gettext_lazy("The desk's software")
        INVOICING = "INVOICING", gettext_lazy("The invoicing system")
        DIRECTORY = "DIRECTORY", gettext_lazy("The company's directory")

    audience = models.CharField(max_length=10, choices=Audience)
    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys")
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="api_keys", null=True, blank=True
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20, unique=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the secret.")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    audience__in=["ACCOUNT", "DIRECTORY"], account__isnull=False
                )
                | (~Q(audience__in=["ACCOUNT", "DIRECTORY"]) & Q(account=None)),
                name="account_keys_have_an_account",
            )
        ]
        indexes = [models.Index(fields=["user", "audience"], name="api_keys_of_a_user")]

    def __str__(self):
        return f"{self.name} ({self.prefix})"


class Remembered(models.Model):
    """The answer to an API call that succeeded, kept for its idempotency key (3.18)."""

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    idempotency_key = models.CharField(max_length=100)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    content = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"], name="one_answer_per_key"
            )
        ]
        indexes = [models.Index(fields=["at"], name="remembered_by_age")]

    def __str__(self):
        return f"{self.status} for {self.idempotency_key}"


class JobQuerySet(models.QuerySet):
    def under_way(self):
        return self.filter(begun_at__isnull=False, finished_at=None)


class Job(models.Model):
    """Long work on a file of people: checked, begun, and carried out in batches."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="jobs")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(begun_at__isnull=False),
                name="a_job_begins_before_it_is_finished",
            )
        ]
        indexes = [
            models.Index(
                fields=["begun_at", "id"],
                name="jobs_under_way",
                condition=Q(begun_at__isnull=False, finished_at=None),
            )
        ]

    def __str__(self):
        return self.file_name


class JobRow(models.Model):
    """One line of a job's file: what is foreseen for it, and what came of it."""

    class Foreseen(models.TextChoices):
        ADD = "ADD", gettext_lazy("Will be added")
        CHANGE = "CHANGE", gettext_lazy("Will be changed")
        SAME = "SAME", gettext_lazy("Is so already")
        REFUSED = "REFUSED", gettext_lazy("Refused")

    class Outcome(models.TextChoices):
        WAITING = "", gettext_lazy("To do")
        DONE = "DONE", gettext_lazy("Done")
        REFUSED = "REFUSED", gettext_lazy("Refused")

    job = models.ForeignKey(Job, models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    content = models.JSONField(null=True, help_text="What the line says, if readable.")
    foreseen = models.CharField(max_length=10, choices=Foreseen)
    outcome = models.CharField(
        max_length=10, choices=Outcome, blank=True, default=Outcome.WAITING
    )
    words = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "line"], name="a_line_is_once_in_a_job"
            )
        ]
        indexes = [
            models.Index(
                fields=["job", "id"], name="job_rows_to_do", condition=Q(outcome="")
            )
        ]

    def __str__(self):
        return f"{self.job_id}: {self.line}"


class IdentityProvider(models.Model):
    """The company's own sign-in (OpenID Connect): its people come in through it."""

    account = models.OneToOneField(
        Account, models.CASCADE, related_name="identity_provider"
    )
    public_id = models.CharField(
        max_length=40, unique=True, help_text="In addresses; another issuer, another."
    )
    issuer = models.CharField(max_length=400)
    client_id = models.CharField(max_length=190)
    sealed_secret = models.TextField(help_text="Only the sign-in opens it.")
    is_required = models.BooleanField(
        default=False, help_text="No other way in for its people, but for one."
    )
    break_glass = models.ForeignKey(
        User,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="May sign in by password when the provider does not answer.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_required=False) | Q(break_glass__isnull=False),
                name="required_leaves_a_way_in",
            )
        ]

    def __str__(self):
        return self.issuer


class SignInDomain(models.Model):
    """Whoever has an address there is led to the provider. One company has it."""

    provider = models.ForeignKey(
        IdentityProvider, models.CASCADE, related_name="domains"
    )
    domain = models.CharField(max_length=253)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain"], name="one_company_per_domain")
        ]

    def __str__(self):
        return self.domain
