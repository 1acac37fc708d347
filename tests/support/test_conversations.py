"""Replies that can be taken back, notes that stay inside, and what a page shows of both."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from billing import renewals
from journal import notices, outbox
from journal.models import Message as Mail
from journal.models import Notice
from support import conversations, drafts, keys, macros, presences, tickets
from support.models import Attachment, Calendar, Message, Ticket
from tests.factories import ContractFactory, LineFactory, TicketFactory, UserFactory

pytestmark = pytest.mark.usefixtures("present")
State = Ticket.State
HTMX = {"HX-Request": "true"}
ROOT = settings.BASE_DIR
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def ticket(account, admin):
    return TicketFactory(account=account, requester=admin)


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


def refused(code):
    return pytest.raises(ValidationError, check=lambda error: error.code == code)


def send(ticket, by, words="Hello Alice", at=None, **how):
    return conversations.send(
        ticket, words, by=by, at=at or timezone.now(), on=ticket.opened_on, **how
    )


class TestAReply:
    def test_is_nobodys_outside_before_it_leaves(
        self, ticket, support, admin, client_of
    ):
        send(ticket, support, "Not yet")
        page = client_of(admin).get(reverse("support:request", args=[ticket.pk]))

        assert "Not yet" not in page.content.decode()
        assert not ticket.messages.public()
        assert outbox.deliver(at=timezone.now()) == 0

    def test_is_read_and_mailed_once_it_has_left(
        self, ticket, support, admin, client_of, mailoutbox
    ):
        sent_at = timezone.now() - timedelta(seconds=11)
        send(ticket, support, "Read me", at=sent_at)
        page = client_of(admin).get(reverse("support:request", args=[ticket.pk]))

        assert "Read me" in page.content.decode()
        assert outbox.deliver(at=timezone.now()) == 1
        (mail,) = mailoutbox
        assert mail.to == [admin.email]
        assert "Read me" in mail.body
        assert ticket.number in mail.subject

    def test_leaves_ten_seconds_after_it_was_sent_its_mail_with_it(
        self, ticket, support
    ):
        message = send(ticket, support, at=NOW)

        assert message.leaves_at == NOW + timedelta(seconds=10)
        assert Mail.objects.get().due_at == message.leaves_at

    def test_with_a_variable_still_in_it_is_refused(self, ticket, support):
        with refused("unfilled"):
            send(ticket, support, "Your term ends on {{ term_end }}.")

    def test_discards_its_draft_and_keeps_the_note(self, ticket, support):
        drafts.save(ticket, "Hello", internal=False, by=support)
        drafts.save(ticket, "A thought", internal=True, by=support)

        send(ticket, support)

        assert set(drafts.of(ticket, support)) == {True}

    def test_takes_what_was_uploaded_with_the_draft(self, ticket, support, sales):
        mine, other = (
            Attachment.objects.create(
                ticket=ticket, name="a.txt", content_type="text/plain", size=1,
                digest="0", content=b"a", added_by=by,
            )
            for by in (support, sales)
        )  # fmt: skip

        message = send(ticket, support)

        assert list(message.attachments.all()) == [mine]
        other.refresh_from_db()
        assert other.message is None


class TestItsNotice:
    @pytest.mark.parametrize(
        ("choice", "mails"), [("AT_ONCE", 1), ("DIGEST", 0), ("OFF", 0)]
    )
    def test_stands_in_the_console_and_is_mailed_as_chosen(
        self, ticket, support, admin, choice, mails
    ):
        notices.choose(admin, {"ticket": choice})

        message = send(ticket, support, at=NOW)

        told = Notice.objects.get()
        assert (told.user_id, told.created_at) == (admin.pk, message.leaves_at)
        assert ticket.number in told.title
        assert told.address == reverse("support:request", args=[ticket.pk])
        assert Mail.objects.count() == mails

    @pytest.mark.parametrize("choice", ["AT_ONCE", "OFF"])
    def test_goes_with_the_reply_that_is_taken_back(
        self, ticket, support, admin, choice
    ):
        notices.choose(admin, {"ticket": choice})
        earlier = send(ticket, support, at=NOW - timedelta(minutes=1))
        message = send(ticket, support, at=NOW)

        conversations.take_back(message, by=support, at=NOW, on=ticket.opened_on)

        assert Notice.objects.get().created_at == earlier.leaves_at
        assert Mail.objects.count() == (choice == "AT_ONCE")


class TestRecipients:
    def test_are_who_asked_and_followers_of_the_account(
        self, ticket, admin, member, support, stranger
    ):
        ticket.followers.add(member, support, stranger)

        assert conversations.recipients(ticket) == [admin, member]

    def test_are_those_who_manage_where_the_calendar_asked(self, account, admin):
        ticket = TicketFactory(account=account, requester=None)

        assert conversations.recipients(ticket) == [admin]

    def test_are_those_who_manage_where_who_asked_has_left(self, ticket, admin):
        gone = UserFactory(account=ticket.account, is_active=False)
        ticket.requester = gone

        assert conversations.recipients(ticket) == [admin]

    def test_of_an_internal_ticket_are_nobody(self, ticket):
        ticket.internal = True

        assert conversations.recipients(ticket) == []

    def test_stand_on_the_button(self, ticket, desk, member):
        ticket.followers.add(member)
        page = desk.get(reverse("support:ticket", args=[ticket.pk])).content.decode()

        button = page[page.index("btn-send") :].partition("</button>")[0]
        assert "Send to customer" in button
        assert "Alice Almeida and 1 other" in button


class TestUndo:
    def test_puts_the_text_back_as_a_draft_and_sends_nothing(self, ticket, support):
        message = send(ticket, support, "Too soon", at=NOW)

        conversations.take_back(
            message, by=support, at=NOW + timedelta(seconds=9), on=ticket.opened_on
        )

        assert not ticket.messages.exists()
        assert not Mail.objects.exists()
        assert drafts.of(ticket, support)[False].body == "Too soon"

    def test_keeps_what_was_begun_meanwhile(self, ticket, support):
        message = send(ticket, support, "First", at=NOW)
        drafts.save(ticket, "Second", internal=False, by=support)

        conversations.take_back(message, by=support, at=NOW, on=ticket.opened_on)

        assert drafts.of(ticket, support)[False].body == "First\n\nSecond"

    @pytest.mark.parametrize("wait", [True, False])
    @pytest.mark.parametrize("state", ["NEW", "OPEN", "PARTNER"])
    def test_leaves_the_ticket_where_it_stood(self, account, support, state, wait):
        wakes = (
            {"wakes_on": NOW.date() + timedelta(days=3)} if state == "PARTNER" else {}
        )
        ticket = TicketFactory(account=account, state=state, **wakes)
        message = send(ticket, support, at=NOW, wait=wait)

        conversations.take_back(message, by=support, at=NOW, on=NOW.date())

        ticket.refresh_from_db()
        assert ticket.state == state
        assert (ticket.wakes_on is not None) == (state == "PARTNER")
        assert ticket.first_answered_at is None

    def test_comes_too_late_after_ten_seconds(self, ticket, support):
        message = send(ticket, support, at=NOW)

        with refused("left"):
            conversations.take_back(
                message,
                by=support,
                at=NOW + timedelta(seconds=10),
                on=ticket.opened_on,
            )

        assert ticket.messages.count() == 1

    def test_comes_too_late_once_a_mail_has_left_whatever_the_clocks_say(
        self, ticket, support, mailoutbox
    ):
        message = send(ticket, support, at=NOW)
        outbox.deliver(at=NOW + timedelta(seconds=10))

        with refused("left"):
            conversations.take_back(message, by=support, at=NOW, on=ticket.opened_on)
        assert len(mailoutbox) == 1

    def test_is_for_its_author(self, ticket, support, sales):
        message = send(ticket, support, at=NOW)

        with pytest.raises(PermissionDenied):
            conversations.take_back(message, by=sales, at=NOW, on=ticket.opened_on)

    def test_is_a_button_on_the_page_that_comes_back(self, ticket, desk):
        page = desk.post(
            reverse("support:say", args=[ticket.pk]),
            {"body": "Oh no", "to": "customer"},
            follow=True,
        )
        message = ticket.messages.get()
        address = reverse("support:take-back", args=[ticket.pk, message.pk])
        assert f'action="{address}"' in page.content.decode()

        page = desk.post(address, follow=True)

        assert not ticket.messages.exists()
        assert page.context["writing"]["reply"] == "Oh no"

    def test_of_what_left_is_said(self, ticket, desk, support):
        message = send(ticket, support, at=timezone.now() - timedelta(minutes=1))

        page = desk.post(
            reverse("support:take-back", args=[ticket.pk, message.pk]), follow=True
        )

        assert "has left already" in page.content.decode()
        assert ticket.messages.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_and_delivery_at_once_agree(self, ticket, support):
        """Either it is taken back and no mail leaves, or it left and stays."""
        for _round in range(10):
            message = send(ticket, support, at=NOW)
            outcomes = self.race(message, support)

            stayed = Message.objects.filter(pk=message.pk).exists()
            assert outcomes["left"] == (1 if stayed else 0)
            assert outcomes["taken back"] == (not stayed)

    def race(self, message, support):
        outcomes = {}
        start = threading.Barrier(2)

        def deliver():
            start.wait()
            outcomes["left"] = outbox.deliver(at=NOW + timedelta(seconds=10))
            connection.close()

        def undo():
            start.wait()
            try:
                conversations.take_back(message, by=support, at=NOW, on=NOW.date())
                outcomes["taken back"] = True
            except ValidationError:
                outcomes["taken back"] = False
            connection.close()

        threads = [threading.Thread(target=one) for one in (deliver, undo)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes


class TestANote:
    def test_tells_the_staff_it_names_and_lets_them_follow(
        self, ticket, support, sales
    ):
        note = conversations.note(
            ticket, "What do you say, @simon?", by=support, on=ticket.opened_on
        )

        assert list(note.mentions.all()) == [sales]
        assert list(ticket.followers.all()) == [sales]
        mail = Mail.objects.get()
        assert mail.recipient == sales.email
        assert "What do you say" not in mail.body + mail.html + mail.subject

    @pytest.mark.parametrize(
        "words", ["@alice look", "mail simon@vendor.example", "@nobody", "@sim"]
    )
    def test_names_nobody_but_staff(self, ticket, support, sales, admin, words):
        conversations.note(ticket, words, by=support, on=ticket.opened_on)

        assert not ticket.followers.exists()
        assert not Mail.objects.exists()

    def test_tells_nobody_of_their_own(self, ticket, support):
        conversations.note(ticket, "Me, @sofia", by=support, on=ticket.opened_on)

        assert not Mail.objects.exists()

    def test_is_all_that_an_internal_ticket_offers(self, account, desk):
        ticket = TicketFactory(account=account, internal=True)

        page = desk.get(reverse("support:ticket", args=[ticket.pk])).content.decode()

        assert "Send to customer" not in page
        assert "Save internal note" in page


class TestAReplyOvertaken:
    """Somebody spoke since the page was loaded: warned once, and nothing is lost."""

    def post(self, desk, ticket, seen):
        form = {"body": "My careful words", "to": "customer", "seen": seen}
        return desk.post(reverse("support:say", args=[ticket.pk]), form)

    def test_is_warned_of_once(self, ticket, desk, admin):
        page = desk.get(reverse("support:ticket", args=[ticket.pk]))
        tickets.reply(ticket, "One more thing", by=admin, on=ticket.opened_on)

        warned = self.post(desk, ticket, page.context["newest"])
        assert warned.status_code == 409
        assert "Alice Almeida wrote while you did" in warned.content.decode()
        assert warned.context["writing"]["reply"] == "My careful words"
        assert ticket.messages.count() == 1

        sent = self.post(desk, ticket, warned.context["newest"])
        assert sent.status_code == 302
        assert ticket.messages.count() == 2

    def test_by_a_colleague_about_to_send_too(self, ticket, desk, sales):
        send(ticket, sales, "Mine was first")

        assert self.post(desk, ticket, 0).status_code == 409

    def test_is_not_said_of_a_note_or_of_ones_own(self, ticket, desk, support, sales):
        conversations.note(ticket, "Hm", by=sales, on=ticket.opened_on)
        send(ticket, support, "Earlier")

        assert self.post(desk, ticket, 0).status_code == 302


class TestALongConversation:
    @pytest.fixture
    def long(self, ticket, support, admin):
        Message.objects.bulk_create(
            Message(
                ticket=ticket,
                author=admin if n % 2 else support,
                body=f"word-{n:03d}.",
                on=ticket.opened_on,
            )
            for n in range(500)
        )
        return ticket

    def test_shows_the_newest_and_loads_older(self, long, desk):
        address = reverse("support:ticket", args=[long.pk])
        page = desk.get(address)
        text = page.content.decode()
        assert "word-499." in text
        assert "word-470." in text
        assert "word-469." not in text

        older = desk.get(
            address, {"before": page.context["talk"].older}, headers=HTMX
        ).content.decode()

        assert "word-469." in older
        assert "word-470." not in older
        assert "<main" not in older

    def test_asks_at_most_25_times_however_long(
        self, long, desk, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(25):
            desk.get(reverse("support:ticket", args=[long.pk]))

    def test_is_read_to_its_beginning_without_a_script(self, long, desk):
        address, pages = reverse("support:ticket", args=[long.pk]), 0
        page = desk.get(address)
        while page.context["talk"].older:
            page = desk.get(address, {"before": page.context["talk"].older})
            pages += 1

        assert pages == 16
        assert "word-000." in page.content.decode()

    def test_knows_the_newest_also_from_an_older_page(self, long, desk):
        address = reverse("support:ticket", args=[long.pk])
        newest = desk.get(address).context["newest"]

        assert desk.get(address, {"before": 100}).context["newest"] == newest


def test_a_busy_billing_ticket_asks_at_most_25_times(
    account, admin, support, sales, desk, today, first_promises,
    django_assert_max_num_queries,
):  # fmt: skip
    """Promises, a proposal, notes, mentions, files, drafts, colleagues: all at once."""
    Calendar.objects.first().closures.create(on=today, name="Moving")
    line = LineFactory(
        contract=ContractFactory(account=account), contracted=5, on=today
    )
    renewals.end(line, by=admin, on=today, ticket_wanted=True, reason="We moved.")
    ticket = Ticket.objects.get()
    conversations.note(ticket, "Well, @simon?", by=support, on=today)
    ticket.followers.add(admin)
    drafts.save(ticket, "Half", internal=False, by=support)
    presences.report(ticket.pk, by=sales, at=timezone.now(), typing=True)
    macros.save(name="Urgent", changes={"priority": 4}, on=today)
    send(ticket, support, "We look into it")

    with django_assert_max_num_queries(25):
        page = desk.get(reverse("support:ticket", args=[ticket.pk]))

    assert page.context["undecided"]
    assert page.context["room"].typing == ["Simon Stone"]


class TestKeys:
    """Single keys can be turned off in a browser; nothing else changes."""

    def test_are_all_in_the_dialog_of_every_page_of_the_desk(self, desk):
        page = desk.get(reverse("support:queue")).content.decode()

        for place in keys.PLACES:
            for key in place.keys:
                assert str(key.label) in page
        assert 'data-keys="on"' in page

    def test_turned_off_stay_off_and_lead_back(self, ticket, desk):
        address = reverse("support:ticket", args=[ticket.pk])

        answer = desk.post(reverse("support:keys"), {"keys": "off", "back": address})

        assert answer.url == address
        assert 'data-keys="off"' in desk.get(address).content.decode()
        desk.post(reverse("support:keys"), {"keys": "on"})
        assert 'data-keys="on"' in desk.get(address).content.decode()

    @pytest.mark.parametrize(
        "back", ["https://elsewhere.example/desk/", "//elsewhere.example/", "/\\x", ""]
    )
    def test_lead_nowhere_else(self, desk, back):
        answer = desk.post(reverse("support:keys"), {"keys": "off", "back": back})

        assert answer.url == reverse("support:keys")

    def test_are_no_customers(self, client_of, admin):
        page = client_of(admin).get(reverse("support:requests")).content.decode()

        assert "desk.js" not in page
        assert "data-keys" not in page

    def test_each_presses_something_there_is(self, ticket, desk):
        """What has a key on a ticket is on its page or on the one that lists tickets."""
        markup = "".join(
            path.read_text() for path in (ROOT / "templates").rglob("*.html")
        )
        script = (ROOT / "static/js/desk.js").read_text()

        for place in keys.PLACES:
            for key in place.keys:
                bound = f'data-key-for="{key.does}"' in markup
                writing = place.label == keys.PLACES[-1].label
                assert bound or writing or f'"{key.does}"' in script, key
