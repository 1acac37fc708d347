"""The desk's figures: for support staff and sales operations, who lead it."""

import csv

from django.http import Http404, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import authority, clock
from journal import charts
from support import figures, promises, queues
from support.models import Ticket

WEEKS = [4, 12, 26, 52]
USUAL_WEEKS = 12


class Line:
    """What csv writes to: it hands each line straight on."""

    def write(self, line):
        return line


@require_GET
@authority.staff_required
def figures_page(request):
    """Charts, each with the table it is drawn from."""
    on, weeks = clock.today("UTC"), _weeks(request)
    tables = figures.tables(on=on, weeks=weeks)
    pressing = promises.Book().pressing(at=clock.now())
    counts = queues.counted(
        {key: queues.tickets_of(key, request.user, on=on) for key in ["open", "held"]}
        | {"pressing": Ticket.objects.filter(queues.WORKING).filter(pressing)}
    )
    context = {
        "tables": [charts.drawn(table) for table in tables],
        "counts": counts,
        "counted_to": queues.COUNTED,
        "kept": figures.newest(tables, "sla"),
        "median": figures.newest(tables, "decisions"),
        "weeks": weeks,
        "choices": WEEKS,
        "today": on,
    }
    return render(request, "support/figures.html", context)


@require_GET
@authority.staff_required
def figures_csv(request, key):
    """One table as CSV, line by line."""
    on, weeks = clock.today("UTC"), _weeks(request)
    tables = {table.key: table for table in figures.tables(on=on, weeks=weeks)}
    if key not in tables:
        raise Http404
    writer = csv.writer(Line())
    return StreamingHttpResponse(
        (writer.writerow(line) for line in charts.lines(tables[key])),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{key}-{on}.csv"'},
    )


def _weeks(request) -> int:
    asked = request.GET.get("weeks", "")
    return int(asked) if asked in {str(one) for one in WEEKS} else USUAL_WEEKS
