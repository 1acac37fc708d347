"""What is foreseen is what the hourly run then charges, to the cent: on random contracts,
currencies, plans, days and histories, whether the run is late or not.
"""

import random
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing import forecasts, reconcile
from billing.models import Charge, Line, Term
from tests.cases.histories import History
from tests.cases.test_previews import tried

pytestmark = pytest.mark.django_db


@contextmanager
def read_only():
    """PostgreSQL refuses whatever is written meanwhile."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        yield
        transaction.set_rollback(True)


def rows(charges):
    """Charges as what is owed for which days; of several on the same days their sum."""
    found = {}
    for one in charges:
        key = (one.line.plan_id, one.starts_on, one.ends_on)
        quantity, amount = found.get(key, (0, Decimal(0)))
        found[key] = (quantity + one.quantity, amount + one.amount)
    return found


@given(st.integers(0, 2**32))
@tried(25)
def test_what_is_committed_is_what_the_run_charges(seed):
    history = History(dice := random.Random(seed))
    history.lives(through=dice.randint(0, 8))
    history.passes(dice.randint(0, 70), hourly=dice.random() < 0.6)
    with read_only():
        committed = forecasts.committed(
            history.account, on=history.day, use=history.use()
        )
    before = set(Charge.objects.values_list("pk", flat=True))

    history.hourly_run()
    ends = dict(Term.objects.open().values_list("line", "ends_on"))
    known = set(Line.objects.values_list("pk", flat=True))
    for end in sorted(set(ends.values())):
        history.until(max(end - timedelta(days=1), history.day))

    new = Charge.objects.exclude(pk__in=before).select_related("line")
    assert rows(committed) == rows(
        one
        for one in new
        if one.line_id in known and one.starts_on < ends.get(one.line_id, date.max)
    )
    assert not list(reconcile.differences(history.account))
