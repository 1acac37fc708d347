"""The token an app is opened with: signed for this app alone, good for a minute.

A JSON Web Token, signed with ES256 (ADR 35). The first key signs; all of them are
published, so that a key is changed without a pause.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

ALGORITHM = "ES256"
LIVES = timedelta(seconds=60)
TYPE = "launch+jwt"


def issue(
    claims: Mapping, *, issuer: str, audience: str, keys: Sequence[str], at: datetime
) -> str:
    """Sign what is said of a person for one app; `keys` are PEM, the first one signs."""
    said = {
        "iss": issuer,
        "aud": audience,
        "iat": at,
        "exp": at + LIVES,
        "jti": secrets.token_urlsafe(18),
    }
    return jwt.encode(
        {**claims, **said},
        load_pem_private_key(keys[0].encode(), None),
        algorithm=ALGORITHM,
        headers={"kid": public(keys[0])["kid"], "typ": TYPE},
    )


def public(pem: str) -> dict:
    """The public half of a key, as a JSON Web Key. Its id is made of it (RFC 7638)."""
    key = load_pem_private_key(pem.encode(), None).public_key()
    told = ECAlgorithm.to_jwk(key, as_dict=True)
    needed = {name: told[name] for name in ("crv", "kty", "x", "y")}
    return needed | {"use": "sig", "alg": ALGORITHM, "kid": _thumbprint(needed)}


def key_set(keys: Sequence[str]) -> dict:
    """What is served at /.well-known/jwks.json."""
    return {"keys": [public(pem) for pem in keys]}


def _thumbprint(needed: Mapping) -> str:
    text = ",".join(f'"{name}":"{needed[name]}"' for name in sorted(needed))
    digest = hashlib.sha256(f"{{{text}}}".encode()).digest()
    return base64url_encode(digest).decode()
