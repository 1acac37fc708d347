"""Bulk jobs: one change to many tickets. A preview says what will happen to each; once
begun, each ticket is changed in a transaction of its own and its outcome kept in words.

What is to do stands in the table: a job that a killed worker left goes on where it
stopped, and two workers at it do no ticket twice.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.models import User
from support import fields, queues, tickets
from support.models import BulkItem, BulkJob, Ticket

log = logging.getLogger(__name__)

MOST = queues.MOST
AT_ONCE = 500
FORGOTTEN_AFTER = timedelta(days=7)
"""A preview that nobody began goes."""


@transaction.atomic
def preview(ids: Iterable[int], changes: Mapping, *, by: User, at: datetime) -> BulkJob:
    """A job with what it would do to each ticket; nothing is changed yet.

    Each ticket goes by its account's local day at that moment. Refuses no tickets (code
    no_tickets), more than MOST (too_many), no changes (no_changes), and a change that
    no ticket could take (as `fields.read`).
    """
    ids = list(dict.fromkeys(ids))
    if not ids:
        raise ValidationError(_("Choose tickets first."), code="no_tickets")
    if len(ids) > MOST:
        raise ValidationError(
            _("At most %(most)d tickets at once."),
            code="too_many",
            params={"most": MOST},
        )
    if not changes:
        raise ValidationError(_("Choose at least one change."), code="no_changes")
    fields.read(changes, Ticket(), on=at.date())
    job = BulkJob.objects.create(by=by, changes=dict(changes))
    resolved = _resolved(changes)
    names = _names([*ids], resolved)
    found = Ticket.objects.select_related("account", "assignee", "change", "line")
    for first in range(0, len(ids), AT_ONCE):
        some = found.filter(pk__in=ids[first : first + AT_ONCE]).order_by("pk")
        BulkItem.objects.bulk_create(
            _foreseen(job, ticket, resolved, names=names, at=at) for ticket in some
        )
    return job


def begin(job: BulkJob, *, at: datetime) -> BulkJob:
    """Let the job be carried out; a second time changes nothing."""
    BulkJob.objects.filter(pk=job.pk, begun_at=None).update(begun_at=at)
    job.refresh_from_db()
    return job


def discard(job: BulkJob) -> None:
    """Forget a preview. Refuses a job that was begun (code begun)."""
    gone, _rows = BulkJob.objects.filter(pk=job.pk, begun_at=None).delete()
    if not gone:
        raise ValidationError(
            _("It has begun, and what it does is kept here."), code="begun"
        )


def work(*, at: datetime) -> int:
    """Carry out what was begun and is not finished; returns how many tickets were done.

    Safe to run twice, at once, and after a kill: each ticket is taken with a lock that
    others step over, and its outcome is written with its change.
    """
    done = 0
    for job in BulkJob.objects.filter(begun_at__isnull=False, finished_at=None).order_by(
        "begun_at", "pk"
    ).select_related("by"):  # fmt: skip
        done += _work(job, at=at)
    BulkJob.objects.filter(begun_at=None, created_at__lt=at - FORGOTTEN_AFTER).delete()
    return done


def tally(job: BulkJob) -> dict[str, int]:
    """How many tickets it has, what was foreseen and what came of them; one query."""
    return job.items.aggregate(
        all=Count("pk"),
        foreseen_done=Count("pk", filter=Q(foreseen=BulkItem.Outcome.DONE)),
        foreseen_refused=Count("pk", filter=Q(foreseen=BulkItem.Outcome.REFUSED)),
        waiting=Count("pk", filter=Q(outcome=BulkItem.Outcome.WAITING)),
        done=Count("pk", filter=Q(outcome=BulkItem.Outcome.DONE)),
        refused=Count("pk", filter=Q(outcome=BulkItem.Outcome.REFUSED)),
    )


def _work(job: BulkJob, *, at: datetime) -> int:
    done, changes = 0, _resolved(job.changes)
    while waiting := list(
        job.items.filter(outcome=BulkItem.Outcome.WAITING)
        .order_by("pk")
        .values_list("pk", flat=True)[:AT_ONCE]
    ):
        taken = sum(_take(pk, changes, by=job.by, at=at) for pk in waiting)
        done += taken
        if not taken:
            break
    left = BulkItem.objects.filter(job=OuterRef("pk"), outcome=BulkItem.Outcome.WAITING)
    BulkJob.objects.filter(~Exists(left), pk=job.pk, finished_at=None).update(
        finished_at=at
    )
    return done


def _take(pk: int, changes: Mapping, *, by: User, at: datetime) -> bool:
    """Do one ticket, unless somebody else does; whatever breaks it is its own outcome."""
    try:
        with transaction.atomic():
            item = _locked(pk)
            if item is None:
                return False
            item.outcome, item.words = _done(item.ticket, changes, by=by, at=at)
            item.save(update_fields=["outcome", "words"])
    except Exception:
        log.exception("A ticket of a bulk job could not be changed: item %s", pk)
        BulkItem.objects.filter(pk=pk, outcome=BulkItem.Outcome.WAITING).update(
            outcome=BulkItem.Outcome.REFUSED,
            words=_("Something went wrong here. Change this ticket by hand."),
        )
    return True


def _locked(pk: int) -> BulkItem | None:
    return (
        BulkItem.objects.select_for_update(skip_locked=True, of=["self"])
        .select_related("ticket__account", "ticket__assignee")
        .filter(pk=pk, outcome=BulkItem.Outcome.WAITING)
        .first()
    )


def _done(ticket: Ticket, changes: Mapping, *, by: User, at: datetime):
    before, names = _values(ticket), _assigned(ticket)
    try:
        with transaction.atomic():
            ticket = tickets.revise(
                ticket, changes, version=None, by=by, on=_day(ticket, at), at=at
            )
    except ValidationError as refusal:
        return BulkItem.Outcome.REFUSED, " ".join(refusal.messages)[:300]
    words = _differences(before, _values(ticket), names | _assigned(ticket))
    return BulkItem.Outcome.DONE, words[:300]


def _foreseen(job: BulkJob, ticket: Ticket, changes, *, names, at) -> BulkItem:
    try:
        wanted = tickets.foreseen(ticket, changes, on=_day(ticket, at))
    except ValidationError as refusal:
        outcome, words = BulkItem.Outcome.REFUSED, " ".join(refusal.messages)
    else:
        outcome, words = BulkItem.Outcome.DONE, _in_words(ticket, wanted, names)
    return BulkItem(job=job, ticket=ticket, foreseen=outcome, words=words[:300])


def _in_words(ticket: Ticket, wanted: Mapping, names: Mapping[int, str]) -> str:
    after = {name: fields.plain(value) for name, value in wanted.items()}
    return _differences(_values(ticket), after, names)


def _values(ticket: Ticket) -> dict:
    return {name: fields.plain(getattr(ticket, name)) for name in fields.LABELS}


def _differences(before: Mapping, after: Mapping, names: Mapping[int, str]) -> str:
    """State: New → Open · Priority: Normal → High."""
    parts = [
        f"{label}: {fields.said(name, before[name], names)}"
        f" → {fields.said(name, after[name], names)}"
        for name, label in fields.LABELS.items()
        if name in after and before[name] != after[name]
    ]
    return " · ".join(parts) or _("It is so already.")


def _assigned(ticket: Ticket) -> dict[int, str]:
    return {ticket.assignee_id: str(ticket.assignee)} if ticket.assignee_id else {}


def _resolved(changes: Mapping) -> dict:
    """The changes with the assignee as a person, so that nobody is asked for twice."""
    changes = dict(changes)
    if changes.get("assignee"):
        changes["assignee"] = (
            User.objects.filter(pk=changes["assignee"]).first() or (changes["assignee"])
        )
    return changes


def _names(ids: list[int], changes: Mapping) -> dict[int, str]:
    """Who is and who will be assigned, by id."""
    people = User.objects.filter(
        pk__in=Ticket.objects.filter(pk__in=ids).values("assignee")
    )
    known = {one.pk: str(one) for one in people}
    person = changes.get("assignee")
    return known | ({person.pk: str(person)} if isinstance(person, User) else {})


def _day(ticket: Ticket, at: datetime) -> date:
    return at.astimezone(ZoneInfo(ticket.account.timezone)).date()
