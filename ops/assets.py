"""What browsers load: built from the locked npm packages, only when it has changed."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import brotli

from ops import node, variables, words
from ops.environment import ROOT

STAMPS = variables.VAR / "stamps"
COLLECTED = variables.VAR / "static"
COMPRESSED = {".css", ".js", ".svg"}


def build() -> None:
    """node_modules from the lock, static/vendor and fonts from them and templates."""
    if _changed("npm", [ROOT / "package-lock.json"], [ROOT / "node_modules"]):
        print("Installing the look's npm packages", flush=True)
        node.npm("ci")
        _remember("npm", [ROOT / "package-lock.json"])
    sources = [*_sources()]
    if _changed("vendor", sources, [ROOT / "static/vendor", ROOT / "fonts"]):
        subprocess.run([sys.executable, ROOT / "ops/static.py"], check=True)
        _remember("vendor", sources)
    written = [words.place_of(language) for language in words.LANGUAGES]
    if _changed("words", written, [one.with_suffix(".mo") for one in written]):
        words.compile_all()
        _remember("words", written)


def collect(env: dict[str, str]) -> None:
    """Every app's static files into var/static, where the web server finds them, and
    beside each what browsers prefer to fetch: itself, compressed.
    """
    subprocess.run(
        variables.manage("collectstatic", "--no-input", "--verbosity", "0"),
        env=env,
        check=True,
    )
    for path in COLLECTED.rglob("*"):
        if path.suffix in COMPRESSED and path.is_file():
            _compress(path)


def _compress(path: Path) -> None:
    """Brotli beside a file, once for each of its states."""
    beside = path.with_name(f"{path.name}.br")
    changed = path.stat().st_mtime_ns
    if not beside.exists() or beside.stat().st_mtime_ns != changed:
        beside.write_bytes(brotli.compress(path.read_bytes(), quality=9))
        os.utime(beside, ns=(changed, changed))


def _sources() -> Iterable[Path]:
    yield from (ROOT / "package-lock.json", *sorted(ROOT.glob("ops/*.txt")))
    yield ROOT / "ops/static.py"
    yield from sorted(ROOT.glob("templates/**/*.html"))
    yield from sorted(ROOT.glob("config/*.py"))


def _hash(sources: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(s.read_bytes() for s in sources)).hexdigest()


def _changed(name: str, sources: list[Path], results: list[Path]) -> bool:
    stamp = STAMPS / name
    return (
        not all(result.exists() for result in results)
        or not stamp.exists()
        or stamp.read_text() != _hash(sources)
    )


def _remember(name: str, sources: list[Path]) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(_hash(sources))


if __name__ == "__main__":
    build()
