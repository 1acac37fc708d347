"""Plans that an installed app could be on: what each is listed at, and what stands in
the way (T11, T15, 3.13).

Questions only, for the page and the API.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.models import Account
from billing import contracts
from billing.effects import Effect
from billing.models import Line, RenewalChange
from marketplace import list_prices, offers
from marketplace.models import Plan
from myapps.overview import Holding


@dataclass(frozen=True)
class Option:
    """A base plan: what it is listed at, and what stands in the way."""

    plan: Plan
    price: Decimal | None
    currency: str
    current: bool
    lines: list[Line]
    obstacle: str
    wish: RenewalChange | None = None


def of(account: Account, holding: Holding) -> list[Option]:
    """Plans the account may choose, then contracted ones that are not listed (T15)."""
    currency = contracts.currency_of(account, on=holding.on) or holding.currency
    choosable = list(offers.choosable(holding.app, account).order_by("position", "pk"))
    offered = {one.pk for one in choosable}
    running: dict[int, list[Line]] = {}
    for line in holding.base_lines:
        running.setdefault(line.plan_id, []).append(line)
    signed = {
        line.plan_id: line.plan for line in [*holding.base_lines, *holding.coming]
    }
    missing = [one for pk, one in signed.items() if pk not in offered]
    prices = list_prices.of_plans(
        [*choosable, *missing], currency=currency, on=holding.on
    )
    asked = {one.to_plan.pk: one for one in wishes(holding)}
    return [
        Option(
            plan=one,
            price=prices.get(one.pk),
            currency=currency,
            current=one.pk == holding.installation.plan_id,
            lines=running.get(one.pk, []),
            obstacle=_obstacle(one, offered, running, prices),
            wish=asked.get(one.pk),
        )
        for one in [*choosable, *missing]
    ]


def _obstacle(plan: Plan, offered, running, prices) -> str:
    """Why a plan cannot be changed to by a click; what is under contract always can."""
    if plan.pk not in offered:
        return "not_listed"
    if plan.pk in prices or plan.pk in running:
        return ""
    return "on_request" if plan.price_on_request else "currency"


def wishes(holding: Holding) -> list[RenewalChange]:
    """What was asked for at renewal already."""
    return [one for one in holding.changes if one.kind == RenewalChange.Kind.PLAN]


def outcomes(effect: Effect | None) -> dict:
    """Both outcomes of the proposal to end what is replaced, over all of it (3.13)."""
    left = [one for one in effect.replaced if not one.free] if effect else []
    return {
        "proposed": bool(left),
        "credit": sum(one.credit for one in left),
        "still_to_bill": sum(one.still_to_bill for one in left),
        "ends_on": max((one.term_ends_on for one in left), default=None),
    }


def renewing(holding: Holding) -> list[Line]:
    """Lines of the installed plan that would go on after their term end."""
    return [line for line in holding.covering if not line.replaced_by_id]


def renewal_days(holding: Holding) -> list[date]:
    """The days on which a change at renewal would count."""
    return sorted({line.term.ends_on for line in renewing(holding)})
