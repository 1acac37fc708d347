"""A company under contract that lives through days: what its people do, and what runs
every hour in between. Everything goes through the product's own functions.
"""

from datetime import date
from decimal import Decimal
from itertools import count

from accounts import authority, people, roles, terms
from accounts.models import User
from billing import effects, order_forms, renewals
from billing.models import Charge, Line, RenewalChange
from marketplace.models import Plan
from myapps import installs, plans, role_activations, seats, signing, uninstalls
from myapps.models import Installation
from support import term_end
from tests import factories

_numbers = count(1)


class Company:
    """One account with an administrator, a contract and the day it is."""

    def __init__(self, *, starts_on, term=12, frequency=1, currency="USD", zone="UTC",
                 renews=True):  # fmt: skip
        self.zone, self.currency = zone, currency
        self.day = starts_on
        self.account = factories.AccountFactory(timezone=zone)
        self.contract = self.signs_contract(
            starts_on=starts_on, term=term, frequency=frequency, renews=renews
        )
        version = factories.TermsVersionFactory(effective_from=date(2020, 1, 1))
        self.administrators = factories.RoleFactory(account=self.account)
        for permission in authority.ALL:
            authority.grant(
                self.administrators, permission, by=None, on=starts_on, delegates=True
            )
        self.admin = factories.UserFactory(account=self.account)
        roles.join(self.administrators, [self.admin], by=None, on=starts_on)
        terms.accept(self.admin, version=version, on=date(2026, 1, 1))

    # What sales does
    def signs_contract(self, *, starts_on, term=12, frequency=1, renews=True,
                       currency=None):  # fmt: skip
        return order_forms.record_contract(
            self.account, currency=currency or self.currency, starts_on=starts_on,
            term_months=term, frequency_months=frequency, auto_renews=renews,
            billed_until=None, by=None, on=self.day,
        )  # fmt: skip

    def signs(self, plan: Plan, quantity: int, price: str, *, starts_on=None) -> Line:
        form = order_forms.record(
            self.account, number=f"OF-{next(_numbers)}", signed_on=self.day,
            signed_by="", install_link_to="", content={}, by=None, on=self.day,
            entries=[{
                "plan": plan, "quantity": quantity, "monthly_unit_price": price,
                "starts_on": starts_on or self.day,
            }],
        )  # fmt: skip
        return form.lines.get()

    # What time does
    def until(self, day: date, *, hourly: bool = True) -> None:
        """Let days pass; the hourly run sees the last of them, or none at all."""
        self.day = day
        if hourly:
            self.hourly_run()

    def hourly_run(self) -> None:
        term_end.run(zone=self.zone, on=self.day)

    # What its administrator does
    def hires(self, number: int) -> list[User]:
        return factories.UserFactory.create_batch(number, account=self.account)

    def installs(self, plan: Plan, users=(), **activated) -> Installation:
        return installs.install(
            self.account, plan, users, roles=activated.get("roles", {}),
            signed=self.signature(authority.INSTALL), on=self.day,
        )  # fmt: skip

    def adds(self, installation, users):
        return seats.add(installation, users, signed=self.signature(), on=self.day)

    def removes(self, installation, users, **wish):
        return seats.remove(installation, users, by=self.admin, on=self.day, **wish)

    def lowers(self, installation, to):
        return seats.lower_to(installation, to, by=self.admin, on=self.day)

    def changes_plan(self, installation, plan):
        order = plans.change(installation, plan, signed=self.signature(), on=self.day)
        installation.refresh_from_db()
        return order

    def uninstalls(self, installation, **wish):
        return uninstalls.ask(installation, by=self.admin, on=self.day, **wish)

    def keeps(self, installation):
        return uninstalls.take_back(installation, by=self.admin, on=self.day)

    def activates(self, installation, role, *, auto=False):
        return role_activations.activate(
            installation, role, auto_install=auto, signed=self.signature(), on=self.day
        )

    def role(self, *users):
        role = factories.RoleFactory(account=self.account)
        self.joins(role, *users)
        return role

    def joins(self, role, *users):
        roles.join(role, users, by=self.admin, on=self.day)

    def leaves(self, role, *users):
        roles.leave(role, users, by=self.admin, on=self.day)

    def deletes(self, role):
        roles.delete(role, by=self.admin, on=self.day)

    def deactivates(self, *users):
        people.deactivate(users, by=self.admin, on=self.day)

    def reactivates(self, *users):
        people.reactivate(users, by=self.admin, on=self.day)

    def signature(self, permission=authority.MANAGE):
        return signing.sign(
            self.admin, permission, key=f"key-{next(_numbers)}", agreed=None,
            summary=None, on=self.day,
        )  # fmt: skip

    # What Support does
    def support_decides(self, change: RenewalChange, *, approve: bool):
        staff = factories.UserFactory(account=None, kind="SUPPORT")
        return renewals.decide(change, approve=approve, by=staff, on=self.day)

    # What the books say
    def would(self, plan: Plan, units: int) -> effects.Effect:
        return effects.of(self.account, plan, units=units, on=self.day)

    def billed(self, line: Line | None = None) -> list[str]:
        """Each charge as reason, quantity, days/period days, amount; oldest first."""
        found = Charge.objects.of(self.account)
        if line is not None:
            found = found.filter(line=line)
        return [
            f"{c.reason} {c.quantity} × {c.days}/{c.period_days} = {_plain(c)}"
            for c in found.order_by("starts_on", "id")
        ]

    def total(self) -> Decimal:
        return Charge.objects.of(self.account).total()

    def change(self, **which) -> RenewalChange:
        return RenewalChange.objects.of(self.account).get(**which)


def _plain(charge: Charge) -> str:
    return str(round(charge.amount, charge.line.digits))
