"""Rows for tests: each factory makes the plainest valid one."""

import datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from accounts import roles, sealing, second_factors
from billing import lines, terms
from billing.models import OrderForm

APP_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SOME_TIME_AGO = datetime.date(2026, 1, 1)


class AccountFactory(DjangoModelFactory):
    class Meta:
        model = "accounts.Account"

    slug = factory.Sequence("account-{}".format)
    name = factory.Sequence("Account {}".format)
    timezone = "UTC"


class UserFactory(DjangoModelFactory):
    """Works for an account, in no role. Signs in with force_login: no password. Staff
    have a second factor, as they must; `second_factor=False` leaves them without.
    """

    class Meta:
        model = "accounts.User"
        skip_postgeneration_save = True

    account = factory.SubFactory(AccountFactory)
    email = factory.Sequence("person{}@people.example".format)
    display_name = factory.Sequence("Person {}".format)
    password = "!"

    @factory.post_generation
    def second_factor(user, create, extracted, **kwargs):  # noqa: N805
        if create and extracted is not False and user.kind in second_factors.ALWAYS:
            second_factors.give_app(user, sealed_key=sealing.seal(APP_KEY))


class RoleFactory(DjangoModelFactory):
    """A role without members, which may launch apps."""

    class Meta:
        model = "accounts.Role"

    account = factory.SubFactory(AccountFactory)
    name = factory.Sequence("Role {}".format)
    on = SOME_TIME_AGO
    by = None

    @classmethod
    def _create(cls, model_class, account, **kwargs):
        return roles.create(account, **kwargs)


class TermsVersionFactory(DjangoModelFactory):
    """A version of the purchase terms that is in force on the day of the tests."""

    class Meta:
        model = "accounts.TermsVersion"
        django_get_or_create = ["version"]

    version = "2026-01"
    address = "https://vendor.example/terms-of-service/2026-01"
    effective_from = SOME_TIME_AGO


class PartnerFactory(DjangoModelFactory):
    class Meta:
        model = "marketplace.Partner"

    slug = factory.Sequence("partner-{}".format)
    name = factory.Sequence("Partner {}".format)


class EndpointFactory(DjangoModelFactory):
    """A partner's endpoint that has answered its challenge: `partner_id` says whose."""

    class Meta:
        model = "journal.Endpoint"

    address = "https://hooks.partner.example/appconnect"
    secret = "whsec_" + "c2lnbmVkIHdpdGggdGhpcw=="
    verified_at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class JobFactory(DjangoModelFactory):
    """A file of people, checked and not begun."""

    class Meta:
        model = "accounts.Job"

    account = factory.SubFactory(AccountFactory)
    by = factory.SubFactory(UserFactory, account=factory.SelfAttribute("..account"))
    file_name = "people.csv"
    created_at = datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.UTC)


class AppFactory(DjangoModelFactory):
    """Published, active at once: its partner has no endpoint."""

    class Meta:
        model = "marketplace.App"

    partner = factory.SubFactory(PartnerFactory)
    slug = factory.Sequence("app-{}".format)
    name = factory.Sequence("App {}".format)
    category = "Collaboration"
    currency = "USD"
    listed_on = SOME_TIME_AGO


class PlanFactory(DjangoModelFactory):
    """A listed base plan, Per Seat. `price=None` leaves it without a list price."""

    class Meta:
        model = "marketplace.Plan"
        skip_postgeneration_save = True

    class Params:
        add_on = factory.Trait(kind="ADD_ON")
        on_request = factory.Trait(price_on_request=True)
        per_account = factory.Trait(charge_model="PER_ACCOUNT")

    app = factory.SubFactory(AppFactory)
    code = factory.Sequence("plan-{}".format)
    name = factory.Sequence("Plan {}".format)
    charge_model = "PER_SEAT"

    @factory.post_generation
    def price(plan, create, extracted, currency="USD", **kwargs):  # noqa: N805
        if create and extracted is not None:
            ListPriceFactory(plan=plan, monthly_price=extracted, currency=currency)


class ListPriceFactory(DjangoModelFactory):
    class Meta:
        model = "marketplace.ListPrice"

    plan = factory.SubFactory(PlanFactory)
    currency = "USD"
    monthly_price = Decimal("10.00")
    effective_from = datetime.date(2020, 1, 1)


class ContractFactory(DjangoModelFactory):
    """A year at a time, billed monthly, which renews."""

    class Meta:
        model = "billing.Contract"

    account = factory.SubFactory(AccountFactory)
    currency = "USD"
    starts_on = SOME_TIME_AGO
    term_months = 12
    frequency_months = 1


class LineFactory(DjangoModelFactory):
    """Bought through a signed order form. With `on`, carried forward to that day."""

    class Meta:
        model = "billing.Line"

    contract = factory.SubFactory(ContractFactory)
    plan = factory.SubFactory(PlanFactory)
    number = factory.Sequence("OF-{}".format)
    contracted = 1
    monthly_unit_price = Decimal("8.00")
    starts_on = factory.SelfAttribute("contract.starts_on")
    on = None

    @classmethod
    def _create(cls, model_class, contract, number, on, **fields):
        form, _ = OrderForm.objects.get_or_create(
            number=number,
            defaults={
                "account": contract.account,
                "contract": contract,
                "signed_on": contract.starts_on,
                "content": {},
            },
        )
        terms_of_contract = {
            "account": contract.account,
            "contract": contract,
            "order_form": form,
            "basis": "SIGNED",
            "currency": contract.currency,
            "anchor_on": contract.starts_on,
            "frequency_months": contract.frequency_months,
            "term_months": contract.term_months,
        }
        fields.setdefault("began_on", fields["starts_on"])
        term = lines.open_line(**terms_of_contract | fields)
        if on:
            terms.advance([term.line_id], active={}, on=on, origin="ORDER_FORM")
        return model_class.objects.get(pk=term.line_id)


class TicketFactory(DjangoModelFactory):
    """A customer's question about a charge."""

    class Meta:
        model = "support.Ticket"

    account = factory.SubFactory(AccountFactory)
    category = "CHARGE"
    origin = "CUSTOMER"
    subject = "A question about a charge"
    opened_on = SOME_TIME_AGO
