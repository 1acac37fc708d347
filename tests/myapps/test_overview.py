"""The overview and spending: their figures by hand, in two currencies, and how they ask."""

import csv
import datetime
import io
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import authority, clock
from billing import forecasts, renewals
from billing.models import Contract
from myapps import figures, overview_pages
from myapps.models import SeatEvent
from support.models import Ticket
from tests import factories
from tests.billing.situations import plan_of
from tests.cases.company import Company

pytestmark = pytest.mark.django_db
D = Decimal
MOST_QUERIES = 25
PAGES = ["myapps:overview", "myapps:overview-figures", "myapps:spending"]
day = datetime.date.fromisoformat


@pytest.fixture
def company(present):
    """Since January, ten users of one plan at 8.00 a month; five have a seat."""
    company = Company(starts_on=day("2026-01-01"))
    company.plan = plan_of(price="10.00", app=factories.AppFactory(name="Ledger & Co"))
    company.line = company.signs(company.plan, 10, "8.00")
    people = company.hires(5)
    for one in people[:3]:
        one.team = "North"
        one.save()
    launchers = company.role(*people)
    authority.grant(
        launchers, authority.LAUNCH, by=None, on=company.day, delegates=True
    )
    company.installation = company.installs(company.plan, people)
    company.until(day("2026-11-23"))
    return company


@pytest.fixture
def yen(company):
    """From 10 November on, three more of another plan at 900 yen."""
    Contract.objects.update(ends_on=day("2026-11-10"), auto_renews=False)
    contract = factories.ContractFactory(
        account=company.account, currency="JPY", starts_on=day("2026-11-10")
    )
    return factories.LineFactory(
        contract=contract, contracted=3, plan=plan_of(currency="JPY"),
        monthly_unit_price=D("900"), on=company.day,
    )  # fmt: skip


@pytest.fixture
def browser(company, client_of):
    return client_of(company.admin)


def text(response):
    words = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(words.replace("\N{NO-BREAK SPACE}", " ").split())


def rows_of(response):
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content)))


def taken(browser, url):
    browser.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)


class TestMoney:
    def test_by_currency_this_month_next_month_and_to_the_ends(self, company, yen):
        yens, dollars = overview_pages.money(company.account, on=company.day)

        assert dollars["currency"] == "USD"
        assert dollars["charged"] == D("80.00")  # 10 × 8.00, on 1 November
        assert dollars["following"] == D("80.00")  # and on 1 December
        assert dollars["committed"] == D("80.00")  # up to 31 December
        assert yens["currency"] == "JPY"
        assert yens["charged"] == D("2700")  # 3 × 900, on 10 November
        assert yens["following"] == D("2700")
        assert yens["committed"] == D("29700")  # eleven more periods

    def test_the_page_says_them(self, browser):
        said = text(browser.get(reverse("myapps:overview")))

        assert "Charged this month $80.00" in said
        assert "Next month $80.00" in said
        assert "Committed to the term ends $80.00" in said
        assert "Seats paid, not used 5" in said
        assert "40.00" in said  # five unused at 8.00 a month


class TestFigures:
    def test_spend_has_each_month_charged_and_what_is_to_come(self, company):
        to_come = forecasts.committed(company.account, on=company.day)
        (table,) = figures.spend(company.account, on=company.day, to_come=to_come)

        assert table.rows[0] == (day("2025-12-01"), D("0"), D("0"))
        assert table.rows[1] == (day("2026-01-01"), D("80.00"), D("80.00"))
        assert table.rows[11] == (day("2026-11-01"), D("80.00"), D("80.00"))
        assert table.rows[12:] == [(day("2026-12-01"), D("80.00"), D("80.00"))]
        assert table.to_come == 1

    def test_more_apps_than_have_colours_are_drawn_together(self, company):
        for _ in range(figures.NAMED):
            company.signs(plan_of(price="10.00"), 1, "1.00")
        company.until(company.day)
        (table,) = figures.spend(company.account, on=company.day, to_come=[])

        assert len(table.columns) == figures.NAMED + 2
        assert [one.label for one in table.columns[-2:]] == ["Other apps", "All apps"]
        assert all(sum(row[1:-1]) == row[-1] for row in table.rows)

    def test_each_currency_has_a_chart_of_its_own(self, company, yen):
        found = figures.tables(company.account, on=company.day)

        assert [one.key for one in found] == [
            *("spend-jpy", "spend-usd", "seats", "unused-jpy", "unused-usd")
        ]

    def test_seats_at_the_end_of_each_month(self, company):
        company.adds(company.installation, company.hires(7))

        (table,) = figures.seats(company.account, on=company.day)

        assert table.rows[0] == (day("2025-12-01"), 0, 0, 0)
        assert table.rows[10] == (day("2026-10-01"), 5, 10, 12)
        assert table.rows[11] == (day("2026-11-01"), 12, 10, 12)

    def test_half_of_it_was_not_used(self, company):
        (table,) = figures.unused(company.account, on=company.day)

        assert table.rows[5] == (day("2026-05-01"), D("40.00"), D("40.00"), D("80.00"))

    def test_each_is_a_file(self, browser):
        url = reverse("myapps:overview-figure", args=["unused-usd", "csv"])
        head, *rows = rows_of(browser.get(url))

        assert head == ["Month", "Used (USD)", "Not used (USD)", "Charged (USD)"]
        assert rows[5] == ["2026-05-01", "40.00", "40.00", "80.00"]

    def test_one_there_is_not_is_not_found(self, browser):
        url = reverse("myapps:overview-figure", args=["spend-xxx", "csv"])

        assert browser.get(url).status_code == 404

    def test_htmx_gets_them_alone(self, browser):
        url = reverse("myapps:overview-figures")

        assert "<html" in browser.get(url).content.decode()
        alone = browser.get(url, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in alone
        assert "figure-canvas" in alone


class TestDecisions:
    def test_nothing_waits(self, browser):
        assert "Nothing waits for you" in text(browser.get(reverse("myapps:overview")))

    def test_a_renewal_within_thirty_days_that_nobody_decided(self, browser, company):
        company.until(day("2026-12-10"))
        clock.set_to(datetime.datetime(2026, 12, 10, 12, tzinfo=datetime.UTC))

        assert "1 term renews within 30 days" in text(
            browser.get(reverse("myapps:overview"))
        )

        renewals.lower(company.line, to=5, by=company.admin, on=company.day)

        assert "renews within" not in text(browser.get(reverse("myapps:overview")))

    def test_who_waits_for_a_seat(self, browser, company):
        company.installation.seat_limit = 5
        company.installation.save()
        role = company.role()
        company.activates(company.installation, role, auto=True)
        company.joins(role, *company.hires(2))

        said = text(browser.get(reverse("myapps:overview")))

        assert "2 people wait for a seat in Ledger &amp; Co" in said

    def test_a_request_that_waits_for_an_answer_comes_from_support(
        self, browser, company
    ):
        ticket = factories.TicketFactory(
            account=company.account, category="INSTALL", requester=company.admin,
            subject="Which rooms?",
        )  # fmt: skip
        Ticket.objects.filter(pk=ticket.pk).update(
            state="WAITING", wakes_on=company.day
        )

        fragment = browser.get(reverse("support:waiting-for-you"))

        assert "Which rooms?" in text(fragment)
        assert (
            reverse("support:waiting-for-you")
            in browser.get(reverse("myapps:overview")).content.decode()
        )


class TestCalendar:
    def test_a_term_stands_on_its_last_day(self, browser):
        html = browser.get(reverse("myapps:overview")).content.decode()

        assert 'href="#ends-2026-12-31"' in html
        assert 'id="ends-2026-12-31"' in html
        assert "Renews at 10" in html

    def test_weeks_begin_as_they_do_in_the_accounts_country(self, company):
        company.account.locale = "de-DE"
        assert overview_pages._first_weekday(company.account) == 0
        company.account.locale = "en-US"
        assert overview_pages._first_weekday(company.account) == 6
        company.account.locale = "xx-XX"
        assert overview_pages._first_weekday(company.account) == 0


class TestSpending:
    def test_a_month_by_app_plan_role_and_team(self, browser):
        said = text(browser.get(reverse("myapps:spending"), {"since": "2026-05"}))

        assert "By app" in said
        assert "By role" in said
        assert "North" in said

    def test_the_files_add_up(self, browser):
        found = {}
        for way in ["app", "plan", "role", "team"]:
            url = reverse("myapps:spending-file", args=[way, "csv"])
            answer = browser.get(url, {"since": "2026-01", "until": "2026-11"})
            found[way] = rows_of(answer)[1:]

        assert found["app"] == [["Ledger & Co", "880.00", "440.00", "USD"]]
        assert found["role"] == [
            ["None", "440.00", "USD"],
            ["Not used", "440.00", "USD"],
        ]
        assert found["team"] == [
            ["Not used", "440.00", "USD"],
            ["North", "264.00", "USD"],
            ["None", "176.00", "USD"],
        ]

    def test_one_currency_at_a_time(self, browser, yen):
        dollars = text(browser.get(reverse("myapps:spending"), {"currency": "USD"}))
        others = text(browser.get(reverse("myapps:spending"), {"currency": "JPY"}))

        assert "80.00" in dollars
        assert "2,700" not in dollars
        assert "2,700" in others

    @pytest.mark.parametrize("asked", ["since=1", "currency=XXX", "until=2026-99"])
    def test_what_is_not_there_is_the_newest_month(self, browser, asked):
        assert browser.get(f"{reverse('myapps:spending')}?{asked}").status_code == 200

    def test_a_way_there_is_not_is_not_found(self, browser):
        url = reverse("myapps:spending-file", args=["moon", "csv"])

        assert browser.get(url).status_code == 404


@pytest.mark.parametrize("name", PAGES)
class TestEveryPage:
    def test_has_something_to_say_to_an_account_without_anything(
        self, name, client_of, admin, present
    ):
        assert client_of(admin).get(reverse(name)).status_code == 200

    def test_asks_as_often_whatever_there_is(self, name, browser, company):
        few = taken(browser, reverse(name))
        for _ in range(6):
            plan = plan_of(price="10.00")
            company.signs(plan, 10, "8.00")
            company.installs(plan, company.hires(3))
        company.until(company.day)

        many = taken(browser, reverse(name))

        assert many == few <= MOST_QUERIES


def test_a_new_account_is_told_what_to_do_first(client_of, admin, present):
    said = text(client_of(admin).get(reverse("myapps:overview")))

    assert "Find an app" in said
    assert not SeatEvent.objects.exists()


def test_the_overview_is_an_administrators_home(browser):
    assert browser.get("/").url == reverse("myapps:overview")
