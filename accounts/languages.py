"""In which languages the product speaks, each by its own name."""

OFFERED = {"en": "English", "pt": "Português", "es": "Español", "de": "Deutsch"}


def of(user) -> str:
    """The language of letters to a person: their own, else their account's, else
    English.
    """
    customs = user.account.locale if user.account_id else ""
    for wanted in (user.language, customs.replace("_", "-").partition("-")[0]):
        if wanted in OFFERED:
            return wanted
    return "en"
