"""What a balancer asks before it sends anybody."""

import pytest
from django.db import connection
from django.test import Client
from kombu.exceptions import OperationalError

from config.celery import app as celery


def test_it_is_alive_whatever_the_database_does(client):
    """Without the db fixture a query would fail the test."""
    assert client.get("/healthz").json() == {"status": "alive"}


def test_a_balancer_may_ask_by_any_name_and_in_plain_http(settings):
    settings.ALLOWED_HOSTS = ["console.vendor.example"]
    settings.SECURE_SSL_REDIRECT = True

    assert Client().get("/healthz", headers={"host": "10.0.0.7"}).status_code == 200


@pytest.mark.django_db
def test_ready_with_every_migration(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["database"] == "ok"


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'journal'")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "migrations to apply" in answer.json()["database"]


@pytest.mark.django_db
def test_an_absent_broker_turns_nobody_away(client, settings, monkeypatch):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(celery.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(celery.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    with pytest.raises(OperationalError):
        celery.connection_for_write().ensure_connection(max_retries=1, timeout=1)

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["broker"] == "unreachable"
