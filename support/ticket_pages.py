"""What staff do with a ticket beside talking and deciding: its fields, its history, what
it is linked to, merged into, split into; and tickets that staff open.
"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import Account, User
from support import categories, fields, histories, links, merges, tickets
from support.desk_pages import (
    acting,
    address_of,
    conflict,
    fields_form,
    loaded,
    local_day,
)
from support.forms import OtherTicketForm, SplitForm, StaffTicketForm
from support.models import Message, Ticket

CHOSEN_FROM = 200
OFFERED = 8


@require_POST
@authority.staff_required
def revise(request, pk):
    """Save the fields of a ticket; over somebody else's change it asks first."""
    found = loaded(pk)
    form = fields_form(found, data=request.POST)
    if not form.is_valid():
        return _refused(request, found, form)
    changes, version = form.changes(), form.cleaned_data["version"]
    try:
        tickets.revise(
            found, changes, version=version, by=request.user, on=local_day(found),
            at=clock.now(),
        )  # fmt: skip
    except ValidationError as refusal:
        if refusal.code == "stale":
            return _over(request, found, changes, version=version)
        form.add_error(None, refusal)
        return _refused(request, found, form)
    messages.success(request, _("Saved."))
    return redirect(f"{address_of(found)}#facts")


@require_GET
@authority.staff_required
def history(request, pk):
    """Everything that was done to a ticket, newest first."""
    found = loaded(pk)
    context = {"ticket": found, "history": histories.of(found)}
    page = "_ticket_history" if request.htmx else "ticket_history"
    return render(request, f"support/{page}.html", context)


@require_POST
@authority.staff_required
def follow(request, pk):
    """Be told of what happens on a ticket, or no more."""
    follows = request.POST.get("follow") == "1"
    return acting(
        request,
        loaded(pk),
        lambda ticket, by, on, at: (links.follow if follows else links.unfollow)(
            ticket, by=by, on=on
        ),
        _("You follow this ticket.") if follows else _("You no longer follow it."),
    )


@require_http_methods(["GET", "POST"])
@authority.staff_required
def merge(request, pk):
    """Choose the ticket in which this one goes on, read what happens, and merge."""
    found = loaded(pk)
    form = OtherTicketForm(request.POST or None)
    if form.is_valid():
        into = form.cleaned_data["other"]
        try:
            merges.merge(
                found, into=into, by=request.user, on=local_day(found), at=clock.now()
            )
        except ValidationError as refusal:
            form.add_error("other", refusal)
        else:
            messages.success(
                request,
                _("%(number)s goes on here.") % {"number": found.number},
            )
            return redirect(address_of(into))
    context = {
        "ticket": found,
        "form": form,
        "near": _near(found, survivors=True),
        "act": _("Merge into it"),
    }
    status = 422 if form.errors else 200
    return render(request, "support/ticket_merge.html", context, status=status)


@require_POST
@authority.staff_required
def undo_merge(request, pk):
    """Take a merge back."""
    return acting(
        request,
        loaded(pk),
        lambda ticket, **who: merges.undo(ticket, **who),
        _("The merge is undone: the ticket stands where it stood."),
    )


@require_http_methods(["GET", "POST"])
@authority.staff_required
def link(request, pk):
    """Say that another ticket belongs to this one."""
    found = loaded(pk)
    form = OtherTicketForm(request.POST or None)
    if form.is_valid():
        other = form.cleaned_data["other"]
        try:
            links.link(found, other, by=request.user, on=local_day(found))
        except ValidationError as refusal:
            form.add_error("other", refusal)
        else:
            messages.success(request, _("Linked to %(n)s.") % {"n": other.number})
            return redirect(f"{address_of(found)}#facts")
    near, act = _near(found), _("Link it")
    context = {"ticket": found, "form": form, "near": near, "act": act}
    status = 422 if form.errors else 200
    return render(request, "support/ticket_link.html", context, status=status)


@require_POST
@authority.staff_required
def unlink(request, pk):
    """Remove what links two tickets."""
    form = OtherTicketForm(request.POST)
    found = loaded(pk)
    if not form.is_valid():
        messages.error(request, _("There is no such ticket."))
        return redirect(address_of(found))
    return acting(
        request,
        found,
        lambda ticket, by, on, at: links.unlink(
            ticket, form.cleaned_data["other"], by=by, on=on
        ),
        _("The link is removed."),
    )


@require_http_methods(["GET", "POST"])
@authority.staff_required
def split(request, pk):
    """Choose the messages that become a ticket of their own."""
    found = loaded(pk)
    chosen = [int(one) for one in request.POST.getlist("message") if _is_id(one)]
    form = SplitForm(request.POST or None)
    said = found.messages.select_related("author").order_by("-id")[:CHOSEN_FROM]
    if form.is_valid():
        try:
            made = links.split(
                found,
                Message.objects.filter(pk__in=chosen).select_related("author"),
                subject=form.cleaned_data["subject"],
                by=request.user,
                on=local_day(found),
                at=clock.now(),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(
                request,
                _("Split off %(number)s, which keeps all of it.")
                % {"number": found.number},
            )
            return redirect(address_of(made))
    context = {"ticket": found, "form": form, "said": said, "chosen": chosen}
    status = 422 if form.errors else 200
    return render(request, "support/ticket_split.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def new_ticket(request, slug):
    """Open a ticket for an account that asked by telephone, or for colleagues alone."""
    account = get_object_or_404(Account, slug=slug)
    on = clock.today(account.timezone)
    form = StaffTicketForm(request.POST or None, account=account, on=on)
    if form.is_valid():
        try:
            made = tickets.open_by_staff(
                account, **form.cleaned_data, by=request.user, on=on, at=clock.now()
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("%(n)s is open.") % {"n": made.number})
            return redirect(address_of(made))
    context = {"account": account, "form": form, "tree": categories.tree()}
    status = 422 if form.errors else 200
    return render(request, "support/ticket_new.html", context, status=status)


def _over(request, found, changes: dict, *, version: int):
    """Somebody saved since. What was only carried along by the form, and stands as it
    stood at that version, is not this person's change: it would undo the other's.
    """
    then = histories.before(found, version)
    mine, kept = {}, request.POST.copy()
    for name, value in changes.items():
        written = fields.tags(value) if name == "tags" else fields.plain(value)
        if name in then and written == then[name]:
            kept.pop(name, None)
        else:
            mine[name] = value
    if "state" not in mine:
        kept.pop("wakes_on", None)
    words = _in_words(found, mine)
    return conflict(request, found, version=version, mine=words, kept=kept)


def _refused(request, found, form):
    """The fields again, with what is wrong beside them and nothing lost."""
    context = {"ticket": found, "fields": form}
    return render(request, "support/ticket_fields.html", context, status=422)


def _in_words(found, changes: dict) -> list[str]:
    """What somebody wanted to save, as far as it differs from what there is."""
    person = changes.get("assignee")
    names = {person.pk: str(person)} if isinstance(person, User) else {}
    wanted = dict(changes)
    if "tags" in wanted:
        wanted["tags"] = fields.tags(wanted["tags"])
    return [
        f"{fields.LABELS[name]}: {fields.said(name, fields.plain(value), names)}"
        for name, value in wanted.items()
        if value != getattr(found, name)
    ]


def _near(found, *, survivors=False):
    """Tickets of the account that it may well belong to: of the same app first. As
    survivors of a merge, only those that the rules would take.
    """
    others = (
        Ticket.objects.of(found.account)
        .filter(merged_into=None)
        .exclude(pk=found.pk)
        .select_related("app", "requester")
    )
    if survivors:
        others = others.filter(internal=found.internal)
        if not found.is_done:
            others = others.open()
        if found.requester_id and not found.internal:
            others = others.filter(Q(requester=found.requester_id) | Q(requester=None))
    newest = list(others.order_by("-id")[: 4 * OFFERED])
    newest.sort(key=lambda one: one.app_id != found.app_id)
    return newest[:OFFERED]


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < 19
