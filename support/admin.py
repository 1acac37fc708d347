"""The desk's rows in the Django admin: tickets to look at, never to decide or to rewrite;
when the desk works and what it promises, to be set by whoever leads it.
"""

import holidays
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import nobody
from support.models import (
    Adjustment,
    ApprovalLimit,
    Calendar,
    Closure,
    Evidence,
    Message,
    OpeningHours,
    ServicePromise,
    StaffVisit,
    TermNotice,
    Ticket,
)

WEEKDAYS = [
    (0, gettext_lazy("Monday")),
    (1, gettext_lazy("Tuesday")),
    (2, gettext_lazy("Wednesday")),
    (3, gettext_lazy("Thursday")),
    (4, gettext_lazy("Friday")),
    (5, gettext_lazy("Saturday")),
    (6, gettext_lazy("Sunday")),
]


class MessageInline(admin.TabularInline):
    model = Message
    fields = ["on", "author", "internal", "body"]
    extra = 0
    has_add_permission = has_change_permission = has_delete_permission = nobody


class EvidenceInline(admin.TabularInline):
    model = Evidence
    fields = ["moment", "change", "taken_on", "digest", "content"]
    extra = 0
    has_add_permission = has_change_permission = has_delete_permission = nobody


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):
    list_display = ["number", "subject", "account", "category", "state", "term_ends_on"]
    list_filter = ["state", "category", "origin", "internal"]
    list_select_related = ["account"]
    search_fields = ["subject", "account__name", "app__name"]
    ordering = ["-id"]
    inlines = [MessageInline, EvidenceInline]
    has_add_permission = has_change_permission = has_delete_permission = nobody


@admin.register(StaffVisit)
class StaffVisitAdmin(admin.ModelAdmin):
    list_display = ["at", "staff", "account", "reason"]
    list_select_related = ["staff", "account"]
    search_fields = ["account__name", "staff__display_name", "reason"]
    ordering = ["-id"]
    has_add_permission = has_change_permission = has_delete_permission = nobody


@admin.register(TermNotice)
class NoticeAdmin(admin.ModelAdmin):
    list_display = ["told_on", "account", "line", "term_ends_on", "days"]
    list_select_related = ["account", "line__plan"]
    list_filter = ["days"]
    ordering = ["-id"]
    has_add_permission = has_change_permission = has_delete_permission = nobody


class CalendarForm(forms.ModelForm):
    """A calendar whose country, if it has one, is known with its public holidays."""

    class Meta:
        model = Calendar
        fields = ["name", "timezone", "country", "subdivision"]

    def clean(self):
        cleaned = super().clean()
        country = cleaned.get("country", "").upper()
        subdivision = cleaned.get("subdivision", "")
        known = holidays.list_supported_countries()
        if country and country not in known:
            raise ValidationError(
                {"country": _("No public holidays are known for this country.")}
            )
        if subdivision and subdivision not in known.get(country, []):
            raise ValidationError(
                {"subdivision": _("This country has no such part: leave it empty.")}
            )
        return cleaned | {"country": country}


class OpeningHoursForm(forms.ModelForm):
    """An interval of a weekday, by its name."""

    weekday = forms.TypedChoiceField(choices=WEEKDAYS, coerce=int)

    class Meta:
        model = OpeningHours
        fields = ["weekday", "opens", "closes"]


class OpeningHoursInline(admin.TabularInline):
    model = OpeningHours
    form = OpeningHoursForm
    ordering = ["weekday", "opens"]
    extra = 1


class ClosureInline(admin.TabularInline):
    model = Closure
    ordering = ["on"]
    extra = 1


@admin.register(Calendar)
class CalendarAdmin(admin.ModelAdmin):
    """What changes here counts for a ticket from its next change on."""

    form = CalendarForm
    list_display = ["name", "timezone", "country", "subdivision"]
    ordering = ["name"]
    inlines = [OpeningHoursInline, ClosureInline]


@admin.register(ServicePromise)
class ServicePromiseAdmin(admin.ModelAdmin):
    """In working minutes; one without a category is for all that have none of their own."""

    list_display = [
        "priority",
        "category",
        "first_answer_minutes",
        "next_answer_minutes",
        "solution_minutes",
        "calendar",
    ]
    list_display_links = ["priority"]
    list_select_related = ["calendar"]
    ordering = ["category", "-priority"]


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(admin.ModelAdmin):
    """Above it two people of staff answer for an adjustment."""

    list_display = ["currency", "amount"]
    ordering = ["currency"]


@admin.register(Adjustment)
class AdjustmentAdmin(admin.ModelAdmin):
    list_display = ["ticket", "version", "kind", "state", "weight", "currency"]
    list_select_related = ["ticket"]
    list_filter = ["state", "kind", "currency", "two_needed"]
    search_fields = ["ticket__subject", "ticket__account__name"]
    ordering = ["-id"]
    has_add_permission = has_change_permission = has_delete_permission = nobody
