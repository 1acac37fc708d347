"""Every charge computed a second time, from what was agreed and decided, and compared
with what was written (5.7).

It shares nothing with the code that wrote them but the calculator. Quantities come from
terms, their increases and what is owed of holds; prices and grids from lines; credits
from the charges there were and from what was granted of them. What a contract says was billed elsewhere is left out (3.10). A charge
that was reversed and its reversal cancel out, and must be equal but for the sign.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.models import Account
from billing import batches, periods, prices
from billing.models import (
    Charge,
    CreditGrant,
    Hold,
    Increase,
    Line,
    Order,
    RenewalChange,
    Term,
)

Reason = Charge.Reason
AT_ONCE = 2_000
FIELDS = [
    "id",
    "line_id",
    "term_id",
    "reason",
    "cause",
    "period_starts_on",
    "period_ends_on",
    "starts_on",
    "ends_on",
    "quantity",
    "unit_price",
    "days",
    "period_days",
    "amount",
    "currency",
    "capped_at",
    "billed_on",
    "reverses_id",
]
COMPARED = [
    "term_id",
    "period_starts_on",
    "period_ends_on",
    "ends_on",
    "quantity",
    "unit_price",
    "days",
    "period_days",
    "amount",
    "currency",
]
SAME_AS_REVERSED = [name for name in COMPARED if name != "amount"]


@dataclass(frozen=True)
class Difference:
    """A charge that is missing, not accounted for, or not as it must be."""

    account: str
    line: str
    what: str
    line_id: int | None = None

    def __str__(self):
        return f"{self.account}, {self.line}: {self.what}"


@dataclass(frozen=True)
class Expected:
    """A charge as it must be."""

    reason: str
    cause: str
    term_id: int
    period_starts_on: date
    period_ends_on: date
    starts_on: date
    ends_on: date
    quantity: int
    unit_price: Decimal
    days: int
    period_days: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Facts:
    """What is known of a chunk of lines, by line."""

    terms: dict[int, list[Term]]
    increases: dict[int, list[Increase]]
    holds: dict[int, list[Hold]]
    early_ends: dict[int, list[RenewalChange]]
    grants: dict[int, list[CreditGrant]]
    charges: dict[int, list]
    credits_for: dict[int, list]


def differences(account: Account | None = None) -> Iterator[Difference]:
    """Every difference there is, of one account or of all. Reads, and writes nothing.

    A constant number of queries for each 2,000 lines or orders.
    """
    lines = Line.objects.select_related("account", "plan__app", "contract")
    orders = Order.objects.select_related("account", "app")
    if account:
        lines, orders = lines.of(account), orders.filter(account=account)
    for chunk in _chunks(lines):
        facts = _facts(chunk)
        for line in chunk:
            yield from _of_line(line, facts)
    for chunk in _chunks(orders):
        yield from _of_orders(chunk)
    for slug, batch, what in batches.faults(account):
        yield Difference(account=slug, line=batch, what=what)


def _chunks(rows) -> Iterator[list]:
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield chunk
        last = chunk[-1].pk


def _facts(lines: list[Line]) -> Facts:
    changes = list(
        RenewalChange.objects.filter(line__in=lines, kind="REPLACED", state="APPLIED")
    )
    new_lines = {change.new_line_id for change in changes}
    given_up = Line.objects.filter(replaced_by__in=new_lines)
    replaced_by = dict(given_up.values_list("pk", "replaced_by_id"))
    wanted = {line.pk for line in lines} | new_lines | replaced_by.keys()
    charges = _by(_charges(wanted), "line_id")
    credits_for = defaultdict(list)
    for pk, new_line in replaced_by.items():
        credits_for[new_line] += [
            c
            for c in charges[pk]
            if c.reason == Reason.CREDIT and c.cause.startswith("change:")
        ]
    holds = Hold.objects.filter(term__line__in=lines, owed__gt=0)
    grants = CreditGrant.objects.filter(charge__line__in=lines).order_by("pk")
    increases = Increase.objects.filter(line__in=lines).order_by("pk")
    return Facts(
        terms=_by(Term.objects.filter(line__in=lines).order_by("starts_on"), "line_id"),
        increases=_by(increases, "line_id"),
        holds=_by(holds.select_related("term"), lambda hold: hold.term.line_id),
        early_ends=_by(changes, "line_id"),
        grants=_by(grants.select_related("charge"), lambda grant: grant.charge.line_id),
        charges=charges,
        credits_for=credits_for,
    )


def _charges(lines: Iterable[int]) -> list:
    found = Charge.objects.filter(line__in=lines).order_by("pk")
    return list(found.values_list(*FIELDS, named=True))


def _by(rows: Iterable, key) -> dict[int, list]:
    found = defaultdict(list)
    for row in rows:
        found[key(row) if callable(key) else getattr(row, key)].append(row)
    return found


def _of_line(line: Line, facts: Facts) -> Iterator[Difference]:
    written = facts.charges[line.pk]
    by_id = {charge.id: charge for charge in written}
    reversals = [charge for charge in written if charge.reason == Reason.REVERSAL]
    reversed_ids = {charge.reverses_id for charge in reversals}
    for reversal in reversals:
        yield from _of_reversal(line, reversal, by_id.get(reversal.reverses_id))
    standing = defaultdict(list)
    for charge in written:
        if charge.reason != Reason.REVERSAL and charge.id not in reversed_ids:
            standing[_key(charge)].append(charge)
    undone = {
        by_id[pk].cause
        for pk in reversed_ids & by_id.keys()
        if by_id[pk].reason == Reason.INCREASE
    }
    grants = [
        grant for grant in facts.grants[line.pk] if grant.charge_id not in reversed_ids
    ]
    yield from _too_much(line, grants, by_id)
    granted = (_of_grant(line, grant, by_id[grant.charge_id]) for grant in grants)
    for expected in [*_expected(line, facts, undone), *granted]:
        found = standing[_key(expected)]
        if not found:
            yield _difference(line, "missing", expected)
        else:
            yield from _compared(line, found.pop(0), expected)
    for charge in (charge for left in standing.values() for charge in left):
        yield _difference(line, "not accounted for", charge)


def _key(charge) -> tuple:
    """What makes a charge one. A period's first charge may name an order as its cause."""
    cause = "" if charge.reason == Reason.PERIOD else charge.cause
    return charge.reason, charge.starts_on, cause


def _compared(line: Line, charge, expected: Expected) -> Iterator[Difference]:
    wrong = [
        f"{name} is {getattr(charge, name)}, must be {getattr(expected, name)}"
        for name in COMPARED
        if getattr(charge, name) != getattr(expected, name)
    ]
    if wrong:
        yield _difference(line, "; ".join(wrong), charge)


def _of_reversal(line: Line, reversal, original) -> Iterator[Difference]:
    if original is None or any(
        getattr(reversal, name) != getattr(original, name) for name in SAME_AS_REVERSED
    ):
        yield _difference(line, "not the reverse of what it names", reversal)
    elif reversal.amount != -original.amount:
        must = -original.amount
        yield _difference(
            line, f"amount is {reversal.amount}, must be {must}", reversal
        )


def _difference(line: Line, what: str, charge) -> Difference:
    plan = f"line {line.pk} ({line.plan.app} {line.plan})"
    pk = getattr(charge, "id", None)
    named = f"charge {pk}, {charge.reason}" if pk else charge.reason
    return Difference(
        account=line.account.slug,
        line=plan,
        what=(
            f"{named} of {charge.amount} {charge.currency} for {charge.quantity} units,"
            f" {charge.starts_on} to {charge.ends_on} ({charge.cause}): {what}"
        ),
        line_id=line.pk,
    )


def _expected(line: Line, facts: Facts, undone: set[str]) -> Iterator[Expected]:
    """Every charge of a line as it must be. Free units leave none."""
    if not line.monthly_unit_price:
        return
    end = None if line.replaced_by_id else line.ends_on
    increases = [one for one in facts.increases[line.pk] if one.cause not in undone]
    beside = {
        (charge.cause, charge.starts_on)
        for charge in facts.charges[line.pk]
        if charge.reason == Reason.INCREASE
    }
    parts = [
        *(
            part
            for term in facts.terms[line.pk]
            for part in _of_periods(line, term, increases, beside)
        ),
        *(
            part
            for increase in increases
            if not increase.cause.startswith("change:")
            for part in _of_increase(line, increase, facts.terms[line.pk], beside)
        ),
        *(part for hold in facts.holds[line.pk] for part in _of_hold(line, hold)),
    ]
    yield from (part for part in parts if end is None or part.starts_on < end)
    for change in facts.early_ends[line.pk]:
        yield from _of_early_end(line, change, facts)


def _elsewhere(line: Line) -> date:
    """The first day that is ours to bill."""
    until = line.contract.billed_until if line.order_form_id else None
    return max(until or line.starts_on, line.starts_on)


def _of_periods(line: Line, term: Term, increases, beside) -> Iterator[Expected]:
    """Each period at the quantity there was when it began (3.10).

    An increase that came late, after the period was charged, stands `beside` it.
    """
    own = [increase for increase in increases if increase.term_id == term.pk]
    start = max(term.starts_on, _elsewhere(line))
    if start >= term.billed_until:
        return
    for cut in periods.periods(
        line.anchor_on, line.frequency_months, start=start, end=term.billed_until
    ):
        later = [
            increase
            for increase in own
            if not _counts(increase, cut.start) or (increase.cause, cut.start) in beside
        ]
        grown = sum(one.to_quantity - one.from_quantity for one in later)
        if term.billed > grown:
            yield _part(
                line, term.pk, Reason.PERIOD, "period", cut, term.billed - grown
            )


def _counts(increase: Increase, day: date) -> bool:
    """Whether a period that begins on the day is billed with it.

    Growth of that very day is billed beside the period; what a decision let go on is
    billed with it.
    """
    decided = increase.cause.startswith("change:")
    return increase.on < day or (decided and increase.on == day)


def _of_increase(line: Line, increase: Increase, terms, beside) -> Iterator[Expected]:
    """The rest of its period, periods that were billed elsewhere before, and those that
    were charged already when it came (T10)."""
    term = next(term for term in terms if term.pk == increase.term_id)
    whole = periods.period_on(line.anchor_on, line.frequency_months, increase.on)
    end = min(max(whole.end, _elsewhere(line)), term.ends_on)
    quantity = increase.to_quantity - increase.from_quantity
    for cut in periods.periods(
        line.anchor_on, line.frequency_months, start=increase.on, end=end
    ):
        yield _part(line, term.pk, Reason.INCREASE, increase.cause, cut, quantity)
    if end >= term.ends_on:
        return
    for cut in periods.periods(
        line.anchor_on, line.frequency_months, start=end, end=term.ends_on
    ):
        if (increase.cause, cut.start) in beside:
            yield _part(line, term.pk, Reason.INCREASE, increase.cause, cut, quantity)


def _of_hold(line: Line, hold: Hold) -> Iterator[Expected]:
    """What was held and declined: each of its periods that had begun (3.14)."""
    end = min(hold.ends_on, hold.term.billed_until)
    if end <= hold.starts_on:
        return
    for cut in periods.periods(
        line.anchor_on, line.frequency_months, start=hold.starts_on, end=end
    ):
        yield _part(line, hold.term_id, Reason.HELD, f"hold:{hold.pk}", cut, hold.owed)


def _of_grant(line: Line, grant: CreditGrant, charge) -> Expected:
    """What was given back of a disputed charge stands beside it as one credit."""
    return _given(line, charge, grant.cause, charge.starts_on, grant.amount)


def _too_much(line: Line, grants: list[CreditGrant], by_id) -> Iterator[Difference]:
    """No grants give back more than the charge they are of."""
    given = defaultdict(Decimal)
    for grant in grants:
        given[grant.charge_id] += grant.amount
    for pk, amount in given.items():
        if amount > by_id[pk].amount:
            yield _difference(line, f"{amount} of it was given back", by_id[pk])


def _part(line: Line, term_id, reason, cause, cut, quantity: int) -> Expected:
    whole = periods.period_on(line.anchor_on, line.frequency_months, cut.start)
    unit_price = prices.for_months(
        line.monthly_unit_price, months=line.frequency_months
    )
    days, period_days = (cut.end - cut.start).days, (whole.end - whole.start).days
    return Expected(
        reason=reason,
        cause=cause,
        term_id=term_id,
        period_starts_on=whole.start,
        period_ends_on=whole.end,
        starts_on=cut.start,
        ends_on=cut.end,
        quantity=quantity,
        unit_price=unit_price,
        days=days,
        period_days=period_days,
        amount=prices.prorated(
            unit_price,
            quantity=quantity,
            days=days,
            period_days=period_days,
            digits=line.digits,
        ),
        currency=line.currency,
    )


def _of_early_end(
    line: Line, change: RenewalChange, facts: Facts
) -> Iterator[Expected]:
    """The unused days of what had been charged by then, capped by the new line (3.13)."""
    cause = f"change:{change.pk}/"
    given = [c for c in facts.charges[line.pk] if c.cause.startswith(cause)]
    before = _before(given, change)
    since = change.effective_on
    old = [c for c in _charged(facts.charges[line.pk], before) if c.ends_on > since]
    new = [
        (charge.starts_on, charge.ends_on, charge)
        for charge in _charged(facts.charges[change.new_line_id], before)
        if charge.billed_on >= since
    ]
    used = [
        (credit.starts_on, credit.ends_on, -credit.amount)
        for credit in facts.credits_for[change.new_line_id]
        if credit.line_id != line.pk and before(credit)
    ]
    for charge in sorted(old, key=lambda charge: (charge.starts_on, charge.id)):
        start = max(charge.starts_on, since)
        days = (charge.ends_on - start).days
        granted = _granted(facts.charges[line.pk], charge, before)
        potential = min(charge.amount - granted, _cost(charge, days, line.digits))
        window = max(charge.period_starts_on, since), charge.period_ends_on
        cap = sum(
            (
                _cost(one, days, line.digits)
                for first, last, one in new
                if (days := _overlap(first, last, *window)) > 0
            ),
            Decimal(0),
        )
        taken = sum(
            (
                prices.prorated(
                    amount,
                    quantity=1,
                    days=days,
                    period_days=(last - first).days,
                    digits=line.digits,
                )
                for first, last, amount in used
                if (days := _overlap(first, last, *window)) > 0
            ),
            Decimal(0),
        )
        amount = max(Decimal(0), min(potential, cap - taken))
        if amount:
            used.append((start, charge.ends_on, amount))
            yield _credit(line, change, charge, start, amount)


def _before(given: list, change: RenewalChange):
    """Whether a charge was there when the credits were given: ids are in writing order."""
    if given:
        first = min(credit.id for credit in given)
        return lambda charge: charge.id < first
    return lambda charge: charge.billed_on <= change.decided_on


def _granted(charges: list, charge, before) -> Decimal:
    """What had been given back of a disputed charge by then."""
    of_it = f"/charge:{charge.id}"
    return -sum(
        (
            one.amount
            for one in charges
            if one.reason == Reason.CREDIT
            and one.cause.startswith("grant:")
            and one.cause.endswith(of_it)
            and before(one)
        ),
        Decimal(0),
    )


def _charged(charges: list, before) -> list:
    """Charges that stood then: positive, and not reversed by then."""
    gone = {one.reverses_id for one in charges if one.reverses_id and before(one)}
    return [
        charge
        for charge in charges
        if charge.amount > 0
        and charge.reason != Reason.REVERSAL
        and charge.id not in gone
        and before(charge)
    ]


def _overlap(first: date, last: date, start: date, end: date) -> int:
    return (min(last, end) - max(first, start)).days


def _cost(charge, days: int, digits: int) -> Decimal:
    return prices.prorated(
        charge.unit_price,
        quantity=charge.quantity,
        days=days,
        period_days=charge.period_days,
        digits=digits,
    )


def _credit(line: Line, change, charge, start: date, amount: Decimal) -> Expected:
    cause = f"change:{change.pk}/charge:{charge.id}"
    return _given(line, charge, cause, start, amount)


def _given(line: Line, charge, cause: str, start: date, amount: Decimal) -> Expected:
    return Expected(
        reason=Reason.CREDIT,
        cause=cause,
        term_id=charge.term_id,
        period_starts_on=charge.period_starts_on,
        period_ends_on=charge.period_ends_on,
        starts_on=start,
        ends_on=charge.ends_on,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        days=(charge.ends_on - start).days,
        period_days=charge.period_days,
        amount=-amount,
        currency=line.currency,
    )


def _of_orders(orders: list[Order]) -> Iterator[Difference]:
    """What each order charged is what it showed, to the cent (3.17)."""
    charged = defaultdict(Decimal)
    found = Charge.objects.filter(order__in=orders).exclude(reason=Reason.REVERSAL)
    for order, amount in found.values_list("order_id", "amount"):
        charged[order] += amount
    for order in orders:
        shown = sum(_amounts_shown(order.effect), Decimal(0))
        if charged[order.pk] != shown:
            yield Difference(
                account=order.account.slug,
                line=f"order {order.pk} ({order.app})",
                what=f"charged {charged[order.pk]}, showed {shown}",
            )


def _amounts_shown(effect: dict) -> Iterator[Decimal]:
    growth, new_line = effect.get("growth"), effect.get("new_line")
    if growth:
        yield from (Decimal(part["amount"]) for part in growth["parts"])
    elif new_line:
        for line in [*effect.get("resumed", []), new_line]:
            yield Decimal(line["first"]["amount"])
