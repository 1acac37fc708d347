"""The keys that sign launches, read when the product starts; made once on a machine
that is no production.
"""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.core.exceptions import ImproperlyConfigured


def read(files: str) -> list[str]:
    """The keys of these files, as PEM; the first one signs. Refuses what is not a P-256
    private key.
    """
    return [_key(Path(name)) for name in files.split()]


def kept(path: Path) -> str:
    """The name of a file with a key; makes it where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        half = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        half.touch(mode=0o600)
        half.write_bytes(made)
        try:
            os.link(half, path)  # of several processes that start, one is first
        except FileExistsError:
            pass
        finally:
            half.unlink()
    return str(path)


def _key(path: Path) -> str:
    try:
        text = path.read_text()
        key = load_pem_private_key(text.encode(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not (
        isinstance(key, ec.EllipticCurvePrivateKey)
        and isinstance(key.curve, ec.SECP256R1)
    ):
        raise ImproperlyConfigured(
            f"{path}, named by LAUNCH_KEY_FILES, is no P-256 private key in PEM"
            " (docs/operations.md says how to make one)."
        )
    return text
