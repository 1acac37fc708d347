"""Batches: charges as they leave for the company's invoicing system.

One batch for an account, a billing day and a currency: a contract in another currency
follows on another day or beside, and a total has one. It is closed when its day is over,
numbered without gaps per account, and never changes: what is fetched is what was stored,
byte by byte, and its checksum is the SHA-256 of that. What comes later, as a charge of a
day that is closed, goes into the batch of the account's next day.
"""

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.models import Account, User
from billing import currencies
from billing.models import Acknowledgement, Batch, BatchedCharge, Charge, Closing
from journal import activities, days

AT_ONCE = 500
ACCOUNTS = 200
DAY = timedelta(days=1)
LONGEST_TRANSACTION = timedelta(hours=1)
LONGEST_REFERENCE = 100

# What each line of a batch says of its charge. Days are local, upper bounds exclusive.
LINE = [
    *("charge", "line", "order_form", "app", "plan", "reason", "origin", "order"),
    *("billed_on", "period_starts_on", "period_ends_on", "starts_on", "ends_on"),
    *("quantity", "unit_price", "days", "period_days", "capped_at", "amount"),
    "reverses",
]
COLUMNS = ["batch", "account", "account_name", "day", "currency", *LINE]
_FIELDS = {
    "charge": "pk",
    "line": "line_id",
    "order_form": "line__order_form__number",
    "app": "line__app__name",
    "plan": "line__plan__name",
    "order": "order_id",
    "reverses": "reverses_id",
}


# Closing


def zones() -> list[str]:
    """The time zones of accounts that have charges."""
    charged = Exists(Charge.objects.filter(account=OuterRef("pk")))
    found = Account.objects.filter(charged).order_by("timezone")
    return list(found.values_list("timezone", flat=True).distinct())


def close(*, zone: str, on: date) -> int:
    """Close a zone's billing days up to and including a local day that is over; answers
    how many batches were made.

    Each charge goes into the batch of the day it fell due, or of the account's first
    open day where that one is closed. Late, twice or by two at once: the same batches.
    """
    made = 0
    while (some := _close_some(zone, on)) is not None:
        made += some
    return made


@transaction.atomic
def _close_some(zone: str, on: date) -> int | None:
    """Close up to 200 accounts in one transaction; what another closes is skipped."""
    _begin(zone)
    open_ones = Closing.objects.filter(account__timezone=zone).filter(
        Q(closed_until=None) | Q(closed_until__lte=on)
    )
    closings = list(
        open_ones.select_related("account")
        .select_for_update(skip_locked=True, no_key=True, of=["self"])
        .order_by("account")[:ACCOUNTS]
    )
    if not closings:
        return None
    batches, links = [], []
    waiting = _waiting(closings, on=on)
    for closing in closings:
        for (day, currency), lines in sorted(waiting[closing.account_id].items()):
            closing.last_number += 1
            batch = _batch(closing, day=day, currency=currency, lines=lines)
            batches.append(batch)
            links += [
                BatchedCharge(
                    account=closing.account, batch=batch, charge_id=line["charge"]
                )
                for line in lines
            ]
        closing.closed_until = on + DAY
        closing.closed_at = Now()
    Batch.objects.bulk_create(batches, batch_size=AT_ONCE)
    BatchedCharge.objects.bulk_create(links, batch_size=4 * AT_ONCE)
    fields = ["closed_until", "last_number", "closed_at"]
    Closing.objects.bulk_update(closings, fields)
    return len(batches)


def _begin(zone: str) -> None:
    """Give each account that has charges its count of batches."""
    charged = Exists(Charge.objects.filter(account=OuterRef("pk")))
    new = Account.objects.filter(charged, timezone=zone, closing=None)
    Closing.objects.bulk_create(
        [Closing(account_id=pk) for pk in new.values_list("pk", flat=True)],
        ignore_conflicts=True,
    )


def _waiting(closings: list[Closing], *, on: date) -> dict[int, dict]:
    """Charges that are in no batch, by account, billing day and currency."""
    since = {closing.account_id: closing.closed_until for closing in closings}
    found = defaultdict(lambda: defaultdict(list))
    charges = Charge.objects.filter(
        account__in=since, batched=None, billed_on__lte=on
    ).order_by("pk")
    for account_id, currency, digits, line in _lines(charges):
        day = max(line["billed_on"], since[account_id] or line["billed_on"])
        found[account_id][day, currency].append(_said(line, digits))
    return found


def _lines(charges) -> Iterator[tuple[int, str, int, dict]]:
    """Each charge as a line of a batch, with its account, currency and digits."""
    names = [_FIELDS.get(name, name) for name in LINE]
    rows = charges.values_list("account_id", "currency", "line__digits", *names)
    for account_id, currency, digits, *values in rows.iterator(chunk_size=5_000):
        yield account_id, currency, digits, dict(zip(LINE, values, strict=True))


def _said(line: dict, digits: int) -> dict:
    """A line in JSON's values: days as 2026-11-23, money as text in whole minor units."""
    said = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in line.items()
    }
    said["unit_price"] = f"{line['unit_price'].normalize():f}"
    said["amount"] = f"{line['amount']:.{digits}f}"
    if line["capped_at"] is not None:
        said["capped_at"] = f"{line['capped_at']:.{digits}f}"
    return said


def _batch(closing: Closing, *, day: date, currency: str, lines: list[dict]) -> Batch:
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    account = closing.account
    document = {
        "batch": closing.last_number,
        "account": account.slug,
        "account_name": account.name,
        "day": day.isoformat(),
        "currency": currency,
        "lines": lines,
        "count": len(lines),
        "total": f"{total:.{currencies.digits(currency)}f}",
    }
    content = canonical(document)
    return Batch(
        account=account,
        number=closing.last_number,
        day=day,
        currency=currency,
        lines=len(lines),
        total_amount=total,
        content=content,
        checksum=checksum(content),
    )


# What is fetched


def canonical(document: dict) -> str:
    """The one way to write a batch: sorted names, no spaces, UTF-8."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def digest(content: str) -> bytes:
    """SHA-256 of a document."""
    return hashlib.sha256(content.encode()).digest()


def checksum(content: str) -> str:
    """SHA-256 of a document as it is fetched, in hexadecimal digits."""
    return digest(content).hex()


def total(batch: Batch) -> str:
    """The sum of its lines, in whole minor units, as its document says it."""
    return f"{batch.total_amount:.{currencies.digits(batch.currency)}f}"


def file_name(batch: Batch) -> str:
    """How its file is called, without an ending: harbour-lines-000012."""
    return f"{batch.account.slug}-{batch.number:06}"


def as_csv(batch: Batch) -> str:
    """A batch as a table for spreadsheets, one row a charge (RFC 4180, UTF-8).

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    document = json.loads(batch.content)
    table = io.StringIO(newline="")
    rows = csv.DictWriter(table, COLUMNS, extrasaction="ignore")
    rows.writeheader()
    for line in document["lines"]:
        row = document | line
        rows.writerow({name: _harmless(row[name]) for name in COLUMNS})
    return table.getvalue()


def _harmless(value):
    """Numbers stay numbers, also negative ones; other text never begins a formula."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"}:
        return value if _is_number(value) else f"'{value}"
    return value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal()


# Acknowledging


@transaction.atomic
def acknowledge(
    batch: Batch, *, checksum: str, reference: str, by: User | None, on: date
) -> Acknowledgement:
    """The invoicing system has taken a batch over, once; recorded.

    Refuses another checksum than the batch's (code checksum), a missing or overlong
    reference (reference), and a second time (acknowledged).
    """
    Closing.objects.select_for_update(no_key=True).get(account=batch.account_id)
    if not constant_time_compare(batch.checksum, checksum.strip().lower()):
        raise ValidationError(
            _("The checksum is not this batch's. Fetch the batch again and compare."),
            code="checksum",
        )
    reference = " ".join(reference.split())
    if not reference or len(reference) > LONGEST_REFERENCE:
        raise ValidationError(
            _(
                "Give a reference of up to %(most)s characters: what the invoicing"
                " system calls the batch."
            )
            % {"most": LONGEST_REFERENCE},
            code="reference",
        )
    known = Acknowledgement.objects.filter(batch=batch).first()
    if known:
        raise ValidationError(
            _("Batch %(number)s was acknowledged on %(day)s as %(reference)s.")
            % {
                "number": batch.number,
                "day": days.said(known.acknowledged_on),
                "reference": known.reference,
            },
            code="acknowledged",
        )
    acknowledged = Acknowledgement.objects.create(
        account_id=batch.account_id,
        batch=batch,
        reference=reference,
        acknowledged_by=by,
        acknowledged_on=on,
    )
    activities.record(
        "batch.acknowledged",
        account=None,
        by=by,
        on=on,
        subject=batch,
        number=batch.number,
        reference=reference,
    )
    return acknowledged


# Checking


def faults(account: Account | None = None) -> Iterator[tuple[str, str, str]]:
    """Where the batches and the ledger disagree: account, batch, what. Reads only.

    Every charge of a day that was closed is in exactly one batch, each document has its
    checksum and says what its charges say, totals are the ledger's, numbers have no gaps.
    """
    closings = Closing.objects.select_related("account").order_by("account")
    if account:
        closings = closings.filter(account=account)
    last = 0
    while some := list(closings.filter(account__gt=last)[:ACCOUNTS]):
        yield from _left_behind(some)
        yield from _numbering(some)
        yield from _documents(some)
        last = some[-1].account_id


def _left_behind(closings: list[Closing]) -> Iterator[tuple[str, str, str]]:
    """Charges that were there when their day was closed, and are in no batch.

    What a transaction wrote while a day was closing belongs to the next one.
    """
    left = Charge.objects.filter(
        account__in=[closing.account_id for closing in closings],
        batched=None,
        billed_on__lt=F("account__closing__closed_until"),
        created_at__lt=F("account__closing__closed_at") - LONGEST_TRANSACTION,
    )
    for charge in left.select_related("account").order_by("pk"):
        what = f"charge {charge.pk} of {charge.billed_on}, {charge.amount}, is in none"
        yield charge.account.slug, "batches", what


def _numbering(closings: list[Closing]) -> Iterator[tuple[str, str, str]]:
    accounts = [closing.account_id for closing in closings]
    rows = Batch.objects.filter(account__in=accounts).values("account")
    counted = {
        row["account"]: row
        for row in rows.annotate(
            first=Min("number"), last=Max("number"), many=Count("pk")
        )
    }
    for closing in closings:
        row = counted.get(closing.account_id, {"first": 1, "last": 0, "many": 0})
        if (row["first"], row["last"], row["many"]) != (
            1, closing.last_number, closing.last_number,
        ):  # fmt: skip
            what = (
                f"{row['many']} are numbered {row['first']} to {row['last']}, but"
                f" {closing.last_number} were closed"
            )
            yield closing.account.slug, "batches", what


def _documents(closings: list[Closing]) -> Iterator[tuple[str, str, str]]:
    """Each batch read again and compared with its charges, 500 at a time."""
    batches = Batch.objects.select_related("account").filter(
        account__in=[closing.account_id for closing in closings]
    )
    last = 0
    while some := list(batches.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        ids = {batch.pk: batch for batch in some}
        charges = Charge.objects.filter(batched__batch__in=ids)
        batch_of = dict(
            BatchedCharge.objects.filter(batch__in=ids).values_list("charge", "batch")
        )
        written = defaultdict(list)
        for account_id, currency, digits, line in _lines(charges.order_by("pk")):
            said = _said(line, digits)
            written[batch_of[line["charge"]]].append((account_id, currency, said))
        for batch in some:
            for what in _differing(batch, written[batch.pk]):
                yield batch.account.slug, f"batch {batch.number}", what
        last = some[-1].pk


# Names may change after a batch was closed; it keeps those of its day.
_NAMES = {"app", "plan"}


def _differing(batch: Batch, written: list) -> Iterator[str]:
    if checksum(batch.content) != batch.checksum:
        yield "its checksum is not its document's"
        return
    document = json.loads(batch.content)
    if any((row[0], row[1]) != (batch.account_id, batch.currency) for row in written):
        yield "it holds a charge of another account or currency"
    said = [_without_names(line) for line in document["lines"]]
    if said != [_without_names(row[2]) for row in written]:
        yield "its lines are not its charges'"
    total = sum((Decimal(row[2]["amount"]) for row in written), Decimal(0))
    told = {Decimal(document["total"]), batch.total_amount}
    if told != {total}:
        yield f"its total is {document['total']}, the ledger's {total}"
    count = {document["count"], batch.lines, len(said)}
    if count != {len(written)}:
        yield f"it counts {document['count']} lines of {len(written)}"
    head = (document["batch"], document["day"], document["currency"])
    if head != (batch.number, batch.day.isoformat(), batch.currency):
        yield "its head is another batch's"


def _without_names(line: dict) -> dict:
    return {name: value for name, value in line.items() if name not in _NAMES}
