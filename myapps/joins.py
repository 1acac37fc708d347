"""Auto Install: somebody joins an activated role and gets a seat, once (T6, 3.21).

A join event has one outcome. Nobody is ever bought by "member without a seat": a user
whom an administrator removed is not bought again.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Role, User
from billing import contracts, effects, lines
from billing.models import Order, Term
from billing.orders import Signature
from journal import activities
from myapps import coverage, partner_events, seats, signals, usage
from myapps.models import Installation, JoinEvent, RoleActivation, Seat

Outcome = JoinEvent.Outcome
AT_ONCE = 200
BATCH = 2000


@transaction.atomic
def record(role: Role, users: Iterable[User], *, on: date) -> list[int]:
    """Write a join event for each user and installation the role is activated on.

    Returns the installations with work to do. Seats marked as "no longer in the role"
    are in it again.
    """
    users = list(users)
    automatic = RoleActivation.objects.automatic().filter(
        role=role, installation__closed_on=None
    )
    found = list(automatic.exclude(installation__state=Installation.State.FAILED))
    Seat.objects.filter(role=role, user__in=users).update(left_role_on=None)
    for activation in found:
        JoinEvent.objects.bulk_create(
            [
                JoinEvent(
                    account_id=role.account_id,
                    activation=activation,
                    installation_id=activation.installation_id,
                    user=user,
                    joined_on=on,
                )
                for user in users
            ],
            batch_size=5000,
        )
    return [activation.installation_id for activation in found]


def waiting(*, zone: str | None = None) -> list[int]:
    """Installations with join events that have no outcome yet, in a time zone or all."""
    found = JoinEvent.objects.waiting().order_by("installation_id")
    if zone is not None:
        found = found.filter(account__timezone=zone)
    return list(found.values_list("installation_id", flat=True).distinct())


def settle_all(installation: int) -> int:
    """Settle every waiting join of an installation, a transaction a batch.

    Survives being killed: what has no outcome is found again. Returns how many.
    """
    total = 0
    while done := settle(installation):
        total += done
    return total


@transaction.atomic
def settle(installation: int, *, most: int = BATCH) -> int:
    """Give waiting joins of one installation their outcome (3.21).

    Seated and billed where not covered, as of the day of joining; queued beyond a limit,
    without a contract, or where an end is pending and the contract does not cover them;
    refused when deactivated; superseded when they left the role. Returns how many.
    """
    row = Installation.objects.select_related("account").get(pk=installation)
    first = _first(row)
    if first is None:
        return 0
    contracts.locked(row.account, on=first.joined_on)
    row = (
        Installation.objects.select_for_update(no_key=True, of=["self"])
        .select_related("account", "app", "plan")
        .get(pk=installation)
    )
    first = _first(row)
    if first is None:
        return 0
    day = first.joined_on
    joins = list(
        JoinEvent.objects.waiting()
        .filter(installation=row, joined_on=day)
        .select_related("user", "activation")
        .order_by("id")[:most]
    )
    coverage.bring_forward(row.account, row.app, on=day)
    row.refresh_from_db(fields=["plan", "closed_on", "state"])
    fit = _fit(row, joins)
    room, why = _room(row, on=day)
    seated, queued = fit[:room], fit[room:]
    if seated:
        _seat(row, seated, on=day)
    _close(queued, Outcome.QUEUED, why, on=day)
    return len(joins)


def _first(installation: Installation) -> JoinEvent | None:
    found = JoinEvent.objects.waiting().filter(installation=installation)
    return found.order_by("id").first()


def _fit(installation: Installation, joins: list[JoinEvent]) -> list[JoinEvent]:
    """Joins that ask for a new seat; the others get their outcome here."""
    seated = set(
        Seat.objects.filter(
            installation=installation, user__in=[join.user_id for join in joins]
        ).values_list("user_id", flat=True)
    )
    members = _members(joins)
    fit, users = [], set()
    outcomes: dict[tuple[str, str], list[JoinEvent]] = {}
    gone = installation.closed_on or installation.state == Installation.State.FAILED
    for join in joins:
        if gone or join.activation.ended_on:
            outcome = (Outcome.SUPERSEDED, "ended")
        elif not join.user.is_active:
            outcome = (Outcome.REFUSED, "inactive")
        elif (join.activation.role_id, join.user_id) not in members:
            outcome = (Outcome.SUPERSEDED, "left_role")
        elif join.user_id in seated or join.user_id in users:
            outcome = (Outcome.SEATED, "has_a_seat")
        else:
            fit.append(join)
            users.add(join.user_id)
            continue
        outcomes.setdefault(outcome, []).append(join)
    for (outcome, reason), group in outcomes.items():
        _close(group, outcome, reason, on=group[0].joined_on)
    return fit


def _members(joins: list[JoinEvent]) -> set[tuple[int, int]]:
    groups = User.groups.through.objects.filter(
        user__in=[join.user_id for join in joins],
        group__role__in={join.activation.role_id for join in joins},
    )
    return set(groups.values_list("group__role", "user"))


def _room(installation: Installation, *, on: date) -> tuple[int, str]:
    """How many more users Auto Install may seat by itself, and what stops it then."""
    active = usage.active(installation)
    found = lines.of_plan(
        lines.running(installation.account, installation.app, on=on), installation.plan
    )
    billed = sum(line.term.billed for line in found)
    per_account = installation.plan.per_account
    free = 10**9 if per_account and found else max(0, billed - active)
    room, why = 10**9, ""
    if installation.ends_on:
        room, why = free, "ending"
    elif contracts.current(installation.account, on=on) is None:
        room, why = free, "no_contract"
    elif installation.monthly_spend_limit is not None and found:
        spend = sum(line.monthly_unit_price * line.term.billed for line in found)
        price = lines.growing(found).monthly_unit_price
        left = max(Decimal(0), installation.monthly_spend_limit - spend)
        if price:
            room, why = free + int(left // price), "spend_limit"
    if installation.seat_limit is not None:
        seats_left = max(0, installation.seat_limit - active)
        if seats_left < room:
            room, why = seats_left, "seat_limit"
    return room, why


def _seat(installation: Installation, joins: list[JoinEvent], *, on: date) -> None:
    units = installation.plan.units(usage.active(installation) + len(joins))
    effect = _bill(installation, joins[0], units=units, on=on)
    for day in _later_terms(installation, after=on):
        _bill(installation, joins[0], units=units, on=day)
    groups: dict[RoleActivation, list[User]] = {}
    for join in joins:
        groups.setdefault(join.activation, []).append(join.user)
    for activation, users in groups.items():
        seats.seat(
            installation, users, by=activation.activated_by, on=on,
            role=activation.role, why=f"join:{joins[0].pk}",
        )  # fmt: skip
    partner_events.seats_added(installation, [join.user for join in joins], on=on)
    _close(joins, Outcome.SEATED, "", on=on)
    activities.record(
        "joins.seated",
        account=installation.account,
        by=None,
        on=on,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
        users=[join.user for join in joins],
        billed=str(effect.first_amount),
        currency=effect.currency,
    )
    if effect.first_amount:
        signals.seats_bought.send(
            Installation,
            installation=installation,
            users=[join.user for join in joins],
            effect=effect,
            on=on,
        )


def _bill(installation: Installation, join: JoinEvent, *, units: int, on: date):
    """Bill what is not covered. A standing order never gives up another signed plan."""
    effect = effects.of(
        installation.account, installation.plan, units=units, on=on, leaving=False
    )
    effects.carry_out(
        effect,
        account=installation.account,
        cause=f"join:{join.pk}",
        by=join.activation.activated_by,
        on=on,
    )
    return effect


def _later_terms(installation: Installation, *, after: date) -> list[date]:
    """First days of terms that were opened without these users: they joined before."""
    found = Term.objects.filter(
        line__account=installation.account,
        line__plan=installation.plan,
        starts_on__gt=after,
        line__terms__starts_on__lte=after,
    )
    return sorted(set(found.values_list("starts_on", flat=True)))


def _close(joins: list[JoinEvent], outcome, reason: str, *, on: date, by=None) -> None:
    if not joins:
        return
    JoinEvent.objects.filter(pk__in=[join.pk for join in joins]).update(
        outcome=outcome, reason=reason, decided_on=on, decided_by=by
    )
    if outcome == Outcome.QUEUED:
        installation = joins[0].installation
        activities.record(
            "joins.queued",
            account=installation.account,
            by=None,
            on=on,
            subject=installation,
            app=installation.app.slug,
            name=installation.app.name,
            users=[join.user for join in joins],
            reason=reason,
        )
        signals.queued.send(Installation, installation=installation, reason=reason)


@transaction.atomic
def seat_queued(
    installation: Installation,
    joins: Iterable[JoinEvent],
    *,
    signed: Signature,
    on: date,
) -> Order:
    """An administrator seats queued users: an order like any other (3.21).

    Refuses joins that are not waiting here (code not_queued), and what `seats.add` does.
    """
    joins = queued(installation, [join.pk for join in joins])
    order = seats.add(
        installation, [join.user for join in joins], signed=signed, on=on,
        kind=Order.Kind.QUEUE,
    )  # fmt: skip
    _close(joins, Outcome.SEATED, "", on=on, by=signed.by)
    return order


@transaction.atomic
def refuse(
    installation: Installation, joins: Iterable[JoinEvent], *, by: User, on: date
) -> None:
    """An administrator refuses queued users; they get no seat (3.21)."""
    joins = queued(installation, [join.pk for join in joins])
    _close(joins, Outcome.REFUSED, "administrator", on=on, by=by)
    activities.record(
        "joins.refused",
        account=installation.account,
        by=by,
        on=on,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
        users=[join.user for join in joins],
    )


def queued(installation: Installation, pks: Iterable[int]) -> list[JoinEvent]:
    """Joins that wait here for an administrator, by their ids, locked.

    Refuses ids that do not wait here, or not any more, and none at all (not_queued).
    """
    wanted = set(pks)
    found = list(
        JoinEvent.objects.queued()
        .filter(installation=installation, pk__in=wanted)
        .select_related("user")
        .order_by("pk")
        .select_for_update(no_key=True, of=["self"])
    )
    if len(found) != len(wanted) or not found:
        raise ValidationError(
            _("Some of these users are not waiting any more. Load the page again."),
            code="not_queued",
        )
    return found
