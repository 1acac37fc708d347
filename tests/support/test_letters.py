"""Emails as they arrive: whatever they are, what they say is read safely."""

import random
import time
from email.message import EmailMessage

import pytest

from support import letters


def mail(body="Thank you", **headers) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Alice <alice@harbour.example>"
    message["To"] = "support@vendor.example"
    message["Subject"] = "Zoom"
    message["Message-ID"] = "<1@harbour.example>"
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


def read(message) -> letters.Letter:
    return letters.read(message.as_bytes() if hasattr(message, "as_bytes") else message)


class TestWords:
    def test_what_was_quoted_is_left_out(self):
        body = "It works now.\n\nOn Mon, 23 Nov 2026 at 10:00 Support <s@v.example> wrote:\n> Try again.\n"

        assert read(mail(body)).body == "It works now."

    @pytest.mark.parametrize(
        "body",
        [
            *("On " * 6000, "On " + "a " * 8000, "\n" * 18_000, " \n" * 9000),
            "Am " * 3000 + "schrieb " * 1200,
            ("Am " * 40 + "schrieb " * 20 + "\n") * 60,
        ],
        ids=["on", "long", "empty", "blank", "am", "lines"],
    )
    def test_nobody_keeps_the_reader_busy(self, body):
        message = mail()
        message.set_payload(body)
        began = time.process_time()

        read(message.as_bytes())

        assert time.process_time() - began < 3

    def test_long_lines_stay_as_they_were_written(self):
        written = f"Hello\n\n{'word ' * 200}end\n\nBye"
        quoted = f"\n\nOn Mon, 23 Nov 2026 Sofia wrote:\n> {'word ' * 200}"

        assert read(mail(written + quoted)).body == written

    def test_html_becomes_safe_text(self):
        message = mail()
        message.set_content(
            "<p>See <b>this</b> <a href='javascript:alert(1)'>here</a>"
            "<script>alert(2)</script><style>p{}</style><img src=x onerror=alert(3)></p>",
            subtype="html",
        )

        body = read(message).body
        assert body.startswith("See this")
        for bad in ("alert", "script", "<", "onerror", "p{}"):
            assert bad not in body

    def test_plain_text_is_preferred_to_html(self):
        message = mail("Plain")
        message.add_alternative("<p>Marked up</p>", subtype="html")

        assert read(message).body == "Plain"

    def test_a_wrong_charset_is_no_reason_to_lose_the_words(self):
        raw = mail("Olá").as_bytes().replace(b"utf-8", b"no-such-charset")

        assert "Ol" in letters.read(raw).body

    def test_invisible_and_control_letters_are_taken_out(self):
        assert "\x00" not in read(b"From: a@b.c\r\n\r\nA\x00B\xe2\x80\xae").body

    def test_only_so_much_is_kept(self):
        assert len(read(mail("word " * 50_000)).body) <= letters.LONGEST


class TestWho:
    @pytest.mark.parametrize(
        "sender",
        ["a@b.example, c@d.example", "nobody", "", "<>", "a" * 400 + "@b.example"],
    )
    def test_without_one_address_it_is_from_nobody(self, sender):
        raw = f"From: {sender}\r\nSubject: Hi\r\n\r\nHello".encode()

        assert letters.read(raw).sender == ""

    def test_the_name_beside_an_address_counts_for_nothing(self):
        raw = b'From: "sofia@vendor.example" <mallory@evil.example>\r\n\r\nHi'

        assert letters.read(raw).sender == "mallory@evil.example"

    def test_without_an_id_the_content_is_the_id(self):
        raw = b"From: a@b.example\r\n\r\nHello"

        assert letters.read(raw).mail_id == letters.read(raw).mail_id
        assert letters.read(raw).mail_id != letters.read(raw + b"!").mail_id


class TestMachines:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Auto_Submitted": "auto-replied"},
            {"Auto_Submitted": "auto-generated; x=y"},
            {"Precedence": "bulk"},
            {"X_Autoreply": "yes"},
            {"X_Auto_Response_Suppress": "All"},
            {"Return_Path": "<>"},
            {"List_Id": "<news.example>"},
            {"Subject": "Out of office: back on Monday"},
            {"Subject": "Automatische Antwort: Urlaub"},
            {"Subject": "Undeliverable: Zoom"},
        ],
    )
    def test_an_automatic_answer_is_seen_to_be_one(self, headers):
        assert read(mail(**headers)).automatic

    def test_a_persons_mail_is_not(self):
        assert not read(mail(Auto_Submitted="no")).automatic
        assert not read(mail(Subject="Re: the automatic invoices")).automatic


class TestFiles:
    def test_attached_files_come_with_their_names(self):
        message = mail()
        message.add_attachment(
            b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf"
        )

        letter = read(message)
        assert letter.files == [("a.pdf", b"%PDF-1.7")]
        assert letter.body == "Thank you"

    def test_more_than_twenty_are_left_out_and_counted(self):
        message = mail()
        for number in range(23):
            message.add_attachment(
                b"x", maintype="text", subtype="plain", filename=f"{number}.txt"
            )

        letter = read(message)
        assert len(letter.files) == 20
        assert letter.left_out == 3

    def test_mails_within_mails_end_somewhere(self):
        raw = b"From: a@b.example\r\n"
        for depth in range(60):
            raw += b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (
                depth,
                depth,
            )

        letters.read(raw)


def test_no_bytes_at_all_are_a_reason_to_fail():
    """A thousand mutations of real mails, and plain noise."""
    chance = random.Random(23)
    whole = mail("Olá\n> quoted", References="<a@b> <c@d>")
    whole.add_alternative("<p>Olá</p>", subtype="html")
    whole.add_attachment(b"x" * 50, maintype="image", subtype="png", filename="ä.png")
    seed = whole.as_bytes()
    for _case in range(1000):
        raw = bytearray(seed)
        for _change in range(chance.randrange(1, 40)):
            spot = chance.randrange(len(raw))
            raw[spot : spot + chance.choice([0, 1, 5])] = chance.randbytes(
                chance.choice([0, 1, 3])
            )
        letter = letters.read(bytes(raw))
        assert (
            "\x00" not in letter.body + letter.subject + letter.sender + letter.mail_id
        )
        letter.body.encode()
    for size in (0, 1, 10, 1000):
        letters.read(chance.randbytes(size))
