"""What My Apps lets an account take along: each list as a table, with the filters on it.

Who takes a list of people or of what they did is written in the journal.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import effects
from billing.models import Charge
from journal import activities
from journal.models import Activity
from journal.tables import Table
from myapps.cost_shares import Share
from myapps.overview import Holding

AT_ONCE = 2_000
DAY = timedelta(days=1)


def told(what: str, *, account: Account, by: User, on: date, app: str = "") -> None:
    """Write down who takes along a list that names people: people, seats or activity."""
    activities.record(
        f"{what}.exported", account=account, by=by, on=on, subject=account, app=app
    )


def charges(rows) -> Table:
    """Charges with their arithmetic; the last day is the last one charged."""
    rows = rows.with_reasons().select_related(
        "line__app", "line__plan", "line__order_form", "account"
    )
    columns = [
        (_("Due"), lambda row: row.billed_on),
        (_("App"), lambda row: row.line.app.name),
        (_("Plan"), lambda row: row.line.plan.name),
        (_("What"), lambda row: row.get_reason_display()),
        (_("Order"), lambda row: row.order_id),
        (_("Order form"), _order_form),
        (_("First day"), lambda row: row.starts_on),
        (_("Last day"), lambda row: row.ends_on - DAY),
        (_("Quantity"), lambda row: row.quantity),
        (_("Unit price"), lambda row: exact(row.unit_price, row.line.digits)),
        (_("Days"), lambda row: row.days),
        (_("Days of the period"), lambda row: row.period_days),
        (_("No more than"), lambda row: exact(row.capped_at, row.line.digits)),
        (_("Amount"), lambda row: exact(row.amount, row.line.digits)),
        (_("Currency"), lambda row: row.currency),
        (_("Why given back"), lambda row: row.granted_because),
    ]
    return Table(columns, rows.iterator(chunk_size=AT_ONCE))


def role_totals(shares: list[Share], apps: dict[int, str]) -> Table:
    """What each role's seats in each app came to; `apps` are their names by id."""
    columns = [
        (_("App"), lambda one: apps[one.app_id]),
        (_("Role"), lambda one: one.group.role),
        (_("Total"), lambda one: one.amount),
        (_("Currency"), lambda one: one.currency),
    ]
    rows = sorted(shares, key=lambda one: (one.currency, apps[one.app_id].casefold()))
    return Table(columns, rows)


def orders(rows) -> Table:
    """Signed orders: who clicked, by which authority, and what was charged at once."""
    rows = rows.select_related("app", "plan", "placed_by")
    columns = [
        (_("Order"), lambda row: row[0].pk),
        (_("Day"), lambda row: row[0].placed_on),
        (_("Signed at"), lambda row: row[0].placed_at),
        (_("App"), lambda row: row[0].app.name),
        (_("Plan"), lambda row: row[0].plan.name),
        (_("What"), lambda row: row[0].get_kind_display()),
        (_("Signed by"), lambda row: row[0].placed_by.display_name),
        (_("Email"), lambda row: row[0].placed_by.email),
        (_("Authority"), lambda row: row[0].authority),
        (_("Role"), lambda row: row[0].role_name),
        (_("Purchase terms"), lambda row: row[0].terms_version),
        (_("Charged at once"), lambda row: row[1].first_amount),
        (_("Currency"), lambda row: row[1].currency),
        (_("SHA-256 of what was agreed"), lambda row: row[0].effect_digest),
    ]
    pairs = (
        (row, effects.loaded(row.effect)) for row in rows.iterator(chunk_size=AT_ONCE)
    )
    return Table(columns, pairs)


def seats(rows) -> Table:
    """Who has a seat in which app, who or which role gave it, since when."""
    rows = rows.select_related("user", "added_by", "installation__app")
    columns = [
        (_("App"), lambda row: row.installation.app.name),
        (_("Person"), lambda row: row.user.display_name),
        (_("Email"), lambda row: row.user.email),
        (_("Team"), lambda row: row.user.team),
        (_("Given by role"), lambda row: row.role_name),
        (_("Added by"), lambda row: row.added_by.display_name),
        (_("Since"), lambda row: row.added_on),
        (_("No longer in the role since"), lambda row: row.left_role_on),
    ]
    return Table(columns, rows.iterator(chunk_size=AT_ONCE))


def activity(rows) -> Table:
    """The journal as its pages tell it, a sentence an entry."""
    columns = [
        (_("Day"), lambda row: row[0].on),
        (_("At"), lambda row: row[0].at),
        (_("App"), lambda row: row[0].app),
        (_("Who"), lambda row: row[1].get(row[0].actor_id, "")),
        (_("Authority"), lambda row: row[0].authority),
        (_("What happened"), lambda row: activities.sentence(*row)),
    ]
    return Table(columns, _with_names(rows))


def renewal_changes(rows) -> Table:
    """What was asked to be less, end or differ from a term end on, and what became of it."""
    rows = rows.select_related(
        "line__app", "line__plan", "target_plan", "granted_plan", "asked_by"
    )
    columns = [
        (_("App"), lambda row: row.line.app.name),
        (_("Plan"), lambda row: row.line.plan.name),
        (_("What"), lambda row: row.get_kind_display()),
        (_("From"), lambda row: row.effective_on or row.term_ends_on),
        (_("Asked quantity"), lambda row: row.target_quantity),
        (_("Asked plan"), lambda row: row.target_plan and row.target_plan.name),
        (_("Granted quantity"), lambda row: row.granted_quantity),
        (_("Granted plan"), lambda row: row.granted_plan and row.granted_plan.name),
        (_("State"), lambda row: row.get_state_display()),
        (_("Asked on"), lambda row: row.asked_on),
        (_("Asked by"), lambda row: row.asked_by and row.asked_by.display_name),
        (_("Reason"), lambda row: row.reason),
        (_("Decided on"), lambda row: row.decided_on),
        (_("Applied on"), lambda row: row.applied_on),
    ]
    return Table(columns, rows.iterator(chunk_size=AT_ONCE))


def holdings(found: list[Holding]) -> Table:
    """The apps an account has, as My Apps lists them."""
    columns = [
        (_("App"), lambda one: one.app.name),
        (_("Plan"), lambda one: one.plan and one.plan.name),
        (_("People"), lambda one: one.active),
        (_("Contracted"), lambda one: one.contracted),
        (_("Billed"), lambda one: one.billed),
        (_("Last day of the term"), lambda one: one.term and one.term.ends_on - DAY),
        (_("A month"), lambda one: one.monthly if one.lines else None),
        (_("Currency"), lambda one: one.currency),
    ]
    return Table(columns, found)


def exact(amount: Decimal | None, digits: int) -> Decimal | None:
    """An amount without the zeros that its column adds: at least the currency's digits."""
    if amount is None:
        return None
    short = amount.normalize()
    return short.quantize(Decimal(1).scaleb(-max(digits, -short.as_tuple().exponent)))


def _order_form(charge: Charge) -> str:
    form = charge.line.order_form
    return form.number if form else ""


def _with_names(rows) -> Iterator[tuple[Activity, dict[int, str]]]:
    """Each entry with the names of its people, asked for many entries at once."""
    for some in _some(rows.order_by("-id").iterator(chunk_size=AT_ONCE)):
        people = User.objects.filter(pk__in=activities.people(some))
        names = dict(people.values_list("pk", "display_name"))
        yield from ((entry, names) for entry in some)


def _some(rows: Iterable) -> Iterator[list]:
    while some := list(islice(rows, AT_ONCE)):
        yield some
