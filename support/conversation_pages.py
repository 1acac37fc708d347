"""The ticket's page and what is written on it: replies, notes, drafts, canned replies,
macros, and who else is there. For support staff alone.
"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import User
from support import (
    attachments,
    canned_replies,
    conversations,
    drafts,
    keys,
    macros,
    presences,
)
from support.decision_pages import case_of
from support.desk_pages import (
    address_of,
    beside,
    conflict,
    loaded,
    local_day,
    offerable_to,
)
from support.forms import CannedReplyForm, FilesForm, MacroForm, WordsForm
from support.models import CannedReply, Macro, Ticket

SAID_ON_A_PAGE = 30
OPTIONS = 8
REMEMBERED = 400 * 86_400  # seconds


@require_GET
@authority.staff_required
def ticket(request, pk):
    """A ticket: what was said, what it proposes and rests on, and its facts."""
    found = loaded(pk)
    before = request.GET.get("before", "")
    if request.htmx and before.isdecimal():
        talk = conversations.of(
            found, most=SAID_ON_A_PAGE, before=int(before), joined=found.joined
        )
        context = {"ticket": found, "talk": talk}
        return render(request, "support/_said.html", context)
    return _page(request, found)


@require_POST
@authority.staff_required
def say(request, pk):
    """Send words to the customer, or keep them among staff."""
    found = loaded(pk)
    form, files = WordsForm(request.POST), FilesForm(request.POST, request.FILES)
    status = 422
    if form.is_valid() and files.is_valid():
        try:
            message = _say(
                request, found, files=files.cleaned_data["files"], **form.cleaned_data
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
            overtaken = getattr(refusal, "code", "") == "overtaken"  # several have none
            status = 409 if overtaken else 422
        else:
            return redirect(f"{address_of(found)}#said-{message.pk}")
    return _page(request, found, form=form, status=status)


@require_POST
@authority.staff_required
def take_back(request, pk, message):
    """Undo one's reply before it leaves; its text is in the composer again."""
    found = loaded(pk)
    reply = found.messages.filter(pk=message, author=request.user).first()
    if reply is None:
        messages.error(request, _("There is no reply of yours to take back."))
        return redirect(address_of(found))
    try:
        conversations.take_back(
            reply, by=request.user, at=timezone.now(), on=local_day(found)
        )
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect(address_of(found))
    messages.success(request, _("Not sent. Your text is in the field again."))
    return redirect(f"{address_of(found)}#reply-body")


@require_POST
@authority.staff_required
def draft(request, pk):
    """Keep what is being written; asked again and again while somebody types."""
    found = get_object_or_404(Ticket, pk=pk)
    internal = request.POST.get("to") == "note"
    body = request.POST.get("body", "")
    kept = drafts.save(
        found,
        body,
        internal=internal,
        by=request.user,
        seen=_number(request.POST.get("seen")),
    )
    if not request.htmx:
        return redirect(address_of(found))
    context = {"ticket": found, "draft": kept, "just": True, "internal": internal}
    return render(request, "support/_draft.html", context)


@require_POST
@authority.staff_required
def discard_draft(request, pk):
    """Forget a draft."""
    found = get_object_or_404(Ticket, pk=pk)
    internal = request.POST.get("to") == "note"
    drafts.discard(found, internal=internal, by=request.user)
    return redirect(address_of(found))


@require_POST
@authority.staff_required
def presence(request, pk):
    """Say that one is here, and hear who else is; asked every ten seconds."""
    room = presences.report(
        pk,
        by=request.user,
        at=timezone.now(),
        typing=request.POST.get("typing") == "1",
        seen=_number(request.POST.get("seen")),
    )
    if room is None or not request.htmx:
        return redirect("support:ticket", pk) if room else HttpResponse(status=404)
    if request.POST.get("heard") == room.heard:
        return HttpResponse(status=204)  # nothing new is nothing to read out
    context = {
        "room": room,
        "address": reverse("support:ticket", args=[pk]),
        "changed": room.version != _number(request.POST.get("version")),
    }
    return render(request, "support/_presence.html", context)


@require_GET
@authority.staff_required
def canned_options(request, pk):
    """Canned replies that fit a ticket, filled in for it: a list to pick from."""
    found = loaded(pk)
    on = local_day(found)
    fitting = canned_replies.fitting(found, request.GET.get("q", ""))
    options = [
        {
            "reply": one,
            "text": canned_replies.rendered(one, ticket=found, by=request.user, on=on),
        }
        for one in (fitting[:OPTIONS] if request.htmx else fitting)
    ]
    page = "_canned_options" if request.htmx else "put_in"
    context = {"ticket": found, "options": options}
    return render(request, f"support/{page}.html", context)


@require_GET
@authority.staff_required
def mention_options(request):
    """Staff whom a note can mention, by name or address: a list to pick from."""
    if not request.htmx:
        return redirect("support:queue")
    people = conversations.staff().named(request.GET.get("q", ""))
    context = {
        "people": [
            {"name": str(one), "handle": conversations.handle(one)}
            for one in people.order_by("display_name", "pk")[:OPTIONS]
        ]
    }
    return render(request, "support/_mention_options.html", context)


@require_POST
@authority.staff_required
def apply_macro(request, pk):
    """Make a macro's changes; over somebody else's change it asks first."""
    found = loaded(pk)
    macro = get_object_or_404(Macro, pk=_number(request.POST.get("macro")))
    version = _number(request.POST.get("version"))
    try:
        macros.apply(
            macro,
            found,
            version=version,
            by=request.user,
            on=local_day(found),
            at=clock.now(),
        )
    except ValidationError as refusal:
        if refusal.code == "stale":
            mine = macros.said(macro.changes, _names(macros.people([macro])))
            return conflict(request, found, version=version, mine=mine)
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("“%(name)s” was applied.") % {"name": macro.name})
    return redirect(address_of(found))


@require_GET
@authority.staff_required
def canned_list(request):
    """Every canned reply."""
    context = {
        "replies": CannedReply.objects.order_by("shortcut"),
        "variables": canned_replies.VARIABLES,
    }
    return render(request, "support/canned_replies.html", context)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def canned_reply(request, pk=None):
    """Write a canned reply, or change one."""
    reply = get_object_or_404(CannedReply, pk=pk) if pk else None
    form = CannedReplyForm(request.POST or None, initial=_canned_initial(reply))
    if form.is_valid():
        try:
            canned_replies.save(reply, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error("shortcut" if refusal.code == "taken" else "body", refusal)
        else:
            messages.success(request, _("The reply is saved."))
            return redirect("support:canned-replies")
    context = {
        "form": form,
        "reply": reply,
        "variables": [
            (name, label) for name, (label, _value) in canned_replies.VARIABLES.items()
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "support/canned_reply.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def delete_canned_reply(request, pk):
    """Delete a canned reply, once it was asked."""
    reply = get_object_or_404(CannedReply, pk=pk)
    if request.method == "POST":
        canned_replies.delete(reply)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": reply.name})
        return redirect("support:canned-replies")
    back = reverse("support:canned-replies")
    context = {"what": reply.name, "back": back, "title": _("Delete this reply?")}
    return render(request, "support/delete_writing.html", context)


@require_GET
@authority.staff_required
def macro_list(request):
    """Every macro, and what it does."""
    found = list(macros.listed())
    names = _names(macros.people(found))
    context = {
        "macros": [
            {"macro": one, "does": macros.said(one.changes, names)} for one in found
        ]
    }
    return render(request, "support/macros.html", context)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def macro(request, pk=None):
    """Put a macro together, or change one."""
    found = get_object_or_404(Macro, pk=pk) if pk else None
    form = MacroForm(request.POST or None, initial=_macro_initial(found))
    form.fields["assignee"].queryset = conversations.staff().order_by("display_name")
    if form.is_valid():
        try:
            macros.save(
                found,
                name=form.cleaned_data["name"],
                position=form.cleaned_data["position"] or 0,
                changes=form.changes(),
                on=timezone.now().date(),
            )
        except ValidationError as refusal:
            form.add_error("name" if refusal.code == "taken" else None, refusal)
        else:
            messages.success(request, _("The macro is saved."))
            return redirect("support:macros")
    context = {"form": form, "macro": found}
    status = 422 if form.errors else 200
    return render(request, "support/macro.html", context, status=status)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def delete_macro(request, pk):
    """Delete a macro, once it was asked."""
    found = get_object_or_404(Macro, pk=pk)
    if request.method == "POST":
        macros.delete(found)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": found.name})
        return redirect("support:macros")
    back = reverse("support:macros")
    context = {"what": found.name, "back": back, "title": _("Delete this macro?")}
    return render(request, "support/delete_writing.html", context)


@require_http_methods(["GET", "POST"])
@authority.staff_required
def key_settings(request):
    """The keys of the desk; single ones can be turned off in this browser."""
    if request.method != "POST":
        return render(request, "support/keys.html")
    back = request.POST.get("back", "")
    safe = back.startswith("/desk/") and "\\" not in back
    answer = redirect(back if safe else "support:keys")
    value = "off" if request.POST.get("keys") == "off" else "on"
    answer.set_cookie(
        keys.COOKIE, value, max_age=REMEMBERED, samesite="Lax", httponly=True
    )
    return answer


def _say(request, found, *, files, to, body, wait, seen):
    """The words with the files chosen beside them: both, or neither."""
    by, on, internal = request.user, local_day(found), to == "note"
    with transaction.atomic():
        attachments.add_all(found, files, by=by, internal=internal)
        if internal:
            return conversations.note(found, body, by=by, on=on)
        return conversations.send(
            found, body, by=by, at=timezone.now(), on=on, wait=wait, seen=seen
        )


def _page(request, found, *, form=None, status=200):
    before = request.GET.get("before", "")
    before = int(before) if before.isdecimal() and len(before) < 19 else None
    now = timezone.now()
    talk = conversations.of(
        found, most=SAID_ON_A_PAGE, before=before, joined=found.joined
    )
    waiting = list(attachments.waiting(found, by=request.user))
    leaving = conversations.leaving(talk, by=request.user, at=now)
    context = {
        "ticket": found,
        "today": local_day(found),
        "now": now,
        "talk": talk,
        "newest": conversations.newest(found) if before else talk.newest,
        "before": before,
        "form": form,
        "writing": _writing(request, found, form),
        "leaving": leaving,
        "reply_files": [one for one in waiting if not one.internal],
        "note_files": [one for one in waiting if one.internal],
        "file_endings": attachments.ENDINGS,
        "leaves_in": leaving and max((leaving.leaves_at - now).seconds, 1),
        "room": presences.of(found, by=request.user, at=now),
        "macros": macros.listed(),
        "offerable": offerable_to(found)
        if found.category == Ticket.Category.INSTALL
        else [],
    }
    context |= beside(found, by=request.user, at=clock.now())
    context["recipients"] = conversations.recipients(found, context["followers"])
    charge = found.category == Ticket.Category.CHARGE
    if found.change_id or charge:
        context |= case_of(found, by=request.user)
    context["decides"] = bool(
        found.change_id
        or charge
        or context["offerable"]
        or (found.line and found.line.parked_at)
    )
    return render(request, "support/ticket.html", context, status=status)


def _writing(request, found, form) -> dict:
    """What stands in both fields: what was refused, else the draft, and a canned reply
    that a link puts in.
    """
    kept = drafts.of(found, request.user)
    writing = {
        "reply": kept[False].body if False in kept else "",
        "note": kept[True].body if True in kept else "",
        "reply_draft": kept.get(False),
        "note_draft": kept.get(True),
        "open": "note" if found.internal or "note" in request.GET else "reply",
        "wait": form["wait"].value() if form else False,
    }
    wanted = request.GET.get("canned", "")
    canned = wanted and CannedReply.objects.filter(shortcut=wanted).first()
    if canned:
        put_in = canned_replies.rendered(
            canned, ticket=found, by=request.user, on=local_day(found)
        )
        writing["reply"] = "\n\n".join(filter(None, [writing["reply"], put_in]))
    if form:
        which = "note" if form["to"].value() == "note" else "reply"
        writing |= {which: form["body"].value() or "", "open": which}
    return writing


def _canned_initial(reply) -> dict:
    if reply is None:
        return {}
    names = ("shortcut", "name", "category", "body")
    return {name: getattr(reply, name) for name in names}


def _macro_initial(found) -> dict:
    if found is None:
        return {"position": 0}
    initial = {"name": found.name, "position": found.position, **found.changes}
    for name in ("add_tags", "remove_tags"):
        if isinstance(initial.get(name), list):
            initial[name] = ", ".join(initial[name])
    return initial


def _names(ids) -> dict[int, str]:
    return (
        {pk: str(one) for pk, one in User.objects.in_bulk(ids).items()} if ids else {}
    )


def _number(value) -> int:
    """A number from outside, as far as a database id can go."""
    return int(value) if value and value.isdecimal() and len(value) < 19 else 0
