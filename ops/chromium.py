"""The browser of the tests: one found, or Debian's when root, or npm's."""

import os
import shutil
import subprocess
import sys

from ops import node, variables
from ops.environment import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOLDER = variables.VAR / "chromium"
INFLATE = (
    """import("@sparticuz/chromium").then(found => found.default.executablePath())"""
)
START = """#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_PATH="$here/fonts"
exec "$here/chromium" "$@"
"""
# The package looks for its font where AWS unpacks it; without one no text has a size.
FONTS = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{FOLDER}/fonts/fonts</dir>
  <cachedir>{FOLDER}/fonts/cache</cachedir>
</fontconfig>
"""


def path() -> str:
    """Where a Chromium is that starts here; brings one where there is none."""
    return _named() or _found() or _from_debian() or _from_npm()


def _named() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named and not _starts(named):
        sys.exit(f"CHROMIUM is {named}, which does not start. Correct or unset it.")
    return named


def _found() -> str | None:
    for name in NAMES:
        if (found := shutil.which(name)) and _starts(found):
            return found
    return None


def _from_debian() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("Installing Debian's Chromium", flush=True)
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "check": False}
    packages = ["chromium", "fonts-noto-core"]
    subprocess.run(["apt-get", "update", "--quiet=2"], **quiet)
    subprocess.run(
        ["apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends"]
        + packages,
        stdout=subprocess.DEVNULL,
        **quiet,
    )
    return _found()


def _from_npm() -> str:
    start = FOLDER / "start"
    if start.exists() and _starts(str(start)):
        return str(start)
    print("Installing npm's Chromium", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "ops/browser" / name, FOLDER)
    node.npm("ci", folder=FOLDER)
    (FOLDER / "chromium").unlink(missing_ok=True)
    # The package unpacks into TMPDIR, the libraries it needs only under this name.
    unpacked = {"TMPDIR": str(FOLDER), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
    subprocess.run(
        [*node.command("node"), "-e", INFLATE],
        cwd=FOLDER,
        env=os.environ | unpacked,
        check=True,
    )
    (FOLDER / "fonts/fonts.conf").write_text(FONTS)
    start.write_text(START)
    start.chmod(0o755)
    if not _starts(str(start)):
        sys.exit(
            "No Chromium starts on this machine. Install one (Debian's package is "
            "'chromium') or name it: make CHROMIUM=/path/to/chromium test"
        )
    return str(start)


def _starts(program: str) -> bool:
    """Whether the linker finds all its libraries."""
    asked = [program, "--version"]
    try:
        done = subprocess.run(asked, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    print(path())
