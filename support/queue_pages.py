"""The queues and the search of the desk: for support staff alone."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from support import promises, queues, saved_queues, searches
from support.filters import QueueFilter, SavedQueueForm, query_of
from support.models import Ticket

ON_A_PAGE = 50
FOUND_ON_A_PAGE = 20
STATES = {
    "all": None,
    "open": [state for state in Ticket.State.values if state not in Ticket.DONE],
    "done": Ticket.DONE,
}


class FirstOnes(Paginator):
    """Pages over the first `queues.MOST` of a queue: counting all would cost more than
    showing them.
    """

    @cached_property
    def count(self):
        return self.object_list.order_by()[: queues.MOST].count()

    @property
    def is_cut(self):
        return self.count >= queues.MOST


@require_GET
@authority.staff_required
def queue(request):
    """A queue as the address says: view, filters, columns and order."""
    wished = QueueFilter(request.GET, user=request.user, on=_today())
    ids = wished.qs.values_list("pk", flat=True)
    page = FirstOnes(ids, ON_A_PAGE).get_page(request.GET.get("page"))
    saved = _saved_in(request)
    context = _listed(request, view=wished.view, saved=saved) | {
        "wished": wished,
        "saved": saved,
        "changed": saved is not None and _differs(saved, wished),
        "page": page,
        "rows": _rows(page, on=wished.on),
        "columns": [(name, queues.COLUMNS[name]) for name in wished.columns],
        "label": {name: str(label) for name, label in queues.COLUMNS.items()}
        | {"nobody": _("Nobody"), "calendar": _("The calendar")},
        "sortable": set(queues.SORTS),
        "every_column": queues.COLUMNS.items(),
        "empty": queues.VIEWS[wished.view].empty if wished.view in queues.VIEWS else "",
        "query": _without_page(request.GET),
        "save_form": SavedQueueForm(auto_id="save_%s"),
        "today": wished.on,
    }
    return render(request, "support/queue.html", context)


@require_GET
@authority.staff_required
def counts(request):
    """Every queue with how many it holds: the fragment that the page asks for again."""
    if not request.htmx:
        return redirect("support:queue")
    view = request.GET.get("view", "")
    saved = _saved_in(request)
    context = _listed(request, view=view, saved=saved)
    return render(request, "support/_queues.html", context)


@require_GET
@authority.staff_required
def search(request):
    """Tickets by words in them, the best first, with where they say it."""
    words = request.GET.get("q", "").strip()[:200]
    states = request.GET.get("in", "all")
    states = states if states in STATES else "all"
    found = searches.found(words, states=STATES[states])
    page = Paginator(found, FOUND_ON_A_PAGE).get_page(request.GET.get("page"))
    tickets = queues.shown(Ticket.objects.all()).in_bulk(list(page))
    shown = [tickets[pk] for pk in page if pk in tickets]
    leads = searches.survivors(shown)
    said = searches.excerpts([ticket.pk for ticket in shown], words)
    context = {
        "words": words,
        "states": states,
        "page": page,
        "most": searches.MOST if len(found) >= searches.MOST else None,
        "results": [
            {
                "ticket": ticket,
                "subject": searches.marked(ticket.subject, words),
                "account": searches.marked(ticket.account.name, words),
                "requester": searches.marked(str(ticket.requester or ""), words),
                "said": said.get(ticket.pk),
                "leads": leads.get(ticket.pk),
            }
            for ticket in shown
        ],
        "today": _today(),
    }
    return render(request, "support/queue_search.html", context)


@require_POST
@authority.staff_required
def save_queue(request):
    """Keep the queue on screen under a name; or in place of what a queue kept."""
    wished = _on_screen(request)
    kept = {
        "filters": wished.wanted,
        "columns": wished.columns,
        "sort": wished.sort,
        "by": request.user,
    }
    own = request.user.saved_queues.filter(pk=_number(request.POST.get("replace")))
    form = SavedQueueForm(request.POST)
    try:
        if queue := own.first():
            saved_queues.replace(queue, **kept)
            messages.success(request, _("“%(name)s” is saved.") % {"name": queue})
        elif form.is_valid():
            queue = saved_queues.save(**form.cleaned_data, **kept)
            messages.success(request, _("“%(name)s” is saved.") % {"name": queue})
        else:
            messages.error(request, _("Give the queue a name."))
            return redirect(_back(request))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect(_back(request))
    return redirect(_address(queue))


@require_GET
@authority.staff_required
def saved_queue(request, pk):
    """A saved queue's short address leads to what it shows."""
    queue = get_object_or_404(saved_queues.visible_to(request.user), pk=pk)
    return redirect(_address(queue))


@require_http_methods(["GET", "POST"])
@authority.staff_required
def arrange_queue(request, pk):
    """Rename one's own queue, share it, or delete it."""
    queue = get_object_or_404(request.user.saved_queues, pk=pk)
    form = SavedQueueForm(
        request.POST or None,
        initial={"name": queue.name, "shared_with": queue.shared_with},
    )
    if form.is_valid():
        try:
            saved_queues.arrange(queue, **form.cleaned_data, by=request.user)
        except ValidationError as refusal:
            form.add_error("name", refusal)
        else:
            return redirect(_address(queue))
    context = {"queue": queue, "form": form, "back": _address(queue)}
    return render(
        request,
        "support/queue_saved.html",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@authority.staff_required
def delete_queue(request, pk):
    """Forget one's own queue."""
    queue = get_object_or_404(request.user.saved_queues, pk=pk)
    saved_queues.delete(queue, by=request.user)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": queue})
    return redirect("support:queue")


def _listed(request, *, view: str, saved) -> dict:
    """The built-in and the saved queues with their counts, in one query for all."""
    user, on = request.user, _today()
    own = saved_queues.listed(user)
    counted = queues.counted(
        {key: queues.tickets_of(key, user, on=on) for key in queues.VIEWS}
        | {queue.pk: queues.narrowed(queue.filters, user, on=on) for queue in own}
    )
    return {
        "built_in": [
            {
                "label": one.label,
                "icon": one.icon,
                "count": counted[one.key],
                "presses": one.presses and counted[one.key] > 0,
                "active": saved is None and one.key == view,
                "url": f"?view={one.key}",
            }
            for one in queues.VIEWS.values()
        ],
        "kept": [
            {
                "label": queue.name,
                "icon": "users" if queue.shared_with else "bookmark",
                "owner": None if queue.owner_id == user.pk else queue.owner,
                "count": counted[queue.pk],
                "active": saved is not None and queue.pk == saved.pk,
                "url": query_of(queue),
            }
            for queue in own
        ],
        "counted_to": queues.COUNTED,
        "current": view,
        "current_saved": saved.pk if saved else "",
    }


def _rows(page, *, on) -> list[dict]:
    """The page's tickets in its order, with how they press and how long they hold."""
    by_id = queues.shown(Ticket.objects.all()).in_bulk(list(page))
    tickets = [by_id[pk] for pk in page if pk in by_id]
    held, book, now = queues.held_since(tickets), promises.Book(), clock.now()
    return [
        {
            "ticket": ticket,
            "held_days": (on - held[ticket.pk]).days if ticket.pk in held else None,
            "presses": book.presses(ticket, at=now),
            "why": _why(ticket),
        }
        for ticket in tickets
    ]


def _why(ticket) -> str:
    """What presses: the promise that is due first, or the term end."""
    if ticket.presses_at in (None, ticket.answer_due_at):
        return _("answer")
    return (
        _("solution") if ticket.presses_at == ticket.solution_due_at else _("term end")
    )


def _saved_in(request):
    pk = _number(request.GET.get("saved"))
    return saved_queues.visible_to(request.user).filter(pk=pk).first() if pk else None


def _differs(saved, wished) -> bool:
    kept = {"view": "open"} | saved.filters, saved.columns, saved.sort
    return kept != (wished.wanted, wished.columns, wished.sort)


def _on_screen(request) -> QueueFilter:
    """The filter of the page that a form was sent from."""
    query = QueryDict(request.POST.get("query", "")[:4000])
    return QueueFilter(query, user=request.user, on=_today())


def _back(request) -> str:
    query = QueryDict(request.POST.get("query", "")[:4000])
    return f"{reverse('support:queue')}?{query.urlencode()}"


def _address(queue) -> str:
    return reverse("support:queue") + query_of(queue)


def _without_page(query) -> str:
    query = query.copy()
    query.pop("page", None)
    return query.urlencode()


def _number(text) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


def _today():
    """Staff look at all time zones: their queue goes by UTC."""
    return clock.today("UTC")
