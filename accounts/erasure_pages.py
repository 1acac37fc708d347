"""Where somebody who manages roles erases a person, and is told what that means."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import authority, clock, erasures
from accounts.forms import ErasureForm


@require_http_methods(["GET", "POST"])
@authority.required(authority.MANAGE_ROLES)
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the address once more, with what goes and what stays; then erase."""
    account = request.user.account
    person = get_object_or_404(account.users.filter(erased_at=None), pk=pk)
    form = ErasureForm(request.POST or None, person=person)
    if form.is_valid():
        try:
            erasures.erase(
                person,
                by=request.user,
                on=clock.today(account.timezone),
                at=clock.now(),
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("The name and the address are erased."))
            return redirect("accounts:person", pk)
    status = 422 if form.is_bound else 200
    context = {"person": person, "form": form}
    return render(request, "accounts/erase_person.html", context, status=status)
