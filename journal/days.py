"""How a sentence says a day, in the language that is active."""

from datetime import date

from babel.dates import format_skeleton
from django.utils import translation


def said(day: date) -> str:
    """A day with its year: 30 Nov 2026, or 30. Nov. 2026, or 30 de nov. de 2026."""
    language = translation.get_language() or "en"
    # English that nobody owns is British: its days leave no doubt.
    locale = "en_GB" if language == "en" else translation.to_locale(language)
    return format_skeleton("yMMMd", day, locale=locale)
