"""Long work that can be left and come back to: files of people, brought in by batches.

A preview says what each line of the file will do, without doing it. Once begun, what is
to do stands in the table: a job that a killed worker left goes on where it stopped, and
two workers never do a line twice, because the job is taken with a lock that others step
over and a batch's outcome is written with its changes.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from accounts import authority, imports, signals
from accounts.models import Account, Job, JobRow, User

log = logging.getLogger(__name__)

MOST = 50_000
"""Lines of one file."""
AT_ONCE = 1_000
"""Lines of one transaction."""
FORGOTTEN_AFTER = timedelta(days=7)
"""A preview that nobody began goes."""
LONGEST = 400

Foreseen, Outcome = JobRow.Foreseen, JobRow.Outcome


@transaction.atomic
def preview(
    account: Account, data: bytes, *, file_name: str, by: User, at: datetime
) -> Job:
    """A job with what each line of a file of people would do; nothing is changed yet.

    Lines that cannot be are refused, each in words. Refuses a file without lines
    (empty), with more than MOST (too_many), and one whose head is not that of such a
    file (head).
    """
    rows, problems = imports.read(data)
    ours = [row for row in rows if row.account == account.slug]
    problems = [*problems, *_foreign(account, rows), *imports.check(ours)]
    _check(rows, problems)
    job = Job.objects.create(
        account=account, by=by, file_name=file_name[:200], created_at=at
    )
    wrong = defaultdict(list)
    for problem in problems:
        wrong[problem.line].append(f"{problem.wrong} {problem.right}")
    refused = [
        JobRow(
            job=job,
            line=line,
            foreseen=Foreseen.REFUSED,
            outcome=Outcome.REFUSED,
            words=" ".join(words)[:LONGEST],
        )
        for line, words in wrong.items()
    ]
    good = [row for row in rows if row.line not in wrong]
    JobRow.objects.bulk_create(
        [*refused, *_foreseen(job, account, good)], batch_size=5_000
    )
    return job


def begin(job: Job, *, at: datetime) -> Job:
    """Let the job be carried out; a second time changes nothing."""
    Job.objects.filter(pk=job.pk, begun_at=None).update(begun_at=at)
    job.refresh_from_db()
    return job


def discard(job: Job) -> None:
    """Forget a preview. Refuses a job that was begun (code begun)."""
    gone, _rows = Job.objects.filter(pk=job.pk, begun_at=None).delete()
    if not gone:
        raise ValidationError(
            _("It has begun, and what it does is kept here."), code="begun"
        )


def work(*, at: datetime) -> int:
    """Carry out what was begun and is not finished; answers how many lines were done.

    Safe to run twice, at once, and after a kill.
    """
    done = 0
    for pk in Job.objects.under_way().order_by("begun_at", "pk").values_list("pk"):
        while batch := _batch(*pk, at=at):
            done += batch
    Job.objects.filter(begun_at=None, created_at__lt=at - FORGOTTEN_AFTER).delete()
    return done


def tally(job: Job) -> dict[str, int]:
    """How many lines there are, what was foreseen and what came of them; one query."""
    return job.rows.aggregate(
        all=Count("pk"),
        add=Count("pk", filter=Q(foreseen=Foreseen.ADD)),
        change=Count("pk", filter=Q(foreseen=Foreseen.CHANGE)),
        same=Count("pk", filter=Q(foreseen=Foreseen.SAME)),
        refused=Count("pk", filter=Q(outcome=Outcome.REFUSED)),
        waiting=Count("pk", filter=Q(outcome=Outcome.WAITING)),
        done=Count("pk", filter=Q(outcome=Outcome.DONE)),
    )


@transaction.atomic
def _batch(pk: int, *, at: datetime) -> int:
    """The next lines of a job, all their changes at once; 0 when none are left or
    somebody else is at it.
    """
    job = (
        Job.objects.under_way()
        .select_for_update(skip_locked=True, of=["self"])
        .select_related("account", "by")
        .filter(pk=pk)
        .first()
    )
    if job is None:
        return 0
    some = [*job.rows.filter(outcome=Outcome.WAITING).order_by("pk")[:AT_ONCE]]
    if not some:
        job.finished_at = at
        job.save(update_fields=["finished_at"])
        signals.job_finished.send(Job, job=job, at=at)
        return 0
    on = at.astimezone(ZoneInfo(job.account.timezone)).date()
    _bring(some, by=job.by, on=on)
    JobRow.objects.bulk_update(some, ["outcome", "words"], batch_size=AT_ONCE)
    return len(some)


def _bring(some: list[JobRow], *, by: User, on: date) -> None:
    """Bring lines in together; where that is refused, each by itself."""
    try:
        with transaction.atomic():
            rows = [_row(one) for one in some]
            if problems := imports.check(rows):
                raise ValidationError([str(problem) for problem in problems])
            imports.bring(rows, day_of=lambda _account: on, by=by, new_roles=False)
    except ValidationError as refusal:
        if len(some) == 1:
            some[0].outcome = Outcome.REFUSED
            some[0].words = " ".join(refusal.messages)[:LONGEST]
            return
    except Exception:
        log.exception("Lines of a job could not be brought in: job %s", some[0].job_id)
        if len(some) == 1:
            some[0].outcome = Outcome.REFUSED
            some[0].words = _("Something went wrong here. Change this person by hand.")
            return
    else:
        for one in some:
            one.outcome = Outcome.DONE
        return
    half = len(some) // 2
    _bring(some[:half], by=by, on=on)
    _bring(some[half:], by=by, on=on)


def _check(rows, problems):
    if any(problem.line == 1 for problem in problems):
        raise ValidationError(" ".join(map(str, problems)), code="head")
    if not rows and not problems:
        raise ValidationError(_("The file names nobody."), code="empty")
    if len(rows) > MOST:
        raise ValidationError(
            _("Send at most %(most)d people in one file."),
            code="too_many",
            params={"most": MOST},
        )


def _foreign(account, rows) -> Iterable[imports.Problem]:
    """Lines about another account, or with roles that this one does not have."""
    known = {name.casefold() for name in account.roles.values_list("name", flat=True)}
    for row in rows:
        if row.account != account.slug:
            yield imports.Problem(
                row.line,
                1,
                _("This is not the short name of your account."),
                _("Write %(slug)s.") % {"slug": account.slug},
            )
        for name in row.roles:
            if name.casefold() not in known:
                yield imports.Problem(
                    row.line,
                    4,
                    _("There is no role %(role)s.") % {"role": name},
                    _("Add it first, or correct the file."),
                )


def _foreseen(job, account, rows) -> Iterable[JobRow]:
    """What each line would do. Whoever is to manage roles comes first, so that no batch
    leaves the account without them.
    """
    users = {}
    for start in range(0, len(rows), 5_000):
        some = [row.email for row in rows[start : start + 5_000]]
        found = account.users.filter(email__in=some).prefetch_related("groups__role")
        users.update((user.email, user) for user in found)
    granted = authority.granted_by_role(account)
    managing = {
        role.name.casefold()
        for role in account.roles.all()
        if authority.MANAGE_ROLES in granted.get(role.pk, ())
    }
    rows.sort(
        key=lambda row: (
            not (row.active and managing & {name.casefold() for name in row.roles})
        )
    )
    for row in rows:
        user = users.get(row.email)
        words = _changes(user, row) if user else []
        if user is None:
            foreseen = Foreseen.ADD
        else:
            foreseen = Foreseen.CHANGE if words else Foreseen.SAME
        yield JobRow(
            job=job,
            line=row.line,
            content=[*row[1:]],
            foreseen=foreseen,
            words=" · ".join(words)[:LONGEST],
        )


def _changes(user: User, row: imports.Row) -> list[str]:
    """In words: what the line changes of a person."""
    has = {group.role.name.casefold(): group.role.name for group in user.groups.all()}
    wants = {name.casefold(): name for name in row.roles}
    joins = [wants[name] for name in wants.keys() - has.keys()]
    leaves = [has[name] for name in has.keys() - wants.keys()]
    said = []
    if user.display_name != row.display_name:
        said.append(_("Name: %(name)s") % {"name": row.display_name})
    if user.team != row.team:
        said.append(_("Team: %(team)s") % {"team": row.team or "–"})
    if joins:
        said.append(_("Joins %(roles)s") % {"roles": ", ".join(sorted(joins))})
    if leaves:
        said.append(_("Leaves %(roles)s") % {"roles": ", ".join(sorted(leaves))})
    if user.is_active and not row.active:
        said.append(_("Is deactivated"))
    if row.active and not user.is_active:
        said.append(_("May sign in again"))
    return said


def _row(one: JobRow) -> imports.Row:
    account, email, display_name, roles, team, active = one.content
    return imports.Row(
        one.line, account, email, display_name, tuple(roles), team, active
    )
