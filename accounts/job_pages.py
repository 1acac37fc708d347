"""Files of people: checked before anything changes, then followed while they work."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock, imports, jobs, tasks
from accounts.forms import PeopleFileForm
from accounts.models import JobRow

ON_A_PAGE = 50
SHOWN = {
    "refused": {"outcome": JobRow.Outcome.REFUSED},
    "add": {"foreseen": JobRow.Foreseen.ADD},
    "change": {"foreseen": JobRow.Foreseen.CHANGE},
    "same": {"foreseen": JobRow.Foreseen.SAME},
    "all": {},
}


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def import_people(request):
    """Send a file of people; its preview says what each line will do."""
    account = request.user.account
    form = PeopleFileForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = jobs.preview(
                account,
                file.read(),
                file_name=file.name,
                by=request.user,
                at=clock.now(),
            )
        except ValidationError as refusal:
            form.add_error("file", refusal)
        else:
            return redirect("accounts:job", job.pk)
    context = {
        "form": form,
        "account": account,
        "columns": ",".join(imports.COLUMNS),
        "roles": account.roles.order_by("name"),
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/import_people.html", context, status=status)


@require_GET
@authority.required(authority.MANAGE_ROLES)
def job_list(request):
    """Every file of people that somebody of the account sent, newest first."""
    found = request.user.account.jobs.select_related("by").order_by("-pk")
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    return render(request, "accounts/jobs.html", {"page": page})


@require_GET
@authority.required(authority.MANAGE_ROLES)
def job(request, pk):
    """What a file will do, how far it is, or what came of each line."""
    return _page(request, pk, "accounts/job.html")


@require_GET
@authority.required(authority.MANAGE_ROLES)
def progress(request, pk):
    """How far it is: the fragment that its page asks for again."""
    return _page(request, pk, "accounts/_job.html")


@require_POST
@authority.required(authority.MANAGE_ROLES)
def begin(request, pk):
    """Let a preview be carried out."""
    found = get_object_or_404(request.user.account.jobs, pk=pk)
    jobs.begin(found, at=clock.now())
    tasks.nudge_jobs()
    return redirect("accounts:job", found.pk)


@require_POST
@authority.required(authority.MANAGE_ROLES)
def discard(request, pk):
    """Forget a preview."""
    found = get_object_or_404(request.user.account.jobs, pk=pk)
    try:
        jobs.discard(found)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect("accounts:job", found.pk)
    messages.success(request, _("Discarded. Nothing was changed."))
    return redirect("accounts:people")


def _page(request, pk, template):
    found = get_object_or_404(request.user.account.jobs.select_related("by"), pk=pk)
    tally = jobs.tally(found)
    shown = request.GET.get("show")
    if shown not in SHOWN:
        shown = "refused" if tally["refused"] else "all"
    rows = found.rows.filter(**SHOWN[shown]).order_by("line")
    context = {
        "job": found,
        "tally": tally,
        "worked": tally["all"] - tally["waiting"],
        "to_change": tally["add"] + tally["change"],
        "shown": shown,
        "page": Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, template, context)
