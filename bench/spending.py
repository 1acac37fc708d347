"""What the overview and spending cost an account of 60 apps, 40,000 people and 100,000
seats, each page beside an empty Django view on the same server, both signed in.
"""

import os
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
django.setup()

from bench import large, pages  # noqa: E402

PAGES = {
    "overview": "/overview/",
    "its charts": "/overview/figures/",
    "spending, a month": "/spending/",
    "spending, a year": "/spending/?since=2025-11&until=2026-11",
    "My Apps": "/apps/",
}


def main() -> None:
    began = time.perf_counter()
    user = large.fill()
    print(f"  {'seeded in':<28}{time.perf_counter() - began:>8.1f} s")
    pages.measure(PAGES, pages.signed_in(user))


if __name__ == "__main__":
    main()
