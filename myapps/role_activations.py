"""Roles activated for an installation; with Auto Install, a standing order (T6, 3.21)."""

from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Role, User, UserQuerySet
from billing import approvals, contracts, effects, orders
from billing.effects import Effect
from billing.models import Order
from billing.orders import Signature
from journal import activities, days
from myapps import coverage, partner_events, seats, usage
from myapps.models import Installation, JoinEvent, RoleActivation, Seat


def effect(installation: Installation, role: Role, *, on: date) -> Effect:
    """What activating a role does now: its members get seats (3.21). Writes nothing."""
    return _effect(installation, unseated(installation, role).count(), on=on)


def standing_effect(installation: Installation, *, on: date) -> Effect:
    """What turning Auto Install on does now: nobody gets a seat by it yet (T6)."""
    return _effect(installation, 0, on=on)


def _effect(installation: Installation, new: int, *, on: date) -> Effect:
    units = installation.plan.units(max(usage.active(installation) + new, 1))
    with coverage.as_of(installation.account, installation.app, on=on):
        return effects.of(
            installation.account, installation.plan, units=units, on=on, leaving=False
        )


@transaction.atomic
def activate(
    installation: Installation, role: Role, *, auto_install: bool, signed: Signature,
    on: date,
) -> RoleActivation:  # fmt: skip
    """Seat a role's members now; with Auto Install, whoever joins it later too (T6).

    Refuses a role of another account (code stranger), one that is activated (activated),
    members the contract does not cover while an end is pending (ending), and what
    `orders.place` refuses.
    """
    account = installation.account
    body = orders.body_digest(activate=installation.pk, role=role.pk, auto=auto_install)
    if order := orders.repeated(account, key=signed.key, body=body):
        return RoleActivation.objects.filter(order=order).earliest("pk")
    if role.account_id != account.pk:
        raise ValidationError(_("Roles must belong to this account."), code="stranger")
    contracts.locked(account, on=on)
    installation = seats.locked(installation, on=on)
    seats.quiet(installation)
    if installation.activations.standing().filter(role=role).exists():
        raise ValidationError(_("This role is activated already."), code="activated")
    coverage.bring_forward(account, installation.app, on=on)
    members = _members(installation, role)
    units = installation.plan.units(usage.active(installation) + len(members))
    effect = effects.of(
        account, installation.plan, units=max(units, 1), on=on, leaving=False
    )
    if installation.ends_on and effect.bills:
        raise ValidationError(
            _(
                "The app is uninstalled on %(day)s, so nobody above the contracted"
                " quantity can be added. Take the uninstall back first."
            )
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )
    order = orders.place(
        account, kind=Order.Kind.ROLE, plan=installation.plan, effect=effect,
        signed=signed, body=body, on=on, standing=auto_install,
    )  # fmt: skip
    effects.carry_out(
        effect, account=account, cause=f"order:{order.pk}", by=signed.by, on=on,
        order=order,
    )  # fmt: skip
    seats.seat(
        installation, members, by=signed.by, on=on, role=role, why="role activated"
    )
    partner_events.seats_added(installation, members, on=on)
    activation = start(
        installation, role, auto_install=auto_install, order=order, on=on
    )
    _record("role.activated", activation, by=signed.by, on=on, users=members)
    return activation


def start(
    installation: Installation,
    role: Role,
    *,
    auto_install: bool,
    order: Order,
    on: date,
) -> RoleActivation:
    """Write the activation an order gave."""
    return RoleActivation.objects.create(
        account_id=installation.account_id,
        installation=installation,
        role=role,
        role_name=role.name,
        auto_install=auto_install,
        activated_by=order.placed_by,
        activated_on=on,
        order=order,
    )


@transaction.atomic
def set_auto_install(
    activation: RoleActivation, wanted: bool, *, signed: Signature, on: date
) -> RoleActivation:
    """Turn Auto Install on, which is a standing order of its own, or off (T6, T7).

    Nobody gets a seat by it now. Refuses an activation that ended (code ended).
    """
    account = activation.account
    body = orders.body_digest(auto=activation.pk, wanted=wanted)
    if order := orders.repeated(account, key=signed.key, body=body):
        return RoleActivation.objects.filter(order=order).earliest("pk")
    contracts.locked(account, on=on)
    installation = seats.locked(activation.installation, on=on)
    activation = RoleActivation.objects.select_related("role", "order").get(
        pk=activation.pk
    )
    if activation.ended_on or activation.role is None:
        raise ValidationError(_("This role is not activated any more."), code="ended")
    if wanted == activation.auto_install:
        return activation
    if not wanted:
        _end(activation, on=on)
        renewed = _renewed(activation, activation.order, auto_install=False, on=on)
        _record("auto_install.stopped", renewed, by=signed.by, on=on)
        return renewed
    coverage.bring_forward(account, installation.app, on=on)
    units = installation.plan.units(max(usage.active(installation), 1))
    effect = effects.of(account, installation.plan, units=units, on=on, leaving=False)
    order = orders.place(
        account, kind=Order.Kind.ROLE, plan=installation.plan, effect=effect,
        signed=signed, body=body, on=on, standing=True,
    )  # fmt: skip
    _end(activation, on=on)
    renewed = _renewed(activation, order, auto_install=True, on=on)
    _record("auto_install.started", renewed, by=signed.by, on=on, order=order.pk)
    return renewed


def _renewed(activation, order, *, auto_install: bool, on: date) -> RoleActivation:
    return start(
        activation.installation, activation.role, auto_install=auto_install,
        order=order, on=on,
    )  # fmt: skip


@transaction.atomic
def stop(activation: RoleActivation, *, by: User | None, on: date) -> None:
    """Stop activating a role. Its members keep their seats; the bill stays (3.22)."""
    activation = (
        RoleActivation.objects.select_for_update(no_key=True)
        .select_related("installation__app", "account")
        .get(pk=activation.pk)
    )
    if activation.ended_on:
        return
    _end(activation, on=on)
    _record("role.stopped", activation, by=by, on=on)


def _end(activation: RoleActivation, *, on: date) -> None:
    """Joins that have no outcome yet go with the activation that asked for them."""
    activation.ended_on = on
    activation.save(update_fields=["ended_on"])
    JoinEvent.objects.filter(activation=activation, outcome="").update(
        outcome=JoinEvent.Outcome.SUPERSEDED, reason="deactivated", decided_on=on
    )


@transaction.atomic
def limit(
    installation: Installation, *, seats: int | None, monthly_spend: Decimal | None,
    by: User, on: date,
) -> Installation:  # fmt: skip
    """Set how far Auto Install may go by itself; beyond it users are queued (3.21).

    `monthly_spend` is a monthly equivalent in the contract's currency. Refuses less than
    nothing (code negative), and a looser limit while Auto Install is on in an account
    where larger purchases take two people (approved_limits, ADR 34).
    """
    if (seats is not None and seats < 0) or (
        monthly_spend is not None and monthly_spend < 0
    ):
        raise ValidationError(_("A limit is 0 or more."), code="negative")
    installation = Installation.objects.locked(installation.pk)
    looser = _is_looser(seats, installation.seat_limit) or _is_looser(
        monthly_spend, installation.monthly_spend_limit
    )
    if looser and _takes_two(installation):
        raise ValidationError(
            _(
                "Auto Install was approved with these limits. Turn it off, set the new "
                "ones, and turn it on again: then a second person decides."
            ),
            code="approved_limits",
        )
    installation.seat_limit = seats
    installation.monthly_spend_limit = monthly_spend
    installation.save(update_fields=["seat_limit", "monthly_spend_limit"])
    activities.record(
        "limits.set",
        account=installation.account,
        by=by,
        on=on,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
        seats=seats,
        monthly_spend=None if monthly_spend is None else str(monthly_spend),
    )
    return installation


def _takes_two(installation: Installation) -> bool:
    """Whether Auto Install is on where nobody buys above a limit alone."""
    if approvals.limit_of(installation.account) is None:
        return False
    automatic = RoleActivation.objects.automatic()
    return automatic.filter(installation=installation).exists()


def _is_looser(wanted: int | Decimal | None, now: int | Decimal | None) -> bool:
    return now is not None and (wanted is None or wanted > now)


def _members(installation: Installation, role: Role) -> list[User]:
    return list(unseated(installation, role))


def unseated(installation: Installation, role: Role) -> UserQuerySet:
    """Active members of a role who have no seat: whom activating it would seat."""
    seated = Seat.objects.filter(installation=installation).values("user")
    return role.members.filter(is_active=True).exclude(pk__in=seated)


def _record(verb, activation, *, by, on, **data) -> None:
    activities.record(
        verb,
        account=activation.account,
        by=by,
        on=on,
        subject=activation.installation,
        app=activation.installation.app.slug,
        name=activation.installation.app.name,
        role=activation.role_name,
        auto_install=activation.auto_install,
        **data,
    )
