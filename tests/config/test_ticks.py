"""Beat's ticks: due work is found again by the next one, so an old one may go."""

import pytest
from django.conf import settings

from config.celery import app as celery

TICKS = settings.CELERY_BEAT_SCHEDULE


@pytest.mark.parametrize("name", TICKS)
def test_each_tick_names_a_task_that_exists(name):
    celery.loader.import_default_modules()

    assert TICKS[name]["task"] in celery.tasks


@pytest.mark.parametrize("name", TICKS)
def test_a_tick_expires_before_the_next_one(name):
    tick = TICKS[name]

    assert 0 < tick["options"]["expires"] < tick["schedule"]


def test_a_worker_that_dies_gives_its_task_back():
    assert celery.conf.task_acks_late
    assert celery.conf.task_reject_on_worker_lost
    assert celery.conf.worker_prefetch_multiplier == 1
    assert celery.conf.task_publish_retry is False
