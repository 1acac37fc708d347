"""Everything an account has, as one file to keep. Who takes it is recorded."""

from collections.abc import Iterator
from zipfile import ZIP_DEFLATED

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST
from zipstream import ZipStream

from accounts import authority, clock
from journal import tables
from support import takeout


@require_POST
@authority.required(authority.MANAGE_ROLES)
def download(request: HttpRequest) -> HttpResponseBase:
    """All tables as CSV in one archive, written while it is sent: any size.

    People and money are in it, so it takes Manage roles and Manage.
    """
    if not authority.held(request.user, authority.MANAGE):
        raise PermissionDenied
    account = request.user.account
    on = clock.today(account.timezone)
    with transaction.atomic():
        takeout.told(account, by=request.user, on=on)
    headers = {
        "Content-Disposition": f'attachment; filename="{account.slug}-{on}.zip"',
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    words = render_to_string("support/takeout.txt", {"account": account, "on": on})
    return StreamingHttpResponse(
        _archive(account, words), content_type="application/zip", headers=headers
    )


def _archive(account, words: str) -> Iterator[bytes]:
    archive = ZipStream(compress_type=ZIP_DEFLATED)
    archive.add(words.encode(), "README.txt")
    for name, table in takeout.tables(account):
        archive.add(tables.csv_lines(table), f"{name}.csv")
    yield from archive
