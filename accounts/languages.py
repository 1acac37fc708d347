"""In which languages the product speaks, each by its own name."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User

OFFERED = {"en": "English", "pt": "Português", "es": "Español", "de": "Deutsch"}


def of(user: "User") -> str:
    """The language of letters to a person: their own, else their account's, else
    English.
    """
    customs = user.account.locale if user.account_id else ""
    for wanted in (user.language, customs.replace("_", "-").partition("-")[0]):
        if wanted in OFFERED:
            return wanted
    return "en"
