"""What a purchase does under the contract: computed once, shown, agreed to and carried
out as it was shown (3.1–3.6, 3.13, 3.17).

`of` only reads. Its answer names every line, quantity, day and amount, and its digest
goes with the click; `carry_out` writes exactly that.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date
from decimal import Decimal
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import charges, contracts, currencies, lines, periods, prices, renewals
from billing.models import Contract, Increase, Line, Order, Term
from marketplace import list_prices
from marketplace.models import Plan


@dataclass(frozen=True)
class Growth:
    """A line that runs is billed for more units (T10)."""

    line_id: int
    term_id: int
    plan: str
    from_quantity: int
    to_quantity: int
    monthly_unit_price: Decimal
    frequency_months: int
    term_ends_on: date
    parts: tuple[charges.Part, ...]
    later_from: date | None
    later_amount: Decimal
    each_later_amount: Decimal

    @property
    def first(self) -> charges.Part:
        return self.parts[0]

    @property
    def amount(self) -> Decimal:
        """Charged at the click: the periods that have begun."""
        return sum((part.amount for part in self.parts), Decimal(0))


@dataclass(frozen=True)
class NewLine:
    """A line that this purchase opens (T11, T17), or resumes after a credit (3.4)."""

    plan_id: int
    plan: str
    basis: str
    contracted: int
    quantity: int
    monthly_unit_price: Decimal
    currency: str
    digits: int
    anchor_on: date
    frequency_months: int
    term_months: int
    term_ends_on: date
    first: charges.Part
    later_from: date
    later_amount: Decimal
    continues_id: int | None = None

    @property
    def month_to_month(self):
        return self.basis == Line.Basis.SELF_SERVE


@dataclass(frozen=True)
class Replaced:
    """A line whose plan is left: both outcomes of the proposal to end it early (3.13)."""

    line_id: int
    plan: str
    quantity: int
    term_ends_on: date
    credit: Decimal
    still_to_bill: Decimal
    free: bool


@dataclass(frozen=True)
class Effect:
    """Everything a purchase does; equal effects have equal digests."""

    on: date
    plan_id: int
    plan: str
    currency: str
    units: int
    covered: int
    contracted: int
    growth: Growth | None = None
    new_line: NewLine | None = None
    resumed: tuple[NewLine, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    restored: tuple[int, ...] = ()
    covered_until: date | None = None

    @property
    def opened(self) -> tuple[NewLine, ...]:
        """Every line this opens: those resumed beside the new one come first (3.4)."""
        return (*self.resumed, self.new_line) if self.new_line else ()

    @property
    def first_amount(self) -> Decimal:
        """What is charged at the click."""
        if self.growth:
            return self.growth.amount
        return sum((line.first.amount for line in self.opened), Decimal(0))

    @property
    def monthly(self) -> Decimal:
        """What this newly bills as a monthly equivalent, exact, whole though something
        is replaced: whether that ends early is Support's to decide (3.13).
        """
        if self.growth:
            more = self.growth.to_quantity - self.growth.from_quantity
            return self.growth.monthly_unit_price * more
        return sum(
            (line.monthly_unit_price * line.quantity for line in self.opened),
            Decimal(0),
        )

    @property
    def bills(self) -> bool:
        return self.growth is not None or self.new_line is not None

    @property
    def credit(self) -> Decimal:
        return sum((r.credit for r in self.replaced), Decimal(0))

    def as_json(self) -> dict:
        """Plain values: days as 2026-11-23, money as text."""
        return json.loads(json.dumps(asdict(self), default=str))

    @property
    def digest(self) -> str:
        """SHA-256 of the whole effect: what the click agrees to (3.17).

        Ids of lines and terms are left out: where the hourly run is late they are made
        anew each time somebody looks.
        """
        said = _without_ids(self.as_json()) | {"restored": len(self.restored)}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _without_ids(value):
    if isinstance(value, list):
        return [_without_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    ids = {"line_id", "term_id", "continues_id"}
    return {
        name: value[name] is not None if name in ids else _without_ids(value[name])
        for name in value
    }


def loaded(stored: dict) -> Effect:
    """An effect as an order keeps it: `loaded(effect.as_json()) == effect`."""
    return _typed(Effect, stored)


def _typed(kind, value):
    """A stored value as its field's type says: text again becomes days and money."""
    if value is None or isinstance(value, bool):
        return value
    if get_origin(kind) is UnionType:
        return _typed(next(k for k in get_args(kind) if k is not NoneType), value)
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], one) for one in value)
    if is_dataclass(kind):
        types = get_type_hints(kind)
        return kind(**{name: _typed(types[name], one) for name, one in value.items()})
    return date.fromisoformat(value) if kind is date else kind(value)


def of(
    account: Account, plan: Plan, *, units: int, on: date, leaving: bool = True
) -> Effect:
    """What having `units` units of a base plan active does, on a local day (3.1–3.6).

    Covered by lines of that plan (T14); more is billed at the latest signed price to the
    end of the term (T10); another plan of an app under contract is billed at the list
    price on the replaced line's grid (T11); an app without lines is bought month to
    month (T17). `leaving`: the other plans of the app are given up, as a plan change does;
    without it a plan that is covered leaves them alone. Refuses add-ons (code add_on), no units (no_users), no current contract
    where something is billed (no_contract), a plan that is not listed (not_listed), on
    request (on_request) or not sold in the contract's currency (currency), and an app
    whose lines are not brought up to the day (behind): callers do that first.
    """
    if not plan.is_base:
        raise ValidationError(
            _("Add-on plans are sold by sales and activated by the partner."),
            code="add_on",
        )
    if units < 1:
        raise ValidationError(_("Choose at least one user."), code="no_users")
    found = lines.running(account, plan.app, on=on)
    _check_carried(found, on=on)
    covering = lines.covering(found, plan)
    others = [line for line in found if line.plan_id != plan.pk]
    resumed = [] if covering else _credited(account, plan, on=on)
    if covering:
        effect = _covered(covering, plan, units=units, on=on)
        new_parts = list(effect.growth.parts) if effect.growth else []
    else:
        if resumed:
            opened = _resumed(plan, resumed, units=units, on=on)
        else:
            opened = [_opened(account, plan, others, units=units, on=on)]
        effect = Effect(
            on=on,
            plan_id=plan.pk,
            plan=plan.name,
            currency=opened[-1].currency,
            units=units,
            covered=0,
            contracted=sum(line.contracted for line in opened) if resumed else 0,
            new_line=opened[-1],
            resumed=tuple(opened[:-1]),
        )
        new_parts = [line.first for line in opened]
    if effect.growth or resumed:
        contracts.required(account, on=on)
    given_up = others if leaving or not covering else []
    left = [line for line in given_up if not line.replaced_by_id and not _ends(line)]
    replaced = tuple(_replaced(left, new_parts, on=on))
    return Effect(**{**vars(effect), "replaced": replaced})


def _check_carried(found: list[Line], *, on: date) -> None:
    """Periods that began are charged before anything is added, or they'd be twice."""
    for line in found:
        term = line.term
        waits = term.billed_until <= on and term.billed_until < term.ends_on
        if line.began_on is None or waits or (term.ends_on <= on and not term.outcome):
            raise ValidationError(
                _(
                    "The billing of this app is being brought up to date."
                    " Try again in a moment; if it stays so, ask Support."
                ),
                code="behind",
            )


def _ends(line: Line) -> bool:
    """An ended self-serve or contract line is not replaced: it does not renew anyway."""
    return line.ends_on is not None and line.ends_on < line.term.ends_on


def _covered(covering: list[Line], plan: Plan, *, units: int, on: date) -> Effect:
    billed = sum(line.term.billed for line in covering)
    extra = prices.uncovered(units, billed=billed)
    growth = None
    if extra:
        growth = _growth(lines.growing(covering), extra, on=on)
    return Effect(
        on=on,
        plan_id=plan.pk,
        plan=plan.name,
        currency=covering[-1].currency,
        units=units,
        covered=units - extra,
        contracted=sum(line.term.contracted for line in covering),
        growth=growth,
        restored=tuple(line.pk for line in covering if line.replaced_by_id),
        covered_until=max(line.term.ends_on for line in covering),
    )


def _growth(line: Line, extra: int, *, on: date) -> Growth:
    term = line.term
    parts = charges.begun(line, term, since=on, quantity=extra)
    until = parts[-1].ends_on
    later = until if until < term.ends_on else None
    after = charges.per_period(line, term.billed + extra)
    return Growth(
        line_id=line.pk,
        term_id=term.pk,
        plan=line.plan.name,
        from_quantity=term.billed,
        to_quantity=term.billed + extra,
        monthly_unit_price=line.monthly_unit_price,
        frequency_months=line.frequency_months,
        term_ends_on=term.ends_on,
        parts=tuple(parts),
        later_from=later,
        later_amount=after - charges.per_period(line, term.billed),
        each_later_amount=after,
    )


def _credited(account: Account, plan: Plan, *, on: date) -> list[Line]:
    """Lines of the plan that ended early with a credit, and whose term still runs."""
    ended = Line.objects.of(account).filter(
        plan=plan,
        replaced_by__isnull=False,
        continued_by=None,
        starts_on__lte=on,
        ends_on__lte=on,
    )
    terms = (
        Term.objects.filter(line__in=ended.exclude(replaced_by__plan=plan))
        .holding(on)
        .select_related("line")
        .order_by("line__starts_on", "line_id")
    )
    found = []
    for term in terms:
        term.line.term = term
        found.append(term.line)
    return found


def _resumed(plan: Plan, ended: list[Line], *, units: int, on: date) -> list[NewLine]:
    """Lines as they were signed, from this day; growth goes to the latest (3.4)."""
    opened = []
    left = units
    for line in ended:
        contracted = line.term.contracted
        quantity = max(contracted, left) if line is ended[-1] else contracted
        left -= quantity
        opened.append(
            _new_line(
                plan,
                basis=line.basis,
                contracted=contracted,
                quantity=quantity,
                price=line.monthly_unit_price,
                currency=line.currency,
                grid=line,
                term_ends_on=line.term.ends_on,
                continues_id=line.pk,
                on=on,
            )
        )
    return opened


def _opened(account, plan, others, *, units: int, on: date) -> NewLine:
    contract = contracts.required(account, on=on)
    price = _list_price(plan, contract, on=on)
    base = _replaced_base(others)
    if base:
        signed = base.basis != Line.Basis.SELF_SERVE
        basis = Line.Basis.REPLACEMENT if signed else Line.Basis.SELF_SERVE
        return _new_line(
            plan, basis=basis, contracted=units, quantity=units, price=price,
            currency=contract.currency, grid=base, term_ends_on=base.term.ends_on, on=on,
        )  # fmt: skip
    return _new_line(
        plan, basis=Line.Basis.SELF_SERVE, contracted=units, quantity=units,
        price=price, currency=contract.currency, grid=None,
        term_ends_on=periods.add_months(on, 1), on=on,
    )  # fmt: skip


def _replaced_base(others: list[Line]) -> Line | None:
    """The line whose grid a new plan takes: signed before self-serve, latest first."""
    renewing = [line for line in others if not line.replaced_by_id] or others
    under_contract = [line for line in renewing if line.basis != Line.Basis.SELF_SERVE]
    chosen = under_contract or renewing
    return chosen[-1] if chosen else None


def _new_line(
    plan, *, basis, contracted, quantity, price, currency, grid, term_ends_on, on,
    continues_id=None,
) -> NewLine:  # fmt: skip
    anchor = grid.anchor_on if grid else on
    frequency = grid.frequency_months if grid else 1
    digits = currencies.digits(currency)
    unit_price = prices.for_months(price, months=frequency)
    first = charges.part(
        anchor=anchor, frequency=frequency, start=on, end=term_ends_on,
        quantity=quantity, unit_price=unit_price, digits=digits,
    )  # fmt: skip
    return NewLine(
        plan_id=plan.pk,
        plan=plan.name,
        basis=basis,
        contracted=contracted,
        quantity=quantity,
        monthly_unit_price=price,
        currency=currency,
        digits=digits,
        anchor_on=anchor,
        frequency_months=frequency,
        term_months=grid.term_months if grid else 1,
        term_ends_on=term_ends_on,
        first=first,
        later_from=first.ends_on,
        later_amount=prices.amount(unit_price, quantity=quantity, digits=digits),
        continues_id=continues_id,
    )


def _list_price(plan: Plan, contract: Contract, *, on: date) -> Decimal:
    """Today's list price in the contract's currency; what is not for sale is refused."""
    if not plan.listed:
        raise ValidationError(
            _("This plan is not listed. Ask Support to make it available."),
            code="not_listed",
        )
    price = list_prices.of(plan, currency=contract.currency, on=on)
    if plan.price_on_request:
        raise ValidationError(
            _("The price of this plan is on request. Ask sales for an offer."),
            code="on_request",
        )
    if price is None:
        raise ValidationError(
            _(
                "This plan is not sold in %(currency)s, your contract's currency."
                " Ask sales for an offer."
            )
            % {"currency": contract.currency},
            code="currency",
        )
    return price


def _replaced(left: list[Line], new_parts, *, on: date) -> Iterator[Replaced]:
    """Lines given up together share one cap: what the new plan costs (3.13)."""
    given: list[charges.Given] = []
    billed = renewals.reaching(left, since=on) if left else []
    for line in left:
        credits = renewals.credit_parts(
            line, since=on, new=new_parts, given=given,
            billed=[charge for charge in billed if charge.line_id == line.pk],
        )  # fmt: skip
        given += [credit.given for credit in credits]
        coming = charges.to_come(line, line.term, quantity=line.term.billed)
        yield Replaced(
            line_id=line.pk,
            plan=line.plan.name,
            quantity=line.term.billed,
            term_ends_on=line.term.ends_on,
            credit=sum((credit.amount for credit in credits), Decimal(0)),
            still_to_bill=sum((part.amount for part in coming), Decimal(0)),
            free=line.is_free,
        )


def carry_out(
    effect: Effect, *, account: Account, cause: str, by: User | None, on: date,
    order: Order | None = None,
) -> Line:  # fmt: skip
    """Write an effect as it was computed and return the line that now covers the plan.

    Callers hold the contract's lock and have compared the effect under it.
    """
    if effect.new_line:
        for new in effect.opened:
            line = _open(new, account=account, cause=cause, on=on, order=order)
    else:
        line = _grow(effect, account=account, cause=cause, by=by, on=on, order=order)
    for left in effect.replaced:
        replaced = Line.objects.locked(left.line_id)
        replaced.replaced_by, replaced.replaced_on = line, on
        replaced.save(update_fields=["replaced_by", "replaced_on"])
        if not left.free:
            renewals.propose_early_end(replaced, new_line=line, by=by, on=on)
    return line


def _open(new: NewLine, *, account, cause, on, order) -> Line:
    contract = contracts.required(account, on=on)
    plan = Plan.objects.select_related("app").get(pk=new.plan_id)
    resumed = new.continues_id and Line.objects.get(pk=new.continues_id)
    term = lines.open_line(
        account=account,
        contract=resumed.contract if resumed else contract,
        order_form=None,
        plan=plan,
        basis=new.basis,
        currency=new.currency,
        monthly_unit_price=new.monthly_unit_price,
        anchor_on=new.anchor_on,
        frequency_months=new.frequency_months,
        term_months=new.term_months,
        starts_on=on,
        began_on=on,
        order=order,
        continues=resumed or None,
        contracted=new.contracted,
        peak=new.quantity if new.quantity > new.contracted else 0,
        term_ends_on=new.term_ends_on,
    )
    charges.write(
        term, new.first, reason=charges.Reason.PERIOD, cause=cause, on=on, order=order
    )
    term.billed_until = new.first.ends_on
    term.save(update_fields=["billed_until"])
    return term.line


def _grow(effect: Effect, *, account, cause, by, on, order) -> Line:
    for pk in effect.restored:
        renewals.restore(Line.objects.locked(pk), by=by, on=on)
    if not effect.growth:
        plan = Plan.objects.select_related("app").get(pk=effect.plan_id)
        found = lines.running(account, plan.app, on=on)
        return lines.growing(lines.covering(found, plan))
    growth = effect.growth
    line = Line.objects.locked(growth.line_id)
    term = Term.objects.get(pk=growth.term_id)
    term.line = line
    term.peak = growth.to_quantity
    term.save(update_fields=["peak"])
    Increase.objects.create(
        account=account,
        line=line,
        term=term,
        order=order,
        cause=cause,
        on=on,
        from_quantity=growth.from_quantity,
        to_quantity=growth.to_quantity,
    )
    for part in growth.parts:
        charges.write(
            term, part, reason=charges.Reason.INCREASE, cause=cause,
            on=part.starts_on, order=order,
        )  # fmt: skip
    renewals.shrink_holds(term, units=growth.to_quantity - growth.from_quantity, on=on)
    return line
