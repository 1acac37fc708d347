"""Files on a ticket: downloaded, never shown inside a page; and, by support staff,
uploaded with a draft and removed again.
"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import authority
from support import attachments, drafts
from support.forms import FilesForm
from support.models import Attachment, Ticket


def download(attachment: Attachment) -> HttpResponse:
    """The file under its own name (RFC 6266), in whatever letters; nothing in it runs,
    no browser guesses what it is, and nobody else's cache keeps it.
    """
    return HttpResponse(
        bytes(attachment.content),
        content_type=attachment.content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, attachment.name),
            "Content-Length": str(attachment.size),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


@require_GET
@authority.staff_required
def file(request, pk, file):
    """Download a file of a ticket."""
    found = get_object_or_404(Ticket, pk=pk)
    return download(
        get_object_or_404(attachments.visible(found, by=request.user), pk=file)
    )


@require_POST
@authority.staff_required
def attach(request, pk):
    """Upload files with a reply or a note that is being written; what was typed until
    now is kept as its draft.
    """
    found = get_object_or_404(Ticket, pk=pk)
    internal = _keep_draft(request, found)
    form = FilesForm(request.POST, request.FILES)
    form.full_clean()
    files = form.cleaned_data["files"]
    try:
        attachments.add_all(found, files, by=request.user, internal=internal)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        if not files:
            messages.error(request, _("Choose a file first."))
    return _back(found, internal=internal)


@require_POST
@authority.staff_required
def discard_file(request, pk, file):
    """Remove a file that was not sent yet."""
    found = get_object_or_404(Ticket, pk=pk)
    mine = get_object_or_404(attachments.visible(found, by=request.user), pk=file)
    _keep_draft(request, found)
    try:
        attachments.discard(mine, by=request.user)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    return _back(found, internal=mine.internal)


def _keep_draft(request, ticket) -> bool:
    internal = request.POST.get("to") == "note"
    if body := request.POST.get("body", ""):
        drafts.save(ticket, body, internal=internal, by=request.user)
    return internal


def _back(ticket, *, internal: bool):
    place = "?note" if internal else ""
    return redirect(f"{reverse('support:ticket', args=[ticket.pk])}{place}#write")
