"""A production refuses to start without its secrets, or with what belongs to a demo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import launch_keys

KEY = launch_keys.kept(Path(__file__).parents[2] / "var/launch-key.pem")
COMPLETE = {
    "LAUNCH_KEY_FILES": KEY,
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "k" * 60,
    "ALLOWED_HOSTS": "console.vendor.example",
    "DATABASE_URL": "postgres://application@db.vendor.example/console",
}


def start(**changes):
    """Import the settings in a process of their own, with only these variables."""
    variables = {name: value for name, value in (COMPLETE | changes).items() if value}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings as s; print(s.PRODUCTION)"],
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_word_it_is_a_production():
    assert start().stdout == "True\n"


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "LAUNCH_KEY_FILES"]
)
def test_a_production_names_the_secret_it_misses(name):
    refused = start(**{name: ""})

    assert refused.returncode == 1
    assert f"Set {name} in the environment" in refused.stderr


@pytest.mark.parametrize("name", ["CLOCK_SETTABLE", "DEBUG"])
def test_a_production_refuses_what_belongs_to_a_demo(name):
    refused = start(**{name: "1"})

    assert refused.returncode == 1
    assert name in refused.stderr
    assert "refused in production" in refused.stderr


def test_a_production_refuses_webhooks_to_itself():
    refused = start(WEBHOOK_LOOPBACK_ALLOWED="127.0.0.1:8790")

    assert refused.returncode == 1
    assert "WEBHOOK_LOOPBACK_ALLOWED" in refused.stderr
    assert "refused in production" in refused.stderr


def test_what_is_no_key_signs_no_launch(tmp_path):
    (tmp_path / "key.pem").write_text("no key")

    refused = start(LAUNCH_KEY_FILES=str(tmp_path / "key.pem"))

    assert refused.returncode == 1
    assert "no P-256 private key" in refused.stderr


def test_only_this_machine_may_be_allowed():
    local = start(ENVIRONMENT="local", WEBHOOK_LOOPBACK_ALLOWED="10.0.0.1:80")

    assert "it has '10.0.0.1:80'" in local.stderr


def test_on_this_machine_only_the_database_must_be_named():
    local = start(ENVIRONMENT="local", SECRET_KEY="", ALLOWED_HOSTS="")

    assert local.stdout == "False\n"


def test_a_mistyped_environment_is_no_environment():
    assert "either production or local" in start(ENVIRONMENT="Local").stderr
