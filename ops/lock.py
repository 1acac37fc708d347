"""Compile requirements*.txt, with hashes, from the short lists beside them."""

import subprocess

from ops.environment import ROOT, VENV


def main() -> None:
    for name in ("requirements", "requirements-dev", "requirements-node"):
        subprocess.run(
            [VENV / "bin/uv", "pip", "compile", "--quiet", "--generate-hashes"]
            + ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"]
            + ["--no-emit-index-url", "--no-header", "--upgrade"]
            + [f"{name}.in", "--output-file", f"{name}.txt"],
            cwd=ROOT,
            check=True,
        )


if __name__ == "__main__":
    main()
