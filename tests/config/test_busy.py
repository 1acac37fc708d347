"""Whom PostgreSQL sends back is told to try again; nothing else is hidden."""

import threading

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpResponse

from accounts.models import Account
from config.busy import BusyMiddleware
from tests import factories


@pytest.fixture
def middleware():
    return BusyMiddleware(lambda request: HttpResponse())


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_answered_with_409(middleware, rf):
    account = factories.AccountFactory()
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Account.objects.locked(account.pk)
            held.set()
            done.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        with pytest.raises(OperationalError) as refusal, transaction.atomic():
            Account.objects.select_for_update(nowait=True).get(pk=account.pk)
    finally:
        done.set()
        holder.join()

    request = rf.post("/")
    request.user = factories.UserFactory(account=account)
    answer = middleware.process_exception(request, refusal.value)

    assert answer.status_code == 409
    assert "Nothing of yours was written" in answer.content.decode()


@pytest.mark.parametrize("error", [OperationalError("gone"), DatabaseError("odd")])
def test_other_trouble_stays_what_it_is(middleware, rf, error):
    assert middleware.process_exception(rf.get("/"), error) is None
