"""The one settings module, with one empty page more."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
