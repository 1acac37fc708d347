"""Files on a ticket, for support staff: uploaded with a draft, removed, downloaded."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import authority
from support import attachments, downloads, drafts
from support.desk_pages import address_of
from support.forms import FilesForm
from support.models import Ticket


@require_GET
@authority.staff_required
def file(request, pk, file):
    """Download a file of a ticket."""
    found = get_object_or_404(Ticket, pk=pk)
    return downloads.answer(
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
    return redirect(f"{address_of(ticket)}{place}#write")
