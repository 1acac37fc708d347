"""The real catalogue, and small ones made by hand."""

import json
from pathlib import Path

import pytest

from marketplace import catalogue_files, catalogue_imports

DEMO = Path(__file__).parents[2] / "demo"


@pytest.fixture
def taken_in(db, today):
    """Take in a catalogue given as Python values: taken_in(catalogue, on=…)."""

    def take(catalogue, supplement=None, *, on=today):
        entries, faults = catalogue_files.catalogue(json.dumps(catalogue))
        assert faults == []
        more = catalogue_imports.NO_SUPPLEMENT
        if supplement:
            more, faults = catalogue_files.supplement(json.dumps(supplement))
            assert faults == []
        return catalogue_imports.take_in(entries, more, by=None, on=on)

    return take


@pytest.fixture
def real():
    """The catalogue of the demo, as Python values."""
    return json.loads((DEMO / "catalogue.json").read_text())


@pytest.fixture
def supplement():
    """What the demo adds to it."""
    return json.loads((DEMO / "supplement.json").read_text())


@pytest.fixture
def small():
    """One app with one plan, at 8.00 since 2024 and 9.00 since 2026."""
    return {
        "apps": [
            {
                "slug": "chat",
                "name": "Chat",
                "category": "Voice and messaging",
                "currency": "USD",
                "listed_on": "2026-02-01",
                "tags": [],
                "plans": [
                    {
                        "code": "pro",
                        "name": "Pro",
                        "kind": "base",
                        "charge_model": "per_seat",
                        "unit": "user/month",
                        "description": "",
                        "monthly_price": "9.00",
                        "price_on_request": False,
                        "features": [],
                        "list_prices": [
                            {
                                "currency": "USD",
                                "monthly_price": "8.00",
                                "effective_from": "2024-01-01",
                            },
                            {
                                "currency": "USD",
                                "monthly_price": "9.00",
                                "effective_from": "2026-01-01",
                            },
                        ],
                    }
                ],
            }
        ]
    }


@pytest.fixture
def plan_entry(small):
    """The one plan of the small catalogue, to be spoilt or changed."""
    return small["apps"][0]["plans"][0]
