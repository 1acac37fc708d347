"""Who can sign in to the demo, and what each of them is there to show. Only words: it is
read without Django too.
"""

from dataclasses import dataclass

PASSWORD = "demo-console"  # noqa: S105 (printed for everybody to read)


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
