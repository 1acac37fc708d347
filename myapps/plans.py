"""Changing the plan of an installation: now (T11, 3.13), or at renewal (3.12)."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing import contracts, effects, orders, renewals
from billing.effects import Effect
from billing.models import Line, Order, RenewalChange
from billing.orders import Signature
from journal import activities, days
from marketplace import list_prices, offers
from marketplace.models import Plan
from myapps import coverage, partner_events, seats, usage
from myapps.models import Installation


def effect(installation: Installation, plan: Plan, *, on: date) -> Effect:
    """What changing to a plan now does, both outcomes for the old one included (3.13)."""
    with coverage.as_of(installation.account, installation.app, on=on):
        return effects.of(
            installation.account, plan, units=_units(installation, plan), on=on
        )


@transaction.atomic
def change(
    installation: Installation, plan: Plan, *, signed: Signature, on: date
) -> Order:
    """Change to another base plan now, for all selected users (T11).

    The new line bills at once; the replaced one never renews, and Support is asked to
    end it early with a credit (3.13). Going back to a plan whose line still runs puts the
    seats back on it (3.4). Refuses the plan it has (code same_plan), another app's
    (foreign_plan), one not offered (not_listed), a pending end (ending), and what
    `effects.of` and `orders.place` refuse.
    """
    account = installation.account
    body = orders.body_digest(change=installation.pk, plan=plan.pk)
    if order := orders.repeated(account, key=signed.key, body=body):
        return order
    contracts.locked(account, on=on)
    installation = seats.locked(installation, on=on)
    seats.quiet(installation)
    check(installation, plan)
    coverage.bring_forward(account, installation.app, on=on)
    installation.refresh_from_db(fields=["plan"])
    check(installation, plan)
    effect = effects.of(account, plan, units=_units(installation, plan), on=on)
    order = orders.place(
        account, kind=Order.Kind.PLAN, plan=plan, effect=effect, signed=signed,
        body=body, on=on,
    )  # fmt: skip
    effects.carry_out(
        effect, account=account, cause=f"order:{order.pk}", by=signed.by, on=on,
        order=order,
    )  # fmt: skip
    before = installation.plan
    installation.plan = plan
    installation.save(update_fields=["plan"])
    partner_events.plan_changed(installation, before, on=on)
    activities.record(
        "plan.changed",
        account=account,
        by=signed.by,
        on=on,
        subject=installation,
        app=installation.app.slug,
        authority=f"{signed.authority}: {signed.role_name}",
        name=installation.app.name,
        before=before.name,
        plan=plan.name,
        order=order.pk,
    )
    return order


@transaction.atomic
def change_at_renewal(
    installation: Installation, plan: Plan, *, by: User, on: date, reason: str = "",
    ticket_wanted: bool = False,
) -> list[RenewalChange]:  # fmt: skip
    """Ask for another plan from the term end on, at the price listed that day (3.12).

    Where several lines of the plan cover together, one is switched for all users and the
    others end. Refuses what `change` refuses, and a plan without a list price in the
    line's currency (codes on_request, currency).
    """
    account = installation.account
    contracts.locked(account, on=on)
    installation = seats.locked(installation, on=on)
    check(installation, plan)
    coverage.bring_forward(account, installation.app, on=on)
    covering = switchable(installation, plan, on=on)
    wish = {"by": by, "on": on, "reason": reason, "ticket_wanted": ticket_wanted}
    *others, latest = covering
    return [renewals.end(line, **wish) for line in others] + [
        renewals.switch(latest, to=plan, **wish)
    ]


def switchable(installation: Installation, plan: Plan, *, on: date) -> list[Line]:
    """Lines that a change at renewal would end, the last one switched (3.12).

    Refuses what `change_at_renewal` refuses.
    """
    check(installation, plan)
    covering = [
        line
        for line in coverage.of(installation.account, installation.plan, on=on)
        if not line.replaced_by_id
    ]
    if not covering:
        raise ValidationError(
            _("No line of this plan renews, so there is nothing to change at renewal."),
            code="not_renewing",
        )
    _check_price(plan, covering[-1].currency, on=on)
    return covering


def check(installation: Installation, plan: Plan) -> None:
    """Refuse a plan that the app cannot be changed to, now or at renewal."""
    if plan.app_id != installation.app_id:
        raise ValidationError(
            _("This plan belongs to another app."), code="foreign_plan"
        )
    if plan.pk == installation.plan_id:
        raise ValidationError(_("The app is on this plan already."), code="same_plan")
    if plan.is_base and not offers.available(plan, installation.account):
        raise ValidationError(
            _(
                "This plan is not listed. Ask Support to make it available to your"
                " account."
            ),
            code="not_listed",
        )
    if installation.ends_on:
        raise ValidationError(
            _("The app is uninstalled on %(day)s. Take that back first.")
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )


def _check_price(plan: Plan, currency: str, *, on: date) -> None:
    if plan.price_on_request:
        raise ValidationError(
            _("The price of this plan is on request. Ask sales for an offer."),
            code="on_request",
        )
    if list_prices.of(plan, currency=currency, on=on) is None:
        raise ValidationError(
            _("This plan is not sold in %(currency)s. Ask sales for an offer.")
            % {"currency": currency},
            code="currency",
        )


def _units(installation: Installation, plan: Plan) -> int:
    return plan.units(usage.active(installation))
