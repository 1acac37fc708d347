"""Rows for tests: each factory makes the plainest valid one."""

import datetime

import factory
from factory.django import DjangoModelFactory

from accounts import roles

SOME_TIME_AGO = datetime.date(2026, 1, 1)


class AccountFactory(DjangoModelFactory):
    class Meta:
        model = "accounts.Account"

    slug = factory.Sequence("account-{}".format)
    name = factory.Sequence("Account {}".format)
    timezone = "UTC"


class UserFactory(DjangoModelFactory):
    """Works for an account, in no role. Signs in with force_login: no password."""

    class Meta:
        model = "accounts.User"

    account = factory.SubFactory(AccountFactory)
    email = factory.Sequence("person{}@people.example".format)
    display_name = factory.Sequence("Person {}".format)
    password = "!"


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
