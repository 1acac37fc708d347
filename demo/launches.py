"""Where the demo's apps are opened: at the partner sandbox, which greets who comes."""

from datetime import date

from accounts.models import User
from marketplace import listings
from marketplace.models import Partner

SIMON = "simon.stone@vendor.example"


def lead(partner: Partner, place: str, *, by: User, on: date) -> None:
    """Let a partner's apps be opened at a place, as 127.0.0.1:8790: proposed by the
    partner, published by sales. What its partner is at work on is let be.
    """
    simon = User.objects.get(email=SIMON)
    for app in partner.apps.listed().filter(proposed={}, proposed_state=""):
        address = f"http://{place}/{partner.slug}/open/{app.slug}"
        if app.launch_address == address or listings.lacking(app):
            continue
        listings.revise(
            app,
            details={"launch_address": address},
            by=by,
            on=on,
            loopback=[place],
        )
        listings.submit(app, by=by, on=on)
        listings.publish(app, by=simon, on=on)
