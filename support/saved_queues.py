"""Saved queues: a view, filters, columns and an order under a name. One's own, or shared
with a kind of staff; only who saved one changes it.
"""

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from support import queues
from support.models import SavedQueue

MOST = 30
"""So many somebody saves: each is counted whenever the queue is looked at."""

LONGEST_NAME = 80


def visible_to(user: User) -> QuerySet[SavedQueue]:
    """Somebody's own, and those shared with their kind of staff."""
    return SavedQueue.objects.filter(Q(owner=user) | Q(shared_with=user.kind))


def listed(user: User) -> list[SavedQueue]:
    """Those that stand beside the built-in ones: one's own first, by name."""
    found = visible_to(user).select_related("owner").order_by("name", "id")
    return sorted(found, key=lambda queue: queue.owner_id != user.pk)[: 2 * MOST]


def save(
    name: str, *, filters: Mapping, columns: list[str], sort: str, by: User,
    shared_with: str = "",
) -> SavedQueue:  # fmt: skip
    """Keep what is on screen under a name.

    Refuses an empty name (code no_name), one that its owner has already (name_taken),
    and more than MOST (too_many).
    """
    name = _name(name)
    if by.saved_queues.count() >= MOST:
        raise ValidationError(
            _("You have %(most)d queues. Delete one that you do not need."),
            code="too_many",
            params={"most": MOST},
        )
    queue = SavedQueue(owner=by, name=name, shared_with=_shared(shared_with))
    _take(queue, filters=filters, columns=columns, sort=sort)
    return _saved(queue)


def replace(
    queue: SavedQueue, *, filters: Mapping, columns: list[str], sort: str, by: User
) -> SavedQueue:
    """Keep what is on screen in place of what the queue kept. Only its owner may."""
    _own(queue, by)
    _take(queue, filters=filters, columns=columns, sort=sort)
    return _saved(queue)


def arrange(queue: SavedQueue, *, name: str, shared_with: str, by: User) -> SavedQueue:
    """Rename a queue, and share it with a kind of staff or with nobody.

    Refuses as `save` does; only its owner may (PermissionDenied).
    """
    _own(queue, by)
    queue.name, queue.shared_with = _name(name), _shared(shared_with)
    return _saved(queue)


def delete(queue: SavedQueue, *, by: User) -> None:
    """Forget a queue, for those it was shared with too. Only its owner may."""
    _own(queue, by)
    queue.delete()


def _own(queue: SavedQueue, by: User) -> None:
    if queue.owner_id != by.pk:
        raise PermissionDenied


def _name(name: str) -> str:
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        raise ValidationError(_("Give the queue a name."), code="no_name")
    return name


def _shared(kind: str) -> str:
    kinds = {
        value for value, _label in SavedQueue._meta.get_field("shared_with").choices
    }
    return kind if kind in kinds else ""


def _take(
    queue: SavedQueue, *, filters: Mapping, columns: list[str], sort: str
) -> None:
    queue.filters = {name: value for name, value in filters.items() if value}
    queue.columns = [column for column in queues.COLUMNS if column in columns]
    queue.sort = sort if sort in queues.SORTS else ""


def _saved(queue: SavedQueue) -> SavedQueue:
    try:
        with transaction.atomic():
            queue.save()
    except IntegrityError as taken:
        raise ValidationError(
            _("You have a queue of that name already."), code="name_taken"
        ) from taken
    return queue
