"""Bulk jobs: choose a change, look at what it will do, let it run, read what came of it.
For support staff alone; only who made a job begins or discards it.
"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import User
from support import bulk_jobs, macros, tasks
from support.filters import QueueFilter
from support.forms import BulkForm
from support.models import BulkItem, BulkJob, Ticket

ON_A_PAGE = 50
JOBS_ON_A_PAGE = 25
SHOWN = {
    "all": {},
    "foreseen": {"foreseen": BulkItem.Outcome.DONE},
    "refusals": {"foreseen": BulkItem.Outcome.REFUSED},
    "done": {"outcome": BulkItem.Outcome.DONE},
    "refused": {"outcome": BulkItem.Outcome.REFUSED},
    "waiting": {"outcome": BulkItem.Outcome.WAITING},
}


@require_GET
@authority.staff_required
def bulk_job_list(request):
    """The desk's bulk jobs, newest first."""
    jobs = BulkJob.objects.select_related("by").order_by("-pk")
    page = Paginator(jobs, JOBS_ON_A_PAGE).get_page(request.GET.get("page"))
    names = _names(page)
    context = {
        "page": page,
        "jobs": [
            {"job": job, "changes": macros.said(job.changes, names)} for job in page
        ],
    }
    return render(request, "support/bulk_jobs.html", context)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def new_bulk_job(request):
    """Choose what shall change on the tickets that were chosen, or on all found."""
    asked = request.POST if request.method == "POST" else request.GET
    ids, query = _chosen(request, asked)
    form = BulkForm(request.POST or None)
    if form.is_valid():
        try:
            job = bulk_jobs.preview(
                ids, form.changes(), by=request.user, at=clock.now()
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            return redirect("support:bulk-job", job.pk)
    some = Ticket.objects.select_related("account").filter(pk__in=ids[:5])
    context = {
        "form": form,
        "count": len(ids),
        "some": some.order_by("pk"),
        "more": max(len(ids) - 5, 0),
        "chosen": [] if asked.get("all") else ids,
        "query": query,
        "back": f"{reverse('support:queue')}?{query}",
    }
    status = 422 if form.errors else 200
    return render(request, "support/bulk_new.html", context, status=status)


@require_GET
@authority.staff_required
def bulk_job(request, pk):
    """A job: what it will do, how far it is, or what came of each ticket."""
    return _job_page(request, pk, "support/bulk_job.html")


@require_GET
@authority.staff_required
def bulk_progress(request, pk):
    """How far the job is: the fragment that its page asks for again."""
    if not request.htmx:
        return redirect("support:bulk-job", pk)
    return _job_page(request, pk, "support/_bulk_job.html")


@require_POST
@authority.staff_required
def begin_bulk_job(request, pk):
    """Let a preview of one's own be carried out."""
    job = get_object_or_404(BulkJob, pk=pk, by=request.user)
    bulk_jobs.begin(job, at=clock.now())
    tasks.nudge_bulk_jobs()
    return redirect("support:bulk-job", job.pk)


@require_POST
@authority.staff_required
def discard_bulk_job(request, pk):
    """Forget a preview of one's own."""
    job = get_object_or_404(BulkJob, pk=pk, by=request.user)
    try:
        bulk_jobs.discard(job)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect("support:bulk-job", job.pk)
    messages.success(request, _("Discarded. Nothing was changed."))
    return redirect("support:queue")


def _job_page(request, pk, template):
    job = get_object_or_404(BulkJob.objects.select_related("by"), pk=pk)
    shown = request.GET.get("show", "all")
    shown = shown if shown in SHOWN else "all"
    items = job.items.filter(**SHOWN[shown]).select_related("ticket__account")
    page = Paginator(items.order_by("pk"), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "job": job,
        "changes": macros.said(job.changes, _names([job])),
        "tally": bulk_jobs.tally(job),
        "shown": shown,
        "page": page,
        "own": job.by_id == request.user.pk,
    }
    return render(request, template, context)


def _chosen(request, asked) -> tuple[list[int], str]:
    """The tickets that a queue's form named, and the query of the queue it was on."""
    query = QueryDict(asked.get("query", "")[:4000])
    if asked.get("all"):
        wished = QueueFilter(query, user=request.user, on=clock.today("UTC"))
        found = wished.qs.values_list("pk", flat=True)[: bulk_jobs.MOST]
        return list(found), query.urlencode()
    named = [
        int(pk) for pk in asked.getlist("ticket") if pk.isdecimal() and len(pk) < 19
    ]
    found = set(Ticket.objects.filter(pk__in=named).values_list("pk", flat=True))
    return [pk for pk in dict.fromkeys(named) if pk in found], query.urlencode()


def _names(jobs) -> dict[int, str]:
    people = User.objects.in_bulk(macros.people(jobs))
    return {pk: str(person) for pk, person in people.items()}
