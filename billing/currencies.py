"""What a currency's minor unit is. No clock, no database."""

from babel.numbers import get_currency_precision


def digits(currency: str) -> int:
    """Digits of the currency's minor unit: 0 for JPY, 2 for EUR, 3 for KWD (ISO 4217)."""
    return get_currency_precision(currency)
