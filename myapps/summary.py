"""The purchase summary: indicative, from listed prices alone, kept nowhere (T8)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing import currencies, prices
from marketplace import list_prices
from marketplace.models import Plan


@dataclass(frozen=True)
class Summary:
    """Units of a plan at the price listed now, as a monthly equivalent."""

    plan: Plan
    seats: int
    units: int
    currency: str
    monthly_price: Decimal | None
    total: Decimal | None

    def as_json(self) -> dict:
        """What was shown, for the order that keeps it (T7)."""
        return {
            "plan": self.plan.name,
            "charge_model": self.plan.charge_model,
            "seats": self.seats,
            "units": self.units,
            "currency": self.currency,
            "monthly_price": None
            if self.monthly_price is None
            else str(self.monthly_price),
            "total": None if self.total is None else str(self.total),
        }


def of(plan: Plan, *, seats: int, currency: str, on: date) -> Summary:
    """Selected plan × the price listed on the day × selected users (T8).

    The account's own terms play no part. Per Account plans are one unit (T4). Without a
    listed price in the currency there is no total.
    """
    price = list_prices.of(plan, currency=currency, on=on)
    return at(price, plan=plan, seats=seats, currency=currency)


def at(price: Decimal | None, *, plan: Plan, seats: int, currency: str) -> Summary:
    """The same for a list price at hand."""
    units, total = plan.units(seats), None
    if price is not None:
        total = prices.amount(price, quantity=units, digits=currencies.digits(currency))
    return Summary(plan, seats, units, currency, price, total)
