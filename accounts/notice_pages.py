"""What the signed-in person was told, and how they are mailed about it."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authority, clock
from journal import notices
from journal.models import Notice

ON_A_PAGE = 25
FILTERS = {"kind", "unread", "page"}


@require_GET
@authority.customer_required
def notice_list(request):
    """All that one was told, first what is not read yet, each the newest first; or what
    is not read alone, or of one kind.
    """
    found = Notice.objects.of(request.user, at=clock.now())
    unread, kind = request.GET.get("unread") == "1", request.GET.get("kind", "")
    if unread:
        found = found.unread()
    if kind in notices.KINDS:
        found = found.filter(kind=kind)
    found = found.alias(seen=Q(read_at__isnull=False)).order_by("seen", "-pk")
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "kinds": {
            name: one
            for name, one in notices.KINDS.items()
            if name == kind or _is_for(request.user, one)
        },
        "kind": kind,
        "unread": unread,
    }
    return render(request, "accounts/notices.html", context)


@require_GET
@authority.customer_required
def notice(request, pk):
    """Lead to what a notice is about; it is read then, unless staff look on."""
    told = _told(request, pk)
    if not getattr(request, "viewing", None):
        notices.read(request.user, at=clock.now(), pks=[told.pk])
    return redirect(told.address)


@require_POST
@authority.customer_required
def read(request):
    """Mark one notice as read, or all."""
    pk = request.POST.get("notice", "")
    pks = [_told(request, int(pk)).pk] if pk.isdecimal() and len(pk) < 19 else None
    notices.read(request.user, at=clock.now(), pks=pks)
    kept = urlencode({name: request.GET[name] for name in FILTERS & {*request.GET}})
    return redirect(f"{reverse('accounts:notices')}{'?' if kept else ''}{kept}")


@require_http_methods(["GET", "POST"])
@authority.customer_required
def choices(request):
    """Choose for each kind whether it is mailed at once, in the digest or not."""
    offered = {
        kind: one for kind, one in notices.KINDS.items() if _is_for(request.user, one)
    }
    chosen, refusal = notices.choices(request.user), ""
    if request.method == "POST":
        asked = {kind: request.POST.get(kind, "") for kind in offered}
        chosen |= {
            kind: one for kind, one in asked.items() if one in notices.Choice.values
        }
        try:
            notices.choose(request.user, {kind: chosen[kind] for kind in offered})
        except ValidationError as refused:
            refusal = refused.message
        else:
            messages.success(request, _("Your choices are saved."))
            return redirect("accounts:notice-choices")
    context = {
        "rows": [(kind, one, chosen[kind]) for kind, one in offered.items()],
        "ways": notices.Choice.choices,
        "refusal": refusal,
    }
    status = 422 if refusal else 200
    return render(request, "accounts/notice_choices.html", context, status=status)


def _is_for(user, one):
    """Whether somebody may ever be told of a kind."""
    held = any(authority.held(user, name) for name in one.for_whom)
    return held or not one.for_whom


def _told(request, pk):
    found = Notice.objects.of(request.user, at=clock.now())
    return get_object_or_404(found, pk=pk)
