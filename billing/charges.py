"""Charges: what is owed for units of a line over days of a billing period (3.7–3.10).

Written once and never changed; a correction is a reversal beside a new record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing import periods, prices
from billing.models import Charge, CreditGrant, Hold, Line, Order, Term

Reason = Charge.Reason
Origin = Charge.Origin


@dataclass(frozen=True)
class Part:
    """Units of a line over days of one billing period, and what they cost."""

    period_starts_on: date
    period_ends_on: date
    starts_on: date
    ends_on: date
    quantity: int
    unit_price: Decimal
    days: int
    period_days: int
    amount: Decimal


@dataclass(frozen=True)
class Credit:
    """What a charge gives back for its days from `starts_on` on."""

    charge: Charge
    starts_on: date
    amount: Decimal
    capped_at: Decimal | None

    @property
    def given(self) -> "Given":
        return Given(self.starts_on, self.charge.ends_on, self.amount)


@dataclass(frozen=True)
class Given:
    """An amount credited for days of a line given up for the same new one."""

    starts_on: date
    ends_on: date
    amount: Decimal

    def within(self, *, start: date, end: date, digits: int) -> Decimal:
        """Its part for the days within [start, end)."""
        days = (min(self.ends_on, end) - max(self.starts_on, start)).days
        if days <= 0:
            return Decimal(0)
        whole = (self.ends_on - self.starts_on).days
        return prices.prorated(
            self.amount, quantity=1, days=days, period_days=whole, digits=digits
        )


def part(
    *, anchor: date, frequency: int, start: date, end: date, quantity: int,
    unit_price: Decimal, digits: int,
) -> Part:  # fmt: skip
    """Price units from `start` to the end of its billing period, or to `end` (3.9).

    `unit_price` is one unit for the whole period; the first day counts, the last one
    is exclusive.
    """
    whole = periods.period_on(anchor, frequency, start)
    ends_on = min(whole.end, end)
    days = (ends_on - start).days
    period_days = (whole.end - whole.start).days
    return Part(
        period_starts_on=whole.start,
        period_ends_on=whole.end,
        starts_on=start,
        ends_on=ends_on,
        quantity=quantity,
        unit_price=unit_price,
        days=days,
        period_days=period_days,
        amount=prices.prorated(
            unit_price,
            quantity=quantity,
            days=days,
            period_days=period_days,
            digits=digits,
        ),
    )


def write(
    term: Term, part: Part, *, reason, cause: str, on: date, order: Order | None = None,
    origin=Origin.MARKETPLACE,
) -> Charge | None:  # fmt: skip
    """Record a charge that fell due on a local day. Free units leave none."""
    if part.unit_price == 0 or part.quantity == 0:
        return None
    line = term.line
    return Charge.objects.create(
        account_id=line.account_id,
        line=line,
        term=term,
        order=order,
        reason=reason,
        origin=origin,
        cause=cause,
        currency=line.currency,
        billed_on=on,
        **vars(part),
    )


def write_credits(
    line: Line, credits: Iterable[Credit], *, cause: str, on: date
) -> None:
    """Record what charges give back, one credit beside each of them (3.13)."""
    Charge.objects.bulk_create(
        Charge(
            account_id=line.account_id,
            line=line,
            term_id=credit.charge.term_id,
            reason=Reason.CREDIT,
            origin=Origin.MARKETPLACE,
            cause=f"{cause}/charge:{credit.charge.pk}",
            period_starts_on=credit.charge.period_starts_on,
            period_ends_on=credit.charge.period_ends_on,
            starts_on=credit.starts_on,
            ends_on=credit.charge.ends_on,
            quantity=credit.charge.quantity,
            unit_price=credit.charge.unit_price,
            days=(credit.charge.ends_on - credit.starts_on).days,
            period_days=credit.charge.period_days,
            capped_at=credit.capped_at,
            amount=-credit.amount,
            currency=line.currency,
            billed_on=on,
        )
        for credit in credits
    )


def write_grant(line: Line, grant: CreditGrant, *, on: date) -> Charge:
    """Record the credit of a grant beside the charge that was disputed."""
    charge = grant.charge
    return Charge.objects.create(
        account_id=line.account_id,
        line=line,
        term_id=charge.term_id,
        reason=Reason.CREDIT,
        origin=Origin.MARKETPLACE,
        cause=grant.cause,
        period_starts_on=charge.period_starts_on,
        period_ends_on=charge.period_ends_on,
        starts_on=charge.starts_on,
        ends_on=charge.ends_on,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        days=charge.days,
        period_days=charge.period_days,
        amount=-grant.amount,
        currency=line.currency,
        billed_on=on,
    )


def reverse(charges: Iterable[Charge], *, on: date) -> list[Charge]:
    """Take charges back in full, each by a record of its own, once (3.20).

    What was granted of a disputed one is taken back with it.
    """
    charges = {charge.pk: charge for charge in charges}
    grants = CreditGrant.objects.filter(charge__in=list(charges))
    causes = [grant.cause for grant in grants]
    if causes:
        credits = Charge.objects.filter(cause__in=causes, reason=Reason.CREDIT)
        charges |= {credit.pk: credit for credit in credits}
    return Charge.objects.bulk_create(
        Charge(
            account_id=charge.account_id,
            line_id=charge.line_id,
            term_id=charge.term_id,
            order_id=charge.order_id,
            reason=Reason.REVERSAL,
            origin=charge.origin,
            cause=f"reversal:{charge.pk}",
            period_starts_on=charge.period_starts_on,
            period_ends_on=charge.period_ends_on,
            starts_on=charge.starts_on,
            ends_on=charge.ends_on,
            quantity=charge.quantity,
            unit_price=charge.unit_price,
            days=charge.days,
            period_days=charge.period_days,
            amount=-charge.amount,
            currency=charge.currency,
            billed_on=on,
            reverses=charge,
        )
        for charge in charges.values()
        if charge.reason != Reason.REVERSAL and not hasattr(charge, "reversed_by")
    )


def held_parts(hold: Hold, *, quantity: int | None = None) -> list[Part]:
    """What a held quantity, or a part of it, costs for the periods that have begun
    (3.14)."""
    line = hold.term.line
    end = min(hold.ends_on, hold.term.billed_until)
    if end <= hold.starts_on:
        return []
    return [
        part(
            anchor=line.anchor_on,
            frequency=line.frequency_months,
            start=cut.start,
            end=cut.end,
            quantity=hold.quantity if quantity is None else quantity,
            unit_price=line.unit_price,
            digits=line.digits,
        )
        for cut in periods.periods(
            line.anchor_on, line.frequency_months, start=hold.starts_on, end=end
        )
    ]


def bill_held(hold: Hold) -> None:
    """Bill what is owed of a hold, for the periods that have begun (3.14)."""
    for held in held_parts(hold, quantity=hold.owed):
        write(
            hold.term,
            held,
            reason=Reason.HELD,
            cause=f"hold:{hold.pk}",
            on=held.starts_on,
        )


def share(part, *, start: date, end: date, digits: int) -> Decimal:
    """What a charge, or a part, costs for its days within [start, end)."""
    days = (min(part.ends_on, end) - max(part.starts_on, start)).days
    if days <= 0:
        return Decimal(0)
    return prices.prorated(
        part.unit_price,
        quantity=part.quantity,
        days=days,
        period_days=part.period_days,
        digits=digits,
    )


def begun(line: Line, term: Term, *, since: date, quantity: int) -> list[Part]:
    """The period of a day and those after it that are charged already, at a quantity.

    Units that come on a day are owed for the rest of its period at once, and for each
    later period that was charged without them.
    """
    parts, start = [], since
    while not parts or start < term.billed_until:
        parts.append(
            part(
                anchor=line.anchor_on,
                frequency=line.frequency_months,
                start=start,
                end=term.ends_on,
                quantity=quantity,
                unit_price=line.unit_price,
                digits=line.digits,
            )
        )
        start = parts[-1].ends_on
    return parts


def per_period(line: Line, quantity: int) -> Decimal:
    """What a quantity of the line costs for one whole billing period (T2)."""
    return prices.amount(line.unit_price, quantity=quantity, digits=line.digits)


def to_come(line: Line, term: Term, *, quantity: int) -> list[Part]:
    """The periods of a term that are not charged yet, at a quantity."""
    return [
        part(
            anchor=line.anchor_on,
            frequency=line.frequency_months,
            start=cut.start,
            end=cut.end,
            quantity=quantity,
            unit_price=line.unit_price,
            digits=line.digits,
        )
        for cut in periods.periods(
            line.anchor_on,
            line.frequency_months,
            start=term.billed_until,
            end=term.ends_on,
        )
    ]
