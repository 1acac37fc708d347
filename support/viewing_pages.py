"""Pages with which staff begin and leave a view as the customer sees it."""

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import authority, clock
from accounts.models import Account
from support import viewings
from support.forms import ViewingForm

SHOWN = 20


@require_http_methods(["GET", "POST"])
@authority.staff_required
def begin_viewing(request, slug):
    """Say why, choose whose view, and see the account's console as they do."""
    account = get_object_or_404(Account, slug=slug)
    form = ViewingForm(
        request.POST or None, administrators=viewings.administrators(account)
    )
    if form.is_valid():
        try:
            viewing = viewings.begin(
                account,
                **form.cleaned_data,
                by=request.user,
                at=timezone.now(),
                on=clock.today(account.timezone),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            request.session["viewing"] = viewing.pk
            return redirect("home")
    context = {
        "account": account,
        "form": form,
        "viewings": viewings.of(account)[:SHOWN],
    }
    status = 422 if form.errors else 200
    return render(request, "support/viewing_begin.html", context, status=status)


@require_POST
@authority.staff_required
def leave_viewing(request):
    """Back to the desk. config.viewing has ended the view before this is asked."""
    return redirect(reverse("support:accounts"))
