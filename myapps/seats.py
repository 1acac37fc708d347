"""Seats: users activated for an installation. More is billed at once, fewer never
changes a bill (T3, T10, T13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Role, User
from billing import contracts, effects, orders, renewals
from billing.effects import Effect
from billing.models import Line, Order, RenewalChange, Term
from billing.orders import Signature
from journal import activities, days
from myapps import app_requests, coverage, partner_events, usage
from myapps.models import Installation, JoinEvent, Seat

ASKED_BY_NAME = 1000
"""So many users are asked for by their ids; of more, all seats are read."""


def effect(installation: Installation, users: Iterable[User], *, on: date) -> Effect:
    """What adding these users would do, computed without writing (T10)."""
    return effect_of(installation, len(_new(installation, users)), on=on)


def effect_of(installation: Installation, more: int, *, on: date) -> Effect:
    """The same for a number of users who have no seat yet, without loading them."""
    units = installation.plan.units(usage.active(installation) + more)
    with coverage.as_of(installation.account, installation.app, on=on):
        return effects.of(
            installation.account, installation.plan, units=units, on=on, leaving=False
        )


@transaction.atomic
def add(
    installation: Installation, users: Iterable[User], *, signed: Signature, on: date,
    kind: str = Order.Kind.USERS,
) -> Order:  # fmt: skip
    """Activate users; those above the contracted quantity are billed at once (T10).

    Refuses users of another account (code stranger) or deactivated (inactive), an
    installation that failed or ended (not_installed), users the contract does not cover
    while an end is pending (ending), nobody (no_users), a purchase while joiners wait
    for their seats (joining), and what `orders.place` refuses.
    """
    users = list(users)
    body = orders.body_digest(
        add=installation.pk, users=sorted(user.pk for user in users)
    )
    account = installation.account
    if order := orders.repeated(account, key=signed.key, body=body):
        return order
    contracts.locked(account, on=on)
    installation = locked(installation, on=on)
    quiet(installation)
    check_people(account, users)
    new = _new(installation, users)
    if not new:
        raise ValidationError(
            _("All of these users have a seat already."), code="no_users"
        )
    coverage.bring_forward(account, installation.app, on=on)
    units = installation.plan.units(usage.active(installation) + len(new))
    effect = effects.of(account, installation.plan, units=units, on=on, leaving=False)
    refuse_uncovered(installation, effect)
    order = orders.place(
        account, kind=kind, plan=installation.plan, effect=effect, signed=signed,
        body=body, on=on,
    )  # fmt: skip
    effects.carry_out(
        effect, account=account, cause=f"order:{order.pk}", by=signed.by, on=on,
        order=order,
    )  # fmt: skip
    seat(installation, new, by=signed.by, on=on)
    partner_events.seats_added(installation, new, on=on)
    _record("seats.added", installation, new, by=signed.by, on=on, order=order.pk)
    return order


def refuse_uncovered(installation: Installation, effect: Effect) -> None:
    """Refuse to bill more for an app while its end is pending (code ending, 3.15)."""
    if installation.ends_on and effect.bills:
        raise ValidationError(
            _(
                "The app is uninstalled on %(day)s, so only users the contract"
                " covers can be added. Take the uninstall back to add more."
            )
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )


@transaction.atomic
def remove(
    installation: Installation, users: Iterable[User], *, by: User, on: date,
    lower: bool = False, ticket_wanted: bool = False,
) -> list[RenewalChange]:  # fmt: skip
    """Free seats. The bill stays; `lower` asks for the lower quantity at renewal (T13).

    Returns the renewal changes made. Refuses a closed installation (not_installed).
    """
    contracts.locked(installation.account, on=on)
    installation = locked(installation, on=on)
    coverage.bring_forward(installation.account, installation.app, on=on)
    gone = free(installation, users, by=by, on=on, why="removed")
    partner_events.seats_removed(installation, gone, on=on)
    _record("seats.removed", installation, gone, by=by, on=on)
    if not lower:
        return []
    to = max(1, installation.plan.units(usage.active(installation)))
    return lower_to(installation, to, by=by, on=on, ticket_wanted=ticket_wanted)


@transaction.atomic
def lower_to(
    installation: Installation, to: int, *, by: User, on: date, reason: str = "",
    ticket_wanted: bool = False,
) -> list[RenewalChange]:  # fmt: skip
    """Ask that the lines of the plan bill `to` units together from their term end (T13).

    The latest line gives first; a line left with nothing ends. An undecided wish for a
    line that now gives nothing is taken back. Refuses a quantity that is not lower (code
    not_lower), an app being uninstalled (ending) or gone (not_installed).
    """
    contracts.locked(installation.account, on=on)
    installation = locked(installation, on=on)
    if installation.ends_on:
        raise ValidationError(
            _("The app is uninstalled on %(day)s: all of it ends then.")
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )
    coverage.bring_forward(installation.account, installation.app, on=on)
    made = []
    wish = {"by": by, "on": on, "reason": reason, "ticket_wanted": ticket_wanted}
    cuts = lowering(installation, to, on=on)
    if cuts:
        _take_back_others(installation, cuts, by=by, on=on)
    for cut in cuts:
        if cut.left == 0:
            made.append(renewals.end(cut.line, **wish))
        else:
            made.append(renewals.lower(cut.line, to=cut.left, **wish))
    if not made:
        raise ValidationError(
            _(
                "That many are billed now, or fewer. Choose a lower quantity, or uninstall"
                " the app to end it."
            ),
            code="not_lower",
        )
    return made


@dataclass(frozen=True)
class Cut:
    """What lowering takes from one line at its term end."""

    line: Line
    billed: int
    left: int
    term_ends_on: date

    @property
    def monthly_saving(self) -> Decimal:
        """Exact, as a monthly equivalent in the line's currency."""
        return self.line.monthly_unit_price * (self.billed - self.left)


def lowering(installation: Installation, to: int, *, on: date) -> list[Cut]:
    """Which lines give how much for `to` units to be billed together (T13).

    Only lines that renew count, the latest gives first. Empty where `to` is not lower.
    Writes nothing.
    """
    covering = [
        line
        for line in coverage.of(installation.account, installation.plan, on=on)
        if not line.replaced_by_id
    ]
    terms = Term.objects.filter(line__in=covering).holding(on)
    terms = {term.line_id: term for term in terms}
    renewing = [
        (line, terms[line.pk])
        for line in covering
        if line.pk in terms
        and not (line.ends_on and line.ends_on <= terms[line.pk].ends_on)
    ]
    surplus = sum(term.billed for _line, term in renewing) - to
    cuts = []
    for line, term in reversed(renewing):
        taken = min(surplus, term.billed)
        if to >= 1 and taken > 0:
            surplus -= taken
            cuts.append(Cut(line, term.billed, term.billed - taken, term.ends_on))
    return cuts


def _take_back_others(installation: Installation, cuts: list[Cut], *, by, on) -> None:
    others = RenewalChange.objects.undecided().filter(
        line__account=installation.account,
        line__plan=installation.plan,
        kind__in=[RenewalChange.Kind.LOWER, RenewalChange.Kind.END],
        term_ends_on__gt=on,
    )
    for change in others.exclude(line__in=[cut.line for cut in cuts]):
        renewals.withdraw(change, by=by, on=on)


def locked(installation: Installation, *, on: date) -> Installation:
    """The installation, locked, if it stands on that day (else code not_installed)."""
    row = Installation.objects.locked(installation.pk)
    ended = row.closed_on or (row.ends_on and row.ends_on <= on)
    if ended or row.state == Installation.State.FAILED:
        raise ValidationError(
            _("The app is not installed any more. Install it again first."),
            code="not_installed",
        )
    return row


def quiet(installation: Installation) -> None:
    """Refuse to buy while joiners of an import wait for their seats (code joining).

    They came first, and what the contract covers is theirs; the task seats them within
    a minute, and the figures are right again.
    """
    if installation.joins.waiting().exists():
        raise ValidationError(
            _(
                "People who joined an activated role are getting their seats right now."
                " Try again in a minute, with the new figures."
            ),
            code="joining",
        )


def check_people(account, users: Iterable[User]) -> None:
    """Refuse users of another account (code stranger) and deactivated ones (inactive)."""
    if any(user.account_id != account.pk for user in users):
        raise ValidationError(_("Users must belong to this account."), code="stranger")
    inactive = [str(user) for user in users if not user.is_active]
    if inactive:
        raise ValidationError(
            _("%(people)s cannot get a seat: deactivated.")
            % {"people": ", ".join(inactive[:5])},
            code="inactive",
        )


def seat(
    installation: Installation, users: Iterable[User], *, by: User, on: date,
    role: Role | None = None, why: str = "added",
) -> int:  # fmt: skip
    """Write seats and their events, without any question of money. Returns how many.

    Open requests of theirs for the app are answered by it. One statement each, however
    many: 80,000 take about a second instead of seven.
    """
    ids = [user.pk for user in users]
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO myapps_seat (account_id, installation_id, user_id, role_id,"
                " role_name, team, added_by_id, added_on)"
                " SELECT %s, %s, person.id, %s, %s, person.team, %s, %s"
                " FROM unnest(%s::bigint[]) WITH ORDINALITY asked(id, n)"
                " JOIN accounts_user person ON person.id = asked.id ORDER BY asked.n",
                [
                    *(installation.account_id, installation.pk),
                    *(role and role.pk, role.name if role else "", by.pk, on, ids),
                ],
            )
    _events(installation, ids, "ADDED", by=by, on=on, why=why)
    app_requests.granted(installation, ids, by=by, on=on)
    return len(ids)


def free(
    installation: Installation, users: Iterable[User], *, by: User | None, on: date,
    why: str,
) -> list[User]:  # fmt: skip
    """Delete seats and write their events; joins still waiting are superseded."""
    users = {user.pk: user for user in users}
    held = Seat.objects.filter(installation=installation, user__in=users)
    gone = [users[pk] for pk in held.values_list("user_id", flat=True)]
    _events(installation, [u.pk for u in gone], "REMOVED", by=by, on=on, why=why)
    held.delete()
    JoinEvent.objects.filter(
        installation=installation, user__in=users, outcome__in=["", "QUEUED"]
    ).update(outcome=JoinEvent.Outcome.SUPERSEDED, reason=why, decided_on=on)
    return gone


def _events(installation, users: list[int], kind, *, by, on: date, why: str) -> None:
    """Write the events of seats that are there; each with the role and team of its seat,
    which an older one does not have.
    """
    if not users:
        return
    active = usage.active(installation) - (len(users) if kind == "REMOVED" else 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO myapps_seatevent (account_id, installation_id, user_id, kind,"
            ' "on", at, by_id, why, role_name, team, active)'
            " SELECT %s, %s, seat.user_id, %s, %s, clock_timestamp(), %s, %s,"
            " CASE WHEN seat.team IS NOT NULL THEN seat.role_name END, seat.team, %s"
            " FROM unnest(%s::bigint[]) WITH ORDINALITY asked(id, n)"
            " JOIN myapps_seat seat"
            " ON seat.installation_id = %s AND seat.user_id = asked.id"
            " ORDER BY asked.n",
            [
                *(installation.account_id, installation.pk, kind, on),
                *(by and by.pk, why, active, users, installation.pk),
            ],
        )


def _new(installation: Installation, users: Iterable[User]) -> list[User]:
    users = {user.pk: user for user in users}
    held = Seat.objects.filter(installation=installation)
    if len(users) <= ASKED_BY_NAME:
        held = held.filter(user__in=users)
    seated = set(held.values_list("user_id", flat=True))
    return [user for pk, user in users.items() if pk not in seated]


def _record(verb, installation, users, *, by, on, **data) -> None:
    activities.record(
        verb,
        account=installation.account,
        by=by,
        on=on,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
        users=users,
        **data,
    )
