"""What tests of the desk share."""

from importlib import import_module

import pytest
from django.apps import apps

from support.models import Calendar, ServicePromise


@pytest.fixture
def first_promises(db):
    """The calendar and the promises that a fresh house has."""
    ServicePromise.objects.all().delete()
    Calendar.objects.all().delete()
    import_module("support.migrations.0010_first_promises").begin(apps, None)
