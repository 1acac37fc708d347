"""A canary in everything that is for staff alone is found in nothing that a customer or
a partner can reach: no page, fragment, export, search, API answer, email or webhook.
"""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import api_keys
from journal import outbox
from journal.models import Activity
from journal.models import Message as Told
from support import (
    attachments,
    canned_replies,
    conversations,
    drafts,
    macros,
    tickets,
)
from support.models import Attachment, Evidence, Message, SavedQueue, Ticket
from tests import factories
from tests.test_permission_matrix import (
    CUSTOMERS,
    DAY,
    PARTNERS,
    PLACES,
    SALES,
    SUPPORT,
    World,
)

ROOT: Path = settings.BASE_DIR
WORD = "zebrafinch"
CANARY = f"{WORD}-7f3a"
OUTSIDERS = sorted(CUSTOMERS | PARTNERS)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def world(present):
    """Somebody of every kind, one of everything, and a canary in all that is hidden."""
    world = World()
    sofia, simon = world.people[SUPPORT], world.people[SALES]
    world.hidden = []
    for ticket in Ticket.objects.exclude(internal=True):
        _hide(ticket, sofia, simon)
    account = world.people["admin"].account
    internal = tickets.open(
        account, category="CONTRACT", subject=f"Ends {CANARY}", by=None, on=DAY,
        internal=True, body=f"Call them, {CANARY}",
    )  # fmt: skip
    _hide(internal, sofia, simon)
    world.arguments["hidden_ticket"] = {"pk": internal.pk}
    world.arguments |= {
        f"hidden_file_{kept.pk}": {"pk": kept.ticket_id, "file": kept.pk}
        for kept in Attachment.objects.filter(name__contains=CANARY)
    }
    assert set(_files_of(world)) > {"hidden_ticket"}
    world.arguments["hidden_number"] = {"number": internal.number}
    own = Ticket.objects.get(**world.arguments["ticket"])
    world.arguments["number"] = {"number": own.number}
    canned_replies.save(shortcut=CANARY, name=CANARY, body=CANARY)
    macros.save(name=CANARY, changes={"add_tags": CANARY}, on=DAY)
    SavedQueue.objects.create(owner=sofia, shared_with="SUPPORT", name=CANARY)
    return world


def _files_of(world) -> list[str]:
    """What an address may be opened with that is for staff alone."""
    return [one for one in world.arguments if one.startswith("hidden_")]


def _hide(ticket, sofia, simon):
    note = conversations.note(
        ticket, f"{CANARY} @{conversations.handle(simon)}", by=sofia, on=DAY
    )
    tickets.revise(ticket, {"add_tags": CANARY}, version=None, by=sofia, on=DAY)
    drafts.save(ticket, CANARY, internal=False, by=sofia)
    drafts.save(ticket, CANARY, internal=True, by=simon)
    kept = {"name": f"{CANARY}.txt", "content": CANARY.encode()}
    attachments.add(ticket, **kept, by=sofia, message=note)
    attachments.add(ticket, **kept, by=simon)
    attachments.add(ticket, **kept, by=simon, internal=True)
    attachments.add(ticket, **kept, by=sofia)  # goes with the reply about to leave
    if ticket.change_id:
        Evidence.objects.create(
            ticket=ticket, change_id=ticket.change_id, moment="DECIDED", digest=CANARY,
            content={"said": CANARY}, taken_on=DAY,
        )  # fmt: skip
    if not ticket.internal and ticket.state != "CLOSED":
        conversations.send(
            ticket, f"Can be taken back, {CANARY}", by=sofia, on=DAY,
            at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip


def patterns(resolver=None, space=""):
    """Every address by its name and the names of its arguments; the admin's left out."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name != "admin":
                inner = f"{entry.namespace}:" if entry.namespace else space
                yield from patterns(entry, inner)
        elif entry.name:
            yield f"{space}{entry.name}"


def addresses(world):
    """Every address of PLACES with its thing, and with the internal ticket where it
    takes a number; those of the API, too, with all that they can be opened with.
    """
    found = set()
    for name in {*PLACES, *patterns()}:
        thing = PLACES[name][0] if name in PLACES else None
        wanted = world.arguments if thing is None else {thing, *_files_of(world)}
        for one in wanted:
            try:
                found.add(reverse(name, kwargs=world.arguments[one]))
            except NoReverseMatch:
                continue
    return sorted(found)


def text_of(answer) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace") + str(dict(answer.headers))


def bearer(user, audience, world):
    _key, token = api_keys.create(
        audience=audience, name="Crawl", by=user, on=DAY, at=timezone.now(),
        scopes=list(api_keys.SCOPES[audience]),
    )  # fmt: skip
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.slow
@pytest.mark.parametrize("who", OUTSIDERS)
def test_no_page_search_export_or_fragment_has_it(world, client_of, who):
    client, met, found = client_of(world.people[who]), 0, []
    for address in addresses(world):
        for headers in ({}, HTMX):
            answer = client.get(address, {"q": WORD}, headers=headers)
            met += answer.status_code == 200
            if CANARY in text_of(answer):
                found.append(address)
        with transaction.atomic():
            answer = client.post(address, {"q": WORD, "body": ""})
            if CANARY in text_of(answer):
                found.append(f"POST {address}")
            transaction.set_rollback(True)

    assert found == []
    assert met > 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "audience"),
    [("admin", "ACCOUNT"), ("manager", "ACCOUNT"), ("partner", "PARTNER")],
)
def test_no_answer_of_the_api_has_it(world, client, who, audience):
    headers, found = bearer(world.people[who], audience, world), []
    for address in addresses(world):
        if address.startswith("/api/"):
            answer = client.get(address, {"q": WORD, "search": WORD}, headers=headers)
            if CANARY in text_of(answer):
                found.append(address)

    assert found == []


def test_no_email_or_webhook_has_it(world, mailoutbox):
    outbox.deliver(at=timezone.now() + timedelta(minutes=5), most=1_000)

    assert mailoutbox
    for told in Told.objects.all():
        waits = told.kind == "EMAIL" and told.delivered_at is None
        said = f"{told.subject} {told.body} {told.html} {told.payload}"
        # What can be taken back is written, and waits for its moment.
        assert waits or CANARY not in said
    for mail in mailoutbox:
        said = f"{mail.subject} {mail.body} {mail.alternatives} {mail.extra_headers}"
        assert CANARY not in said


def test_no_account_reads_it_in_its_activity(world):
    assert Activity.objects.filter(account_id=None, data__icontains=CANARY)
    assert not Activity.objects.exclude(account_id=None).filter(data__icontains=CANARY)


def test_the_crawl_would_find_it(world, client_of):
    """What staff reach has it; and so would a customer's page that let it through."""
    ticket = world.arguments["ticket"]
    staff = client_of(world.people[SUPPORT])
    assert CANARY in text_of(staff.get(reverse("support:ticket", kwargs=ticket)))

    Message.objects.filter(internal=True, ticket=ticket["pk"]).update(internal=False)

    customer = client_of(world.people["admin"])
    assert CANARY in text_of(customer.get(reverse("support:request", kwargs=ticket)))


# The one door, in the code. Modules of the desk are staff's; all others of support are
# read by customers or write to them, and may say `.messages` or `Message.objects` only
# with `.public()` right behind it, and name no row that is for staff alone.

STAFFS = {
    *("admin", "adjustments", "approvals", "attachments", "bulk_jobs", "bulk_pages"),
    *("canned_replies", "conversation_pages", "conversations", "decision_pages"),
    *("desk_pages", "drafts", "evidence", "figure_pages", "figures", "filters"),
    *("file_pages", "viewing_pages", "viewings"),
    *("findings", "histories", "hold_alerts", "incoming_mails", "lapses", "links"),
    *("macros",),
    *("merges", "models", "presences", "promises", "proposals", "queue_pages"),
    *("queues", "saved_queues", "searches", "signals", "term_end", "ticket_pages"),
    *("tickets", "visits"),
}
HIDDEN_ROWS = {
    *("Draft", "CannedReply", "Macro", "Presence", "Evidence", "TicketText", "Merge"),
    *("SavedQueue", "BulkJob", "BulkItem", "IncomingMail", "TicketLink", "StaffVisit"),
    *("Viewing", "ViewedPage"),
}
CUSTOMERS_READ = [
    path.relative_to(ROOT)
    for room in ("support", "myapps", "billing", "accounts", "marketplace", "config")
    for path in sorted((ROOT / room).glob("*.py"))
    if not (room == "support" and path.stem in STAFFS)
]
MAY_NAME = {
    "support/forms.py": {"Macro"},
    "support/api.py": {"messages"},
    "support/takeout.py": {"messages"},
}
"""What is named there on purpose: a field of a form, one of an answer whose words are
prefetched through the door (the crawl of the API reads them), and a file's name."""
STAFFS_CLASSES = {"support/api.py": {"Tickets"}}
_ASKS = re.compile(r"(^|__)messages(__|$)")


@pytest.mark.parametrize("path", CUSTOMERS_READ, ids=str)
def test_what_customers_read_goes_through_one_door(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    staffs = STAFFS_CLASSES.get(str(path), set())
    tree.body = [one for one in tree.body if getattr(one, "name", "") not in staffs]
    found = around_the_door(tree)
    if path.parts[0] != "support":  # whose `Message` is the outbox's
        found = {one for one in found if not one.startswith("Message.objects")}

    assert found - MAY_NAME.get(str(path), set()) == set()


def around_the_door(tree) -> set[str]:
    """Where a module reads what was said, or a row of staff's, beside `.public()`."""
    parent = {
        child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
    }
    wrong = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_door(node):
            after = parent.get(node)
            if isinstance(after, ast.Attribute) and after.attr != "public":
                wrong.add(ast.unparse(after))
        if isinstance(node, ast.ImportFrom) and node.module == "support.models":
            wrong |= {alias.name for alias in node.names} & HIDDEN_ROWS
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and _ASKS.search(text):
            wrong.add(text)
        if isinstance(node, ast.keyword) and _ASKS.search(node.arg or ""):
            wrong.add(node.arg)
    return wrong


def _is_door(node) -> bool:
    """`ticket.messages`, or `Message.objects`; not the words of a refusal."""
    if node.attr == "messages":
        return not isinstance(node.value, ast.Name) or node.value.id not in {
            *("refusal", "error", "problem", "contrib"),
        }
    return node.attr == "objects" and ast.unparse(node.value) == "Message"


@pytest.mark.parametrize(
    "code",
    [
        "ticket.messages.all()",
        "Message.objects.filter(ticket=ticket)",
        "Ticket.objects.filter(messages__body__contains=words)",
        "Ticket.objects.prefetch_related('messages')",
        "from support.models import Draft",
        "ticket.messages.order_by('id').public()",
    ],
)
def test_a_way_around_the_door_is_seen(code):
    assert around_the_door(ast.parse(code))


def test_the_door_itself_is_none():
    assert not around_the_door(ast.parse("ticket.messages.public().order_by('id')"))


CUSTOMERS_TEMPLATES = [
    path
    for folder in ("myapps", "accounts", "marketplace", "support")
    for path in sorted((ROOT / "templates" / folder).rglob("*.*"))
    if folder != "support" or re.match(r"_?(request|new_request|customer)", path.name)
]


@pytest.mark.parametrize("path", CUSTOMERS_TEMPLATES, ids=lambda path: path.name)
def test_no_template_of_a_customer_asks_for_what_was_said(path):
    asked = r"(?<!refusal)\.(messages|drafts|evidence|text)\b(?!\.public)"
    assert not re.search(asked, path.read_text())


def test_a_files_own_address_would_be_found(world, client_of):
    """Staff download it there; and so would a customer, were its note public."""
    ticket = world.arguments["ticket"]["pk"]
    note = Message.objects.get(internal=True, ticket=ticket)
    address = reverse("support:request-file", args=[ticket, note.attachments.get().pk])
    customer = client_of(world.people["admin"])
    assert customer.get(address).status_code == 404

    Message.objects.filter(pk=note.pk).update(internal=False)
    Attachment.objects.filter(message=note).update(internal=False)

    assert CANARY in text_of(customer.get(address))


def test_a_reply_about_to_leave_is_no_public_message(account, support, today):
    ticket = factories.TicketFactory(account=account)
    now = timezone.now()
    conversations.send(ticket, "Soon", by=support, on=today, at=now)
    conversations.send(
        ticket, "Gone", by=support, on=today, at=now - timedelta(seconds=10)
    )

    assert [one.body for one in Message.objects.public()] == ["Gone"]
