from django.urls import path, register_converter

from support import (
    bulk_pages,
    conversation_pages,
    decision_pages,
    desk_pages,
    figure_pages,
    file_pages,
    help_pages,
    queue_pages,
    takeout_pages,
    ticket_pages,
    viewing_pages,
)


class TicketNumber:
    """T-000123 in an address is the ticket 123 in a view."""

    regex = r"T-\d{6,12}"

    def to_python(self, value):
        return int(value.removeprefix("T-"))

    def to_url(self, pk):
        return f"T-{pk:06d}"


register_converter(TicketNumber, "ticket")

app_name = "support"
urlpatterns = [
    # Manage roles and Manage
    path("account/export/", takeout_pages.download, name="takeout"),
    # Everybody who works for an account
    path("help/", help_pages.requests, name="requests"),
    path("help/waiting/", help_pages.waiting_for_you, name="waiting-for-you"),
    path("help/new/", help_pages.new_request, name="new-request"),
    path("help/<ticket:pk>/", help_pages.request_page, name="request"),
    path("help/<ticket:pk>/reply/", help_pages.reply, name="reply"),
    path("help/<ticket:pk>/rate/", help_pages.rate, name="rate"),
    path("help/<ticket:pk>/files/<int:file>/", help_pages.file, name="request-file"),
    # Manage
    path("help/lines/<int:pk>/", help_pages.line_tickets, name="line-tickets"),
    # Support staff
    path("desk/", queue_pages.queue, name="queue"),
    path("desk/counts/", queue_pages.counts, name="queue-counts"),
    path("desk/search/", queue_pages.search, name="search"),
    path("desk/queues/", queue_pages.save_queue, name="save-queue"),
    path("desk/queues/<int:pk>/", queue_pages.saved_queue, name="saved-queue"),
    path(
        "desk/queues/<int:pk>/change/", queue_pages.arrange_queue, name="arrange-queue"
    ),
    path("desk/queues/<int:pk>/delete/", queue_pages.delete_queue, name="delete-queue"),
    path("desk/bulk/", bulk_pages.bulk_job_list, name="bulk-jobs"),
    path("desk/bulk/new/", bulk_pages.new_bulk_job, name="new-bulk-job"),
    path("desk/bulk/<int:pk>/", bulk_pages.bulk_job, name="bulk-job"),
    path(
        "desk/bulk/<int:pk>/progress/", bulk_pages.bulk_progress, name="bulk-progress"
    ),
    path("desk/bulk/<int:pk>/begin/", bulk_pages.begin_bulk_job, name="begin-bulk-job"),
    path(
        "desk/bulk/<int:pk>/discard/",
        bulk_pages.discard_bulk_job,
        name="discard-bulk-job",
    ),
    path("desk/<ticket:pk>/", conversation_pages.ticket, name="ticket"),
    path("desk/<ticket:pk>/say/", conversation_pages.say, name="say"),
    path(
        "desk/<ticket:pk>/undo/<int:message>/",
        conversation_pages.take_back,
        name="take-back",
    ),
    path("desk/<ticket:pk>/files/", file_pages.attach, name="attach"),
    path("desk/<ticket:pk>/files/<int:file>/", file_pages.file, name="file"),
    path(
        "desk/<ticket:pk>/files/<int:file>/remove/",
        file_pages.discard_file,
        name="discard-file",
    ),
    path("desk/<ticket:pk>/draft/", conversation_pages.draft, name="draft"),
    path(
        "desk/<ticket:pk>/draft/discard/",
        conversation_pages.discard_draft,
        name="discard-draft",
    ),
    path("desk/<ticket:pk>/presence/", conversation_pages.presence, name="presence"),
    path(
        "desk/<ticket:pk>/canned/",
        conversation_pages.canned_options,
        name="canned-options",
    ),
    path("desk/<ticket:pk>/macro/", conversation_pages.apply_macro, name="apply-macro"),
    path("desk/mentions/", conversation_pages.mention_options, name="mention-options"),
    path("desk/canned/", conversation_pages.canned_list, name="canned-replies"),
    path("desk/canned/new/", conversation_pages.canned_reply, name="new-canned-reply"),
    path("desk/canned/<int:pk>/", conversation_pages.canned_reply, name="canned-reply"),
    path(
        "desk/canned/<int:pk>/delete/",
        conversation_pages.delete_canned_reply,
        name="delete-canned-reply",
    ),
    path("desk/macros/", conversation_pages.macro_list, name="macros"),
    path("desk/macros/new/", conversation_pages.macro, name="new-macro"),
    path("desk/macros/<int:pk>/", conversation_pages.macro, name="macro"),
    path(
        "desk/macros/<int:pk>/delete/",
        conversation_pages.delete_macro,
        name="delete-macro",
    ),
    path("desk/keys/", conversation_pages.key_settings, name="keys"),
    path("desk/<ticket:pk>/assign/", desk_pages.assign, name="assign"),
    path("desk/<ticket:pk>/fields/", ticket_pages.revise, name="revise"),
    path("desk/<ticket:pk>/history/", ticket_pages.history, name="history"),
    path("desk/<ticket:pk>/follow/", ticket_pages.follow, name="follow"),
    path("desk/<ticket:pk>/merge/", ticket_pages.merge, name="merge"),
    path("desk/<ticket:pk>/merge/undo/", ticket_pages.undo_merge, name="undo-merge"),
    path("desk/<ticket:pk>/link/", ticket_pages.link, name="link"),
    path("desk/<ticket:pk>/unlink/", ticket_pages.unlink, name="unlink"),
    path("desk/<ticket:pk>/split/", ticket_pages.split, name="split"),
    path("desk/<ticket:pk>/approve/", decision_pages.approve, name="approve"),
    path("desk/<ticket:pk>/decline/", decision_pages.decline, name="decline"),
    path(
        "desk/<ticket:pk>/approve/undo/",
        decision_pages.undo_approval,
        name="undo-approval",
    ),
    path("desk/<ticket:pk>/evidence/", decision_pages.evidence_page, name="evidence"),
    path("desk/<ticket:pk>/adjust/", decision_pages.adjust, name="adjust"),
    path("desk/<ticket:pk>/credit/", decision_pages.credit, name="credit"),
    path(
        "desk/<ticket:pk>/versions/<int:version>/propose/",
        decision_pages.propose,
        name="propose",
    ),
    path(
        "desk/<ticket:pk>/versions/<int:version>/discard/",
        decision_pages.discard,
        name="discard-version",
    ),
    path("desk/<ticket:pk>/offer/", desk_pages.offer_plan, name="offer-plan"),
    path("desk/<ticket:pk>/release/", desk_pages.release, name="release"),
    path("figures/", figure_pages.figures_page, name="figures"),
    path("figures/<slug:key>.csv", figure_pages.figures_csv, name="figures-csv"),
    path("desk/accounts/", desk_pages.accounts, name="accounts"),
    path("desk/accounts/<slug:slug>/", desk_pages.account, name="account"),
    path(
        "desk/accounts/<slug:slug>/view/",
        viewing_pages.begin_viewing,
        name="begin-viewing",
    ),
    path("desk/view/leave/", viewing_pages.leave_viewing, name="leave-viewing"),
    path(
        "desk/accounts/<slug:slug>/ticket/", ticket_pages.new_ticket, name="new-ticket"
    ),
]
