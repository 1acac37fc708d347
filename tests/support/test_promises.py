"""The clocks of a ticket: first answer, next answer, solution, and the term end."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing import renewals
from support import merges, promises, tickets
from support.models import Calendar, ServicePromise, Ticket
from tests.factories import AccountFactory, AppFactory, ContractFactory, LineFactory

LISBON = ZoneInfo("Europe/Lisbon")
MONDAY = date(2026, 11, 23)
State = Ticket.State


def at(day, hour, minute=0):
    """A moment in Lisbon: the 23rd of November 2026 is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=LISBON)


@pytest.fixture(autouse=True)
def promised(db):
    """Nine to one and two to six, Monday to Friday. First answer in 4 working hours,
    the next in 8, solved in 40; half of that where it is urgent.
    """
    ServicePromise.objects.all().delete()
    calendar = Calendar.objects.create(name="Desk", timezone="Europe/Lisbon")
    for weekday in range(5):
        calendar.hours.create(weekday=weekday, opens=time(9), closes=time(13))
        calendar.hours.create(weekday=weekday, opens=time(14), closes=time(18))
    for priority, times in ((2, 2), (4, 1)):
        calendar.promises.create(
            priority=priority,
            first_answer_minutes=120 * times,
            next_answer_minutes=240 * times,
            solution_minutes=1200 * times,
        )
    return calendar


@pytest.fixture
def account(db):
    return AccountFactory(slug="harbour-lines", timezone="Europe/Lisbon")


@pytest.fixture
def ticket(account, admin):
    """Alice asks on Monday at ten."""
    return tickets.open(
        account, category="INSTALL", subject="Help", by=admin, on=MONDAY, at=at(23, 10)
    )


def revise(ticket, by, moment, **changes):
    return tickets.revise(
        ticket, changes, version=None, by=by, on=moment.date(), at=moment
    )


def say(ticket, by, moment, **how):
    tickets.reply(ticket, "Words.", by=by, on=moment.date(), at=moment, **how)
    ticket.refresh_from_db()


class TestAnAnswer:
    def test_is_due_in_working_time_from_the_question(self, ticket):
        assert ticket.answer_due_at == at(23, 15)

    def test_ends_the_clock(self, ticket, support):
        say(ticket, support, at(23, 11))

        assert ticket.answer_due_at is None
        assert ticket.first_answered_at == at(23, 11)
        assert ticket.late_answers == 0

    def test_later_than_promised_is_counted(self, ticket, support):
        say(ticket, support, at(23, 16))

        assert ticket.late_answers == 1

    def test_is_due_again_when_the_customer_asks_again(self, ticket, support, admin):
        say(ticket, support, at(23, 11))
        say(ticket, admin, at(23, 12))

        assert ticket.answer_due_at == at(24, 12)

    def test_is_not_put_off_by_asking_twice(self, ticket, admin):
        say(ticket, admin, at(23, 14))

        assert ticket.answer_due_at == at(23, 15)

    def test_that_is_a_note_answers_nobody(self, ticket, support):
        tickets.note(ticket, "Hm.", by=support, on=MONDAY)

        ticket.refresh_from_db()
        assert ticket.answer_due_at == at(23, 15)

    def test_that_is_taken_back_is_due_as_before(self, ticket, support, admin):
        say(ticket, admin, at(23, 10))
        ticket.messages.update(at=at(23, 10))
        due = ticket.answer_due_at
        say(ticket, support, at(23, 11))
        ticket.messages.filter(author=support).delete()

        tickets.unsay(
            tickets.locked(ticket), state="NEW", by=support, on=MONDAY, at=at(23, 11)
        )

        ticket.refresh_from_db()
        assert (ticket.first_answered_at, ticket.answer_due_at) == (None, due)

    def test_nobody_waits_for_where_staff_opened_it(self, account):
        internal = tickets.open(
            account, category="CONTRACT", subject="Ended", by=None, internal=True,
            on=MONDAY, at=at(23, 10),
        )  # fmt: skip

        assert internal.answer_due_at is None
        assert internal.solution_due_at == at(30, 10)


class TestAPause:
    """From Monday noon to Wednesday noon sixteen working hours rest."""

    def test_shifts_what_is_due_by_the_working_time_that_rested(self, ticket, support):
        before = ticket.solution_due_at
        revise(ticket, support, at(23, 12), state="PARTNER", wakes_in=5)
        revise(ticket, support, at(25, 12), state="OPEN")

        ticket.refresh_from_db()
        # Two hours of the first answer had passed, two are left after Wednesday noon.
        assert ticket.answer_due_at == at(25, 15)
        assert before == at(30, 10)
        assert ticket.solution_due_at == before + timedelta(days=2)

    def test_over_a_weekend_rests_no_working_time(self, ticket, support):
        before = ticket.solution_due_at
        revise(ticket, support, at(27, 18), state="PARTNER", wakes_in=5)
        revise(ticket, support, at(30, 9), state="OPEN")

        ticket.refresh_from_db()
        assert ticket.solution_due_at == before

    def test_presses_nobody_but_by_the_term_end(self, ticket, support):
        revise(ticket, support, at(23, 12), state="PARTNER", wakes_in=5)

        ticket.refresh_from_db()
        assert ticket.presses_at is None

    def test_goes_on_from_one_waiting_state_to_the_other(self, ticket, support):
        revise(ticket, support, at(23, 12), state="PARTNER", wakes_in=5)
        revise(ticket, support, at(24, 12), state="WAITING", wakes_in=5)
        revise(ticket, support, at(25, 12), state="OPEN")

        ticket.refresh_from_db()
        assert ticket.answer_due_at == at(25, 15)

    def test_of_a_solved_ticket_ends_when_it_is_opened_again(
        self, ticket, support, admin
    ):
        say(ticket, support, at(23, 12))
        before = ticket.solution_due_at
        revise(ticket, support, at(23, 13), state="SOLVED")
        ticket.refresh_from_db()
        assert (ticket.solved_at, ticket.presses_at) == (at(23, 13), None)

        say(ticket, admin, at(24, 14))

        assert ticket.solved_at is None
        assert ticket.solution_due_at == before + timedelta(days=1)


class TestAChange:
    def test_of_priority_counts_from_the_beginning(self, ticket, support):
        revise(ticket, support, at(23, 11), priority=4)

        ticket.refresh_from_db()
        assert ticket.answer_due_at == at(23, 12)

    def test_of_category_takes_its_own_promise(self, ticket, support, promised):
        promised.promises.create(
            category="SALES", priority=2, first_answer_minutes=60,
            next_answer_minutes=60, solution_minutes=600,
        )  # fmt: skip
        Ticket.objects.update(app=AppFactory())
        revise(ticket, support, at(23, 11), category="SALES")

        ticket.refresh_from_db()
        assert ticket.answer_due_at == at(23, 11)

    def test_to_a_priority_without_promise_has_no_clock(self, ticket, support):
        revise(ticket, support, at(23, 11), priority=1)

        ticket.refresh_from_db()
        assert (ticket.answer_due_at, ticket.solution_due_at) == (None, None)
        assert ticket.presses_at is None


class TestTheTermEnd:
    @pytest.fixture
    def billing(self, account, admin, today):
        contract = ContractFactory(account=account)
        line = LineFactory(contract=contract, contracted=10, on=today)
        renewals.end(line, by=admin, on=today, ticket_wanted=True)
        return Ticket.objects.get(line=line)

    def test_is_the_midnight_of_the_terms_own_zone(self, billing, account):
        account.timezone = "Asia/Tokyo"
        account.save()
        billing = Ticket.objects.get(pk=billing.pk)

        assert promises.term_end_at(billing) == datetime(2027, 1, 1, tzinfo=LISBON)

    def test_presses_when_it_is_the_earlier_one(self, billing, support):
        say(billing, support, at(24, 10))
        assert billing.presses_at == billing.solution_due_at

        late = datetime(2026, 12, 30, 10, tzinfo=LISBON)
        Ticket.objects.update(opened_at=late)
        revise(Ticket.objects.get(), support, late, tags="x")

        billing.refresh_from_db()
        assert billing.presses_at == datetime(2027, 1, 1, tzinfo=LISBON)

    def test_presses_a_waiting_ticket_too(self, billing, support):
        revise(billing, support, at(24, 10), state="WAITING", wakes_in=5)

        billing.refresh_from_db()
        assert billing.presses_at == datetime(2027, 1, 1, tzinfo=LISBON)

    def test_presses_nobody_once_it_is_decided(self, billing, support, today):
        tickets.decide(billing, approve=True, by=support, on=today)

        billing.refresh_from_db()
        assert (billing.state, billing.presses_at) == (State.SCHEDULED, None)


class TestPressing:
    """Red from two business days before."""

    @pytest.fixture
    def due(self, ticket):
        """Due on Wednesday, the 2nd of December, at ten."""
        Ticket.objects.update(presses_at=datetime(2026, 12, 2, 10, tzinfo=LISBON))
        ticket.refresh_from_db()
        return ticket

    @pytest.mark.parametrize(
        ("moment", "presses"),
        [
            (at(27, 18), False),
            (at(29, 12), False),
            (at(30, 9, 59), False),
            (at(30, 10), True),
        ],
    )
    def test_begins_two_business_days_before(self, due, moment, presses):
        assert promises.Book().presses(due, at=moment) is presses
        found = Ticket.objects.filter(promises.Book().pressing(at=moment))
        assert found.exists() is presses

    def test_is_counted_by_the_calendar_of_its_own_promise(self, due, promised):
        promised.closures.create(on=date(2026, 12, 1), name="Restoration")

        assert promises.Book().presses(due, at=at(27, 10))
        assert not promises.Book().presses(due, at=at(27, 9, 59))

    def test_says_the_same_of_one_and_of_many(self, account, promised):
        other = Calendar.objects.create(name="Sales", timezone="America/New_York")
        for weekday in (0, 3):
            other.hours.create(weekday=weekday, opens=time(9), closes=time(17))
        other.promises.create(
            category="SALES", priority=2, calendar=other, first_answer_minutes=60,
            next_answer_minutes=60, solution_minutes=600,
        )  # fmt: skip
        Ticket.objects.bulk_create(
            Ticket(
                account=account,
                category=category,
                priority=priority,
                origin="CUSTOMER",
                subject="x",
                opened_on=MONDAY,
                presses_at=at(23, 0) + timedelta(hours=7 * number),
            )
            for category in ("SALES", "INSTALL")
            for priority in (1, 2, 4)
            for number in range(30)
        )
        book = promises.Book()
        for moment in (at(21, 3), at(23, 10), at(24, 20), at(25, 10)):
            one_by_one = {
                one.pk for one in Ticket.objects.all() if book.presses(one, at=moment)
            }
            together = Ticket.objects.filter(book.pressing(at=moment))
            assert set(together.values_list("pk", flat=True)) == one_by_one
            assert 0 < len(one_by_one) < 180


class TestAHoliday:
    def test_is_no_working_day(self, ticket, support, promised):
        promised.country = "PT"
        promised.save()
        moment = datetime(2026, 12, 7, 16, tzinfo=LISBON)

        found = promises.hours_of(promised)

        assert not found.works_on(date(2026, 12, 8))  # Immaculate Conception
        assert found.works_on(moment.date())


def test_without_any_promise_tickets_work_and_business_days_are_weekdays(
    account, admin, support
):
    Calendar.objects.get(name="Desk").promises.all().delete()
    ticket = tickets.open(
        account, category="INSTALL", subject="Help", by=admin, on=MONDAY, at=at(23, 10)
    )
    say(ticket, support, at(23, 11))

    assert (ticket.solution_due_at, ticket.presses_at) == (None, None)
    assert promises.horizon(None, at=at(27, 0)) == at(27, 0) + timedelta(days=4)


def test_merging_takes_the_question_along_and_undoing_gives_it_back(
    ticket, account, admin, support
):
    other = tickets.open(
        account, category="INSTALL", subject="Again", by=admin, on=MONDAY,
        at=at(23, 12), body="Please?",
    )  # fmt: skip
    say(ticket, support, at(23, 11))

    merges.merge(other, into=ticket, by=support, on=MONDAY, at=at(23, 12))
    ticket.refresh_from_db()
    other.refresh_from_db()
    assert ticket.answer_due_at == at(24, 12)
    assert other.presses_at is None

    merges.undo(other, by=support, on=MONDAY, at=at(23, 13))
    ticket.refresh_from_db()
    other.refresh_from_db()
    assert ticket.answer_due_at is None
    assert other.answer_due_at is not None


class TestTheClocksInWords:
    def test_are_those_that_run(self, ticket):
        answer, solution = promises.clocks(ticket, at=at(23, 16))

        assert (answer.kind, answer.first, answer.late) == ("answer", True, True)
        assert (solution.kind, solution.late, solution.presses) == (
            "solution",
            False,
            False,
        )

    def test_rest_while_the_ticket_waits(self, ticket, support):
        ticket = revise(ticket, support, at(23, 12), state="PARTNER", wakes_in=5)

        assert [
            (one.runs, one.late) for one in promises.clocks(ticket, at=at(30, 9))
        ] == [
            (False, False),
            (False, False),
        ]

    def test_are_none_when_it_is_done(self, ticket, support):
        ticket = revise(ticket, support, at(23, 12), state="SOLVED")

        assert promises.clocks(ticket, at=at(23, 12)) == []
