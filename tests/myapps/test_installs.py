"""Installing: what it does by the lines it finds, whom it seats, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from accounts import authority, roles, terms
from billing.models import Charge, Line, Order, RenewalChange
from billing.orders import EffectChanged
from journal.models import Activity
from marketplace import offers
from myapps import installs, signing
from myapps.models import Installation, Seat
from tests import factories

pytestmark = pytest.mark.django_db


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def new_charges(account):
    return Charge.objects.of(account).exclude(order=None)


class TestWhichLine:
    """DESIGN 3.1–3.6."""

    def test_the_same_plan_under_contract_covers_it(
        self, install, plan, line, people, account, on
    ):
        line(contracted=3, on=on)

        install(plan, people(3))

        assert not new_charges(account).exists()
        assert Line.objects.count() == 1

    def test_above_the_contracted_quantity_the_contracted_price_is_billed(
        self, install, plan, line, people, account, on
    ):
        line(contracted=3, on=on)

        install(plan, people(5))

        charge = new_charges(account).get()
        assert (charge.quantity, charge.unit_price) == (2, Decimal("7.25"))
        assert charge.amount == Decimal("3.38")  # 2 × 7.25 × 7 ÷ 30

    def test_nothing_under_contract_is_bought_month_to_month(
        self, install, plan, people, account, contract, on
    ):
        contract.frequency_months = contract.term_months = 12
        contract.save()

        install(plan, people(2))

        line = Line.objects.get()
        assert (line.basis, line.anchor_on) == ("SELF_SERVE", on)
        assert (line.frequency_months, line.term_months) == (1, 1)
        assert new_charges(account).get().amount == Decimal("20.00")

    def test_another_plan_than_the_signed_one_is_billed_for_all_at_the_list_price(
        self, install, app, plan, line, people, account, on
    ):
        signed = line(contracted=3, on=on)
        other = factories.PlanFactory(app=app, price=Decimal("12.00"))

        install(other, people(5))

        new = Line.objects.get(plan=other)
        assert (new.basis, new.monthly_unit_price) == ("REPLACEMENT", 12)
        assert (new.anchor_on, new.term_months) == (signed.anchor_on, 12)
        charge = new_charges(account).get()
        assert (charge.quantity, charge.days, charge.period_days) == (5, 7, 30)
        assert charge.amount == Decimal("14.00")
        signed.refresh_from_db()
        assert signed.replaced_by == new
        change = RenewalChange.objects.get()
        assert (change.kind, change.state) == ("REPLACED", "UNDECIDED")

    def test_per_account_is_one_unit_for_any_number_of_people(
        self, install, app, people, account, contract
    ):
        plan = factories.PlanFactory(app=app, per_account=True, price=Decimal("99.00"))

        installation = install(plan, people(6))

        assert installation.seats.count() == 6
        assert new_charges(account).get().quantity == 1

    def test_per_account_may_begin_without_anybody(self, install, app, contract):
        plan = factories.PlanFactory(app=app, per_account=True, price=Decimal("99.00"))

        assert install(plan).seats.count() == 0

    def test_a_free_plan_leaves_no_charge(
        self, install, app, people, account, contract
    ):
        plan = factories.PlanFactory(app=app, price=Decimal(0))

        install(plan, people(2))

        assert not Charge.objects.exists()
        assert Line.objects.get().is_free

    def test_a_plan_that_is_not_listed_needs_an_offer(
        self, install, app, line, people, account, support, on
    ):
        old = factories.PlanFactory(app=app, listed=False)
        line(plan=old, on=on)
        with refused_with("not_listed"):
            install(old, people(1))

        offers.offer(old, account=account, by=support, on=on)
        install(old, people(1), key="offered")

        assert not new_charges(account).exists()


class TestWhoGetsASeat:
    def test_chosen_people_and_members_of_roles_each_once(
        self, install, plan, people, account, contract, on
    ):
        agents = factories.RoleFactory(account=account, name="Agents")
        leads = factories.RoleFactory(account=account, name="Leads")
        one, two, three, four = people(4)
        roles.join(agents, [one, two, three], by=None, on=on)
        roles.join(leads, [three, four], by=None, on=on)
        gone = factories.UserFactory(account=account, is_active=False)
        roles.join(agents, [gone], by=None, on=on)

        installation = install(plan, [one], roles={agents: False, leads: True})

        seats = Seat.objects.filter(installation=installation)
        assert sorted(seats.values_list("user", flat=True)) == [
            user.pk for user in (one, two, three, four)
        ]
        assert seats.get(user=one).role is None
        assert seats.get(user=three).role == agents
        assert seats.get(user=four).role == leads
        activated = installation.activations.order_by("role_name")
        assert [(a.role, a.auto_install) for a in activated] == [
            (agents, False),
            (leads, True),
        ]

    def test_people_and_roles_of_other_accounts_are_refused(
        self, install, plan, people, contract, stranger
    ):
        with refused_with("stranger"):
            install(plan, [stranger])
        theirs = stranger.account.roles.get()
        with refused_with("stranger"):
            install(plan, people(1), roles={theirs: False}, key="other")
        assert not Installation.objects.exists()
        assert not Order.objects.exists()

    def test_deactivated_people_and_nobody_are_refused(
        self, install, plan, account, contract
    ):
        with refused_with("inactive"):
            install(plan, [factories.UserFactory(account=account, is_active=False)])
        with refused_with("no_users"):
            install(plan, [], key="nobody")


class TestTheClick:
    def test_the_order_keeps_who_by_which_role_and_what_was_shown(
        self, install, plan, people, contract, admin, version
    ):
        order = install(plan, people(2)).order

        assert (order.placed_by, order.role_name) == (admin, "Administrators")
        assert order.authority == authority.INSTALL
        assert order.terms_version == version.version
        assert order.terms_address == version.address
        assert order.effect["new_line"]["first"]["amount"] == "20.00"
        activity = Activity.objects.get(verb="app.installed")
        assert activity.data["order"] == order.pk
        assert "Administrators" in activity.authority

    def test_the_same_key_is_one_purchase(self, install, plan, people, contract):
        users = people(2)

        assert install(plan, users) == install(plan, users)
        assert Order.objects.count() == Charge.objects.count() == 1

    def test_the_same_key_for_something_else_is_refused(
        self, install, plan, people, contract
    ):
        install(plan, people(2))

        with refused_with("key_reused"):
            install(plan, people(1))

    def test_an_effect_that_is_not_the_one_agreed_to_buys_nothing(
        self, install, plan, people, account, contract, on
    ):
        users = people(2)
        agreed = installs.effect(account, plan, seats=2, on=on).digest
        plan.list_prices.update(monthly_price=Decimal("11.00"))

        with pytest.raises(EffectChanged) as changed:
            install(plan, users, agreed=agreed)

        assert changed.value.effect.first_amount == Decimal("22.00")
        assert not Order.objects.exists()
        install(plan, users, agreed=changed.value.effect.digest)
        assert new_charges(account).get().amount == Decimal("22.00")

    def test_an_app_is_installed_once(self, install, plan, people, contract):
        install(plan, people(1))

        with refused_with("installed"):
            install(plan, people(1), key="again")

    def test_without_authority_or_acceptance_nobody_signs(
        self, member, admin, version, on
    ):
        with pytest.raises(PermissionDenied):
            signing.sign(
                member, authority.INSTALL, key="k", agreed=None, summary=None, on=on
            )
        with refused_with("terms_not_accepted"):
            signing.sign(
                admin, authority.INSTALL, key="k", agreed=None, summary=None, on=on
            )

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"add_on": True, "price": Decimal(1)}, "add_on"),
            ({"on_request": True}, "on_request"),
            ({"price": Decimal(1), "price__currency": "EUR"}, "currency"),
        ],
    )
    def test_what_is_not_for_sale_here_is_refused(
        self, install, app, people, contract, fields, code
    ):
        with refused_with(code):
            install(factories.PlanFactory(app=app, **fields), people(1))

    def test_without_a_current_contract_nothing_is_bought(self, install, plan, people):
        with refused_with("no_contract"):
            install(plan, people(1))


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_are_one_order():
    on = date(2026, 11, 23)
    account = factories.AccountFactory()
    factories.ContractFactory(account=account)
    plan = factories.PlanFactory(price=Decimal("10.00"))
    role = factories.RoleFactory(account=account)
    authority.grant(role, authority.INSTALL, by=None, on=on, delegates=True)
    admin, user = factories.UserFactory.create_batch(2, account=account)
    roles.join(role, [admin], by=None, on=on)
    terms.accept(admin, version=factories.TermsVersionFactory(), on=on)
    signed = signing.sign(
        admin, authority.INSTALL, key="one", agreed=None, summary=None, on=on
    )
    together = Barrier(2)

    def click(_):
        together.wait()
        try:
            return installs.install(
                account, plan, [user], roles={}, signed=signed, on=on
            )
        except ValidationError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(click, range(2)))

    bought = Installation.objects.get()
    assert bought in answers
    assert set(answers) - {bought} <= {"in_progress"}
    assert Order.objects.count() == Charge.objects.count() == 1
