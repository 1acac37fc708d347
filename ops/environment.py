"""The Python environment: .venv holds exactly what the lock files say.

Runs on the machine's own Python, so it uses the standard library alone:
`python3 -m ops.environment requirements.txt requirements-dev.txt`.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"


def install(*locks: str) -> None:
    """Create .venv if need be and install each lock file that has changed."""
    if sys.version_info < (3, 11):
        sys.exit(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. "
            "Name another one: make PYTHON=/path/to/python3.11 run"
        )
    if not _works():
        _create()
    for lock in locks:
        _install(ROOT / lock)


def _works() -> bool:
    """Whether .venv has a Python that starts and can install."""
    if not PYTHON.exists():
        return False
    asked = [PYTHON, "-c", "import pip"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _create() -> None:
    print(f"Creating {VENV.name} with {sys.executable}", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        sys.exit(
            f"{made.stdout}{made.stderr}\nThis Python cannot create environments. On "
            "Debian and Ubuntu install the package python3-venv, then try again."
        )


def _install(lock: Path) -> None:
    """Install a lock, and remember its hash so that the next run need not ask."""
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f"{lock.stem}.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {lock.name}", flush=True)
    done = subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--require-hashes", "--only-binary", ":all:", "-r", lock],
        check=False,
    )
    if done.returncode:
        sys.exit(
            f"\n{lock.name} could not be installed; pip's words are above.\n"
            "- 'No matching distribution': this platform or Python has no wheel of "
            "that version. CPython 3.11 on Linux x86_64 has them all.\n"
            "- 'Connection' or 'Retrying': the package index cannot be reached from "
            "here. Set PIP_INDEX_URL to one that can, then try again."
        )
    stamp.write_text(wanted)


if __name__ == "__main__":
    install(*sys.argv[1:])
