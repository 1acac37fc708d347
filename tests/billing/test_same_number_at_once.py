"""An order form's number is one company's: two who record it at once."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from billing import order_forms
from billing.models import OrderForm
from tests import factories

ON = date(2026, 11, 23)


@pytest.mark.django_db(transaction=True)
def test_two_accounts_at_once_record_it_once():
    accounts = [factories.ContractFactory(starts_on=ON).account for _one in range(6)]
    entry = {
        "plan": factories.PlanFactory(price=10),
        "quantity": 2,
        "monthly_unit_price": Decimal("8.00"),
        "starts_on": ON,
    }
    gate, refused = threading.Barrier(len(accounts)), []

    def record(account):
        gate.wait()
        try:
            order_forms.record(
                account, number="OF-1", signed_on=ON, signed_by="", install_link_to="",
                entries=[entry], content={}, by=None, on=ON,
            )  # fmt: skip
        except ValidationError as refusal:
            refused.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=record, args=[one]) for one in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert OrderForm.objects.count() == 1
    assert refused == ["number_taken"] * 5
