"""Tables and papers as files to keep: the answers of pages."""

from collections.abc import Iterator
from datetime import date

from django.conf import settings
from django.http import (
    FileResponse,
    Http404,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils import timezone, translation

from journal import papers, tables
from journal.tables import Table

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def table(found: Table, kind: str, *, name: str) -> HttpResponseBase:
    """A table called name.csv or name.xlsx; 404 for another kind."""
    if kind not in KINDS:
        raise Http404
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if kind == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        lines = _as_asked(tables.csv_lines(found))
        return StreamingHttpResponse(lines, content_type=KINDS[kind], headers=headers)
    return FileResponse(
        tables.excel(found),
        as_attachment=True,
        filename=f"{name}.xlsx",
        content_type=KINDS[kind],
        headers=headers,
    )


def paper(template: str, context: dict, *, name: str, on: date) -> HttpResponse:
    """A paper called name.pdf, dated a day."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.pdf"',
        "Cache-Control": "no-store",
    }
    content = papers.of(template, context, on=on, fonts=settings.FONTS)
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _as_asked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """In the language and time zone of who asked, also when they come to be sent."""
    language, zone = translation.get_language(), timezone.get_current_timezone()
    while True:
        with translation.override(language), timezone.override(zone):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk
