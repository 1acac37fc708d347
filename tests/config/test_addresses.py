"""Service addresses, read as operators write them."""

import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.exceptions import OperationalError

from config import addresses


def test_a_database_with_everything_in_its_address():
    settings = addresses.database(
        "postgres://app%40eu:p%2Fw@db.example:6432/con%20sole?sslmode=require"
    )

    assert settings == {
        "ENGINE": "django.db.backends.postgresql",
        "USER": "app@eu",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "6432",
        "NAME": "con sole",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_database_behind_a_socket():
    settings = addresses.database("postgresql:///console?host=/run/postgresql")

    assert (settings["HOST"], settings["NAME"]) == ("/run/postgresql", "console")
    assert settings["OPTIONS"] == {}


@pytest.mark.parametrize("url", ["mysql://db/console", "sqlite:///console.db", "db"])
def test_another_database_is_refused(url):
    with pytest.raises(ImproperlyConfigured, match="postgres://"):
        addresses.database(url)


@pytest.mark.parametrize(
    ("url", "port", "implicit", "starttls"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example?tls=1", 587, False, True),
        ("smtps://mail.example", 465, True, False),
        ("smtp://mail.example:2525?tls=1", 2525, False, True),
    ],
)
def test_mail_servers(url, port, implicit, starttls):
    settings = addresses.mail(url)

    assert settings["EMAIL_PORT"] == port
    assert settings["EMAIL_USE_SSL"] is implicit
    assert settings["EMAIL_USE_TLS"] is starttls


def test_the_filesystem_broker_finds_its_folders(tmp_path):
    options = addresses.broker_options("filesystem://localhost", folder=tmp_path)

    assert options["data_folder_in"] == options["data_folder_out"]
    assert (tmp_path / "queue").is_dir()
    assert (tmp_path / "control").is_dir()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_a_broker_that_is_down_is_asked_once(url, tmp_path):
    """Asked again and again for seconds, it would hold up every click."""
    options = addresses.broker_options(url, folder=tmp_path)
    connection = Connection(url, transport_options=options)

    began = time.monotonic()
    with pytest.raises(OperationalError):
        connection.default_channel.close()

    assert time.monotonic() - began < 1
