"""Add-on plans: sold by sales, activated by the partner on contracted terms only (T16)."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing.models import Line, Term
from journal import activities, days
from marketplace.models import Plan
from myapps.models import AddOnActivation, Installation


def activated(line: Line) -> int:
    """Units of the line that are active now."""
    found = AddOnActivation.objects.filter(line=line, deactivated_on=None)
    return found.aggregate(units=Sum("quantity", default=0))["units"]


def contracted(account: Account | None, plan: Plan, *, on: date) -> Line:
    """The line under which an account has an add-on: one with units left to activate
    that runs, else the latest.

    Refuses a base plan (code base_plan) and a plan that nobody contracted for the
    account (not_contracted); an account that does not exist reads the same (T16).
    """
    if plan.is_base:
        raise _base_plan()
    lines = list(
        Line.objects.filter(account=account, plan=plan).order_by("starts_on", "pk")
        if account
        else []
    )
    if not lines:
        raise ValidationError(
            _(
                "No line of %(plan)s is contracted for this account. Sales makes the"
                " offer."
            )
            % {"plan": plan},
            code="not_contracted",
        )
    running = [line for line in lines if _runs(line, on)]
    for line in running:
        term = _term(line, on)
        if term and term.billed > activated(line):
            return line
    return (running or lines)[-1]


@transaction.atomic
def activate(line: Line, *, quantity: int, by: User, on: date) -> AddOnActivation:
    """A partner activates units of a contracted add-on; no money moves (T16).

    Refuses a base plan (code base_plan), a day before or after the line (not_running),
    a line of which nothing is contracted any more (not_contracted), an account without
    the app where the app has base plans (not_installed), and more than is contracted
    (over_quantity).
    """
    line = Line.objects.locked(line.pk)
    if line.plan.is_base:
        raise _base_plan()
    if not _runs(line, on):
        raise ValidationError(
            _("This line does not run on %(day)s: its add-on cannot be switched on.")
            % {"day": days.said(on)},
            code="not_running",
        )
    term = _term(line, on)
    if term is None or not term.billed:
        raise ValidationError(
            _("Nothing of this add-on is contracted in this term."),
            code="not_contracted",
        )
    needs_base = Plan.objects.base().filter(app=line.app).exists()
    installed = Installation.objects.of(line.account).working(on=on)
    if needs_base and not installed.filter(app=line.app).exists():
        raise ValidationError(
            _(
                "%(app)s is not installed for %(account)s. Its administrator"
                " installs it first."
            )
            % {"app": line.app, "account": line.account},
            code="not_installed",
        )
    left = term.billed - activated(line)
    if not 1 <= quantity <= left:
        raise ValidationError(
            f"{term.billed} are contracted and {term.billed - left} active:"
            f" choose a quantity from 1 to {left}."
            if left
            else f"All {term.billed} contracted units are active.",
            code="over_quantity",
        )
    activation = AddOnActivation.objects.create(
        account=line.account,
        line=line,
        quantity=quantity,
        activated_by=by,
        activated_on=on,
    )
    _record("add_on.activated", line, quantity, by=by, on=on)
    return activation


@transaction.atomic
def deactivate(activation: AddOnActivation, *, by: User, on: date) -> AddOnActivation:
    """A partner switches units off; the contract bills on (T16).

    Refuses units that are off already (code not_active).
    """
    row = AddOnActivation.objects.select_for_update(no_key=True).get(pk=activation.pk)
    if row.deactivated_on:
        raise ValidationError(_("These units are off already."), code="not_active")
    row.deactivated_on, row.deactivated_by = on, by
    row.save(update_fields=["deactivated_on", "deactivated_by"])
    _record("add_on.deactivated", row.line, row.quantity, by=by, on=on)
    return row


def _runs(line: Line, on: date) -> bool:
    return line.starts_on <= on and not (line.ends_on and line.ends_on <= on)


def _term(line: Line, on: date) -> Term | None:
    return line.terms.holding(on).first() or line.terms.order_by("starts_on").last()


def _base_plan() -> ValidationError:
    return ValidationError(
        _("Base plans are installed by the account's administrators."), code="base_plan"
    )


def _record(verb: str, line: Line, quantity: int, *, by: User, on: date) -> None:
    activities.record(
        verb,
        account=line.account,
        by=by,
        on=on,
        subject=line,
        app=line.app.slug,
        name=line.app.name,
        plan=line.plan.name,
        quantity=quantity,
    )
