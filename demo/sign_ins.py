"""Who can sign in to the demo, and what each of them is there to show. Only words: it is
read without Django too.
"""

import base64
import hashlib
import hmac
import struct
import time
from dataclasses import dataclass

PASSWORD = "demo-console"  # noqa: S105 (printed for everybody to read)
# Staff have a second factor: an authenticator app with this key.
KEY = "MRSW23ZNMNXW443PNRSS243UMFTGMLJR"
STAFF = {"sofia.santos@vendor.example", "simon.stone@vendor.example"}


def code(at: float | None = None, *, key: str = KEY) -> str:
    """What the authenticator app of the demo's staff shows at a moment (RFC 6238)."""
    counter = int(time.time() if at is None else at) // 30
    told = hmac.new(
        base64.b32decode(key), struct.pack(">Q", counter), hashlib.sha1
    ).digest()
    offset = told[-1] & 15
    number = struct.unpack(">I", told[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


@dataclass(frozen=True)
class SignIn:
    """One demo sign-in."""

    email: str
    shows: str


ADMINISTRATOR = "user001@harbour-lines.example"
SIGN_INS = [
    SignIn(ADMINISTRATOR, "Administrator of Harbour Lines: installs, manages, pays"),
    SignIn("user003@harbour-lines.example", "Supervisor there, without authority"),
    SignIn("user009@harbour-lines.example", "Agent there: uses the apps"),
    SignIn("user001@vega-logistics.example", "Administrator of Vega Logistics"),
    SignIn("sofia.santos@vendor.example", "Support staff: the desk"),
    SignIn("simon.stone@vendor.example", "Sales operations: contracts, prices"),
    SignIn("petra.park@ironwood-tools.example", "Partner: Ironwood Tools"),
]
