"""What a new day asks of every line of a time zone: signed lines start, periods are
charged, terms renew or end, tickets open, installations and contracts close (3.14–3.16,
T12, T13, T19).

Everything goes by the grid and never by "now": run late, twice or by three workers at
once it writes the same records. Lines go in batches, a transaction each; a batch that
fails is halved until the line that breaks it is found and parked (5.5).
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.models import Account
from billing import starts, terms
from billing.models import Contract, Line, RenewalChange, Term
from billing.renewals import Rolled
from journal import days
from myapps import coverage, endings, joins, usage
from support import tickets
from support.models import Ticket

log = logging.getLogger(__name__)
Kind = RenewalChange.Kind


def zones() -> list[str]:
    """Time zones with something to carry: of accounts, and of terms from before a move."""
    of_accounts = Account.objects.order_by().values_list("timezone", flat=True)
    of_terms = Term.objects.open().order_by().values_list("timezone", flat=True)
    return sorted({*of_accounts.distinct(), *of_terms.distinct()})


def run(*, zone: str, on: date, lead_days: int = 0, most: int = 5_000) -> Counter:
    """Carry the accounts of a time zone to a local day. Returns what was done, counted.

    `lead_days`: tickets of undecided changes open so many days before the term end.
    """
    done = Counter()
    done["seated"] = seat_joiners(zone=zone)
    done["begun"] = begin_lines(zone=zone, on=on)
    done += carry_lines(zone=zone, on=on, most=most)
    done["tickets"] += open_tickets(
        zone=zone, by=on + timedelta(days=lead_days), on=on, most=most
    )
    done["closed"] = endings.close_due(zone=zone, on=on)
    done["contracts"] = wind_up(zone=zone, on=on)
    return +done


def seat_joiners(*, zone: str) -> int:
    """Seat those who joined a role before, so that terms renew with them (T6).

    An installation that fails is left to the next tick. Returns how many were settled.
    """
    done = 0
    for installation in joins.waiting(zone=zone):
        try:
            done += joins.settle_all(installation)
        except Exception:
            log.exception("Joins of installation %s are not settled", installation)
    return done


def begin_lines(*, zone: str, on: date) -> int:
    """Start the signed lines whose day has come, with the seats active then (3.5)."""
    begun = 0
    for line in starts.due(by=on, zone=zone):

        def begin(lines: list[int], line=line) -> None:
            active = coverage.active_for(line, on=line.starts_on)
            endings.follow(starts.begin(line, active=active))

        with transaction.atomic():
            begun += 1 - _in_halves([line.pk], begin, on=on)
    return begun


def carry_lines(*, zone: str, on: date, most: int) -> Counter:
    """Charge the periods that have begun, renew and end terms, batch by batch."""
    done, carried = Counter(), set()
    while True:
        with transaction.atomic():
            lines = terms.due(zone=zone, on=on, most=most)
            if not lines:
                return done
            stuck = carried.intersection(lines)
            for line in stuck:
                _park(line, "The run left it as it was.", on=on)
            lines = [line for line in lines if line not in stuck]

            def carry(some: list[int]) -> None:
                done.update(_carry(some, on=on))

            done["parked"] += len(stuck) + _in_halves(lines, carry, on=on)
            done["lines"] += len(lines)
            carried.update(lines)


def _carry(lines: list[int], *, on: date) -> dict[str, int]:
    rolled = terms.advance(lines, active=_active(lines, on=on), on=on)
    endings.follow(rolled)
    _tell_stranded(rolled)
    undecided = _without_ticket(by=on).filter(line__in=lines)
    return {"tickets": tickets.propose_due(undecided, on=on)}


def _active(lines: list[int], *, on: date) -> dict[int, int]:
    """Units active on the lines that have something to decide, each at its term end."""
    boundaries = dict(
        RenewalChange.objects.standing()
        .filter(line__in=lines, term_ends_on__lte=on)
        .order_by("term_ends_on")
        .values_list("line", "term_ends_on")
    )
    by_boundary = defaultdict(list)
    for line, boundary in boundaries.items():
        by_boundary[boundary].append(line)
    active = {}
    for boundary, some in by_boundary.items():
        active |= usage.active_on(some, on=boundary)
    return active


def open_tickets(*, zone: str, by: date, on: date, most: int = 5_000) -> int:
    """Open what is missing: the ticket of each undecided change with a term end by a day.

    Also of changes that a page carried over their term end before this run.
    """
    opened = 0
    ending = Term.objects.filter(
        line=OuterRef("line"), ends_on=OuterRef("term_ends_on"), timezone=zone
    )
    while True:
        with transaction.atomic():
            due = (
                _without_ticket(by=by)
                .filter(Exists(ending), line__parked_at=None)
                .select_for_update(no_key=True, skip_locked=True, of=["line"])
                .order_by("line")[:most]
            )
            lines = [change.line_id for change in due]
            if not lines:
                return opened

            def propose(some: list[int]) -> None:
                nonlocal opened
                undecided = _without_ticket(by=by).filter(line__in=some)
                opened += tickets.propose_due(undecided, on=on)

            _in_halves(lines, propose, on=on)


def _without_ticket(*, by: date):
    """Undecided changes with a term end by a day that no ticket carries yet."""
    carried = Ticket.objects.filter(
        line=OuterRef("line"), term_ends_on=OuterRef("term_ends_on")
    )
    return (
        RenewalChange.objects.undecided()
        .filter(~Exists(carried), term_ends_on__lte=by, line__monthly_unit_price__gt=0)
        .select_related(
            "line__plan__app", "target_plan", "new_line", "asked_by", "account"
        )
    )


def _in_halves(lines: list[int], work: Callable, *, on: date) -> int:
    """Do the work; where it fails, for each half alone, until one line is left to park.

    Trouble of the server itself (a deadlock, a lost connection) is nobody's line: it
    ends the run, and the next one takes it up. Returns how many lines were parked.
    """
    if not lines:
        return 0
    try:
        with transaction.atomic():
            work(lines)
            connection.check_constraints()
    except OperationalError:
        raise
    except Exception as failure:
        if len(lines) > 1:
            half = len(lines) // 2
            return _in_halves(lines[:half], work, on=on) + _in_halves(
                lines[half:], work, on=on
            )
        log.exception("Line %s broke the run and is parked.", lines[0])
        _park(lines[0], f"{type(failure).__name__}: {failure}", on=on)
        return 1
    return 0


def _park(line: int, because: str, *, on: date) -> None:
    tickets.park(line, because=because[:2000], on=on)


def _tell_stranded(rolled: list[Rolled]) -> None:
    """Lines that could not renew into the next contract: sales is told of each (3.16)."""
    stranded = [one for one in rolled if one.stranded]
    lines = Line.objects.select_related("account", "plan__app").in_bulk(
        [one.line_id for one in stranded]
    )
    for one in stranded:
        line = lines[one.line_id]
        successor = Contract.objects.of(line.account).current(on=one.boundary).first()
        if successor is None:
            continue
        tickets.open(
            line.account,
            category=Ticket.Category.CONTRACT,
            subject=_("Not renewed: %(app)s %(plan)s")
            % {"app": line.plan.app, "plan": line.plan},
            by=None,
            on=one.boundary,
            origin=Ticket.Origin.TERM_END,
            internal=True,
            body=_(
                "%(plan)s has no list price in %(currency)s, so it did not renew into "
                "the contract that began on %(day)s."
            )
            % {
                "plan": line.plan,
                "currency": successor.currency,
                "day": days.said(successor.starts_on),
            },
            line=line,
            app=line.app,
            plan=line.plan,
        )


def wind_up(*, zone: str, on: date) -> int:
    """Tell sales of each contract that ended with nothing in its place, once (3.16)."""
    ended = Contract.objects.filter(
        account__timezone=zone, ends_on__lte=on, wound_up_on=None
    )
    return sum(_wind_up(pk) for pk in ended.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _wind_up(pk: int) -> int:
    contract = Contract.objects.locked(pk)
    if contract.wound_up_on:
        return 0
    contract.wound_up_on = contract.ends_on
    contract.save(update_fields=["wound_up_on"])
    account = contract.account
    if Contract.objects.of(account).current(on=contract.ends_on).exists():
        return 0
    lines = (
        Line.objects.filter(contract=contract, ends_on=contract.ends_on)
        .select_related("plan__app")
        .order_by("plan__app__name", "plan__name")
    )
    tickets.open(
        account,
        category=Ticket.Category.CONTRACT,
        subject=_("Contract ended: %(account)s") % {"account": account},
        by=None,
        on=contract.ends_on,
        origin=Ticket.Origin.TERM_END,
        internal=True,
        body=_ended(contract, lines),
        contract=contract,
    )
    return 1


def _ended(contract: Contract, lines) -> str:
    words = [
        _("The contract ended on %(day)s and no other follows it.")
        % {"day": days.said(contract.ends_on)}
    ]
    words += [f"· {line.plan.app} {line.plan}" for line in lines]
    return "\n".join(words)
