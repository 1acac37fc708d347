"""`make fuzz`: the property tests of billing and of previews, with twenty times the examples.

Each run tries others. What fails is printed with the values that fail, and tried first
the next time. What follows goes to pytest: `python -m ops.fuzz -k held`.
"""

import subprocess
import sys

from ops import scratch
from ops.environment import ROOT, VENV

PROPERTIES = ["tests/billing", "tests/cases"]


def main(wanted: list[str]) -> int:
    command = [VENV / "bin/pytest", *PROPERTIES, "-m", "hypothesis", "-x"]
    command += ["--hypothesis-profile", "fuzz", "--hypothesis-show-statistics"]
    with scratch.database("appconnect_fuzz") as env:
        done = subprocess.run([*command, *wanted], env=env, cwd=ROOT, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
