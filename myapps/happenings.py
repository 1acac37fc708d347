"""What happened in an account: of which kind it was, and who may read it.

Entries about people, roles and keys are for those who manage roles, the rest for those
who manage apps; purchasing authority and who looked at the account concern both.
"""

from dataclasses import dataclass

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from accounts import authority
from accounts.models import Account, User
from journal import activities
from journal.models import Activity

SEARCHED = 50_000
"""Words are looked for in so many entries, the newest."""
MOST_PEOPLE = 50
"""A name stands for so many people at most."""


@dataclass(frozen=True)
class Kind:
    """Entries that belong together; `verbs` are beginnings of verbs."""

    label: str
    icon: str
    verbs: tuple[str, ...]
    readers: frozenset[str]


BOTH = frozenset({authority.MANAGE, authority.MANAGE_ROLES})
MANAGE = frozenset({authority.MANAGE})
ROLES = frozenset({authority.MANAGE_ROLES})
KINDS = {
    "apps": Kind(
        _("Apps and their users"),
        "apps",
        (
            *("app.", "seats.", "seat.", "plan.", "role.activated", "role.stopped"),
            *("auto_install.", "limits.", "joins.", "add_on.", "drift.", "link."),
        ),
        MANAGE,
    ),
    "money": Kind(
        _("Contract, renewals and money"),
        "receipt",
        (
            *("contract.", "order_form.", "renewal.", "credit.", "adjustment."),
            *("charges.", "statement.", "renewals.", "calendar."),
        ),
        MANAGE,
    ),
    "requests": Kind(
        _("Requests and approvals"),
        "circle-check",
        ("approval.", "request.", "purchase."),
        MANAGE,
    ),
    "help": Kind(_("Help"), "lifebuoy", ("ticket.",), MANAGE),
    "authority": Kind(
        _("Authority and terms"),
        "shield-lock",
        ("authority.", "terms.", "account."),
        BOTH,
    ),
    "people": Kind(
        _("People, roles and keys"),
        "users",
        (
            *("role.created", "role.renamed", "role.deleted", "role.joined"),
            *("role.left", "person.", "people.", "key.", "activity.", "sign_in."),
            *(
                "directory.",
                "invitation.",
                "identity_provider.",
                "mfa.",
                "factor.",
                "provider.",
                "session.",
                "password.",
            ),
        ),
        ROLES,
    ),
}


def kind_of(verb: str) -> str:
    """The kind an entry is of; empty where nobody said, which who reads all reads."""
    found = (name for name, kind in KINDS.items() if verb.startswith(kind.verbs))
    return next(found, "")


def verbs_of(kinds) -> list[str]:
    """The verbs that these kinds hold."""
    verbs = {verb.partition(":")[0] for verb in activities.SENTENCES}
    return sorted(verb for verb in verbs if kind_of(verb) in kinds)


def readable(user: User) -> list[str]:
    """The kinds somebody may read."""
    held = {one for one in BOTH if authority.held(user, one)}
    return [name for name, kind in KINDS.items() if kind.readers & held]


def seen_by(user: User) -> QuerySet[Activity]:
    """What happened in somebody's account, as far as they may read it."""
    rows = Activity.objects.filter(account_id=user.account_id)
    kinds = readable(user)
    return rows if len(kinds) == len(KINDS) else rows.filter(verb__in=verbs_of(kinds))


def by_or_about(rows: QuerySet[Activity], words: str, account: Account):
    """Entries of what people of these words did, and of what was done to them alone."""
    people = User.objects.filter(account=account).named(words).order_by("pk")
    ids = list(people.values_list("pk", flat=True)[:MOST_PEOPLE])
    return rows.filter(
        Q(actor_id__in=ids) | Q(subject__in=[f"user:{pk}" for pk in ids])
    )


def saying(rows: QuerySet[Activity], words: str, account: Account):
    """Of the newest entries those that keep every one of the words."""
    newest = Activity.objects.filter(account_id=account.pk).order_by("-id")
    floor = newest.values_list("id", flat=True)[SEARCHED : SEARCHED + 1].first()
    if floor:
        rows = rows.filter(id__gt=floor)
    rows = rows.annotate(kept=Cast("data", CharField()))
    for word in words.split():
        rows = rows.filter(
            Q(kept__icontains=word) | Q(app__icontains=word) | Q(verb__icontains=word)
        )
    return rows
