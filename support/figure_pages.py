"""The desk's figures: for support staff and sales operations, who lead it."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import authority, clock
from journal import charts, downloads
from support import figures, promises, queues
from support.models import Ticket

WEEKS = [4, 12, 26, 52]
USUAL_WEEKS = 12


@require_GET
@authority.staff_required
def figures_page(request):
    """Charts, each with the table it is drawn from."""
    on, weeks = clock.today("UTC"), _weeks(request)
    found = figures.tables(on=on, weeks=weeks)
    pressing = promises.Book().pressing(at=clock.now())
    counts = queues.counted(
        {key: queues.tickets_of(key, request.user, on=on) for key in ["open", "held"]}
        | {"pressing": Ticket.objects.filter(queues.WORKING).filter(pressing)}
    )
    context = {
        "tables": [charts.drawn(table) for table in found],
        "counts": counts,
        "counted_to": queues.COUNTED,
        "kept": figures.newest(found, "sla"),
        "median": figures.newest(found, "decisions"),
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
    found = {table.key: table for table in figures.tables(on=on, weeks=weeks)}
    if key not in found:
        raise Http404
    return downloads.table(charts.as_file(found[key]), "csv", name=f"{key}-{on}")


def _weeks(request) -> int:
    asked = request.GET.get("weeks", "")
    return int(asked) if asked in {str(one) for one in WEEKS} else USUAL_WEEKS
