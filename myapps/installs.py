"""Installing an app: a plan, its first users and roles, one signed order (T1–T4, T7, T14,
T17)."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, Role, User
from billing import contracts, effects, orders
from billing.effects import Effect
from billing.models import Order
from billing.orders import Signature
from journal import activities, endpoints
from marketplace import offers
from marketplace.models import Plan
from myapps import coverage, endings, partner_events, role_activations, seats
from myapps.models import Installation

CONFIRM_WITHIN_DAYS = 7


def chosen(
    account: Account, users: Iterable[User], roles: Iterable[Role]
) -> list[User]:
    """Everybody who gets a seat: chosen users, and active members of chosen roles."""
    people = {user.pk: user for user in users}
    members = User.objects.active().filter(account=account).in_roles(list(roles))
    return list(people.values()) + [u for u in members if u.pk not in people]


def effect(account: Account, plan: Plan, *, seats: int, on: date) -> Effect:
    """What installing a plan for so many users does, computed without writing."""
    _choosable(plan, account)
    with coverage.as_of(account, plan.app, on=on):
        return effects.of(account, plan, units=plan.units(seats), on=on, leaving=False)


@transaction.atomic
def install(
    account: Account, plan: Plan, users: Iterable[User], *, roles: dict[Role, bool],
    signed: Signature, on: date,
) -> Installation:  # fmt: skip
    """Install an app on a base plan for users, and for roles (True: with Auto Install).

    Active at once, or installing until its partner, if it has an endpoint, confirms
    within seven days (3.20).
    Refuses an app that is installed (code installed), a plan that is not offered
    (not_listed), a foreign or deactivated user (stranger, inactive), nobody for a Per
    Seat plan (no_users), and what `effects.of` and `orders.place` refuse.
    """
    users, app = list(users), plan.app
    order = orders.repeated(account, key=signed.key, body=body(plan, users, roles))
    if order:
        return Installation.objects.get(order=order)
    contracts.locked(account, on=on)
    coverage.bring_forward(account, app, on=on)
    endings.close_ended(account, app, on=on)
    if Installation.objects.of(account).standing().filter(app=app).exists():
        raise ValidationError(
            _("%(app)s is installed already. Manage it in My Apps.") % {"app": app},
            code="installed",
        )
    _choosable(plan, account)
    if any(role.account_id != account.pk for role in roles):
        raise ValidationError(_("Roles must belong to this account."), code="stranger")
    people = chosen(account, users, roles)
    seats.check_people(account, people)
    units = plan.units(len(people))
    effect = effects.of(account, plan, units=units, on=on, leaving=False)
    order = orders.place(
        account, kind=Order.Kind.INSTALL, plan=plan, effect=effect, signed=signed,
        body=body(plan, users, roles), on=on, standing=any(roles.values()),
    )  # fmt: skip
    installation = _create(account, plan, order, by=signed.by, on=on)
    effects.carry_out(
        effect, account=account, cause=f"order:{order.pk}", by=signed.by, on=on,
        order=order,
    )  # fmt: skip
    _seat(installation, users, people, roles, by=signed.by, on=on)
    for role, auto in roles.items():
        role_activations.start(
            installation, role, auto_install=auto, order=order, on=on
        )
    partner_events.installed(installation, on=on)
    activities.record(
        "app.installed",
        account=account,
        by=signed.by,
        on=on,
        subject=installation,
        app=app.slug,
        authority=f"{signed.authority}: {signed.role_name}",
        name=app.name,
        plan=plan.name,
        seats=len(people),
        order=order.pk,
    )
    return installation


def body(plan: Plan, users: Iterable[User], roles: dict[Role, bool]) -> str:
    """The digest of what an install asks for: the same key must ask the same (3.18)."""
    return orders.body_digest(
        install=plan.pk,
        users=sorted(user.pk for user in users),
        roles=sorted((role.pk, auto) for role, auto in roles.items()),
    )


def _choosable(plan: Plan, account: Account) -> None:
    if plan.is_base and not offers.available(plan, account):
        raise ValidationError(
            _(
                "This plan is not listed. Ask Support to make it available to your"
                " account."
            ),
            code="not_listed",
        )


def _create(account, plan, order, *, by, on) -> Installation:
    waits = endpoints.expected(plan.app.partner_id)
    state = Installation.State.INSTALLING if waits else Installation.State.ACTIVE
    return Installation.objects.create(
        account=account,
        contract=order.contract,
        app=plan.app,
        plan=plan,
        order=order,
        state=state,
        installed_by=by,
        installed_on=on,
        confirm_by=on + timedelta(days=CONFIRM_WITHIN_DAYS) if waits else None,
    )


def _seat(installation, users, people, roles, *, by, on) -> None:
    """Seats for chosen users, and for each role's members those the role gave."""
    given = {user.pk for user in users}
    seats.seat(installation, users, by=by, on=on, why="installed")
    for role in roles:
        members = set(role.members.values_list("pk", flat=True))
        mine = [u for u in people if u.pk in members and u.pk not in given]
        given |= {user.pk for user in mine}
        seats.seat(installation, mine, by=by, on=on, role=role, why="role activated")
