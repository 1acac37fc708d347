"""The Celery application: `celery --app config worker` and `beat`."""

import logging
import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("appconnect")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**kwargs):
    """Celery would set up logs of its own; being connected here is what stops it."""
    logging.captureWarnings(True)
