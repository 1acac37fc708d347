"""What recording an order form creates and bills: shown first, then done as shown (T14).

The preview records the form for real and takes it back, so that it cannot differ from
what the rule does; its digest goes with the click, as with a purchase (3.17).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Account, User
from billing import charges, order_forms
from billing.models import Line, OrderForm


@dataclass(frozen=True)
class Billed:
    """Units over days of a period, and what they cost."""

    starts_on: date
    ends_on: date
    quantity: int
    unit_price: Decimal
    days: int
    period_days: int
    amount: Decimal

    @classmethod
    def of(cls, row) -> "Billed":
        return cls(**{name: getattr(row, name) for name in cls.__annotations__})


@dataclass(frozen=True)
class RecordedLine:
    """A line that the form creates: what is charged at once, and what comes then.

    `takes_over` says that seats bought month to month move onto it with the next hourly
    run, which then bills `waiting` too (3.5).
    """

    app: str
    plan: str
    add_on: bool
    quantity: int
    monthly_unit_price: Decimal
    currency: str
    digits: int
    frequency_months: int
    starts_on: date
    term_ends_on: date
    ends_on: date | None
    elsewhere_until: date | None
    takes_over: bool
    charged: tuple[Billed, ...]
    waiting: tuple[Billed, ...]
    following: Billed | None
    each_later_amount: Decimal

    @property
    def amount(self) -> Decimal:
        """Charged at the click."""
        return sum((part.amount for part in self.charged), Decimal(0))


@dataclass(frozen=True)
class Recording:
    """Everything that recording a form does; equal ones have equal digests."""

    number: str
    currency: str
    lines: tuple[RecordedLine, ...]
    letters_to: str

    @property
    def amount(self) -> Decimal:
        """Charged at the click, over all lines."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def digest(self) -> str:
        said = json.dumps(asdict(self), default=str, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


class RecordingChanged(ValidationError):
    """The form does something else by now than was shown."""

    def __init__(self, recording: Recording):
        super().__init__(
            "What this form bills has changed since it was shown. Nothing was recorded:"
            " read it again.",
            code="changed",
        )
        self.recording = recording


def of(account: Account, *, by: User | None, on: date, **form) -> Recording:
    """What `order_forms.record` would do with a form. Leaves nothing behind.

    Refuses what it refuses.
    """
    with transaction.atomic():
        shown = _read(order_forms.record(account, **form, by=by, on=on), form, on=on)
        transaction.set_rollback(True)
    return shown


@transaction.atomic
def record(
    account: Account, *, shown: str, by: User | None, on: date, **form
) -> OrderForm:
    """Record a form that does what was shown: `shown` is the digest of its preview.

    Refuses what `order_forms.record` does, and a form that does something else by now
    (code changed, with the new `recording`).
    """
    recorded = order_forms.record(account, **form, by=by, on=on)
    recording = _read(recorded, form, on=on)
    if recording.digest != shown:
        raise RecordingChanged(recording)
    return recorded


def _read(recorded: OrderForm, form: dict, *, on: date) -> Recording:
    lines = recorded.lines.select_related("app", "plan", "contract").order_by("pk")
    return Recording(
        number=recorded.number,
        currency=recorded.contract.currency,
        lines=tuple(_line(line, on=on) for line in lines),
        letters_to=recorded.install_link_to if form.get("send_links") else "",
    )


def _line(line: Line, *, on: date) -> RecordedLine:
    written = list(line.charges.order_by("starts_on", "pk"))
    term = line.terms.latest("starts_on")
    coming = [] if line.is_free else charges.to_come(line, term, quantity=term.billed)
    takes_over = line.began_on is None and line.starts_on <= on
    waiting = [part for part in coming if part.starts_on <= on]
    later = [part for part in coming if part.starts_on > on]
    elsewhere = line.contract.billed_until
    return RecordedLine(
        app=line.app.name,
        plan=line.plan.name,
        add_on=not line.plan.is_base,
        quantity=term.billed,
        monthly_unit_price=line.monthly_unit_price,
        currency=line.currency,
        digits=line.digits,
        frequency_months=line.frequency_months,
        starts_on=line.starts_on,
        term_ends_on=term.ends_on,
        ends_on=line.ends_on,
        elsewhere_until=(
            elsewhere if elsewhere and elsewhere > line.starts_on else None
        ),
        takes_over=takes_over,
        charged=tuple(map(Billed.of, written)),
        waiting=tuple(map(Billed.of, waiting)),
        following=Billed.of(later[0]) if later else None,
        each_later_amount=charges.per_period(line, term.billed),
    )
