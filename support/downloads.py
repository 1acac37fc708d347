"""A file of a ticket as an answer: always a download, never shown inside a page."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from support.models import Attachment


def answer(attachment: Attachment) -> HttpResponse:
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
