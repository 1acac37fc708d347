"""The journal, to read."""

from django.contrib import admin

from journal.models import Activity, Attempt, Endpoint, Message


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


class AttemptInline(admin.TabularInline):
    model = Attempt
    has_add_permission = has_change_permission = has_delete_permission = nobody
    fields = readonly_fields = ["number", "at", "address", "status", "error", "took_ms"]
    ordering = ["-id"]


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    has_add_permission = has_change_permission = has_delete_permission = nobody
    show_full_result_count = False
    list_display = ["created_at", "kind", "recipient", "subject", "attempts", "state"]
    list_filter = ["kind", "event"]
    search_fields = ["recipient", "subject", "=key", "=public_id", "=thread"]
    ordering = ["-id"]
    inlines = [AttemptInline]

    @admin.display
    def state(self, message):
        return message.state.lower()


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    """Without the secrets: those are the partner's."""

    has_add_permission = has_change_permission = has_delete_permission = nobody
    list_display = ["__str__", "partner_id", "state", "failing_since", "disabled_at"]
    exclude = ["secret", "previous_secret", "challenge"]
    search_fields = ["address", "=partner_id"]
    ordering = ["partner_id"]
