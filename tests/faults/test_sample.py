"""A short run of what `make faults` does at length."""

import subprocess
import sys

import pytest

from ops.environment import ROOT


@pytest.mark.slow
def test_a_run_killed_again_and_again_leaves_one_record_each():
    run = subprocess.run(
        [sys.executable, "-m", "faults", "400", "filesystem"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "good: one record each" in run.stdout


@pytest.mark.slow
def test_without_partners_or_broker_nothing_fails_and_every_event_arrives_in_order():
    run = subprocess.run(
        [sys.executable, "-m", "faults.partners", "1", "filesystem"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "each told, in order; 0 requests failed" in run.stdout
