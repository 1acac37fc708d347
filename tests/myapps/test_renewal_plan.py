"""The renewal plan: lines that end soon, decided on together."""

import datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import RenewalChange
from myapps import renewal_plans, seats, uninstalls
from myapps.renewal_plans import Choice, PlanChanged
from support.models import Ticket
from tests import factories
from tests.cases.test_forecasts import read_only

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("present")]
END = datetime.date(2027, 1, 31)


@pytest.fixture
def box(line, plan, install, people):
    """Ten seats of Box, four of them used."""
    signed = line()
    install(plan, people(4))
    return signed


@pytest.fixture
def dropbox(contract):
    """Three seats under contract, of an app that is not installed."""
    return factories.LineFactory(
        contract=contract, contracted=3, monthly_unit_price=Decimal("5.00")
    )


@pytest.fixture
def ask(account, admin, on):
    def do(chosen, **how):
        shown = renewal_plans.of(account, on=on, within=120)
        how = {"agreed": shown.digest, "within": 120, "by": admin, "on": on} | how
        return renewal_plans.ask(account, chosen, **how)

    return do


@pytest.fixture
def look(admin, client_of):
    browser = client_of(admin)
    return lambda **asked: browser.get(reverse("myapps:renewals"), asked)


def test_each_line_says_what_it_was_used_for_and_will_cost(box, account, on):
    row = renewal_plans.of(account, on=on, within=120).rows[0]

    assert (row.active, row.peak, row.unused) == (4, 4, 6)
    assert row.staying == Decimal("870.00")  # 12 × 10 × 7.25


def test_what_ends_later_is_not_listed(box, account, on):
    assert renewal_plans.of(account, on=on, within=60).rows == []


def test_the_total_is_shown_before_and_after(box, dropbox, account, on):
    chosen = {box.pk: Choice("lower", 6), dropbox.pk: Choice("end")}

    plan = renewal_plans.of(account, on=on, within=120, chosen=chosen)

    assert plan.totals == [
        ("USD", Decimal("1050.00"), Decimal("522.00"), Decimal("528.00"))
    ]


def test_never_fewer_than_are_in_use(box, account, on):
    plan = renewal_plans.of(
        account, on=on, within=120, chosen={box.pk: Choice("lower", 2)}
    )

    assert plan.rows[0].quantity == 4


def test_all_of_it_is_asked_for_in_one_go(box, dropbox, ask):
    chosen = {box.pk: Choice("lower", 6), dropbox.pk: Choice("end")}

    assert ask(chosen, ticket_wanted=True) == 2

    assert {
        (one.line_id, one.kind, one.target_quantity)
        for one in RenewalChange.objects.undecided()
    } == {(box.pk, "LOWER", 6), (dropbox.pk, "END", 0)}
    assert Ticket.objects.count() == 2


def test_without_tickets_they_open_at_the_term_end(box, ask):
    ask({box.pk: Choice("lower", 6)})

    assert not Ticket.objects.exists()


def test_ending_the_only_line_of_an_app_uninstalls_it(box, account, ask):
    ask({box.pk: Choice("end")})

    assert account.installations.get().ends_on == END


def test_ending_one_of_two_lines_keeps_the_app(box, line, account, ask):
    other = line(contracted=5)

    ask({other.pk: Choice("end")})

    assert account.installations.get().ends_on is None
    assert RenewalChange.objects.get().line == other


def test_keeping_takes_an_earlier_wish_back(box, ask):
    ask({box.pk: Choice("lower", 6)})

    assert ask({box.pk: Choice("keep")}) == 1
    assert RenewalChange.objects.get().state == "WITHDRAWN"


def test_a_second_submit_changes_nothing(box, account, admin, on, ask):
    before = renewal_plans.of(account, on=on, within=120).digest
    ask({box.pk: Choice("lower", 6)})

    assert ask({box.pk: Choice("lower", 6)}, agreed=before) == 0
    assert RenewalChange.objects.count() == 1


def test_what_changed_since_is_not_agreed_to(box, account, admin, on, ask):
    before = renewal_plans.of(account, on=on, within=120).digest
    installation = account.installations.get()
    seats.remove(installation, [installation.seats.first().user], by=admin, on=on)

    with pytest.raises(PlanChanged):
        ask({box.pk: Choice("lower", 6)}, agreed=before)


def test_the_page_answers_409_with_the_new_figures(box, admin, client_of):
    answer = client_of(admin).post(
        reverse("myapps:renewals"),
        {f"do-{box.pk}": "lower", f"to-{box.pk}": 6, "agreed": "old"},
    )

    assert answer.status_code == 409
    assert not RenewalChange.objects.exists()


def test_an_uninstalled_app_cannot_be_chosen_for(box, account, admin, on, look):
    uninstalls.ask(account.installations.get(), by=admin, on=on)

    text = look().content.decode()

    assert "The app is uninstalled." in text
    assert f'name="do-{box.pk}"' not in text


def test_lines_are_chosen_by_words_and_state(box, dropbox, ask, look):
    ask({box.pk: Choice("lower", 5)})
    both = look()

    by_name = look(q=dropbox.app.name)
    asked = look(show="asked")
    none = look(q="no such app")

    assert len(both.context["rows"]) == 2
    assert [row.line for row in by_name.context["rows"]] == [dropbox]
    assert b"1 line is not shown" in by_name.content
    assert by_name.context["plan"].digest == both.context["plan"].digest
    assert [row.line for row in asked.context["rows"]] == [box]
    assert b"Nothing matches" in none.content


def test_nothing_that_ends_soon_is_said_so(contract, look):
    assert "No term ends in these days" in look(days=30).content.decode()


def test_two_hundred_lines_take_no_more_questions_than_two(
    contract, look, django_assert_max_num_queries
):
    for _ in range(30):
        factories.LineFactory(contract=contract)
    look()

    with read_only(), django_assert_max_num_queries(25):
        answer = look()

    assert answer.content.decode().count('class="renewal"') == 30
