"""The journal, to read."""

from django.contrib import admin

from journal.models import Activity, Message


def nobody(admin, request, row=None):
    """Nobody writes here: the rules do."""
    return False


@admin.register(Activity)
class ActivityAdmin(admin.ModelAdmin):
    has_add_permission = has_change_permission = has_delete_permission = nobody
    show_full_result_count = False
    list_display = ["at", "on", "verb", "account_id", "app", "subject", "actor_id"]
    list_filter = ["verb"]
    search_fields = ["=account_id", "=subject", "=app"]
    ordering = ["-id"]


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    has_add_permission = has_change_permission = has_delete_permission = nobody
    show_full_result_count = False
    list_display = ["created_at", "kind", "recipient", "subject", "attempts", "state"]
    list_filter = ["kind"]
    search_fields = ["recipient", "subject", "=key"]
    ordering = ["-id"]

    @admin.display
    def state(self, message):
        if message.delivered_at:
            return "delivered"
        return "given up" if message.failed_at else "waiting"
