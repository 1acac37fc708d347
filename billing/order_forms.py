"""Contracts and signed order forms as sales operations record them (T14, 3.1–3.6)."""

from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import charges, lines, periods, signals, terms
from billing.models import Contract, Line, OrderForm
from journal import activities, days
from marketplace.models import Plan


@transaction.atomic
def record_contract(
    account: Account, *, currency: str, starts_on: date, term_months: int,
    frequency_months: int, auto_renews: bool, billed_until: date | None,
    by: User | None, on: date,
) -> Contract:  # fmt: skip
    """Record a contract; a later one succeeds the one that runs, at its term end (3.16).

    Refuses a frequency that does not divide the term (code frequency), overlapping
    contracts (overlap) and a successor that starts within a term (mid_term).
    """
    if term_months % frequency_months:
        raise ValidationError(
            _(
                "A billing frequency of %(frequency)s months does not divide a term"
                " of %(term)s. Use one that does, such as 1, 3 or 12 for 12."
            )
            % {"frequency": frequency_months, "term": term_months},
            code="frequency",
        )
    for other in Contract.objects.of(account).select_for_update(no_key=True):
        if other.starts_on >= starts_on:
            raise ValidationError(
                _(
                    "The account has a contract from %(start)s, which is not before"
                    " %(day)s."
                )
                % {"start": days.said(other.starts_on), "day": days.said(starts_on)},
                code="overlap",
            )
        if other.ends_on is None:
            _succeed(other, starts_on)
        elif other.ends_on > starts_on:
            raise ValidationError(
                _(
                    "The account's contract from %(start)s ends on %(end)s; the next one"
                    " starts then or later."
                )
                % {
                    "start": days.said(other.starts_on),
                    "end": days.said(other.ends_on),
                },
                code="overlap",
            )
    ends_on = None if auto_renews else periods.add_months(starts_on, term_months)
    contract = Contract.objects.create(
        account=account,
        currency=currency,
        starts_on=starts_on,
        term_months=term_months,
        frequency_months=frequency_months,
        auto_renews=auto_renews,
        ends_on=ends_on,
        billed_until=billed_until,
    )
    _let_lines_follow(contract)
    _tell("contract.recorded", contract, by=by, on=on, starts_on=starts_on.isoformat())
    return contract


def _succeed(contract: Contract, starts_on: date) -> None:
    """End a renewing contract where its successor starts: at a term end."""
    term = periods.period_on(contract.starts_on, contract.term_months, starts_on)
    if term.start != starts_on:
        raise ValidationError(
            _(
                "The account's contract from %(start)s has its next term end on"
                " %(day)s; a successor starts at a term end."
            )
            % {"start": days.said(contract.starts_on), "day": days.said(term.end)},
            code="mid_term",
        )
    contract.ends_on = starts_on
    contract.save(update_fields=["ends_on"])


def _let_lines_follow(successor: Contract) -> None:
    """Lines that would end with the contract before go on into this one."""
    Line.objects.filter(
        contract__account=successor.account_id,
        contract__ends_on=successor.starts_on,
        ends_on=successor.starts_on,
        replaced_by=None,
    ).exclude(basis=Line.Basis.SELF_SERVE).update(ends_on=None)


@transaction.atomic
def record(
    account: Account, *, number: str, signed_on: date, signed_by: str,
    install_link_to: str, entries: list[dict], content: dict, by: User | None, on: date,
    send_links: bool = False,
) -> OrderForm:  # fmt: skip
    """Record a signed order form: a line for each entry, and the periods since its start.

    Entries hold `plan`, `quantity`, `monthly_unit_price` and `starts_on`; a line takes
    the grid and term of the contract that runs at its start. What began before `on` is
    charged as origin "order form", unless the contract says it was billed elsewhere
    (3.10). With `send_links` whoever listens is asked to email the links. Refuses a
    line outside every contract (code no_contract) and a number that was recorded
    (number_taken).
    """
    rows = Contract.objects.of(account).select_for_update(no_key=True)
    list(rows.order_by("pk"))
    _alone(number)
    if OrderForm.objects.filter(number=number).exists():
        raise ValidationError(
            _(
                "The order form %(number)s is recorded already. A change is another"
                " order form with its own number."
            )
            % {"number": number},
            code="number_taken",
        )
    made = []
    contract = None
    for entry in entries:
        contract = _contract_at(account, entry["starts_on"])
        made.append((entry, contract))
    form = OrderForm.objects.create(
        account=account,
        contract=contract,
        number=number,
        signed_on=signed_on,
        signed_by=signed_by,
        install_link_to=install_link_to,
        content=content,
    )
    opened = [_open(form, contract, entry) for entry, contract in made]
    begun = [line.pk for line in opened if _begins_alone(line, on=on)]
    terms.lock(begun)
    terms.advance(begun, active={}, on=on, origin=charges.Origin.ORDER_FORM)
    _tell("order_form.recorded", form, by=by, on=on, number=number)
    if add_ons := [line for line in opened if not line.plan.is_base]:
        signals.add_ons_contracted.send(OrderForm, lines=add_ons, on=on)
    if send_links:
        signals.install_links_asked.send(OrderForm, form=form, by=by, on=on)
    return form


def as_in_a_file(
    account: Account, *, number: str, signed_on: date, signed_by: str,
    install_link_to: str, entries: list[dict],
) -> dict:  # fmt: skip
    """An order form as the sales system's file would say it: `content`, so that the same
    form in a file later changes nothing.
    """
    said = {
        "number": number,
        "account": account.slug,
        "signed_on": signed_on.isoformat(),
        "signed_by": signed_by,
        "lines": [_entry_in_a_file(**entry) for entry in entries],
    }
    if install_link_to:
        said["install_link_to"] = install_link_to
    return said


def _entry_in_a_file(
    *, plan: Plan, quantity: int, monthly_unit_price: Decimal, starts_on: date
) -> dict:
    said = {
        "app": plan.app.slug,
        "plan": plan.code,
        "kind": plan.kind.lower(),
        "quantity": quantity,
        "monthly_unit_price": f"{monthly_unit_price:f}",
        "starts_on": starts_on.isoformat(),
    }
    if not plan.listed:
        said |= {
            "not_listed": True,
            "plan_name": plan.name,
            "charge_model": plan.charge_model.lower(),
        }
    return said


def _tell(verb: str, row: Contract | OrderForm, *, by: User | None, on: date, **data):
    """Without anybody named it was the sales system's file."""
    if by is None:
        data["source"] = "import"
    activities.record(verb, account=row.account, by=by, on=on, subject=row, **data)


def _alone(number: str) -> None:
    """Wait for whoever records a form of the same number, for whatever account."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"order form {number}"],
        )


def _contract_at(account: Account, day: date) -> Contract:
    contract = Contract.objects.of(account).current(on=day).first()
    if contract is None:
        raise ValidationError(
            _("No contract of %(account)s runs on %(day)s, when the line starts.")
            % {"account": account, "day": days.said(day)},
            code="no_contract",
        )
    return contract


def _open(form: OrderForm, contract: Contract, entry: dict) -> Line:
    plan: Plan = entry["plan"]
    term = lines.open_line(
        account=form.account,
        contract=contract,
        order_form=form,
        plan=plan,
        basis=Line.Basis.SIGNED,
        currency=contract.currency,
        monthly_unit_price=Decimal(entry["monthly_unit_price"]),
        anchor_on=contract.starts_on,
        frequency_months=contract.frequency_months,
        term_months=contract.term_months,
        starts_on=entry["starts_on"],
        began_on=None if plan.is_base else entry["starts_on"],
        contracted=1 if plan.per_account else entry["quantity"],
    )
    return term.line


def _begins_alone(line: Line, *, on: date) -> bool:
    """Begin a line that has started, unless seats of a self-serve one wait for it (3.5)."""
    if line.starts_on > on:
        return False
    waits = Line.objects.of(line.account).self_serve().filter(plan=line.plan)
    if line.began_on is None and not waits.running(on=line.starts_on).exists():
        line.began_on = line.starts_on
        line.save(update_fields=["began_on"])
    return line.began_on is not None
