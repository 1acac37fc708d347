"""`make fuzz`: the property tests of billing and of the desk, with twenty times the examples, and the
whole API as three callers, 5,000 cases each.

Each run tries others. What fails in billing is printed with the values that fail, and
tried first the next time; the API's cases are those of FUZZ_SEED, which is printed. What
follows goes to pytest: `python -m ops.fuzz -k held`.
"""

import os
import secrets
import subprocess
import sys

from ops import scratch
from ops.environment import ROOT, VENV

PROPERTIES = [
    "tests/billing",
    "tests/cases",
    "-m",
    "hypothesis",
    "--hypothesis-profile",
    "fuzz",
]
CASES = "5000"


def main(wanted: list[str]) -> int:
    seed = os.environ.get("FUZZ_SEED") or str(secrets.randbelow(2**32))
    asked = {"FUZZ_CASES": os.environ.get("FUZZ_CASES", CASES), "FUZZ_SEED": seed}
    print(f"FUZZ_SEED={seed}", flush=True)
    with scratch.database("appconnect_fuzz") as env:
        runs = [
            _pytest([*PROPERTIES, "-x", "--hypothesis-show-statistics", *wanted], env),
            _pytest(["tests/fuzz", *wanted], env | asked),
        ]
    return max(runs)


def _pytest(arguments: list[str], env: dict[str, str]) -> int:
    """Whether it fails; that nothing has the wanted name is no failure."""
    done = subprocess.run(
        [VENV / "bin/pytest", *arguments], env=env, cwd=ROOT, check=False
    )
    return 0 if done.returncode == 5 else done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
