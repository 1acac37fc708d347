"""Accounts and staff for sales operations. Members of roles are the customer's own."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from accounts import clock, mails, second_factors
from accounts.models import Account, Role, TermsAcceptance, TermsVersion, User

admin.site.unregister(Group)


def nobody(admin, request, row=None):
    """What is kept is not deleted, and what customers do is not done here."""
    return False


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "timezone", "locale", "active_people", "created_at"]
    search_fields = ["name", "slug"]
    list_filter = ["timezone", "locale"]
    prepopulated_fields = {"slug": ["name"]}
    ordering = ["name"]

    def get_queryset(self, request):
        active = Count("users", filter=Q(users__is_active=True))
        return super().get_queryset(request).annotate(active=active)

    @admin.display(description=_("active people"), ordering="active")
    def active_people(self, account):
        return account.active

    has_delete_permission = nobody


class StaffCreationForm(AdminUserCreationForm):
    """Somebody new: a password now, or a link by mail later."""

    class Meta:
        model = User
        fields = ["email", "display_name", "kind", "account"]


class ReasonForm(ActionForm):
    """What an action asks besides: why."""

    reason = forms.CharField(required=False, max_length=300, label=_("Reason"))


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    add_form = StaffCreationForm
    action_form = ReasonForm
    actions = ["reset_second_factor"]
    list_display = [
        "display_name",
        "email",
        "kind",
        "account",
        "is_active",
        "last_login",
    ]
    list_filter = ["kind", "is_active", "is_staff"]
    list_select_related = ["account"]
    search_fields = ["display_name", "email", "account__name"]
    autocomplete_fields = ["account"]
    ordering = ["display_name", "id"]
    filter_horizontal = []
    readonly_fields = ["last_login", "created_at"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["display_name", "email", "password", "team"]}),
        (_("Works for"), {"fields": ["kind", "account"]}),
        (_("May"), {"fields": ["is_active", "is_staff", "is_superuser"]}),
        (_("When"), {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": [
                    "display_name",
                    "email",
                    "kind",
                    "account",
                    "usable_password",
                    "password1",
                    "password2",
                ]
            },
        )
    ]

    def get_readonly_fields(self, request, obj=None):
        """A customer is deactivated in their own account, where seats are freed and
        the last one who manages roles is kept.
        """
        fields = super().get_readonly_fields(request, obj)
        if obj is not None and obj.account_id is not None:
            return [*fields, "kind", "account", "is_active", "is_staff", "is_superuser"]
        return fields

    has_delete_permission = nobody

    @admin.action(
        description=_("Reset the second factor (say why)"), permissions=["change"]
    )
    def reset_second_factor(self, request, users):
        """Of the vendor's and partners' people; customers' own do it for theirs."""
        for user in users.select_related("account"):
            try:
                with transaction.atomic():
                    self._reset(user, request)
            except ValidationError as refusal:
                words = f"{user}: {' '.join(refusal.messages)}"
                self.message_user(request, words, messages.ERROR)
            else:
                self.message_user(request, f"{user} ✓", messages.SUCCESS)

    def _reset(self, user, request):
        if user.account_id is not None:
            raise ValidationError(
                _("Whoever manages roles in their company does this."), code="customer"
            )
        reason = request.POST.get("reason", "")
        second_factors.reset(
            user, reason=reason, by=request.user, on=clock.today("UTC")
        )
        mails.security(user, "factor.reset", at=clock.now())


@admin.register(Role)
class RoleAdmin(admin.ModelAdmin):
    list_display = ["name", "account", "created_on"]
    search_fields = ["name", "account__name"]
    list_select_related = ["account"]
    ordering = ["account__name", "name"]

    has_add_permission = has_change_permission = has_delete_permission = nobody


@admin.register(TermsVersion)
class TermsVersionAdmin(admin.ModelAdmin):
    list_display = ["version", "effective_from", "address"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    ordering = ["-effective_from"]

    def has_change_permission(self, request, obj=None):
        """What somebody may have accepted stays as it was."""
        accepted = TermsAcceptance.objects.filter(version=obj) if obj else None
        allowed = super().has_change_permission(request, obj)
        return allowed and not (accepted is not None and accepted.exists())

    def has_delete_permission(self, request, obj=None):
        return self.has_change_permission(request, obj)


@admin.register(TermsAcceptance)
class TermsAcceptanceAdmin(admin.ModelAdmin):
    list_display = ["account", "user", "version", "accepted_on"]
    list_filter = ["version"]
    search_fields = ["account__name", "user__display_name", "user__email"]
    list_select_related = ["account", "user", "version"]
    ordering = ["-accepted_at"]

    has_add_permission = has_change_permission = has_delete_permission = nobody
