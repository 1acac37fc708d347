"""`make bench`: how fast, in one run, each thing beside a plain one that does the same
work. Ratios count; single times depend on the machine.
"""

import os
import subprocess
import sys

from ops import scratch, variables

PARTS = {
    "term_end": "end_terms over 100,000 due lines, beside a bare INSERT … SELECT",
    "pages": "pages, beside an empty Django view on the same server",
    "spending": "the overview and spending of 60 apps and 100,000 seats, beside the same",
    "desk": "the desk's pages over 100,000 tickets and 500,000 messages, beside the same",
    "paint": "the first paint of main pages on a processor four times slower, uncached",
    "writers": "seat additions a second at 1, 8 and 64 writers",
}


def main(wanted: list[str]) -> None:
    for name in wanted or PARTS:
        print(f"\n{PARTS[name]}", flush=True)
        with scratch.database(f"appconnect_bench_{name}") as env:
            _run(name, env)


def _run(name: str, env: dict[str, str]) -> None:
    """Each part in a process of its own, so that none warms the next."""
    command = [sys.executable, "-m", f"bench.{name}"]
    subprocess.run(command, check=True, env=os.environ | env, cwd=variables.ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
