"""What one person is told of: once, in their language, mailed as they chose.

A notice stands in the console whatever its kind's choice is; the choice is about mail.
"""

import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.template import Context
from django.template.loader import select_template
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from journal import signals
from journal.models import Notice, NoticeChoice

Choice = NoticeChoice.Choice
DIGEST_AT = time(8)
"""When the day's digest leaves, by the clock of the account."""
BATCH = 200

INSTALL, MANAGE = "accounts.install_apps", "accounts.manage_apps"
MANAGE_ROLES = "accounts.manage_roles"


@dataclass(frozen=True)
class Kind:
    """One kind of notice: its name, whom it is for (by permission; empty: everybody),
    whether it is about money, and how it is mailed where nobody chose.
    """

    label: str
    for_whom: frozenset[str]
    money: bool
    default: str


def _kind(label, *for_whom, money=False, default=Choice.AT_ONCE):
    return Kind(label, frozenset(for_whom), money, default)


KINDS = {
    "term_end": _kind(gettext_lazy("A term comes to its end"), MANAGE, money=True),
    "auto_install": _kind(
        gettext_lazy("Auto Install buys seats"),
        MANAGE,
        money=True,
        default=Choice.DIGEST,
    ),
    "limit": _kind(gettext_lazy("Auto Install waits for you"), MANAGE, money=True),
    "list_price": _kind(gettext_lazy("A list price changes"), MANAGE, money=True),
    "approval": _kind(
        gettext_lazy("A purchase needs a second person"), INSTALL, MANAGE, money=True
    ),
    "provisioning": _kind(gettext_lazy("An app could not be set up"), INSTALL, MANAGE),
    "install_link": _kind(
        gettext_lazy("An install link was used"), MANAGE, default=Choice.DIGEST
    ),
    "role_authority": _kind(
        gettext_lazy("A role may do more or less"),
        MANAGE_ROLES,
        default=Choice.DIGEST,
    ),
    "request": _kind(gettext_lazy("Requests for apps and their answers")),
    "ticket": _kind(gettext_lazy("Support answers a ticket")),
    "authority": _kind(gettext_lazy("You may do more or less"), default=Choice.DIGEST),
    "job": _kind(
        gettext_lazy("A file of people is brought in"), MANAGE_ROLES, default=Choice.OFF
    ),
}

_TELL = """
    INSERT INTO journal_notice (
        user_id, account_id, kind, key, title, words, address, action,
        created_at, digest_at
    )
    SELECT told.user_id, %s, %s, %s, %s, %s, %s, %s, %s, told.digest_at
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (user_id, digest_at)
    ON CONFLICT DO NOTHING
    RETURNING id, user_id
"""


@transaction.atomic
def tell(
    users: Iterable, *, kind: str, key: str, words: str, context: Mapping,
    address: str, account, at: datetime,
    letter: Callable[[object, int], None] | None = None,
) -> int:  # fmt: skip
    """Tell people of one account something, each once for each `key`; says how many new.

    `words` names templates: `<words>_title.txt`, `<words>.txt` and, where the button
    says more than Show, `<words>_action.txt`; they are written in each reader's
    language. `address` is the path of the page it is about. Who chose so is mailed at
    once, in this transaction; the others find it in their digest, or here alone.
    `letter` writes that mail where it says more than the notice: it is called with the
    user and the notice's id, in the user's language.
    """
    users = list({user.pk: user for user in users}.values())
    chosen = choices_of(users, kind)
    due = next_digest(at, account=account)
    told = 0
    for language, readers in _by_language(users).items():
        with reading(language, account=account):
            said = _said(words, dict(context))
            new = _store(
                readers, said, kind=kind, key=key, address=address, account=account,
                at=at, digests=[
                    due if chosen[user.pk] == Choice.DIGEST else None
                    for user in readers
                ],
            )  # fmt: skip
            at_once = [
                (user, pk)
                for user in readers
                if (pk := new.get(user.pk)) and chosen[user.pk] == Choice.AT_ONCE
            ]
            for user, pk in at_once:
                if letter:
                    letter(user, pk)
                    continue
                signals.told.send(
                    Notice, user=user, notice_id=pk, kind=kind, said=said, at=at,
                    account=account,
                )  # fmt: skip
        told += len(new)
    return told


def choices_of(users: Iterable, kind: str) -> dict[int, str]:
    """How each of many people is mailed about a kind, by their id; one query."""
    pks = [user.pk for user in users]
    chosen = NoticeChoice.objects.filter(kind=kind, user_id__in=pks)
    return dict.fromkeys(pks, KINDS[kind].default) | dict(
        chosen.values_list("user_id", "choice")
    )


def choices(user) -> dict[str, str]:
    """How somebody is mailed about every kind."""
    chosen = NoticeChoice.objects.filter(user_id=user.pk, kind__in=KINDS)
    return {kind: one.default for kind, one in KINDS.items()} | dict(
        chosen.values_list("kind", "choice")
    )


@transaction.atomic
def choose(user, wanted: Mapping[str, str]) -> None:
    """Mail somebody from now on as they want, for the kinds that are named.

    Of the kinds about money among these, one at least must be mailed (money_off).
    What waited for a digest and shall not be mailed any more is let go.
    """
    money = [choice for kind, choice in wanted.items() if KINDS[kind].money]
    if money and all(choice == Choice.OFF for choice in money):
        raise ValidationError(
            _(
                "Notices about money cannot all be without mail. Leave at least one of"
                " them at once or in the digest."
            ),
            code="money_off",
        )
    NoticeChoice.objects.bulk_create(
        [
            NoticeChoice(user_id=user.pk, kind=kind, choice=choice)
            for kind, choice in sorted(wanted.items())
        ],
        update_conflicts=True,
        unique_fields=["user_id", "kind"],
        update_fields=["choice"],
    )
    silent = [kind for kind, choice in wanted.items() if choice == Choice.OFF]
    Notice.objects.for_digest().filter(user_id=user.pk, kind__in=silent).update(
        digest_at=None
    )


def read(user, *, at: datetime, pks: Iterable[int] | None = None) -> int:
    """Mark what somebody was told as read: these notices, or all; how many were not."""
    found = Notice.objects.of(user, at=at).unread()
    if pks is not None:
        found = found.filter(pk__in=list(pks))
    return found.update(read_at=at)


def take_back(key: str, *, at: datetime) -> None:
    """Unsay what was to be told at a moment that has not come."""
    Notice.objects.filter(created_at=at, key=key).delete()


def forget(*, before: datetime) -> int:
    """Drop what was told before a moment; says how many notices."""
    return Notice.objects.filter(created_at__lt=before).delete()[0]


def send_digests(*, at: datetime, most: int = BATCH) -> int:
    """Write each person the one mail with all that waits for it; says how many mails.

    Safe to repeat, to run late and to race: what was taken is marked with its mail.
    """
    sent = 0
    while (some := _digests(at=at, most=most)) is not None:
        sent += some
    return sent


@transaction.atomic
def _digests(*, at: datetime, most: int) -> int | None:
    due = Notice.objects.for_digest().filter(digest_at__lte=at)
    people = list(
        due.order_by("user_id").values_list("user_id", flat=True).distinct()[:most]
    )
    if not people:
        return None
    rows = list(due.filter(user_id__in=people).select_for_update().order_by("pk"))
    Notice.objects.filter(pk__in=[row.pk for row in rows]).update(digested_at=at)
    waiting = defaultdict(list)
    for row in rows:
        if row.read_at is None:
            waiting[row.user_id].append(row)
    if waiting:
        signals.digest_due.send(Notice, waiting=dict(waiting), at=at)
    return len(waiting)


def next_digest(at: datetime, *, account) -> datetime:
    """The next time it is eight o'clock where the account is."""
    zone = zoneinfo.ZoneInfo(account.timezone if account else "UTC")
    local = at.astimezone(zone)
    day = local.date() + timedelta(days=local.time() >= DIGEST_AT)
    return datetime.combine(day, DIGEST_AT, zone)


@contextmanager
def reading(language: str, *, account):
    """Write in somebody's language until the block ends, with days, moments and numbers
    as their account's country and time zone have them.
    """
    locale = account.locale if account else ""
    usual, _sep, country = locale.replace("_", "-").partition("-")
    language = language or usual or "en"
    if country and "-" not in language:
        language = f"{language}-{country.lower()}"
    zone = account.timezone if account else "UTC"
    with translation.override(language), timezone.override(zone):
        yield


def _by_language(users) -> dict[str, list]:
    found = defaultdict(list)
    for user in users:
        found[user.language].append(user)
    return found


def _said(words: str, context: dict) -> dict[str, str]:
    """Title, words and action, in the active language, each on one line."""
    texts = {
        "title": _text(f"{words}_title.txt", context),
        "words": _text(f"{words}.txt", context),
        "action": _text(f"{words}_action.txt", context),
    }
    return texts | {"title": texts["title"][:300], "action": texts["action"][:80]}


def _text(name: str, context: dict) -> str:
    """A template as plain text, on one line; without one of its own a button says Show."""
    template = select_template([name, "journal/notices/action.txt"]).template
    return " ".join(template.render(Context(context, autoescape=False)).split())


def _store(readers, said, *, kind, key, address, account, at, digests) -> dict:
    """Keep the notice for each reader who does not have it; their ids by the user's."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            [
                account and account.pk, kind, key, said["title"], said["words"],
                address, said["action"], at, [user.pk for user in readers], digests,
            ],
        )  # fmt: skip
        return {user: pk for pk, user in cursor.fetchall()}
