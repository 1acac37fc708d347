"""Two companies with something in every list, and their programs. No throttle."""

import pytest
from django.core.cache import cache

from config.api_rates import KeyThrottle
from tests.api.firms import Firm, program


@pytest.fixture(autouse=True)
def unhurried(monkeypatch, settings):
    """Thousands of calls a minute, counted in this process alone."""
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    }
    monkeypatch.setattr(
        KeyThrottle, "THROTTLE_RATES", {"key": "100000/min", "anonymous": "100000/min"}
    )
    yield
    cache.clear()


@pytest.fixture
def firm(admin, present, today):
    """Alice's company."""
    return Firm(admin, today)


@pytest.fixture
def other_firm(stranger, present, today):
    """Charlie's company."""
    return Firm(stranger, today)


@pytest.fixture
def api(firm):
    """Alice's program, which may do everything."""
    return program(firm.admin)


@pytest.fixture
def foreign(other_firm):
    """Charlie's program, which may do everything in his own company."""
    return program(other_firm.admin)
