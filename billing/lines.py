"""Lines under contract: found by account, app and plan, opened with their first term."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import Account
from billing import currencies, periods
from billing.models import Contract, Line, Term
from journal import days
from marketplace.models import App, Plan


def term_on(line: Line, day: date) -> Term:
    """The line's term that holds a local day. Refuses a day without one (code no_term)."""
    term = line.terms.holding(day).first()
    if term is None:
        raise ValidationError(
            _("This line has no term on %(day)s. Try again after the next hourly run.")
            % {"day": days.said(day)},
            code="no_term",
        )
    return term


def running(account: Account, app: App, *, on: date) -> list[Line]:
    """Base lines of an app that run on a local day, oldest first, each with its term.

    The term is at `line.term`; a line between two terms (its end not carried out yet)
    has the last one.
    """
    lines = list(
        Line.objects.of(account)
        .base()
        .running(on=on)
        .filter(app=app)
        .select_related("plan", "contract", "replaced_by")
        .order_by("starts_on", "id")
    )
    terms = Term.objects.filter(line__in=lines, starts_on__lte=on).order_by("starts_on")
    newest = {term.line_id: term for term in terms}
    for line in lines:
        line.term = newest.get(line.pk)
    return [line for line in lines if line.term]


def of_plan(found: list[Line], plan: Plan) -> list[Line]:
    """Those of one plan: they cover together (3.1)."""
    return [line for line in found if line.plan_id == plan.pk]


def covering(found: list[Line], plan: Plan) -> list[Line]:
    """Lines that cover a plan's units together (3.1), ended or replaced ones included
    until their last day, but not a self-serve line that a signed one took over (3.5).
    """
    return [
        line
        for line in of_plan(found, plan)
        if line.replaced_by is None or line.replaced_by.plan_id != plan.pk
    ]


def growing(covering: list[Line]) -> Line:
    """The line that growth goes to: the latest signed one, else the latest (3.1)."""
    signed = [line for line in covering if line.basis == Line.Basis.SIGNED]
    return (signed or covering)[-1]


def open_line(*, contracted: int, peak: int = 0, term_ends_on=None, **fields) -> Term:
    """Create a line and its first term, on the grid of its anchor. Returns the term.

    A line of a contract that does not renew ends with it; self-serve lines go on (3.16).
    """
    contract = fields["contract"]
    if fields["basis"] != Line.Basis.SELF_SERVE and "ends_on" not in fields:
        fields["ends_on"] = _end_of(contract)
    line = Line.objects.create(
        app=fields["plan"].app,
        digits=currencies.digits(fields["currency"]),
        **fields,
    )
    return open_term(
        line,
        starts_on=line.starts_on,
        contracted=contracted,
        peak=peak,
        ends_on=term_ends_on,
    )


def _end_of(contract: Contract) -> date | None:
    """Where lines end with their contract; None where a successor takes them on."""
    if contract.ends_on is None:
        return None
    followed = Contract.objects.of(contract.account_id).current(on=contract.ends_on)
    return None if followed.exists() else contract.ends_on


def open_term(
    line: Line, *, starts_on: date, contracted: int, peak: int = 0, ends_on=None
) -> Term:
    """Open the line's term that holds a day, from that day to the term grid's next end."""
    grid = periods.period_on(line.anchor_on, line.term_months, starts_on)
    billed_until = starts_on
    elsewhere = line.contract.billed_until if line.order_form_id else None
    if elsewhere:
        billed_until = min(max(starts_on, elsewhere), ends_on or grid.end)
    term = Term.objects.create(
        account=line.account,
        line=line,
        timezone=line.account.timezone,
        starts_on=starts_on,
        ends_on=ends_on or grid.end,
        contracted=contracted,
        peak=peak,
        billed_until=billed_until,
    )
    term.line = line
    return term


def park(line_id: int, *, because: str) -> Line:
    """Take a line out of the hourly run, which it broke, until somebody looks (5.5)."""
    Line.objects.locked(line_id)
    Line.objects.filter(pk=line_id).update(parked_at=Now(), parked_because=because)
    return Line.objects.select_related("account", "plan__app").get(pk=line_id)


def release(line_id: int) -> None:
    """Put a parked line back: the next run makes up for what it missed."""
    Line.objects.locked(line_id)
    Line.objects.filter(pk=line_id).update(parked_at=None, parked_because="")
