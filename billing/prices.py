"""Arithmetic on money and quantities. No clock, no database, no Django.

Amounts are computed exactly, multiplied first and divided last, and rounded once:
half up, away from zero, to the digits of the currency's minor unit (0, 2 or 3). The
day rate, the ratio and the single seat are never rounded. The caller's decimal
context plays no part.

Prices and amounts are `Decimal`s in one currency, quantities, months and days whole
numbers. A wrong type is refused with TypeError, a wrong value with ValueError.
"""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def rounded(amount: Decimal | Fraction, *, digits: int) -> Decimal:
    """The amount with exactly `digits` decimal places, half up, away from zero.

    0.125 becomes 0.13 and -0.125 becomes -0.13; there is no negative zero. Refuses
    NaN, infinity and digits below 0.
    """
    if not isinstance(amount, Fraction):
        _check_money(amount=amount)
    _check_whole(digits=digits)
    scaled = Fraction(amount) * 10**digits
    units = floor(abs(scaled) + Fraction(1, 2))
    return Decimal(units if scaled > 0 else -units).scaleb(-digits, context=_EXACT)


def for_months(monthly_price: Decimal, *, months: int) -> Decimal:
    """The proportional price of one unit, exact: prices are monthly equivalents (T2).

    Keeps the decimal places of the monthly price. Refuses months below 0.
    """
    _check_money(monthly_price=monthly_price)
    _check_whole(months=months)
    return _EXACT.multiply(monthly_price, months)


def amount(unit_price: Decimal, *, quantity: int, digits: int) -> Decimal:
    """What a whole period costs (T3, T4).

    `unit_price` is one unit for the whole period, in currency units; the result has
    `digits` places. Refuses a quantity or digits below 0.
    """
    _check_money(unit_price=unit_price)
    _check_whole(quantity=quantity)
    return rounded(Fraction(unit_price) * quantity, digits=digits)


def prorated(
    unit_price: Decimal, *, quantity: int, days: int, period_days: int, digits: int
) -> Decimal:
    """What some days of a period cost, in proportion to all of its days (T10).

    `unit_price` is one unit for the whole period, in currency units; the result has
    `digits` places. `period_days` are the actual days of the whole period, and `days`
    may exceed them. Refuses a quantity, days or digits below 0 and an empty period.
    """
    _check_money(unit_price=unit_price)
    _check_whole(quantity=quantity, days=days)
    _check_whole(period_days=period_days, least=1)
    return rounded(Fraction(unit_price) * quantity * days / period_days, digits=digits)


def parts(total: Decimal, *, n: int, digits: int) -> list[Decimal]:
    """The total in n amounts as equal as rounding lets them be, adding up exactly.

    The sum is the total rounded to `digits` places, and so is each running sum: what
    one part is rounded by never adds to the next. Refuses n below 1 and digits
    below 0.
    """
    _check_money(total=total)
    _check_whole(n=n, least=1)
    sums = [rounded(Fraction(total) * k / n, digits=digits) for k in range(n + 1)]
    return [_EXACT.subtract(upto, before) for before, upto in pairwise(sums)]


def divided(total: Decimal, *, weights: list[int], digits: int) -> list[Decimal]:
    """The total in amounts in proportion to whole weights, adding up exactly.

    Each running sum is rounded, as in `parts`: what is over goes where it arises, and
    the same total with the other sign is divided the same. Refuses weights below 0,
    weights that are all 0, and digits below 0.
    """
    for weight in weights:
        _check_whole(weight=weight)
    whole = sum(weights)
    if not whole:
        raise ValueError("weights must not all be 0")
    units = abs(int(rounded(total, digits=digits).scaleb(digits, context=_EXACT)))
    sign = 1 if total > 0 else -1
    found, upto, given = [], 0, 0
    for weight in weights:
        upto += weight
        reached = (2 * units * upto + whole) // (2 * whole)
        part = Decimal(sign * (reached - given))
        found.append(part.scaleb(-digits, context=_EXACT))
        given = reached
    return found


def uncovered(needed: int, *, billed: int) -> int:
    """Units above what is billed already in this term, the high-water mark (T10).

    Below it nothing is owed back (T13). Refuses numbers below 0.
    """
    _check_whole(needed=needed, billed=billed)
    return max(needed - billed, 0)


def capped_credit(potential: Decimal, *, billed: Decimal, credited: Decimal) -> Decimal:
    """The credit that can still be given: never above what was billed, nor below 0 (T11).

    All three are amounts of one currency, `credited` being what was credited before.
    """
    _check_money(potential=potential, billed=billed, credited=credited)
    return max(Decimal(0), min(potential, _EXACT.subtract(billed, credited)))


def _check_money(**amounts: object) -> None:
    """A float has lost cents before it arrives here."""
    for name, money in amounts.items():
        if not isinstance(money, Decimal):
            raise TypeError(f"{name} must be a Decimal, not {type(money).__name__}")
        if not money.is_finite():
            raise ValueError(f"{name} must be a finite amount, not {money}")


def _check_whole(*, least: int = 0, **numbers: object) -> None:
    """A bool is an int to Python, but it counts nothing here."""
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{name} must be an int, not {type(number).__name__}")
        if number < least:
            raise ValueError(f"{name} must be {least} or more, not {number}")
