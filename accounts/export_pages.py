"""The people of an account to take along, as CSV or Excel. Who takes them is recorded."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import authority, clock
from accounts.forms import PeopleFilterForm
from journal import activities, downloads
from journal.tables import Table

AT_ONCE = 2_000


@require_POST
@authority.required(authority.MANAGE_ROLES)
def people_export(request, kind):
    """Everybody whom the page shows, with their roles."""
    account = request.user.account
    form = PeopleFilterForm(request.GET, roles=account.roles.order_by("name"))
    found = form.found(account.users.order_by("display_name", "id"))
    on = clock.today(account.timezone)
    answer = downloads.table(_people(found), kind, name=f"{account.slug}-people-{on}")
    with transaction.atomic():
        activities.record(
            "people.exported", account=account, by=request.user, on=on, subject=account
        )
    return answer


def _people(rows) -> Table:
    columns = [
        (_("Name"), lambda row: row.display_name),
        (_("Email"), lambda row: row.email),
        (_("Team"), lambda row: row.team),
        (_("Roles"), lambda row: ", ".join(str(one.role) for one in row.groups.all())),
        (_("Active"), lambda row: row.is_active),
    ]
    rows = rows.prefetch_related("groups__role")
    return Table(columns, rows.iterator(chunk_size=AT_ONCE))
