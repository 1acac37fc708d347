"""Everything an account has, to take along: one table a file, as it stands (5.3).

The columns bear the names that the API and the tables use, so that a program reads them
in any language. Rows of people's lists are read one after the other: any number of them.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date

from django.db.models import QuerySet

from accounts import authority
from accounts.models import Account, ApiKey, TermsAcceptance, User
from billing.models import (
    Acknowledgement,
    Batch,
    Charge,
    Contract,
    CreditGrant,
    Hold,
    Increase,
    Line,
    Order,
    OrderForm,
    RenewalChange,
    Term,
)
from journal import activities
from journal.models import Activity
from journal.tables import Table
from myapps.models import (
    AddOnActivation,
    AppRequest,
    Installation,
    JoinEvent,
    RoleActivation,
    Seat,
    SeatEvent,
    WaitingPurchase,
)
from support.models import Attachment, Message, Rating, Ticket

AT_ONCE = 2_000

WHOLE = {
    "contracts": Contract,
    "order_forms": OrderForm,
    "lines": Line,
    "terms": Term,
    "orders": Order,
    "increases": Increase,
    "charges": Charge,
    "renewal_changes": RenewalChange,
    "holds": Hold,
    "credit_grants": CreditGrant,
    "installations": Installation,
    "role_activations": RoleActivation,
    "seats": Seat,
    "seat_events": SeatEvent,
    "joins": JoinEvent,
    "add_on_activations": AddOnActivation,
    "app_requests": AppRequest,
    "waiting_purchases": WaitingPurchase,
    "terms_acceptances": TermsAcceptance,
}
"""Tables of which every column is the account's own, each with an `account`."""

NOT_THEIRS = {"key", "idempotency_key", "parked_because", "body_digest"}
"""Columns that belong to how the product works."""


def told(account: Account, *, by: User, on: date) -> None:
    """Write down who takes everything along."""
    activities.record(
        "account.exported", account=account, by=by, on=on, subject=account
    )


def tables(account: Account) -> Iterator[tuple[str, Table]]:
    """Each file's name and its table; the rows are read when they are asked for."""
    yield (
        "people",
        _some(
            account.users.order_by("id"),
            *("id", "email", "display_name", "team", "language", "is_active"),
            *("deactivated_on", "erased_at", "created_at"),
        ),
    )
    yield "roles", _roles(account)
    members = User.groups.through.objects.filter(user__account=account)
    yield "role_members", _some(members.order_by("id"), "group__role", "user")
    keys = ApiKey.objects.filter(account=account).order_by("id")
    yield (
        "api_keys",
        _some(keys, "id", "audience", "name", "user", "created_at", "revoked_at"),
    )
    for name, model in WHOLE.items():
        yield name, _whole(model.objects.filter(account=account).order_by("id"))
    yield from _batches(account)
    yield from _tickets(account)
    yield (
        "activity",
        _some(
            Activity.objects.of(account).order_by("id"),
            *(
                "id",
                "at",
                "on",
                "verb",
                "actor_id",
                "authority",
                "app",
                "subject",
                "data",
            ),
        ),
    )


def _roles(account: Account) -> Table:
    granted = authority.granted_by_role(account)
    columns = [
        ("id", lambda role: role.pk),
        ("name", lambda role: role.name),
        ("created_on", lambda role: role.created_on),
        ("permissions", lambda role: " ".join(sorted(granted.get(role.pk, ())))),
    ]
    return Table(columns, account.roles.order_by("id"))


def _batches(account: Account) -> Iterator[tuple[str, Table]]:
    """What was handed to the invoicing system, and what it called it."""
    batches = Batch.objects.of(account).order_by("id")
    fields = ("id", "number", "day", "currency", "lines", "checksum", "closed_at")
    yield "batches", _some(batches, *fields)
    taken = Acknowledgement.objects.filter(batch__account=account).order_by("id")
    yield "acknowledgements", _whole(taken)


def _tickets(account: Account) -> Iterator[tuple[str, Table]]:
    """What the account may read of its tickets: never what is for staff alone."""
    mine = Ticket.objects.filter(account=account, internal=False)
    yield (
        "tickets",
        _some(
            mine.order_by("id"),
            *("id", "category", "subject", "state", "requester", "app", "line"),
            *("term_ends_on", "opened_on"),
        ),
    )
    said = Message.objects.public().filter(ticket__in=mine).order_by("id")
    yield (
        "messages",
        _some(said, "id", "ticket", "author", "body", "channel", "on", "at"),
    )
    files = Attachment.objects.filter(message__in=said).order_by("id")
    yield "attachments", _some(files, "id", "message", "name", "size", "digest", "at")
    rated = Rating.objects.filter(ticket__in=mine).order_by("id")
    yield "ratings", _whole(rated)


def _whole(rows: QuerySet) -> Table:
    fields = [
        field.attname
        for field in rows.model._meta.concrete_fields
        if field.name not in NOT_THEIRS
    ]
    return _some(rows, *fields)


def _some(rows: QuerySet, *fields: str) -> Table:
    columns = [(field, _at(place)) for place, field in enumerate(fields)]
    return Table(columns, _read(rows, fields))


def _read(rows: QuerySet, fields: Iterable[str]) -> Iterator[tuple]:
    """Nothing is asked of the database before the first row is wanted."""
    yield from rows.values_list(*fields).iterator(chunk_size=AT_ONCE)


def _at(place: int):
    def value(row):
        found = row[place]
        if isinstance(found, (dict, list)):
            return json.dumps(found, ensure_ascii=False, default=str)
        return found

    return value
