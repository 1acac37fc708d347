"""Bulk jobs: what a preview says, what then happens to each ticket, and what survives."""

import datetime
import threading

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from billing import renewals
from support import bulk_jobs, tickets
from support.models import BulkItem, BulkJob, Macro, Ticket
from support.tasks import work_bulk_jobs
from tests.factories import (
    AccountFactory,
    ContractFactory,
    LineFactory,
    TicketFactory,
    UserFactory,
)

pytestmark = pytest.mark.usefixtures("present")
State = Ticket.State
Outcome = BulkItem.Outcome
HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(client_of, support):
    return client_of(support)


@pytest.fixture
def line(account, today):
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


@pytest.fixture
def undecided(line, admin, today):
    """A billing ticket: closing it would be deciding it."""
    renewals.end(line, by=admin, on=today, ticket_wanted=True)
    return Ticket.objects.get(line=line)


@pytest.fixture
def preview(support, present):
    def made(found, **changes):
        ids = [ticket.pk for ticket in found]
        return bulk_jobs.preview(ids, changes, by=support, at=present)

    return made


def said(job) -> dict[Ticket, tuple[str, str]]:
    items = job.items.select_related("ticket")
    return {item.ticket: (item.foreseen or item.outcome, item.words) for item in items}


def outcomes(job) -> dict[Ticket, str]:
    return {item.ticket: item.outcome for item in job.items.select_related("ticket")}


class TestAPreview:
    ALL_THREE = (
        "State: New → Open · Priority: Normal → High"
        " · Assigned to: nobody → Sofia Santos"
    )

    def test_says_what_will_happen_to_each_and_changes_nothing(self, preview, support):
        new = TicketFactory()
        mine = TicketFactory(state=State.OPEN, assignee=support, priority=3)

        job = preview([new, mine], priority=3, assignee=support.pk)

        assert said(job) == {
            new: (
                "DONE",
                self.ALL_THREE,
            ),
            mine: ("DONE", "It is so already."),
        }
        new.refresh_from_db()
        assert (new.priority, new.state, new.version) == (2, State.NEW, 0)
        assert set(outcomes(job).values()) == {Outcome.WAITING}

    def test_says_which_are_refused_and_why(self, preview, undecided):
        closed = TicketFactory(state=State.CLOSED)
        survivor = TicketFactory(account=closed.account)
        merged = TicketFactory(account=closed.account, merged_into=survivor)

        job = preview([undecided, closed, merged], state="SOLVED")

        refused = said(job)
        assert {outcome for outcome, _words in refused.values()} == {"REFUSED"}
        assert "closing a billing ticket is deciding it" in refused[undecided][1]
        assert "cannot become" in refused[closed][1]
        assert "merged" in refused[merged][1]

    def test_asks_the_same_for_many_as_for_few(
        self, preview, django_assert_max_num_queries
    ):
        many = TicketFactory.create_batch(60)

        with django_assert_max_num_queries(12):
            preview(many, add_tags="autumn")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({}, "no_changes"),
            ({"state": "WAITING", "wakes_on": "2026-11-01"}, "wake_day"),
            ({"state": "GONE"}, "unknown_value"),
            ({"body": "Hello"}, "unknown_field"),
        ],
    )
    def test_what_no_ticket_could_take_is_refused_at_once(self, preview, changes, code):
        with pytest.raises(ValidationError) as refused:
            preview([TicketFactory()], **changes)

        assert refused.value.code == code
        assert not BulkJob.objects.exists()

    def test_nothing_chosen_and_too_many_are_refused(self, preview, monkeypatch):
        monkeypatch.setattr(bulk_jobs, "MOST", 1)

        for found, code in [
            ([], "no_tickets"),
            (TicketFactory.create_batch(2), "too_many"),
        ]:
            with pytest.raises(ValidationError) as refused:
                preview(found, priority=1)
            assert refused.value.code == code

    def test_the_waiting_states_need_their_day(self, preview):
        ticket = TicketFactory(state=State.OPEN)

        assert said(preview([ticket], state="WAITING"))[ticket][0] == "REFUSED"
        waits = preview([ticket], state="WAITING", wakes_on="2026-12-01")
        assert said(waits)[ticket][0] == "DONE"


class TestCarryingOut:
    def test_changes_each_and_keeps_what_came_of_it(
        self, preview, present, support, undecided
    ):
        free = TicketFactory(state=State.OPEN)
        job = preview([free, undecided], state="SOLVED")

        bulk_jobs.begin(job, at=present)
        done = bulk_jobs.work(at=present)

        assert done == 2
        assert outcomes(job) == {free: Outcome.DONE, undecided: Outcome.REFUSED}
        assert job.items.get(ticket=free).words == "State: Open → Solved"
        free.refresh_from_db()
        undecided.refresh_from_db()
        job.refresh_from_db()
        assert (free.state, undecided.state) == (State.SOLVED, State.NEW)
        assert job.finished_at == present

    def test_the_outcome_is_what_the_preview_said(self, preview, present, undecided):
        found = [undecided, *TicketFactory.create_batch(3)]
        found += [TicketFactory(state=state) for state in ("OPEN", "SOLVED", "CLOSED")]
        job = preview(found, state="SOLVED")
        foreseen = dict(job.items.values_list("ticket", "foreseen"))

        bulk_jobs.begin(job, at=present)
        bulk_jobs.work(at=present)

        assert dict(job.items.values_list("ticket", "outcome")) == foreseen

    def test_a_preview_alone_is_never_carried_out(self, preview, present):
        ticket = TicketFactory()
        preview([ticket], priority=4)

        assert bulk_jobs.work(at=present) == 0
        ticket.refresh_from_db()
        assert ticket.priority == 2

    def test_twice_changes_nothing_more(self, preview, present):
        ticket = TicketFactory()
        job = preview([ticket], priority=4)
        bulk_jobs.begin(job, at=present)
        bulk_jobs.work(at=present)

        bulk_jobs.begin(job, at=present + datetime.timedelta(hours=1))
        assert bulk_jobs.work(at=present) == 0

        ticket.refresh_from_db()
        assert ticket.version == 1

    def test_what_changed_since_the_preview_decides(self, preview, present, support):
        ticket = TicketFactory(state=State.OPEN)
        job = preview([ticket], state="SOLVED")
        tickets.move(ticket, "SOLVED", by=support, on=present.date())
        tickets.move(ticket, "CLOSED", by=support, on=present.date())

        bulk_jobs.begin(job, at=present)
        bulk_jobs.work(at=present)

        assert outcomes(job) == {ticket: Outcome.REFUSED}

    def test_a_killed_worker_goes_on_where_it_stopped(
        self, preview, present, monkeypatch
    ):
        found = TicketFactory.create_batch(4)
        job = preview(found, priority=4)
        bulk_jobs.begin(job, at=present)
        revise, taken = tickets.revise, []

        def killed(ticket, *args, **kwargs):
            taken.append(ticket)
            if len(taken) == 3:
                raise KeyboardInterrupt
            return revise(ticket, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(tickets, "revise", killed)
            with pytest.raises(KeyboardInterrupt):
                bulk_jobs.work(at=present)
        assert bulk_jobs.tally(job)["done"] == 2

        assert bulk_jobs.work(at=present) == 2
        assert {ticket.version for ticket in Ticket.objects.all()} == {1}

    def test_one_that_breaks_does_not_stop_the_others(
        self, preview, present, monkeypatch, caplog
    ):
        first, broken, last = TicketFactory.create_batch(3)
        job = preview([first, broken, last], priority=4)
        bulk_jobs.begin(job, at=present)
        revise = tickets.revise

        def breaking(ticket, *args, **kwargs):
            if ticket == broken:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1 / 0")
            return revise(ticket, *args, **kwargs)

        monkeypatch.setattr(tickets, "revise", breaking)
        bulk_jobs.work(at=present)

        assert outcomes(job) == {
            first: Outcome.DONE, broken: Outcome.REFUSED, last: Outcome.DONE,
        }  # fmt: skip
        assert "by hand" in job.items.get(ticket=broken).words

    def test_each_goes_by_its_accounts_day(self, preview, support, present):
        """At noon UTC it is tomorrow already in Kiritimati: it cannot wake tomorrow."""
        here = TicketFactory(state=State.OPEN)
        there = TicketFactory(
            state=State.OPEN, account=AccountFactory(timezone="Pacific/Kiritimati")
        )
        tomorrow = present.date() + datetime.timedelta(days=1)

        job = preview([here, there], state="WAITING", wakes_on=tomorrow.isoformat())

        assert {one: words[0] for one, words in said(job).items()} == {
            here: "DONE", there: "REFUSED",
        }  # fmt: skip

    def test_the_task_is_the_clock_and_one_call(self, preview, present):
        ticket = TicketFactory()
        bulk_jobs.begin(preview([ticket], priority=4), at=present)

        work_bulk_jobs()

        ticket.refresh_from_db()
        assert ticket.priority == 4

    def test_so_is_its_command(self, preview, present, capsys):
        bulk_jobs.begin(preview([TicketFactory()], priority=4), at=present)

        call_command("work_bulk_jobs")

        assert capsys.readouterr().out == "1 tickets of bulk jobs done.\n"

    def test_a_preview_that_nobody_began_goes_after_a_week(self, preview, present):
        job = preview([TicketFactory()], priority=4)
        made = job.created_at

        bulk_jobs.work(at=made + datetime.timedelta(days=6))
        assert BulkJob.objects.exists()
        bulk_jobs.work(at=made + datetime.timedelta(days=8))
        assert not BulkJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_one_job_do_no_ticket_twice(support, present):
    found = TicketFactory.create_batch(40)
    ids = [ticket.pk for ticket in found]
    job = bulk_jobs.preview(ids, {"add_tags": "once"}, by=support, at=present)
    bulk_jobs.begin(job, at=present)
    done = []

    def work():
        try:
            done.append(bulk_jobs.work(at=present))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    bulk_jobs.work(at=present)

    assert sum(done) == 40
    assert set(Ticket.objects.values_list("version", flat=True)) == {1}
    job.refresh_from_db()
    assert job.finished_at is not None


class TestThePages:
    new = "/desk/bulk/new/"

    def made(self, desk, found, **form):
        answer = desk.post(
            self.new,
            {"ticket": [ticket.pk for ticket in found], "priority": "4"} | form,
        )
        assert answer.status_code == 302, answer.context["form"].errors
        return BulkJob.objects.latest("pk")

    def test_from_the_queue_to_the_result(self, desk, undecided):
        free = TicketFactory(state=State.OPEN)
        page = desk.get(self.new, {"ticket": [free.pk, undecided.pk]})
        assert page.context["count"] == 2

        job = self.made(desk, [free, undecided], priority="", state="SOLVED")
        address = reverse("support:bulk-job", args=[job.pk])
        before = desk.get(address).content.decode()
        assert "Will be refused" in before
        assert "Change one ticket" in before
        desk.post(reverse("support:begin-bulk-job", args=[job.pk]))
        assert "Running" in desk.get(address).content.decode()
        work_bulk_jobs()

        after = desk.get(address).content.decode()
        assert "Finished" in after
        assert "closing a billing ticket is deciding it" in after
        assert 'hx-trigger="every' not in after.partition('id="bulk-job"')[2]

    def test_progress_is_a_fragment_while_it_runs(self, desk):
        job = self.made(desk, [TicketFactory()])
        desk.post(reverse("support:begin-bulk-job", args=[job.pk]))
        address = reverse("support:bulk-progress", args=[job.pk])

        html = desk.get(address, headers=HTMX).content.decode()

        assert "<html" not in html
        assert 'hx-trigger="every 2s"' in html
        assert desk.get(address).status_code == 302

    def test_all_that_the_queue_found(self, desk):
        urgent = TicketFactory.create_batch(3, priority=4)
        TicketFactory()

        desk.post(
            self.new, {"all": "1", "query": "view=open&priority=4", "add_tags": "vip"}
        )

        job = BulkJob.objects.get()
        assert set(outcomes(job)) == set(urgent)
        assert job.changes == {"add_tags": "vip"}

    def test_a_macro_and_what_is_chosen_over_it(self, desk, colleague):
        macro = Macro.objects.create(
            name="Escalate", changes={"priority": 4, "add_tags": ["escalated"]}
        )

        job = self.made(
            desk, [TicketFactory()], macro=macro.pk, priority="3",
            assignee=colleague.pk,
        )  # fmt: skip

        assert job.changes == {
            "priority": 3, "add_tags": ["escalated"], "assignee": colleague.pk,
        }  # fmt: skip

    def test_nobody_takes_the_assignee_away(self, desk, support):
        ticket = TicketFactory(assignee=support, state=State.OPEN)
        job = self.made(desk, [ticket], assignee="nobody")
        desk.post(reverse("support:begin-bulk-job", args=[job.pk]))
        work_bulk_jobs()

        ticket.refresh_from_db()
        assert ticket.assignee is None

    def test_a_form_without_a_change_says_so_and_keeps_the_choice(self, desk):
        ticket = TicketFactory()

        answer = desk.post(self.new, {"ticket": ticket.pk})

        assert answer.status_code == 422
        html = answer.content.decode()
        assert "Choose at least one change" in html
        assert f'name="ticket" value="{ticket.pk}"' in html

    def test_nothing_chosen_leads_back(self, desk):
        assert "No ticket is chosen" in desk.get(self.new).content.decode()

    def test_only_who_made_it_begins_or_discards_it(self, desk, colleague, client_of):
        job = self.made(desk, [TicketFactory()])
        other = client_of(colleague)

        for name in ("begin-bulk-job", "discard-bulk-job"):
            address = reverse(f"support:{name}", args=[job.pk])
            assert other.post(address).status_code == 404
        assert other.get(reverse("support:bulk-job", args=[job.pk])).status_code == 200

        desk.post(reverse("support:discard-bulk-job", args=[job.pk]))
        assert not BulkJob.objects.exists()

    def test_what_was_begun_is_not_discarded(self, desk):
        job = self.made(desk, [TicketFactory()])
        desk.post(reverse("support:begin-bulk-job", args=[job.pk]))

        desk.post(reverse("support:discard-bulk-job", args=[job.pk]))

        assert BulkJob.objects.exists()

    @pytest.mark.parametrize(
        "show", ["all", "foreseen", "refusals", "done", "refused", "waiting", "?"]
    )
    def test_pages_ask_at_most_25_times(
        self, desk, show, django_assert_max_num_queries
    ):
        job = self.made(desk, TicketFactory.create_batch(60))

        with django_assert_max_num_queries(25):
            desk.get(reverse("support:bulk-job", args=[job.pk]), {"show": show})
        with django_assert_max_num_queries(25):
            desk.get(reverse("support:bulk-jobs"))

    @pytest.fixture
    def colleague(self):
        return UserFactory(account=None, kind="SUPPORT", display_name="Carla Costa")
