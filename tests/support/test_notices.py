"""Who is told of a term that ends, when, how often, and what it says."""

import datetime

import pytest
from django.core.management import call_command
from django.urls import reverse

from billing import renewals
from billing.models import Line
from journal import notices as choices
from journal.models import Message, Notice
from support import notices, tickets
from support.models import Ticket
from tests.cases.company import Company
from tests.factories import ContractFactory, LineFactory, PlanFactory, UserFactory

TERM_END = datetime.date(2027, 1, 1)
NOON = datetime.datetime(2026, 12, 2, 12, tzinfo=datetime.UTC)
PLACES = {
    "vendor": "Vendor",
    "terms": "https://vendor.example/terms",
    "support": "support@vendor.example",
    "public": "https://console.example",
}


def send(on, **options):
    return notices.send(
        zone="UTC", on=on, marks=[30, 7, 1], at=NOON, places=PLACES, **options
    )


def before(days):
    return TERM_END - datetime.timedelta(days=days)


@pytest.fixture
def line(account, admin, today):
    """Ten at 8.00 a month for a year; Alice manages the account's apps."""
    return LineFactory(
        contract=ContractFactory(account=account), contracted=10, on=today
    )


def test_managers_are_told_thirty_seven_and_one_days_before(line, admin, member):
    days = [days for days in range(40, -1, -1) if send(before(days))]

    assert days == [30, 7, 1]
    assert set(Message.objects.values_list("recipient", flat=True)) == {admin.email}


def test_a_second_run_of_the_day_writes_nothing(line):
    assert send(before(30)) == 1
    assert send(before(30)) == 0


def test_it_says_what_renews_at_what_cost_and_what_is_unused(line):
    send(before(30))

    message = Message.objects.get()
    assert "in 30 days" in message.subject
    assert "Renews on Jan 1, 2027: 10 for $80.00, billed monthly." in message.body
    assert "Not used: 10 of 10." in message.body
    assert PLACES["terms"] in message.body
    assert "Renews on Jan 1, 2027: 10 for $80.00" in message.html
    assert message.html.count('style="display:inline-block') == 1
    told = Notice.objects.get()
    assert told.title == message.subject
    assert (told.kind, told.address) == ("term_end", reverse("myapps:renewals"))
    assert reverse("accounts:notice", args=[told.pk]) in message.body


@pytest.mark.parametrize("choice", ["DIGEST", "OFF"])
def test_who_chose_no_mail_at_once_finds_it_in_the_console(line, admin, choice):
    choices.choose(admin, {"term_end": choice, "limit": "DIGEST"})

    assert send(before(30)) == 1
    assert not Message.objects.exists()
    assert bool(Notice.objects.get().digest_at) == (choice == "DIGEST")


def test_a_stop_of_three_days_is_made_up_for(line):
    assert send(before(28)) == 1
    assert send(before(27)) == 0
    assert "in 28 days" in Message.objects.get().subject


def test_after_a_longer_stop_the_next_notice_tells(line):
    assert send(before(20)) == 0
    assert send(before(7)) == 1


def test_free_lines_are_never_told_of(line):
    Line.objects.update(monthly_unit_price=0)

    assert send(before(30)) == 0


def month_to_month(account, today):
    contract = ContractFactory(account=account)
    return LineFactory(
        contract=contract, basis="SELF_SERVE", order_form=None, term_months=1, on=today
    )


def test_a_month_alone_is_not_told_of(account, admin, today):
    month_to_month(account, today)

    assert not any(send(before(days)) for days in range(30, 0, -1))


def test_a_month_with_a_pending_change_is(account, admin, today):
    line = month_to_month(account, today)
    renewals.end(line, by=admin, on=today)
    end = line.terms.open().get().ends_on

    assert send(end - datetime.timedelta(days=7)) == 1
    assert "Support has not decided yet" in Message.objects.get().body


def test_an_approved_end_is_said_to_end(line, admin, support, today):
    renewals.end(line, by=admin, on=today, ticket_wanted=True)
    tickets.decide(Ticket.objects.get(), approve=True, by=support, on=today)

    send(before(7))

    notice = Message.objects.exclude(key__startswith="reply:").get()
    assert "Nothing renews" in notice.body


def test_lines_that_end_on_one_day_share_a_notice(line, today):
    LineFactory(contract=line.contract, on=today)

    assert send(before(30)) == 1
    assert "and 1 more" in Message.objects.get().subject


def test_the_number_of_queries_does_not_grow_with_the_lines(
    line, today, django_assert_max_num_queries
):
    for _ in range(12):
        LineFactory(contract=line.contract, on=today)

    with django_assert_max_num_queries(25):
        send(before(30))


def test_the_command_tells_for_a_given_day(line, capsys):
    call_command("send_notices", on=before(30))

    assert "Notices written: 1." in capsys.readouterr().out


@pytest.mark.django_db
def test_an_uninstalled_app_whose_end_is_approved_is_said_to_end(today):
    company = Company(starts_on=datetime.date(2026, 1, 1))
    line = company.signs(PlanFactory(), 5, "8.00")
    installation = company.installs(line.plan, company.hires(3))
    company.until(today)
    company.uninstalls(installation, ticket_wanted=True)
    staff = UserFactory(account=None, kind="SUPPORT")
    tickets.decide(Ticket.objects.get(), approve=True, by=staff, on=today)

    send(before(7))

    assert "Nothing renews" in Message.objects.get(subject__contains="term ends").body
