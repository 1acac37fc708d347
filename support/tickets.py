"""Tickets: opened, talked on, and decided. Closing a billing ticket is deciding it.

A billing ticket carries a renewal change: one ticket for each line and term end, and a
later wish for the same term end is proposed on the same one (3.12). The lock order is
line, then ticket.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import credits, lines, renewals
from billing.models import Line, RenewalChange
from journal import activities, days
from journal.models import Activity
from marketplace import offers
from marketplace.models import App, Offer, Plan
from myapps import usage
from support import (
    adjustments,
    approvals,
    categories,
    evidence,
    fields,
    histories,
    promises,
    signals,
    wishes,
)
from support.models import Evidence, Message, Ticket

Category = Ticket.Category
State = Ticket.State
Origin = Ticket.Origin
STAFF = fields.STAFF
WAKES_AFTER = timedelta(days=7)
"""When a waiting ticket opens again where nobody said a day."""


@transaction.atomic
def open(
    account: Account, *, category: str, subject: str, by: User | None, on: date,
    origin: str = Origin.CUSTOMER, internal: bool = False, body: str = "",
    at: datetime | None = None, **about,
) -> Ticket:  # fmt: skip
    """Open a ticket that carries no renewal change: a question, or work for staff.

    `about` names what it is about: app, plan, line, contract. Refuses an empty subject
    (code no_subject).
    """
    subject = " ".join(subject.split())[:200]
    if not subject:
        raise ValidationError(_("Say in a few words what it is about."), "no_subject")
    ticket = Ticket(
        account=account,
        category=category,
        subject=subject,
        requester=by,
        origin=origin,
        internal=internal,
        opened_on=on,
        **about,
    )
    _begin([ticket], on=on, at=at)
    ticket.save()
    if body.strip():
        _say(ticket, body, by=by, on=on, internal=internal)
    if category == Category.CHARGE:
        evidence.take([ticket], moment=Evidence.Moment.OPENED, on=on)
    record("ticket.opened", ticket, by=by, on=on, subject_line=subject)
    return ticket


@transaction.atomic
def propose(
    change: RenewalChange, *, by: User | None, on: date, origin: str,
    at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """The ticket that carries a change: opened, or the one there is, pointed at it.

    The calendar opens those of the term end in sets: see `propose_due`. Callers hold
    the line's lock.
    """
    earlier = (
        Ticket.objects.select_for_update(no_key=True)
        .filter(line=change.line_id, term_ends_on=change.term_ends_on)
        .first()
    )
    if earlier:
        return _point(earlier, change, by=by, on=on, at=at)
    ticket = _carrying(change, by=by, on=on, origin=origin)
    _begin([ticket], on=on, at=at)
    ticket.save()
    _asked(ticket, by=by, on=on)
    evidence.take([ticket], moment=Evidence.Moment.OPENED, on=on)
    adjustments.carry([ticket], on=on)
    record("ticket.opened", ticket, by=by, on=on, subject_line=ticket.subject)
    return ticket


def propose_due(changes: Iterable[RenewalChange], *, on: date) -> int:
    """Open the tickets of changes whose term end has come, as a set (T19).

    Safe to repeat and to race: the database admits one for each line and term end.
    Returns how many were opened.
    """
    changes = list(changes)
    if not changes:
        return 0
    tickets = [
        _carrying(change, by=change.asked_by, on=on, origin=Origin.TERM_END)
        for change in changes
    ]
    _begin(tickets, on=on)
    Ticket.objects.bulk_create(tickets, ignore_conflicts=True)
    opened = list(
        Ticket.objects.filter(change__in=changes, evidence=None).select_related(
            "account", "change__line__plan__app", "change__target_plan",
            "change__new_line", "app",
        )
    )  # fmt: skip
    Message.objects.bulk_create(
        Message(ticket=ticket, author=None, body=_opening(ticket), on=on)
        for ticket in opened
    )
    evidence.take(opened, moment=Evidence.Moment.OPENED, on=on)
    adjustments.carry(opened, on=on, new=True)
    activities.record_all(
        draft("ticket.opened", ticket, by=None, on=on, subject_line=ticket.subject)
        for ticket in opened
    )
    return len(opened)


def _carrying(change: RenewalChange, *, by, on: date, origin: str) -> Ticket:
    return Ticket(
        account=change.account,
        category=wishes.CATEGORIES[change.kind],
        origin=origin,
        subject=wishes.title(change),
        requester=change.asked_by,
        app_id=change.line.app_id,
        plan_id=change.line.plan_id,
        line=change.line,
        term_ends_on=change.term_ends_on,
        change=change,
        opened_on=on,
    )


def _begin(tickets: list[Ticket], *, on: date, at: datetime | None = None) -> None:
    for ticket in tickets:
        ticket.opened_at = moment(ticket, on=on, at=at)
    promises.begin(tickets)


def moment(ticket: Ticket, *, on: date, at: datetime | None) -> datetime:
    """The moment told, if it is one of that local day; else the midnight that begins it,
    as for what the calendar does.
    """
    zone = ZoneInfo(ticket.account.timezone)
    told = at is not None and at.astimezone(zone).date() == on
    return at if told else datetime.combine(on, time(0), zone)


def _point(
    ticket: Ticket, change: RenewalChange, *, by, on: date, at: datetime | None
) -> Ticket:
    """A later wish for the same term end takes the earlier one's place (3.12)."""
    if ticket.change_id == change.pk:
        return ticket
    ticket.change = change
    ticket.requester = change.asked_by or ticket.requester
    changes = {
        "category": wishes.CATEGORIES[change.kind],
        "subject": wishes.title(change),
    }
    if ticket.state not in {State.NEW, State.OPEN}:
        changes |= {"state": State.OPEN, "wakes_on": None}
    promises.asked(ticket, at=moment(ticket, on=on, at=at))
    write(ticket, changes, by=by, on=on, at=at)
    _say(
        ticket,
        _("A later request takes the place of the earlier one: %(title)s.")
        % {"title": ticket.subject},
        by=None,
        on=on,
    )
    _asked(ticket, by=by, on=on)
    evidence.take([ticket], moment=Evidence.Moment.OPENED, on=on)
    adjustments.carry([ticket], on=on)
    return ticket


def _asked(ticket: Ticket, *, by: User | None, on: date) -> None:
    if ticket.change.reason.strip():
        _say(ticket, ticket.change.reason, by=ticket.change.asked_by, on=on)


def _opening(ticket: Ticket) -> str:
    words = {"day": days.said(ticket.term_ends_on)}
    text = _(
        "The term ends on %(day)s with this request undecided. Until Support decides, "
        "what it disputes is held and not billed."
    )
    return "\n\n".join(filter(None, [text % words, ticket.change.reason.strip()]))


@transaction.atomic
def submit(
    account: Account, *, category: str, by: User, on: date, body: str,
    subject: str = "", app: App | None = None, plan: Plan | None = None,
    line: Line | None = None, quantity: int | None = None, at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """A customer's request. Those that lower a bill ask billing, which opens the ticket.

    Refuses a request that does not name what its category is about (code no_line where
    it lowers a bill, else link_missing), and what `billing.renewals` refuses.
    """
    if category in {Category.CANCELLATION, Category.REDUCTION}:
        if line is None:
            raise ValidationError(_("Choose the line it is about."), code="no_line")
        wish = {"by": by, "on": on, "reason": body, "ticket_wanted": True}
        if category == Category.CANCELLATION:
            change = renewals.end(line, **wish)
        else:
            change = renewals.lower(line, to=quantity or 0, **wish)
        if change.state != RenewalChange.State.UNDECIDED:
            raise ValidationError(
                _("A free line needs no ticket: end it in My Apps."), code="free"
            )
        return change.tickets.get()
    plan = plan or (line.plan if line else None)
    app = app or (plan.app if plan else None)
    categories.refuse_unlinked(category, app=app, line=line)
    subject = subject or _subject(category, app=app, plan=plan)
    return open(
        account, category=category, subject=subject, by=by, on=on, body=body,
        app=app, plan=plan, line=line, at=at,
    )  # fmt: skip


@transaction.atomic
def open_by_staff(
    account: Account, *, category: str, subject: str, requester: User | None,
    app: App | None, line: Line | None, body: str, by: User, on: date,
    at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Open a ticket for somebody who asked by telephone, or for staff alone where nobody
    did.

    Its first word is staff's: an internal note. Refuses a requester or line of another
    account (code stranger), what its category must name (link_missing), and one that
    carries a change at renewal, which a request opens (category_carries_change).
    """
    strangers = requester and requester.account_id != account.pk
    if strangers or (line and line.account_id != account.pk):
        raise ValidationError(_("This belongs to another account."), code="stranger")
    if category in {*Ticket.BILLING, Category.PARKED}:
        raise ValidationError(
            _("This category belongs to a change at renewal, which a request opens."),
            code="category_carries_change",
        )
    app = app or (line.plan.app if line else None)
    categories.refuse_unlinked(category, app=app, line=line)
    ticket = open(
        account, category=category, subject=subject, by=requester, on=on,
        origin=Origin.STAFF, internal=requester is None, at=at,
        app=app, plan=line.plan if line else None, line=line,
    )  # fmt: skip
    _say(ticket, body, by=by, on=on, internal=True)
    return revise(ticket, {"assignee": by}, version=None, by=by, on=on, at=at)


def _subject(category: str, *, app: App | None, plan: Plan | None) -> str:
    what = " ".join(str(part) for part in (app, plan) if part)
    last = str(Category(category).label).rpartition("> ")[2]
    return f"{last}: {what}" if what else last


@transaction.atomic
def revise(
    ticket: Ticket, changes: Mapping, *, version: int | None, by: User | None,
    on: date, at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Change a ticket's fields: the one function that pages, macros, bulk jobs and the
    API use.

    `changes` is field by field, plain enough for JSON: see `support.fields`. Giving a
    new ticket to somebody opens it; one that waits needs its wake-up day. `version` is
    the one that was seen (None: whatever it is, for who looked at nothing, as a bulk
    job). `at` is the moment, for the promises; without it the day's local midnight.

    Refuses another version (code stale, with `params["differences"]`, a list of
    `histories.Difference`: which field, from what to what, by whom, when; and
    `params["version"]`, the one there is), what `fields.read` refuses, a merged ticket
    (merged), a move that `Ticket.MOVES` does not have (illegal_move), waiting without a
    wake-up day (no_wake_day), a category that does not fit what the ticket carries
    (category_carries_change, link_missing), and to finish what is not finished: a
    billing ticket that is not decided (undecided) or not carried out (scheduled), or
    work on a line that is still parked (parked). All of it or nothing.
    """
    ticket = locked(ticket)
    if version is not None and version != ticket.version:
        raise ValidationError(
            _(
                "Somebody changed this ticket while you did. Look at it, then save again."
            ),
            code="stale",
            params={
                "differences": histories.since(ticket, version),
                "version": ticket.version,
            },
        )
    return write(ticket, foreseen(ticket, changes, on=on), by=by, on=on, at=at)


def foreseen(ticket: Ticket, changes: Mapping, *, on: date) -> dict:
    """The values that `revise` would write, which are asked of nothing but the ticket
    with its change and line: so that many can be previewed. Refuses as `revise` does.
    """
    if ticket.merged_into_id:
        raise ValidationError(
            _("It was merged into another ticket. Change that one."), code="merged"
        )
    wanted = fields.read(changes, ticket, on=on)
    if wanted.get("assignee") and ticket.state == State.NEW:
        wanted.setdefault("state", State.OPEN)
    if "category" in wanted:
        _refuse_category(ticket, wanted["category"])
    _rest(ticket, wanted)
    if "state" in wanted:
        _refuse_unfinished(ticket, wanted["state"])
        _refuse_move(ticket, wanted["state"], among=Ticket.BY_HAND)
    return wanted


def _refuse_category(ticket: Ticket, category: str) -> None:
    """What carries a renewal change stays what it is; the others need their links."""
    if ticket.change_id or category in Ticket.BILLING:
        raise ValidationError(
            _("This category belongs to a change at renewal, which a request opens."),
            code="category_carries_change",
        )
    categories.refuse_unlinked(
        category, app=ticket.app_id, line=ticket.line_id, contract=ticket.contract_id
    )


def _rest(ticket: Ticket, wanted: dict) -> None:
    """What waits has a wake-up day, and nothing else has one."""
    state = wanted.get("state", ticket.state)
    if state not in Ticket.ASLEEP:
        wanted["wakes_on"] = None
    elif wanted.get("wakes_on", ticket.wakes_on) is None:
        raise ValidationError(
            _("Say on which day the ticket wakes."), code="no_wake_day"
        )


def write(
    ticket: Ticket, values: dict, *, by: User | None, on: date,
    at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Write fields of a locked ticket that may have these values: with its version, its
    clocks and its history. For the desk's own rules; others call `revise`.
    """
    changed = {}
    for name, value in values.items():
        before = getattr(ticket, name)
        if before != value:
            setattr(ticket, name, value)
            changed[name] = [fields.plain(before), fields.plain(value)]
    at = moment(ticket, on=on, at=at)
    if changed:
        ticket.version += 1
        if ticket.state == State.SOLVED and "state" in changed:
            ticket.solved_at = at
        elif not ticket.is_done:
            ticket.solved_at = None
    promises.follow([ticket], at=at)
    ticket.save()
    if changed:
        record(
            "ticket.revised", ticket, by=by, on=on, private=True,
            version=ticket.version, changes=changed,
        )  # fmt: skip
    return ticket


def assign(
    ticket: Ticket, to: User | None, *, by: User, on: date, at: datetime | None = None
) -> Ticket:
    """Give a ticket to somebody of Support, or to nobody. Refuses as `revise` does."""
    return revise(ticket, {"assignee": to}, version=None, by=by, on=on, at=at)


@transaction.atomic
def reply(
    ticket: Ticket, body: str, *, by: User, on: date, wait: bool = False,
    wakes_on: date | None = None, at: datetime | None = None, **how,
) -> Message:  # fmt: skip
    """Say something that staff and customer read; an answer wakes a waiting ticket. On
    a merged one it is said where that goes on.

    `wait`: staff wait for the customer now; `how`: its channel, mail_id, leaves_at.
    Staff call `conversations.send`, which can be undone. Refuses an empty text (code
    empty), a public word on a ticket for staff alone (internal) and a closed one
    (closed).
    """
    ticket = locked(survivor(ticket))
    if ticket.internal:
        raise ValidationError(
            _("This ticket is for staff alone. Save an internal note."),
            code="internal",
        )
    if ticket.state == State.CLOSED:
        raise ValidationError(
            _("This request is closed. Submit a new one."), code="closed"
        )
    message = _say(ticket, body, by=by, on=on, **how)
    said_at, changes = moment(ticket, on=on, at=at), {}
    if by.kind in STAFF:
        promises.answered(ticket, at=said_at)
        if wait:
            wakes_on = wakes_on or on + WAKES_AFTER
            changes = {"state": State.WAITING, "wakes_on": wakes_on}
        elif ticket.state == State.NEW:
            changes = {"state": State.OPEN}
    else:
        promises.asked(ticket, at=said_at)
        if ticket.state in {*Ticket.ASLEEP, State.SOLVED}:
            changes = {"state": State.OPEN, "wakes_on": None}
    if changes.get("state", ticket.state) != ticket.state:
        _refuse_move(ticket, changes["state"])
        message.state_before = ticket.state
        message.save(update_fields=["state_before"])
    write(ticket, changes, by=by, on=on, at=at)
    return message


@transaction.atomic
def note(ticket: Ticket, body: str, *, by: User, on: date) -> Message:
    """Write something that only staff read. Refuses an empty text (code empty)."""
    ticket = locked(ticket)
    message = _say(ticket, body, by=by, on=on, internal=True)
    ticket.save(update_fields=["touched_at"])
    return message


def unsay(ticket: Ticket, *, state: str, by: User, on: date, at: datetime) -> Ticket:
    """A reply was taken back before it left: the ticket stands in `state` again, if
    saying it had moved it, and who waited for an answer waits since then.
    """
    promises.unanswered(ticket)
    changes = {"state": state} if state else {}
    if state and state not in Ticket.ASLEEP:
        changes["wakes_on"] = None
    return write(ticket, changes, by=by, on=on, at=at)


def _say(ticket: Ticket, body: str, *, by, on: date, internal=False, **how) -> Message:
    body = body.strip()
    if not body:
        raise ValidationError(_("Write something first."), code="empty")
    message = Message.objects.create(
        ticket=ticket, author=by, body=body, internal=internal, on=on, **how
    )
    if not (internal or ticket.internal):
        signals.said.send(Message, message=message)
    return message


def move(
    ticket: Ticket, to: str, *, by: User, on: date, wakes_on: date | None = None,
    at: datetime | None = None,
) -> Ticket:  # fmt: skip
    """Bring a ticket to another state by hand. Refuses as `revise` does; what waits wakes
    in a week where no day is said.
    """
    changes = {"state": to}
    if to in Ticket.ASLEEP:
        changes["wakes_on"] = wakes_on or on + WAKES_AFTER
    return revise(ticket, changes, version=None, by=by, on=on, at=at)


def _refuse_unfinished(ticket: Ticket, to: str) -> None:
    change = ticket.change
    parked = ticket.category == Category.PARKED and ticket.line.parked_at
    if parked and to in Ticket.DONE:
        raise ValidationError(
            _("The line is still parked. Put it back, and the ticket is solved."),
            code="parked",
        )
    finishing = to in {State.SOLVED, State.CLOSED, State.SCHEDULED}
    if finishing and change is None and ticket.adjustments.proposed().exists():
        raise ValidationError(
            _("A credit is proposed: approve it, decline it or take it back."),
            code="undecided",
        )
    if change is None:
        return
    if finishing and change.state == RenewalChange.State.UNDECIDED:
        raise ValidationError(
            _("Approve or decline it: closing a billing ticket is deciding it."),
            code="undecided",
        )
    if change.state == RenewalChange.State.APPROVED and to != State.SCHEDULED:
        raise ValidationError(
            _("It waits for its term end and closes by itself then."), code="scheduled"
        )


def _refuse_move(ticket: Ticket, to: str, *, among=State.values) -> None:
    if to not in Ticket.MOVES[ticket.state] or to not in among:
        raise ValidationError(
            _("A ticket that is “%(state)s” cannot become “%(to)s”."),
            code="illegal_move",
            params={
                "state": ticket.get_state_display().lower(),
                "to": State(to).label.lower(),
            },
        )


def _move(ticket: Ticket, to: str, *, by, on: date, at: datetime | None) -> None:
    _refuse_move(ticket, to)
    write(ticket, {"state": to, "wakes_on": None}, by=by, on=on, at=at)


@transaction.atomic
def decide(
    ticket: Ticket, *, approve: bool, by: User, on: date, word: str = "",
    at: datetime | None = None, seen: str | None = None,
) -> Ticket:  # fmt: skip
    """Approve or decline what a billing ticket proposes: once, in billing (3.12–3.14).

    The evidence is taken again, the customer is told in plain words with `word` before
    them, and the ticket is scheduled where the decision waits for the term end, else
    solved. Above the limit the first approval is written down, and the ticket waits for
    a second person. Who approved the version approves it once, however often.

    `seen`: the figures that were looked at (`adjustments.seen`); others are refused
    (code changed). Refuses a ticket that proposes nothing (nothing_to_decide), one that
    is decided (decided), what cannot be carried out (no_price), and who may not decide
    (see `approvals`).
    """
    newest = adjustments.newest(ticket)
    if newest is None and ticket.change_id is None:
        raise ValidationError(
            _("There is nothing to decide on this ticket."), code="nothing_to_decide"
        )
    line = Line.objects.locked(newest.line_id if newest else ticket.line_id)
    ticket = locked(ticket)
    approvals.may_decide(ticket, by=by)
    adjustment = adjustments.standing(ticket, on=on)
    if adjustment is None:
        newest = adjustments.newest(ticket)
        if approve and approvals.stands(newest, by=by):
            return ticket
        raise ValidationError(
            _("This was decided already: %(state)s."),
            code="decided",
            params={"state": newest.get_state_display().lower()},
        )
    if seen is not None and seen != adjustments.seen(
        adjustment, adjustments.price(adjustment, on=on)
    ):
        raise ValidationError(
            _("The figures have changed. Check them, and decide again."), code="changed"
        )
    if approve:
        approvals.refuse(adjustment, by=by)
        adjustment = adjustments.current(adjustment, on=on)
        if adjustment.bill_after is None:
            raise ValidationError(
                _("The plan has no list price on that day: it cannot be carried out."),
                code="no_price",
            )
        if not approvals.record(adjustment, by=by, on=on):
            return _wait_for_second(ticket, adjustment, by=by, on=on, at=at)
    evidence.take(
        [ticket], moment=Evidence.Moment.DECIDED, on=on, adjustment=adjustment
    )
    adjustments.decided(adjustment, approve=approve, by=by, on=on)
    told = _carry_out(adjustment, line, approve=approve, by=by, on=on)
    adjustments.acted(adjustment, on=on)
    ticket = locked(ticket)
    waits = adjustment.state == adjustments.State.SCHEDULED
    promises.answered(ticket, at=moment(ticket, on=on, at=at))
    wanted = State.SCHEDULED if waits else State.SOLVED
    if ticket.state != wanted:
        _move(ticket, wanted, by=by, on=on, at=at)
    else:
        write(ticket, {}, by=by, on=on, at=at)
    _say(ticket, "\n\n".join(filter(None, [word.strip(), told])), by=by, on=on)
    record("ticket.approved" if approve else "ticket.declined", ticket, by=by, on=on)
    return ticket


def _carry_out(adjustment, line: Line, *, approve: bool, by: User, on: date) -> str:
    """Write a decision in billing, once. Returns what it means for the customer."""
    if adjustment.kind == adjustments.Kind.CREDIT:
        if approve:
            credits.grant(
                adjustment.charge,
                adjustment.gives_back,
                reason=adjustment.reason,
                key=f"adjustment:{adjustment.pk}",
                by=by,
                on=on,
            )
        return wishes.credited(adjustment, approve=approve)
    wish = adjustment.change
    held = wish.holds.exists()
    active = usage.active_on([line.pk], on=on).get(line.pk, 0)
    quantity, plan = adjustment.to_quantity, adjustment.to_plan
    change = renewals.decide(
        wish, approve=approve, by=by, on=on, active=active,
        quantity=None if quantity == wish.target_quantity else quantity,
        plan=None if plan == wish.target_plan else plan,
    )  # fmt: skip
    return wishes.decided(change, approve=approve, held=held)


def _wait_for_second(ticket: Ticket, adjustment, *, by, on: date, at) -> Ticket:
    """One of two has approved: staff are told, the customer is not."""
    said = _("Approved version %(version)s. It is above the limit: a second person "
             "approves it too.")  # fmt: skip
    _say(ticket, said % {"version": adjustment.version}, by=by, on=on, internal=True)
    opens = {"state": State.OPEN} if ticket.state == State.NEW else {}
    write(ticket, opens, by=by, on=on, at=at)
    record("adjustment.seconded", ticket, by=by, on=on, private=True)
    return ticket


@transaction.atomic
def undo(ticket: Ticket, *, by: User, on: date, at: datetime | None = None) -> Ticket:
    """Take an approval back before its term end: undecided, and proposed once more.

    The customer is told. Refuses a ticket that carries no change (nothing_to_decide),
    one's own request (own_request), and what `renewals.reopen` refuses: what is not
    approved (not_approved), and a term end that has come (too_late).
    """
    if ticket.change_id is None:
        raise ValidationError(
            _("There is nothing to decide on this ticket."), code="nothing_to_decide"
        )
    Line.objects.locked(ticket.line_id)
    ticket = locked(ticket)
    approvals.may_decide(ticket, by=by)
    change = renewals.reopen(ticket.change, by=by, on=on)
    adjustment = adjustments.newest(ticket)
    if adjustment:
        adjustments.reopen(adjustment, on=on)
    ticket = locked(ticket)
    _move(ticket, State.OPEN, by=by, on=on, at=at)
    _say(ticket, wishes.reopened(change), by=by, on=on)
    record("adjustment.undone", ticket, by=by, on=on)
    return ticket


def settle(change: RenewalChange, *, on: date, at: datetime | None = None) -> None:
    """A change needs no decision any more, or has acted: its ticket says so and closes.

    A decision made on the ticket has its own words; here the other ways are told.
    """
    ticket = (
        Ticket.objects.select_for_update(no_key=True)
        .filter(change=change)
        .exclude(state__in=Ticket.DONE)
        .first()
    )
    if ticket is None:
        return
    being_decided = ticket.state != State.SCHEDULED and change.decided_by_id
    if not being_decided:
        _say(ticket, wishes.settled(change), by=None, on=on)
    _move(ticket, State.SOLVED, by=None, on=on, at=at)


@transaction.atomic
def offer_plan(
    ticket: Ticket, plan: Plan, *, by: User, on: date, at: datetime | None = None
) -> Offer:
    """Make a plan that is not listed available to the ticket's account (T15, 3.6).

    The customer is told. Refuses what `marketplace.offers` refuses.
    """
    ticket = locked(ticket)
    offer = offers.offer(plan, account=ticket.account, by=by, on=on)
    _say(
        ticket,
        _(
            "The plan %(plan)s of %(app)s is available to your account now. Open the app "
            "in the marketplace and choose it: what you contracted covers it."
        )
        % {"plan": plan, "app": plan.app},
        by=by,
        on=on,
    )
    promises.answered(ticket, at=moment(ticket, on=on, at=at))
    opens = {"state": State.OPEN} if ticket.state == State.NEW else {}
    write(ticket, opens, by=by, on=on, at=at)
    return offer


@transaction.atomic
def park(line_id: int, *, because: str, on: date) -> Ticket:
    """Take a line out of the hourly run that it broke, and tell staff alone (5.5)."""
    line = lines.park(line_id, because=because)
    ticket = Ticket.objects.open().parked().filter(line=line).first()
    if ticket:
        return ticket
    return open(
        line.account,
        category=Category.PARKED,
        subject=_("Parked: %(app)s %(plan)s")
        % {"app": line.plan.app, "plan": line.plan},
        by=None,
        on=on,
        origin=Origin.TERM_END,
        internal=True,
        body=because,
        line=line,
        app=line.plan.app,
        plan=line.plan,
    )


@transaction.atomic
def release(
    ticket: Ticket, *, by: User, on: date, at: datetime | None = None
) -> Ticket:
    """Put a parked line back into the hourly run, which makes up for what it missed.

    Refuses a ticket that is not about a parked line (code not_parked).
    """
    if ticket.category != Category.PARKED or ticket.line_id is None:
        raise ValidationError(_("No line is parked here."), code="not_parked")
    lines.release(ticket.line_id)
    ticket = locked(ticket)
    _say(ticket, _("Put back into the hourly run."), by=by, on=on, internal=True)
    if not ticket.is_done:
        _move(ticket, State.SOLVED, by=by, on=on, at=at)
    return ticket


def survivor(ticket: Ticket) -> Ticket:
    """The ticket in which a merged one goes on; itself, where it is not merged."""
    while ticket.merged_into_id is not None:
        ticket = Ticket.objects.select_related("account").get(pk=ticket.merged_into_id)
    return ticket


def locked(ticket: Ticket) -> Ticket:
    """The ticket, locked until the transaction ends; last in the lock order."""
    return (
        Ticket.objects.select_for_update(no_key=True, of=["self"])
        .select_related(
            "account", "app", "change__line__plan__app", "change__target_plan",
            "change__new_line",
        )
        .get(pk=ticket.pk)
    )  # fmt: skip


def record(verb: str, ticket: Ticket, **what) -> None:
    activities.record_all([draft(verb, ticket, **what)])


def draft(
    verb: str, ticket: Ticket, *, by, on: date, private=False, **data
) -> Activity:
    """What staff do among themselves stands in no account's activity."""
    hidden = private or ticket.internal
    return activities.draft(
        verb,
        account=None if hidden else ticket.account,
        by=by,
        on=on,
        subject=ticket,
        app=ticket.app.slug if ticket.app_id else "",
        number=ticket.number,
        **data,
    )
