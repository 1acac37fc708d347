"""The desk's rows in the Django admin: to look at, never to decide or to rewrite."""

from django.contrib import admin

from accounts.admin import nobody
from support.models import Evidence, Message, Notice, StaffVisit, Ticket


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


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    list_display = ["told_on", "account", "line", "term_ends_on", "days"]
    list_select_related = ["account", "line__plan"]
    list_filter = ["days"]
    ordering = ["-id"]
    has_add_permission = has_change_permission = has_delete_permission = nobody
