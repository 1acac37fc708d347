"""Searching tickets: what finds them, what leads where, and who never finds anything."""

import pytest
from django.db import connection
from django.urls import reverse

from support import merges, queues, searches, tickets
from support.models import Message, Ticket
from tests.factories import (
    AccountFactory,
    AppFactory,
    ContractFactory,
    LineFactory,
    PlanFactory,
    TicketFactory,
    UserFactory,
)

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


@pytest.fixture
def ticket(account, admin, today):
    """Alice of Harbour Lines asks about a charge for Slack, under a signed order form."""
    plan = PlanFactory(app=AppFactory(slug="slack", name="Slack"), name="Business+")
    line = LineFactory(
        contract=ContractFactory(account=account), plan=plan, number="OF-2041"
    )
    return tickets.open(
        account, category="CHARGE", subject="Overcharged in October", by=admin, on=today,
        body="Eight users were added; the façade team was not.", line=line, plan=plan,
        app=plan.app,
    )  # fmt: skip


@pytest.fixture
def other(db):
    return TicketFactory(subject="Something else entirely")


def found(words, **how):
    return set(searches.found(words, **how))


class TestWhatFindsIt:
    @pytest.mark.parametrize(
        "words",
        [
            *("overcharged", "OVERCHARGED", "overch", "october overcharged"),
            *(
                "harbour",
                "harb lin",
                "slack",
                "business+",
                "OF-2041",
                "of 2041",
                "2041",
            ),
            *("alice", "almeida", "alice@harbour.example", "harbour.example"),
            *("eight users", '"users were added"', "facade", "façade", "FAÇADE"),
            *("overcharged slack alice eight", "added -refund"),
        ],
    )
    def test_number_account_app_form_person_and_message(self, ticket, other, words):
        assert found(words) == {ticket.pk}

    @pytest.mark.parametrize(
        "words",
        [
            *("charged", "overcharged refund", '"users added"', "overcharged -slack"),
            *("", "   ", "-", '""', "!?&|<->:*()", "-overcharged", "\0"),
        ],
    )
    def test_other_words_do_not(self, ticket, other, words):
        assert ticket.pk not in found(words)

    def test_its_number_however_it_is_written(self, ticket, other):
        for words in (ticket.number, ticket.number.lower(), str(ticket.pk)):
            assert searches.found(words)[0] == ticket.pk

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ("請求書について教えてください", "請求書"),
            ("請求書について教えてください", "教えて"),
            ("ขอใบแจ้งหนี้ใหม่", "ใบแจ้งหนี้"),
            ("Это вопрос о счёте", "счет"),
            ("Η χρέωση είναι διπλή", "χρεωση"),
            ("الفاتورة مكررة", "الفاتورة"),
            ("बिल दो बार आया", "बिल"),
            ("Rechnung für die Straße", "strasse"),
            ("청구서가 두 번 왔어요", "청구서"),
        ],
    )
    def test_words_of_any_language(self, ticket, other, support, said, words):
        tickets.reply(ticket, said, by=support, on=ticket.opened_on)

        assert found(words) == {ticket.pk}

    def test_python_parts_words_as_the_database_does(self, db):
        samples = "T-000123 a@b.example 7.25 «x» 請求書 สวัสดี foo_bar/baz “y” naïve ＋ｱ"
        with connection.cursor() as cursor:
            cursor.execute("SELECT support_spaced(%s)", [samples])
            spaced = cursor.fetchone()[0]

        assert searches._parts(samples) == spaced.split()


class TestWhatIsKept:
    """The words follow whatever changes, whoever writes it."""

    def test_a_subject_that_is_rewritten(self, ticket):
        Ticket.objects.filter(pk=ticket.pk).update(subject="Credit note")

        assert found("credit note") == {ticket.pk}
        assert found("overcharged") == set()

    def test_tags(self, ticket, support, today):
        tickets.revise(ticket, {"add_tags": "vip"}, version=None, by=support, on=today)

        assert found("vip") == {ticket.pk}

    def test_names_of_account_app_and_plan(self, ticket):
        for thing, name in [
            (ticket.account, "Meridian Care"), (ticket.app, "Teams"), (ticket.plan, "Gold"),
        ]:  # fmt: skip
            thing.name = name
            thing.save()

            assert found(name) == {ticket.pk}

        assert found("slack") == set()

    def test_a_person_who_is_erased_is_not_found_any_more(self, ticket, admin):
        admin.display_name, admin.email = "Erased person", "erased@people.example"
        admin.save()

        assert found("alice") == set()
        assert found("almeida") == set()

    def test_a_reply_that_is_taken_back(self, ticket, support):
        said = tickets.reply(ticket, "Marmalade", by=support, on=ticket.opened_on)
        assert found("marmalade") == {ticket.pk}

        said.delete()

        assert found("marmalade") == set()

    def test_a_message_that_goes_elsewhere(self, ticket, other):
        Message.objects.filter(ticket=ticket).update(ticket=other)

        assert found("eight users") == {other.pk}

    def test_a_very_long_conversation_can_still_be_added_to(self, ticket, support):
        for part in range(12):
            many = " ".join(f"word{part}x{number}" for number in range(6_000))
            Message.objects.create(
                ticket=ticket, body=many, on=ticket.opened_on, author=support
            )

        tickets.reply(ticket, "Goodbye", by=support, on=ticket.opened_on)

        assert found("word0x17") == {ticket.pk}


class TestOrder:
    def test_the_subject_weighs_more_than_what_was_said(self, account, today, admin):
        said = tickets.open(
            account, category="CHARGE", subject="A question", by=admin, on=today,
            body="About the refund.",
        )  # fmt: skip
        titled = TicketFactory(subject="Refund")
        noted = TicketFactory(subject="Another question")
        tickets.note(noted, "refund", by=admin, on=today)

        assert searches.found("refund") == [titled.pk, said.pk, noted.pk]

    def test_of_very_many_the_newest_are_ranked(self, monkeypatch, account):
        monkeypatch.setattr(searches, "MOST", 2)
        made = TicketFactory.create_batch(4, subject="Refund")

        assert set(searches.found("refund")) == {made[-1].pk, made[-2].pk}

    def test_only_what_is_not_done(self, ticket):
        done = TicketFactory(subject="Overcharged too", state="SOLVED")

        assert found("overcharged", states=["NEW", "OPEN"]) == {ticket.pk}
        assert found("overcharged", states=Ticket.DONE) == {done.pk}


class TestThePage:
    def results(self, desk, words, **query):
        page = desk.get(reverse("support:search"), {"q": words} | query)
        assert page.status_code == 200
        return page

    def test_marks_what_was_found_where_it_was_said(self, desk, ticket):
        html = self.results(desk, "eight facad").content.decode()

        assert "<mark>Eight</mark> users were added; the <mark>façad</mark>e" in html

    def test_escapes_what_was_said(self, desk, ticket, support):
        said = "<b>bold</b> <script>alert(1)</script> marmalade"
        tickets.reply(ticket, said, by=support, on=ticket.opened_on)

        html = self.results(desk, "marmalade").content.decode()

        assert "<b>bold" not in html
        assert "&lt;b&gt;bold&lt;/b&gt; &lt;script&gt;alert(1)" in html

    def test_finds_internal_notes_and_says_that_they_are(self, desk, ticket, support):
        tickets.note(ticket, "canary-7f3a", by=support, on=ticket.opened_on)

        page = self.results(desk, "canary-7f3a")

        (one,) = page.context["results"]
        assert one["said"].internal
        assert "Internal note" in page.content.decode()

    def test_a_merged_ticket_leads_to_the_survivor(
        self, desk, ticket, support, today, account
    ):
        second, last = TicketFactory.create_batch(2, account=account)
        merges.merge(ticket, into=second, by=support, on=today)
        merges.merge(second, into=last, by=support, on=today)

        page = self.results(desk, ticket.number)

        one = next(one for one in page.context["results"] if one["ticket"] == ticket)
        assert one["leads"] == last
        html = page.content.decode()
        assert f'href="{reverse("support:ticket", args=[last.pk])}"' in html
        assert f"Merged into {last.number}" in html

    def test_a_stretch_of_a_long_message_is_enough(self, desk, ticket, support):
        long = "before " * 400 + "marmalade" + " after" * 400
        tickets.reply(ticket, long, by=support, on=ticket.opened_on)

        (one,) = self.results(desk, "marmalade").context["results"]

        shown = "".join(piece.text for piece in one["said"].pieces)
        assert "marmalade" in shown
        assert len(shown) < 400

    @pytest.mark.parametrize("which", ["all", "open", "done", "nonsense"])
    def test_is_narrowed_to_what_is_done_or_not(self, desk, ticket, which):
        page = self.results(desk, "overcharged", **{"in": which})

        assert len(page.context["results"]) == (which != "done")

    def test_says_what_to_do_when_nothing_is_found(self, desk, ticket):
        assert "Try fewer words" in self.results(desk, "zzz").content.decode()
        assert "What are you looking for?" in self.results(desk, "").content.decode()

    @pytest.mark.parametrize("words", ["'", "\\", "a'b\\c", ":*", "a:*b", "x" * 500])
    def test_no_words_break_it(self, desk, ticket, words):
        self.results(desk, words)
        assert desk.get(reverse("support:queue"), {"q": words[:90]}).status_code == 200


class TestCustomers:
    """Nothing of what staff search for reaches them, whatever they put into an address."""

    CANARY = "canary-7f3a"

    def test_a_customers_pages_do_not_search_notes(
        self, ticket, admin, support, client_of
    ):
        tickets.note(ticket, self.CANARY, by=support, on=ticket.opened_on)
        browser = client_of(admin)

        for address in ("support:requests", "myapps:index", "marketplace:catalogue"):
            for field in ("q", "search", "words"):
                there, nowhere = (
                    browser.get(reverse(address), {field: words}).content.decode()
                    for words in (self.CANARY, "nothing-like-it")
                )
                assert there.count(ticket.number) == nowhere.count(ticket.number)
                assert there.count(self.CANARY) == nowhere.count("nothing-like-it")

    def test_the_search_is_closed_to_them(self, ticket, admin, member, client_of):
        for person in (admin, member):
            page = client_of(person).get(reverse("support:search"), {"q": "canary"})
            assert page.status_code == 403


def test_the_pages_ask_the_same_for_thousands_as_for_few(
    desk, support, present, django_assert_max_num_queries
):
    """Queue, search and ticket: at most 25 queries each, with thousands of rows."""
    accounts = AccountFactory.create_batch(5)
    people = [UserFactory(account=account) for account in accounts]
    made = Ticket.objects.bulk_create(
        Ticket(
            account=accounts[n % 5], requester=people[n % 5], assignee=support,
            category="CHARGE", origin="CUSTOMER", subject=f"A refund, {n}",
            opened_on=present.date(), presses_at=present, tags=["a", "b"],
        )
        for n in range(3_000)
    )  # fmt: skip
    Message.objects.bulk_create(
        Message(ticket=one, author=people[0], body="A refund please", on=one.opened_on)
        for one in made
        for _said in range(2)
    )
    everything = {"columns": [*queues.COLUMNS], "sort": "account", "q": "refund"}

    for address, query in [
        (reverse("support:queue"), {}),
        (reverse("support:queue"), everything),
        (reverse("support:search"), {"q": "refund please"}),
        (reverse("support:ticket", args=[made[0].pk]), {}),
    ]:
        with django_assert_max_num_queries(25):
            assert desk.get(address, query).status_code == 200
