"""Calendars of term ends: a private address that a person's calendar reads (3.23)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from icalendar import Calendar, Event

from accounts import authority
from accounts.models import User
from billing.models import Term
from journal import activities
from myapps.models import CalendarFeed

AHEAD = [30, 7, 1]


@dataclass(frozen=True)
class Entry:
    """A day of the calendar: a term end (`ahead` 0), or so many days before it."""

    term: Term
    ahead: int

    @property
    def on(self) -> date:
        return self.term.ends_on - timedelta(days=self.ahead)

    @property
    def uid(self) -> str:
        return f"term-{self.term.pk}-{self.ahead}@appconnect"


@transaction.atomic
def make(user: User, *, at: datetime, on: date) -> str:
    """Give a person an address of their own; returns its token, kept nowhere.

    32 random bytes, only their hash stored. An address they had before ends.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    CalendarFeed.objects.standing().filter(user=user).update(revoked_at=at)
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(
        account_id=user.account_id, user=user, digest=_digest(token), made_at=at
    )
    _record("calendar.made", feed, by=user, on=on)
    return token


@transaction.atomic
def revoke(user: User, *, at: datetime, on: date) -> bool:
    """End a person's address at once. Returns whether there was one."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    feed = CalendarFeed.objects.standing().filter(user=user).first()
    if feed is None:
        return False
    CalendarFeed.objects.filter(pk=feed.pk).update(revoked_at=at)
    _record("calendar.revoked", feed, by=user, on=on)
    return True


def of(user: User) -> CalendarFeed | None:
    """The person's address that stands."""
    return CalendarFeed.objects.standing().filter(user=user).first()


def found(token: str) -> CalendarFeed | None:
    """What an address opens, as long as its person is active and holds Manage."""
    feed = (
        CalendarFeed.objects.standing()
        .filter(digest=_digest(token), user__is_active=True)
        .select_related("user__account")
        .first()
    )
    if feed is None or feed.user.account_id != feed.account_id:
        return None
    return feed if authority.held(feed.user, authority.MANAGE) else None


def entries(feed: CalendarFeed, *, on: date) -> list[Entry]:
    """Term ends to come of terms longer than a month, and the days ahead of them."""
    ending = (
        Term.objects.open()
        .filter(account=feed.account_id, ends_on__gte=on, starts_on__lte=on)
        .filter(line__term_months__gt=1)
        .select_related("line__app", "line__plan")
        .order_by("ends_on", "pk")
    )
    return [Entry(term, ahead) for term in ending for ahead in (0, *AHEAD)]


def written(feed: CalendarFeed, days: list[tuple[Entry, str]], *, name: str) -> bytes:
    """The calendar as RFC 5545 has it: all-day events, named by the words given."""
    calendar = Calendar.new(
        prodid="-//AppConnect//Term ends//EN",
        name=name,
        uid=f"calendar-{feed.pk}@appconnect",
        last_modified=feed.made_at,
    )
    for entry, words in days:
        calendar.add_component(
            Event.new(
                uid=entry.uid,
                stamp=feed.made_at,
                start=entry.on,
                end=entry.on + timedelta(days=1),
                summary=words,
                transparency="TRANSPARENT",
            )
        )
    return calendar.to_ical()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _record(verb: str, feed: CalendarFeed, *, by: User, on: date) -> None:
    activities.record(
        verb,
        account=by.account,
        by=by,
        on=on,
        subject=feed,
        authority=authority.acting(by, authority.MANAGE),
    )
