"""The handshake under contention: one answer counts, and what is paid back is paid once.

Confirming, refusing and the deadline wait for the contract's lock; whoever comes second
reads what the first wrote.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from billing.models import Charge
from journal.models import Message
from myapps import provisioning
from myapps.models import Installation
from tests import factories

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def app():
    app = factories.AppFactory(slug="box", name="Box")
    factories.EndpointFactory(partner_id=app.partner_id)
    return app


@pytest.fixture
def installation(install, plan, people, contract):
    """Two people at 10.00, waiting for the partner."""
    return install(plan, people(2))


def at_once(*answers):
    """Give all answers in the same moment; what each came to: True, False or a code."""
    ready = Barrier(len(answers))

    def give(answer):
        try:
            ready.wait(10)
            return answer() is not False
        except ValidationError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(answers)) as threads:
        return list(threads.map(give, answers))


def reversals(account):
    return Charge.objects.of(account).filter(reason="REVERSAL").count()


@pytest.mark.parametrize("round", range(4))
def test_a_confirmation_and_the_deadline_never_both_count(
    installation, partner_user, account, on, round
):
    last, over = on + timedelta(days=6), on + timedelta(days=7)

    confirmed, failed = at_once(
        lambda: provisioning.confirm(installation, by=partner_user, on=last),
        lambda: provisioning.expire(installation.pk, on=over),
    )

    installation.refresh_from_db()
    if failed is True:
        assert (confirmed, installation.state) == ("answered", "FAILED")
        assert reversals(account) == 1
        assert Charge.objects.of(account).total() == 0
    else:
        assert (confirmed, failed, installation.state) == (True, False, "ACTIVE")
        assert reversals(account) == 0


def test_eight_refusals_pay_back_once(installation, partner_user, account, on):
    said = at_once(
        *[
            lambda: provisioning.refuse(
                installation, by=partner_user, on=on, reason="No workspace"
            )
        ]
        * 8
    )

    assert sorted(map(str, said)) == ["True"] + ["answered"] * 7
    assert reversals(account) == 1
    assert Charge.objects.of(account).total() == 0


def test_a_confirmation_and_a_refusal_never_both_count(
    installation, partner_user, account, on
):
    said = at_once(
        lambda: provisioning.confirm(installation, by=partner_user, on=on),
        lambda: provisioning.refuse(
            installation, by=partner_user, on=on, reason="No workspace"
        ),
    )

    assert sorted(map(str, said)) == ["True", "answered"]
    installation.refresh_from_db()
    assert installation.state == ("ACTIVE" if said[0] is True else "FAILED")
    assert reversals(account) == (said[0] is not True)


def test_deadlines_that_meet_fail_and_tell_once(installation, account, on):
    over = on + timedelta(days=7)

    said = at_once(*[lambda: provisioning.expire(installation.pk, on=over)] * 4)

    assert sorted(said) == [False, False, False, True]
    assert reversals(account) == 1
    assert Message.objects.filter(event="app.uninstalled").count() == 1
    assert Installation.objects.get().closed_on == over
