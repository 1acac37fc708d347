"""Queues: what stands in each, how they are narrowed, sorted, counted, saved and shared."""

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import clock
from billing import renewals
from support import queues, saved_queues, term_end
from support.models import Adjustment, AdjustmentApproval, SavedQueue, Ticket
from tests.factories import (
    AccountFactory,
    AppFactory,
    ContractFactory,
    LineFactory,
    TicketFactory,
    UserFactory,
)

pytestmark = pytest.mark.usefixtures("present")
State = Ticket.State
HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


@pytest.fixture
def colleague(db):
    return UserFactory(account=None, kind="SUPPORT", display_name="Carla Costa")


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def held(line, admin, today):
    """A ticket whose term ended undecided: what it disputes is held since 1 January."""
    renewals.end(line, by=admin, on=today, ticket_wanted=True)
    term_end.run(zone=line.account.timezone, on=datetime.date(2027, 1, 1))
    return Ticket.objects.get()


def numbers(page) -> list[str]:
    return [row["ticket"].number for row in page.context["rows"]]


def shown(desk, **query) -> set[str]:
    return set(numbers(desk.get(reverse("support:queue"), query)))


class TestBuiltIn:
    def test_unassigned_and_mine_follow_the_assignee(self, desk, support, colleague):
        free = TicketFactory()
        mine = TicketFactory(assignee=support)
        TicketFactory(assignee=colleague)

        assert shown(desk, view="unassigned") == {free.number}
        assert shown(desk, view="mine") == {mine.number}

    def test_due_is_an_open_term_end_within_thirty_days(self, desk, line, today):
        soon = TicketFactory(
            account=line.account, line=line, category="CANCELLATION",
            term_ends_on=today + datetime.timedelta(days=30),
        )  # fmt: skip
        TicketFactory(
            account=line.account, line=line, category="CANCELLATION",
            term_ends_on=today + datetime.timedelta(days=31),
        )  # fmt: skip

        assert shown(desk, view="due") == {soon.number}

    def test_solved_this_week_begins_on_monday(self, desk, today, present):
        monday = datetime.datetime.combine(today, datetime.time(0), datetime.UTC)
        this = TicketFactory(state=State.SOLVED, solved_at=monday)
        TicketFactory(
            state=State.SOLVED, solved_at=monday - datetime.timedelta(seconds=1)
        )

        assert shown(desk, view="solved") == {this.number}

    def test_parked_lines_are_those_that_are_open(self, desk, line):
        parked = TicketFactory(category="PARKED", line=line, internal=True)
        TicketFactory(category="PARKED", line=line, state=State.SOLVED)

        assert shown(desk, view="parked") == {parked.number}

    def test_held_is_undecided_past_its_term_end_with_its_age(self, desk, held):
        TicketFactory()
        clock.set_to(datetime.datetime(2027, 1, 11, 12, tzinfo=datetime.UTC))

        page = desk.get(reverse("support:queue"), {"view": "held"})

        (row,) = page.context["rows"]
        assert row["ticket"] == held
        assert row["held_days"] == 10
        assert "10 days" in page.content.decode()

    def test_waiting_for_my_approval_is_another_persons_above_the_limit(
        self, desk, held, support, colleague, client_of
    ):
        proposed = held.adjustments.order_by("-version").first()
        assert proposed.state == Adjustment.State.PROPOSED
        Adjustment.objects.filter(pk=proposed.pk).update(two_needed=True)
        AdjustmentApproval.objects.create(
            adjustment=proposed, by=colleague, on=held.opened_on
        )

        assert shown(desk, view="approval") == {held.number}
        assert shown(client_of(colleague), view="approval") == set()

    def test_what_was_merged_is_in_no_done_queue(self, desk):
        kept = TicketFactory(state=State.SOLVED)
        TicketFactory(state=State.CLOSED, merged_into=kept)

        assert shown(desk, view="done") == {kept.number}

    def test_an_unknown_view_is_all_that_is_open(self, desk):
        ticket = TicketFactory()

        assert shown(desk, view="nonsense") == {ticket.number}


class TestOrder:
    def at(self, present, **ahead):
        return present + datetime.timedelta(**ahead)

    def test_what_presses_first_stands_first_and_what_never_does_last(
        self, desk, present
    ):
        never = TicketFactory(presses_at=None)
        later = TicketFactory(presses_at=self.at(present, days=9))
        sooner = TicketFactory(presses_at=self.at(present, days=1))

        page = desk.get(reverse("support:queue"))

        assert numbers(page) == [sooner.number, later.number, never.number]

    def test_it_is_red_two_business_days_before(self, desk, present):
        """Noon on Monday: what is due by Wednesday's end presses."""
        red = TicketFactory(presses_at=self.at(present, days=2))
        calm = TicketFactory(presses_at=self.at(present, days=4))

        rows = desk.get(reverse("support:queue")).context["rows"]

        assert {row["ticket"]: row["presses"] for row in rows} == {
            red: True,
            calm: False,
        }

    @pytest.mark.parametrize("sort", sorted(queues.SORTS))
    def test_every_order_works_both_ways(self, desk, sort):
        TicketFactory.create_batch(3)

        page = desk.get(reverse("support:queue"), {"sort": sort})

        assert len(numbers(page)) == 3

    def test_by_how_long_it_is_held(self, desk, held):
        other = TicketFactory()

        page = desk.get(reverse("support:queue"), {"sort": "held"})

        assert numbers(page) == [held.number, other.number]


class TestFilters:
    @pytest.fixture
    def pair(self, support, today):
        """A ticket that every filter below finds, and one that none does."""
        wanted = TicketFactory(
            account=AccountFactory(name="Ærø Ferries"), app=AppFactory(slug="slack"),
            priority=4, state=State.OPEN, assignee=support, tags=["refund"],
            origin="PARTNER", category="SALES", subject="Invoice twice",
            opened_on=today - datetime.timedelta(days=40),
        )  # fmt: skip
        TicketFactory(opened_on=today)
        return wanted

    @pytest.mark.parametrize(
        "query",
        [
            {"priority": ["4", "3"]},
            {"state": "OPEN"},
            {"assignee": "me"},
            {"tag": "Refund"},
            {"origin": "PARTNER"},
            {"category": "SALES"},
            {"app": "slack"},
            {"account": "ferries"},
            {"q": "invoi"},
            {"older": "40"},
        ],
        ids=lambda query: next(iter(query)),
    )
    def test_each_narrows_by_itself(self, desk, pair, query):
        assert shown(desk, **query) == {pair.number}

    def test_together_they_narrow_further(self, desk, pair):
        assert shown(desk, priority="4", state="NEW") == set()

    def test_nobody_is_an_assignee_too(self, desk, pair):
        assert pair.number not in shown(desk, assignee="nobody")

    def test_by_how_long_it_is_held(self, desk, held):
        TicketFactory()
        since = queues.narrowed(
            {"held": 10}, held.requester, on=datetime.date(2027, 1, 11)
        )
        sooner = queues.narrowed(
            {"held": 10}, held.requester, on=datetime.date(2027, 1, 10)
        )

        assert (list(since), list(sooner)) == ([held], [])

    def test_nonsense_is_said_and_ignored(self, desk, pair):
        page = desk.get(
            reverse("support:queue"), {"older": "-1", "assignee": "12x", "state": "?"}
        )

        assert page.status_code == 200
        assert len(numbers(page)) == 2
        assert "Not every filter was understood" in page.content.decode()

    def test_each_in_force_is_a_chip_that_takes_it_away(self, desk, pair):
        page = desk.get(reverse("support:queue"), {"priority": "4", "tag": "refund"})

        without = {
            str(n["label"]): n["without"] for n in page.context["wished"].narrows
        }
        assert without == {"Priority": "?tag=refund", "Tag": "?priority=4"}

    def test_columns_are_those_that_were_asked_for(self, desk, pair):
        page = desk.get(reverse("support:queue"), {"columns": ["tags", "account"]})

        assert [name for name, _label in page.context["columns"]] == ["account", "tags"]


class TestCounts:
    def test_each_queue_is_counted_in_one_query(self, desk, support):
        TicketFactory.create_batch(3)
        TicketFactory(assignee=support)

        with CaptureQueriesContext(connection) as asked:
            page = desk.get(reverse("support:queue-counts"), headers=HTMX)

        counts = {str(one["label"]): one["count"] for one in page.context["built_in"]}
        assert (counts["All open"], counts["Unassigned"], counts["Mine"]) == (4, 3, 1)
        assert sum("count(*)" in query["sql"] for query in asked) == 1

    def test_they_stop_at_a_thousand(self, support, today, monkeypatch):
        monkeypatch.setattr(queues, "COUNTED", 2)
        TicketFactory.create_batch(3)

        counted = queues.counted({"open": queues.tickets_of("open", support, on=today)})

        assert counted == {"open": 2}

    def test_a_queue_that_finds_nothing_at_all_counts_none(self, support, today):
        nothing = queues.narrowed({"q": "!?"}, support, on=today)

        assert queues.counted({"nothing": nothing}) == {"nothing": 0}

    def test_they_are_asked_for_again_by_the_page(self, desk):
        page = desk.get(reverse("support:queue")).content.decode()
        fragment = desk.get(reverse("support:queue-counts"), headers=HTMX)

        assert 'hx-trigger="every 30s, focus from:window"' in page
        assert "<html" not in fragment.content.decode()
        assert desk.get(reverse("support:queue-counts")).status_code == 302


def save(desk, query="", **form):
    return desk.post(
        reverse("support:save-queue"), {"query": query, "name": "Urgent"} | form
    )


class TestSavedQueues:
    def test_keep_what_is_on_screen(self, desk, support):
        urgent = TicketFactory(priority=4)
        TicketFactory()

        answer = save(desk, "view=open&priority=4&columns=tags&sort=-opened")

        queue = SavedQueue.objects.get()
        assert (queue.owner, queue.name, queue.sort) == (support, "Urgent", "-opened")
        assert queue.filters == {"view": "open", "priority": ["4"]}
        assert queue.columns == ["tags"]
        assert numbers(desk.get(answer.url)) == [urgent.number]

    def test_are_their_owners_alone_until_shared(self, desk, colleague, client_of):
        save(desk)
        other = client_of(colleague)
        queue = SavedQueue.objects.get()
        short = reverse("support:saved-queue", args=[queue.pk])

        assert other.get(short).status_code == 404
        desk.post(
            reverse("support:arrange-queue", args=[queue.pk]),
            {"name": "Urgent ones", "shared_with": "SUPPORT"},
        )

        assert other.get(short).status_code == 302
        page = other.get(reverse("support:queue")).content.decode()
        assert "Urgent ones" in page

    def test_shared_with_support_is_not_shared_with_sales(self, desk, sales, client_of):
        save(desk, shared_with="SUPPORT")

        page = client_of(sales).get(reverse("support:queue")).content.decode()

        assert "Urgent" not in page.partition('id="queues"')[2].partition("</nav>")[0]

    def test_a_shared_one_is_changed_by_its_owner_alone(
        self, desk, colleague, client_of
    ):
        save(desk, shared_with="SUPPORT")
        queue = SavedQueue.objects.get()
        other = client_of(colleague)

        for name in ("arrange-queue", "delete-queue"):
            address = reverse(f"support:{name}", args=[queue.pk])
            assert other.post(address, {"name": "Taken"}).status_code == 404
        save(other, "view=done", replace=queue.pk, name="Another")

        queue.refresh_from_db()
        assert (queue.name, queue.filters) == ("Urgent", {"view": "open"})

    def test_mine_in_a_shared_queue_is_whoever_looks(
        self, desk, colleague, client_of, support
    ):
        TicketFactory(assignee=support)
        hers = TicketFactory(assignee=colleague)
        answer = save(desk, "assignee=me", shared_with="SUPPORT")

        assert numbers(client_of(colleague).get(answer.url)) == [hers.number]

    def test_are_counted_with_the_others(self, desk):
        TicketFactory(priority=4)
        TicketFactory()
        save(desk, "priority=4")

        page = desk.get(reverse("support:queue-counts"), headers=HTMX)

        assert [one["count"] for one in page.context["kept"]] == [1]

    def test_what_changed_on_screen_is_offered_to_be_kept(self, desk):
        address = save(desk, "priority=4").url
        assert desk.get(address).context["changed"] is False

        changed = desk.get(address + "&tag=refund")
        assert changed.context["changed"] is True
        save(desk, changed.context["query"], replace=SavedQueue.objects.get().pk)

        assert SavedQueue.objects.get().filters["tag"] == "refund"

    def test_two_of_one_name_are_refused_in_words(self, desk):
        save(desk)

        page = desk.get(save(desk, "priority=4").url)

        assert "You have a queue of that name already" in page.content.decode()
        assert SavedQueue.objects.count() == 1

    def test_are_deleted(self, desk):
        save(desk)

        desk.post(reverse("support:delete-queue", args=[SavedQueue.objects.get().pk]))

        assert not SavedQueue.objects.exists()

    def test_an_empty_name_and_too_many_are_refused(self, support, monkeypatch):
        wish = {"filters": {}, "columns": [], "sort": "", "by": support}
        monkeypatch.setattr(saved_queues, "MOST", 1)
        saved_queues.save("One", **wish)

        for name, code in [("  ", "no_name"), ("Two", "too_many")]:
            with pytest.raises(ValidationError) as refused:
                saved_queues.save(name, **wish)
            assert refused.value.code == code

    def test_one_written_by_an_older_version_still_opens(self, desk, support):
        queue = SavedQueue.objects.create(
            owner=support, name="Old", sort="gone", columns=["gone"],
            filters={"view": "gone", "state": ["GONE"], "gone": "x", "assignee": "x"},
        )  # fmt: skip

        page = desk.get(reverse("support:saved-queue", args=[queue.pk]), follow=True)

        assert page.status_code == 200


class TestPages:
    def test_pages_go_as_far_as_the_first_ones(self, desk, monkeypatch):
        monkeypatch.setattr(queues, "MOST", 3)
        TicketFactory.create_batch(5)

        page = desk.get(reverse("support:queue"))

        assert page.context["page"].paginator.count == 3
        assert "The first 3 are shown" in page.content.decode()

    @pytest.mark.parametrize("view", [*queues.VIEWS, "all"])
    def test_each_empty_queue_says_what_fills_it(self, desk, view):
        page = desk.get(reverse("support:queue"), {"view": view})

        assert "Nothing waits here" in page.content.decode()

    def test_a_long_name_and_subject_are_shown_whole(self, desk):
        TicketFactory(
            subject="W" * 200, account=AccountFactory(name="Ελληνικά Πλοία " * 12)
        )

        page = desk.get(reverse("support:queue")).content.decode()

        assert "W" * 200 in page
