"""How the property tests run, and what holds after each test with a database."""

import pytest

from billing import reconcile
from tests.billing import examples  # noqa: F401 (its profiles)


@pytest.fixture
def unreconciled():
    """For tests that leave differences behind on purpose."""


@pytest.fixture(autouse=True)
def every_charge_reconciles(request, _django_db_marker):
    """Whatever a test did, each charge is as it must be (5.7)."""
    yield
    checked = "unreconciled" not in request.fixturenames
    if checked and request.node.get_closest_marker("django_db"):
        assert [str(one) for one in reconcile.differences()] == []
