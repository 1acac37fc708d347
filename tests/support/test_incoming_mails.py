"""Answers by email: each is taken once, and nothing is answered by a machine."""

import mailbox
import random
import socketserver
import threading
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.utils import make_msgid

import pytest
from django.core.management import CommandError, call_command

from journal import outbox
from journal.models import Message as Promised
from support import conversations, incoming_mails, mailboxes, threads, tickets
from support.models import IncomingMail, Message, Ticket, TicketLink

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ON = date(2026, 11, 23)
DESK = "support@vendor.example"
Outcome = IncomingMail.Outcome


@pytest.fixture
def ticket(admin, support):
    """Alice asked, and Sofia replied: the email of it has left."""
    ticket = tickets.open(
        admin.account, category="INSTALL", subject="Zoom", by=admin, on=ON, body="Help"
    )
    message = conversations.send(ticket, "Try again.", by=support, at=AT, on=ON)
    Message.objects.filter(pk=message.pk).update(leaves_at=None)
    return ticket


def letter(sender, body="It works now.", *, to=DESK, subject="Re: Zoom", **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = make_msgid(domain="harbour.example")
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


def take(message, at=AT):
    raw = message if isinstance(message, bytes) else message.as_bytes()
    return incoming_mails.take(raw, desk=DESK, at=at, on=lambda zone: ON)


def said(ticket):
    return list(ticket.messages.order_by("pk").values_list("body", flat=True))


class TestMatching:
    def test_what_we_send_carries_what_leads_an_answer_back(
        self, ticket, admin, mailoutbox
    ):
        outbox.deliver(at=AT + timedelta(seconds=11))

        (sent,) = [mail for mail in mailoutbox if admin.email in mail.to]
        headers = sent.message()
        assert threads.by_headers(headers["Message-ID"]).ticket == ticket.pk
        assert threads.by_address(headers["Reply-To"]).ticket == ticket.pk
        assert headers["References"] == threads.first_mail_id(
            ticket.pk, admin.pk, desk=DESK
        )

    def test_an_answer_is_found_by_the_id_it_refers_to(self, ticket, admin, support):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        mail = take(letter(admin.email, In_Reply_To=ours))

        assert (mail.outcome, mail.ticket) == (Outcome.REPLY, ticket)
        message = ticket.messages.order_by("-pk").first()
        assert (message.body, message.author, message.channel) == (
            "It works now.",
            admin,
            "EMAIL",
        )
        assert not message.internal

    def test_or_by_the_signed_address_it_was_sent_to(self, ticket, admin):
        address = threads.reply_address(ticket.pk, admin.pk, desk=DESK)

        assert take(letter(admin.email, to=address)).ticket == ticket

    @pytest.mark.parametrize("where", ["id", "address"])
    def test_a_signature_that_is_not_ours_leads_nowhere(self, ticket, admin, where):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
        address = threads.reply_address(ticket.pk, admin.pk, desk=DESK)
        last = ours.partition("@")[0][-1]
        other = "0" if last != "0" else "1"
        forged = (
            letter(admin.email, In_Reply_To=ours.replace(f"{last}@", f"{other}@"))
            if where == "id"
            else letter(
                admin.email,
                to=address.replace(address.partition("@")[0][-6:], "000000"),
            )
        )

        assert take(forged).ticket != ticket
        assert said(ticket) == ["Help", "Try again."]

    def test_a_stranger_with_a_stolen_id_says_nothing_on_the_ticket(
        self, ticket, admin, stranger
    ):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        mail = take(letter(stranger.email, In_Reply_To=ours))

        assert mail.outcome == Outcome.UNKNOWN
        assert said(ticket) == ["Help", "Try again."]

    def test_a_colleague_without_authority_neither(self, ticket, admin, member):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        assert take(letter(member.email, In_Reply_To=ours)).outcome == Outcome.UNKNOWN

    def test_what_staff_write_by_mail_is_an_internal_note(self, ticket, support):
        ours = threads.mail_id(ticket.pk, 5, support.pk, desk=DESK)

        take(letter(support.email, "He is wrong.", In_Reply_To=ours))

        assert ticket.messages.get(body="He is wrong.").internal

    @pytest.mark.parametrize("where", ["id", "address"])
    def test_who_was_written_to_does_not_speak_as_staff(
        self, ticket, admin, support, where
    ):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
        address = threads.reply_address(ticket.pk, admin.pk, desk=DESK)
        forged = (
            letter(support.email, "Approved.", In_Reply_To=ours)
            if where == "id"
            else letter(support.email, "Approved.", to=address)
        )

        assert take(forged).outcome == Outcome.UNKNOWN
        assert said(ticket) == ["Help", "Try again."]

    def test_a_merged_ticket_leads_to_where_it_went(self, ticket, admin):
        other = tickets.open(
            admin.account, category="INSTALL", subject="Slack", by=admin, on=ON
        )
        Ticket.objects.filter(pk=ticket.pk).update(merged_into=other)
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        assert take(letter(admin.email, In_Reply_To=ours)).ticket == other

    def test_mail_about_no_ticket_opens_one_for_a_customer_we_know(self, admin):
        mail = take(letter(admin.email, "Nothing starts.", subject="Figma"))

        assert mail.outcome == Outcome.OPENED
        assert (mail.ticket.subject, mail.ticket.requester) == ("Figma", admin)
        assert said(mail.ticket) == ["Nothing starts."]

    def test_nobody_we_know_opens_nothing(self, ticket):
        assert take(letter("mallory@evil.example")).outcome == Outcome.UNKNOWN
        assert Ticket.objects.count() == 1

    def test_an_answer_to_a_closed_ticket_opens_one_that_is_linked_to_it(
        self, ticket, admin
    ):
        Ticket.objects.filter(pk=ticket.pk).update(state="CLOSED")
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        mail = take(letter(admin.email, In_Reply_To=ours))

        assert mail.outcome == Outcome.OPENED
        assert mail.ticket != ticket
        assert TicketLink.objects.filter(ticket=mail.ticket, other=ticket).exists()


class TestMachines:
    def test_an_automatic_answer_says_nothing_and_wakes_nobody(
        self, ticket, admin, support
    ):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
        mail = take(
            letter(admin.email, In_Reply_To=ours, Auto_Submitted="auto-replied")
        )

        assert (mail.outcome, mail.ticket) == (Outcome.AUTOMATIC, ticket)
        assert said(ticket) == ["Help", "Try again."]

    def test_our_own_mail_come_back_is_a_loop(self, ticket, admin):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        assert take(letter(admin.email, Message_ID=ours)).outcome == Outcome.LOOP
        assert take(letter(DESK)).outcome == Outcome.LOOP

    def test_two_machines_that_answer_each_other_are_stopped(self, ticket, admin):
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)

        outcomes = [
            take(letter(admin.email, f"Again {n}", In_Reply_To=ours)).outcome
            for n in range(25)
        ]

        assert outcomes == [Outcome.REPLY] * 20 + [Outcome.LOOP] * 5

    @pytest.mark.parametrize("closed", [False, True])
    def test_nor_does_one_open_tickets_without_end(self, ticket, admin, closed):
        asked = {}
        if closed:
            Ticket.objects.filter(pk=ticket.pk).update(state="CLOSED")
            ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
            asked = {"In_Reply_To": ours}

        outcomes = [
            take(letter(admin.email, f"Again {n}", **asked)).outcome for n in range(25)
        ]

        assert outcomes == [Outcome.OPENED] * 20 + [Outcome.LOOP] * 5

    def test_the_same_email_twice_is_taken_once(self, ticket, admin):
        again = letter(
            admin.email, In_Reply_To=threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
        )

        assert take(again).pk == take(again).pk
        assert said(ticket).count("It works now.") == 1

    @pytest.mark.parametrize("known", [False, True])
    def test_nobody_keeps_another_out_by_sending_its_id_before(
        self, ticket, admin, stranger, known
    ):
        other = stranger.email if known else "mallory@evil.example"
        ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
        answer = letter(admin.email, In_Reply_To=ours)

        take(letter(other, Message_ID=answer["Message-ID"]))

        assert take(answer).pk == take(answer).pk
        assert said(ticket).count("It works now.") == 1


class TestFiles:
    def test_a_file_that_may_be_kept_is_and_another_is_told(self, ticket, admin):
        message = letter(
            admin.email, to=threads.reply_address(ticket.pk, admin.pk, desk=DESK)
        )
        message.add_attachment("a,b\n1,2", subtype="csv", filename="users.csv")
        message.add_attachment(
            b"MZ\x90", maintype="application", subtype="x", filename="a.exe"
        )

        mail = take(message)

        assert (
            ticket.messages.order_by("-pk").first().attachments.get().name
            == "users.csv"
        )
        assert "a.exe" in mail.words


def test_a_thousand_odd_or_hostile_emails_none_answered_twice(
    ticket, admin, stranger, support
):
    """Forged and real ids, machines, noise, wrong charsets; each comes twice."""
    chance = random.Random(1123)
    ours = threads.mail_id(ticket.pk, 5, admin.pk, desk=DESK)
    address = threads.reply_address(ticket.pk, admin.pk, desk=DESK)
    people = [
        admin.email,
        stranger.email,
        support.email,
        DESK,
        "x@evil.example",
        "",
        "a@b, c@d",
    ]
    promised = Promised.objects.count()
    for number in range(1000):
        message = letter(
            "nobody@evil.example",
            chance.choice(
                [
                    "",
                    "Olá " * chance.randrange(500),
                    "\u202e<script>",
                    "> quoted",
                    "%s{}",
                ]
            ),
            to=chance.choice([DESK, address, "undisclosed-recipients:;"]),
            subject=chance.choice(
                ["Zoom", "", "Out of office", "=?x?q?=00?=", "ñ" * 300]
            ),
        )
        if chance.random() < 0.5:
            message["In-Reply-To"] = chance.choice(
                [ours, ours[:-20] + "0@x>", "<a@b>", "<" * 200]
            )
        if chance.random() < 0.3:
            message[chance.choice(["Auto-Submitted", "Precedence", "List-Id"])] = (
                "auto-replied"
            )
        raw = message.as_bytes().replace(
            b"nobody@evil.example", chance.choice(people).encode(), 1
        )
        if chance.random() < 0.3:
            raw = bytearray(raw)
            for _change in range(chance.randrange(1, 30)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            raw = bytes(raw)
        moment = AT + timedelta(minutes=10 * number)
        said_before = Message.objects.count()
        first = take(raw, at=moment)
        said_then = Message.objects.count()
        assert said_then - said_before <= 2
        assert take(raw, at=moment).pk == first.pk
        assert Message.objects.count() == said_then
    assert Promised.objects.filter(key__contains="auto").count() == 0
    assert set(IncomingMail.objects.values_list("outcome", flat=True)) >= {
        Outcome.REPLY, Outcome.AUTOMATIC, Outcome.LOOP, Outcome.UNKNOWN,
    }  # fmt: skip
    assert (
        Promised.objects.exclude(recipient__endswith="vendor.example").count()
        == promised
    )


class TestMailboxes:
    def test_a_folder_is_read_once(self, ticket, admin, tmp_path, settings, present):
        folder = mailbox.Maildir(tmp_path / "box", create=True)
        address = threads.reply_address(
            ticket.pk, admin.pk, desk=settings.SUPPORT_ADDRESS
        )
        folder.add(letter(admin.email, to=address))
        folder.add(letter("x@evil.example"))

        for _time in range(2):
            call_command("read_mail", mailbox=f"maildir://{tmp_path / 'box'}")

        assert said(ticket) == ["Help", "Try again.", "It works now."]
        assert IncomingMail.objects.count() == 2

    def test_one_that_fails_is_kept_aside_and_the_others_are_taken(
        self, tmp_path, admin
    ):
        folder = mailbox.Maildir(tmp_path / "box", create=True)
        folder.add(letter(admin.email, subject="First"))
        taken = []

        def take_all(raw):
            taken.append(raw)

        assert mailboxes.read(f"maildir://{tmp_path / 'box'}", take_all) == 1
        assert mailboxes.read(f"maildir://{tmp_path / 'box'}", take_all) == 0
        assert incoming_mails.give_up(taken[0], words="No.").outcome == Outcome.REFUSED

    def test_an_imap_mailbox_is_read_and_marked(self, ticket, admin, settings, present):
        address = threads.reply_address(
            ticket.pk, admin.pk, desk=settings.SUPPORT_ADDRESS
        )
        with ImapServer([letter(admin.email, to=address).as_bytes()]) as server:
            for _time in range(2):
                call_command("read_mail", mailbox=server.url)

        assert said(ticket) == ["Help", "Try again.", "It works now."]
        assert server.seen == {1}

    @pytest.mark.parametrize("url", ["pop3://x", "imap://127.0.0.1:1/INBOX", ""])
    def test_a_mailbox_that_cannot_be_read_is_told(self, url):
        with pytest.raises(CommandError):
            call_command("read_mail", mailbox=url)


class ImapServer:
    """The five commands of IMAP4rev1 that a reader of unread mail uses, on loopback."""

    def __init__(self, mails):
        self.mails, self.seen = mails, set()
        box = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"* OK ready\r\n")
                for line in self.rfile:
                    tag, _space, command = line.decode().strip().partition(" ")
                    for answer in box.answers(command):
                        self.wfile.write(answer + b"\r\n")
                    self.wfile.write(f"{tag} OK done\r\n".encode())
                    if command == "LOGOUT":
                        return

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self.server.daemon_threads = True
        self.url = f"imap://desk:secret@127.0.0.1:{self.server.server_address[1]}/INBOX"

    def answers(self, command):
        if command == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1"]
        if command.startswith("SELECT"):
            return [b"* %d EXISTS" % len(self.mails)]
        if command == "UID SEARCH UNSEEN":
            unread = [n for n in range(1, len(self.mails) + 1) if n not in self.seen]
            return [b"* SEARCH " + " ".join(map(str, unread)).encode()]
        if command.startswith("UID FETCH"):
            number = int(command.split()[2])
            raw = self.mails[number - 1]
            head = f"* {number} FETCH (UID {number} BODY[] {{{len(raw)}}}\r\n".encode()
            return [head + raw + b")"]
        if command.startswith("UID STORE"):
            self.seen.add(int(command.split()[2]))
        return []

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
