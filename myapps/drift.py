"""Drift: where a partner's active users differ from the seats in My Apps (T9).

It is shown to both sides and repaired by telling the partner the truth again. It never
gives a seat, takes one away or moves money.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts.models import User
from journal import activities, endpoints
from myapps import partner_events
from myapps.models import Difference, Installation, Seat, UsageReport

Kind = Difference.Kind
MOST = 100_000
BATCH = 5_000


@transaction.atomic
def report(
    installation: Installation, *, emails: Iterable[str], ids: Iterable[int], by: User,
    on: date, at: datetime,
) -> UsageReport:  # fmt: skip
    """Compare the full list of users a partner has active with the seats (T9).

    Users are named by email, whatever its case, or by the id that events tell; whoever
    is named twice counts once. The report takes the place of the one before, so a list
    without a difference clears all of them. Refuses more than 100,000 users (code
    too_many), and an installation that failed or ended (not_installed).
    """
    emails = {email.strip().lower() for email in emails} - {""}
    ids = set(ids)
    if len(emails) + len(ids) > MOST:
        raise ValidationError(
            _("Post at most %(most)s users.") % {"most": f"{MOST:,}"}, code="too_many"
        )
    row = _standing(installation, on=on)
    seats = dict(
        Seat.objects.filter(installation=row).values_list("user_id", "user__email")
    )
    seated = {email.lower(): pk for pk, email in seats.items()}
    there = {seated[email] for email in emails & seated.keys()} | (ids & seats.keys())
    before = UsageReport.objects.filter(installation=row).first()
    was = _counts(before)
    UsageReport.objects.filter(installation=row).delete()
    made = UsageReport.objects.create(
        account_id=row.account_id,
        installation=row,
        said=_people(emails, ids, seated),
        seats=len(seats),
        posted_by=by,
        posted_on=on,
        posted_at=at,
    )
    missing = [
        Difference(report=made, installation=row, kind=Kind.MISSING, user_id=pk)
        for pk in sorted(seats.keys() - there)
    ]
    extra = _extra(made, row, emails - seated.keys(), ids - seats.keys())
    Difference.objects.bulk_create([*missing, *extra], batch_size=BATCH)
    now = (len(missing), len(extra))
    if now != was:
        verb = "drift.found" if any(now) else "drift.cleared"
        _record(verb, row, by=by, on=on, missing=now[0], extra=now[1])
    return made


@transaction.atomic
def repair(
    installation: Installation, *, by: User, on: date, at: datetime
) -> UsageReport:
    """Tell the partner the truth again: `app.updated` with the whole state (T9).

    No seat and no bill changes; the partner's next list shows whether it followed.
    Refuses where nothing differs (code no_drift), a partner that has no endpoint
    (no_endpoint), and an installation that failed or ended (not_installed).
    """
    row = _standing(installation, on=on)
    found = UsageReport.objects.filter(installation=row).first()
    differences = Difference.objects.filter(installation=row).standing()
    if found is None or not differences.exists():
        raise ValidationError(_("Nothing differs any more."), code="no_drift")
    if not endpoints.expected(row.app.partner_id):
        raise ValidationError(
            _("This partner takes no events. It reads the seats by the API."),
            code="no_endpoint",
        )
    partner_events.repeated(row, on=on)
    found.repaired_by, found.repaired_at = by, at
    found.save(update_fields=["repaired_by", "repaired_at"])
    _record("drift.repaired", row, by=by, on=on)
    return found


def _standing(installation: Installation, *, on: date) -> Installation:
    row = Installation.objects.locked(installation.pk)
    ended = row.closed_on or (row.ends_on and row.ends_on <= on)
    if ended or row.state == Installation.State.FAILED:
        raise ValidationError(
            _("The app is not installed any more."), code="not_installed"
        )
    return row


def _counts(report: UsageReport | None) -> tuple[int, int]:
    if report is None:
        return 0, 0
    kinds = list(report.differences.values_list("kind", flat=True))
    return kinds.count(Kind.MISSING), kinds.count(Kind.EXTRA)


def _people(emails: set[str], ids: set[int], seated: dict[str, int]) -> int:
    """How many users were named; whoever is named by email and id is one."""
    both = {seated[email] for email in emails & seated.keys()} & ids
    return len(emails) + len(ids) - len(both)


def _extra(report, row: Installation, emails: set[str], ids: set[int]):
    """Users active at the partner without a seat, with their row if the account has it.

    Somebody named by id and by email counts twice: counting once would tell the partner
    that both are the same person of the account.
    """
    ours = User.objects.filter(account=row.account_id)
    by_id = set(ours.filter(pk__in=ids).values_list("pk", flat=True))
    lower = ours.annotate(address=Lower("email")).filter(address__in=emails)
    by_email = dict(lower.values_list("address", "pk"))
    extra = [
        Difference(
            report=report, installation=row, kind=Kind.EXTRA,
            user_id=pk if pk in by_id else None, said=str(pk),
        )
        for pk in sorted(ids)
    ]  # fmt: skip
    extra += [
        Difference(
            report=report, installation=row, kind=Kind.EXTRA,
            user_id=by_email.get(email), said=email[:254],
        )
        for email in sorted(emails)
    ]  # fmt: skip
    return extra


def _record(verb: str, row: Installation, *, by: User, on: date, **data) -> None:
    activities.record(
        verb,
        account=row.account,
        by=by,
        on=on,
        subject=row,
        app=row.app.slug,
        name=row.app.name,
        **data,
    )
