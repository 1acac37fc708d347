"""How money, quantities and days are written, in the reader's language.

Babel writes them in the active language (`django.utils.translation`). Days are half-open
ranges in the rules; here they are written with their last day.
"""

import re
import unicodedata
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import (
    format_date,
    format_datetime,
    format_interval,
    format_skeleton,
    format_time,
)
from babel.numbers import format_currency, format_decimal, get_currency_precision
from django import template
from django.contrib.staticfiles import finders
from django.forms import CheckboxInput
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

TONES = {
    state: tone
    for tone, states in {
        "good": "ACTIVE APPROVED APPLIED SEATED SOLVED SUCCESS GOOD PAID CURRENT",
        "warn": "ENDING UNDECIDED PENDING PROPOSED QUEUED WARNING WARN WAITING PARTNER "
        "WAITING_FOR_CUSTOMER WAITING_FOR_PARTNER HELD PARKED",
        "bad": "FAILED REFUSED DECLINED ERROR BAD OVERDUE",
        "info": "INSTALLING OPEN SCHEDULED INFO IN_REVIEW FUTURE",
        "accent": "NEW ACCENT",
    }.items()
    for state in states.split()
}


# The account's locale, as pt-PT: it decides the order of a day and a number's signs,
# while the words stay in the active language.
_customs: ContextVar[str] = ContextVar("customs", default="")


@contextmanager
def customs(locale: str):
    """Write by the customs of a locale's country until the block ends."""
    token = _customs.set(locale)
    try:
        yield
    finally:
        _customs.reset(token)


def _locale() -> Locale:
    """Babel's locale for the active language and the reader's country."""
    return _known_locale(translation.get_language() or "en", _customs.get())


@cache
def _known_locale(language: str, customs_of: str) -> Locale:
    """The language as that country writes it; English that nobody there writes is
    British, whose days and currencies leave no doubt.
    """
    language, _sep, country = language.replace("_", "-").partition("-")
    country = customs_of.replace("_", "-").partition("-")[2] or country
    names = [f"{language}_{country.upper()}"] if country else []
    if country and language == "en":
        names.append("en_GB")
    for name in (*names, language):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@register.filter
def money(amount: Decimal | None, currency: str) -> str:
    """An amount in the currency's minor unit: `{{ charge.amount|money:"EUR" }}`."""
    if amount is None or amount == "":
        return ""
    return _spaced(format_currency(amount, currency, locale=_locale()))


@register.filter
def unit_price(price: Decimal | None, currency: str) -> str:
    """A price of one unit: up to six digits, at least the currency's own."""
    if price is None or price == "":
        return ""
    locale = _locale()
    price = Decimal(price)
    fraction = format(price, "f").partition(".")[2].rstrip("0")
    digits = max(get_currency_precision(currency), min(len(fraction), 6))
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return _spaced(
        pattern.apply(price, locale, currency=currency, currency_digits=False)
    )


def _spaced(words: str) -> str:
    """A currency of letters does not touch its number, which Babel leaves out."""
    return re.sub(r"(?<=[^\W\d_])(?=\d)", "\N{NO-BREAK SPACE}", words)


@register.filter
def count(number: int | None) -> str:
    """A whole number with its separators: 40,000."""
    return "" if number in (None, "") else format_decimal(number, locale=_locale())


@register.filter
def decimal(number: Decimal | float | None) -> str:
    """A number with at most one digit behind its sign: 4.5."""
    if number in (None, ""):
        return ""
    return format_decimal(number, format="#,##0.#", locale=_locale())


@register.filter
def day(on: date | None) -> str:
    """A day with its year: 31 Jan 2026. A moment is first taken to the local day."""
    if not on:
        return ""
    if isinstance(on, datetime):
        on = timezone.localtime(on).date() if timezone.is_aware(on) else on.date()
    return format_date(on, format="medium", locale=_locale())


@register.filter
def month(on: date | None) -> str:
    """A month with its year: Jan 2026."""
    return format_skeleton("yMMM", on, locale=_locale()) if on else ""


@register.filter
def moment(at: datetime | None) -> str:
    """A moment, to the minute, in the active time zone."""
    if not at:
        return ""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return format_datetime(local, format="medium", locale=_locale()).replace(
        format_time(local, format="medium", locale=_locale()),
        format_time(local, format="short", locale=_locale()),
    )


@register.filter
def day_range(period, end: date | None = None) -> str:
    """A half-open range of days, written with its last day.

    `{{ period|day_range }}` takes a Period, a pair or a DateRange;
    `{{ line.starts_on|day_range:line.ends_on }}` takes the two bounds. Without an end
    it says from when.
    """
    if isinstance(period, date):
        start = period
    elif hasattr(period, "lower"):
        start, end = period.lower, period.upper
    elif period:
        start, end = period
    else:
        return ""
    if end is None:
        return _("from %(day)s") % {"day": day(start)}
    last = end - timedelta(days=1)
    if last <= start:
        return day(start)
    return format_interval(start, last, skeleton="yMMMd", locale=_locale())


@register.filter
def last_day(end: date | None) -> str:
    """The last day of a range that ends, exclusively, on the given day."""
    return day(end - timedelta(days=1)) if end else ""


@register.filter
def month_count(months: int | None) -> str:
    """A length in months: 1 month, 12 months."""
    if months in (None, ""):
        return ""
    return ngettext("%(months)d month", "%(months)d months", months) % {
        "months": months
    }


@register.filter
def frequency(months: int | None) -> str:
    """How often a contract bills: monthly, quarterly, yearly."""
    if months in (None, ""):
        return ""
    words = {
        1: _("monthly"),
        3: _("quarterly"),
        6: _("half-yearly"),
        12: _("yearly"),
    }
    return words.get(months) or ngettext(
        "every %(months)d month", "every %(months)d months", months
    ) % {"months": months}


@register.filter
def share(part: int | None, whole: int | None) -> str:
    """A part of a whole as an SVG length, from 0% to 100%."""
    if not part or not whole:
        return "0%"
    return f"{min(max(100 * part / whole, 0), 100):.2f}%"


@register.simple_tag
def term_share(start: date, end: date, on: date) -> str:
    """How far a day is into the range [start, end), as an SVG length."""
    return share((on - start).days, (end - start).days)


@register.filter
def days_until(end: date | None, on: date | None) -> int | None:
    """Days from one day to another; negative when it has passed."""
    return (end - on).days if end and on else None


@register.filter
def time_until(end: datetime | None, at: datetime | None) -> str:
    """How long from one moment to another, either way: 45 min, 3 h, 2 days."""
    if not end or not at:
        return ""
    minutes = round(abs((end - at).total_seconds()) / 60)
    if minutes < 90:
        return _("%(minutes)d min") % {"minutes": minutes}
    hours = round(minutes / 60)
    if hours < 36:
        return _("%(hours)d h") % {"hours": hours}
    days = round(hours / 24)
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


@register.filter
def largest(first: int | None, second: int | None) -> int:
    """The greater of two numbers, for bars on one scale."""
    return max(first or 0, second or 0)


@register.filter
def initials(name: str | None) -> str:
    """One or two letters that stand for a name; one where letters join or stack."""
    letters = [word[0] for word in str(name or "").split() if word[0].isalpha()]
    if not letters:
        return "·"
    first, last = letters[0], letters[-1]
    alphabets = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN")
    if len(letters) == 1 or not unicodedata.name(first, "").startswith(alphabets):
        return first.upper()
    return (first + last).upper()


@register.filter
def hue(name: object) -> int:
    """A number from 0 to 11 that is always the same for a name: picks a colour."""
    return sum(str(name).encode()) % 12


@register.filter
def minus(first: int | None, second: int | None) -> int:
    """The difference of two numbers, at least 0."""
    return max((first or 0) - (second or 0), 0)


@register.filter
def tone(state: object) -> str:
    """The colour of a state: good, warn, bad, info, accent or calm."""
    return TONES.get(str(state).rpartition(".")[2].upper(), "calm")


@register.filter
def is_check(field) -> bool:
    """Whether a bound field is one checkbox, which stands before its label."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def page_numbers(page) -> list:
    """The page numbers to offer, the far ones elided."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)


@register.simple_tag
def query_with(request, name: str, value: object) -> str:
    """This page's own query with one value changed; a change goes back to page one."""
    query = request.GET.copy() if request else QueryDict(mutable=True)
    query.pop("page", None)
    query[name] = value
    return f"?{query.urlencode()}"


@register.simple_tag
def logo(slug: str) -> str:
    """The address of an app's logo; apps without one share a plain mark."""
    return static(f"logos/{slug}.svg" if _drawn(slug) else "logos/_app.svg")


@cache
def _drawn(slug: str) -> bool:
    """Whether there is a logo of that name, asked once for each process."""
    return finders.find(f"logos/{slug}.svg") is not None
