"""Sales record a signed order form: what it creates and bills is shown, then done (T14)."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from billing import order_forms, recordings, sales_imports
from billing.models import Charge, Line, OrderForm
from billing.sales_files import reading
from journal.models import Activity, Message
from tests.billing.situations import D, buy, day, plan_of
from tests.factories import ContractFactory, LineFactory, UserFactory

pytestmark = pytest.mark.django_db
TODAY = day("2026-11-23")
ADD = "/admin/billing/orderform/add/"


@pytest.fixture
def client(present, client_of, sales):
    return client_of(sales)


@pytest.fixture
def contract(account):
    """A year from 31 January, billed every month."""
    return ContractFactory(account=account, starts_on=day("2026-01-31"))


@pytest.fixture
def plan():
    return plan_of(price="10.00", name="Business", app__name="Box", app__slug="box")


def written(account, *lines, **fields):
    """The page's form, filled in."""
    form = {
        "account": account.pk,
        "number": "OF-9",
        "signed_on": "2026-11-20",
        "signed_by": "",
        "install_link_to": "",
        "lines-TOTAL_FORMS": 4,
        "lines-INITIAL_FORMS": 0,
    }
    for i, (plan, quantity, price, starts_on) in enumerate(lines):
        form |= {
            f"lines-{i}-plan": plan.pk,
            f"lines-{i}-quantity": quantity,
            f"lines-{i}-monthly_unit_price": price,
            f"lines-{i}-starts_on": starts_on,
        }
    return form | fields


def text(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def shown(answer):
    return re.search(r'name="shown" value="(\w+)"', answer.content.decode())[1]


def record(client, form):
    preview = client.post(ADD, form | {"preview": "1"})
    return client.post(ADD, form | {"record": "1", "shown": shown(preview)})


def test_the_preview_says_what_is_billed_and_leaves_nothing(
    client, account, contract, plan
):
    form = written(account, (plan, 10, "7.25", "2026-11-01"))

    page = client.post(ADD, form | {"preview": "1"})

    # 10 × 7.25 × 29/30, the rest of the period from 31 October
    assert "$70.08 is charged at once" in text(page)
    assert "10 × $7.25 × 29/30" in text(page)
    assert "Next: $72.50 on Nov 30, 2026" in text(page)
    assert not OrderForm.objects.exists()
    assert not Charge.objects.exists()
    assert not Activity.objects.filter(verb="order_form.recorded").exists()


def test_recording_does_what_was_shown(client, account, contract, plan, sales):
    form = written(account, (plan, 10, "7.25", "2026-11-01"))

    answer = record(client, form)

    recorded = OrderForm.objects.get()
    assert answer.url == reverse("admin:billing_orderform_change", args=[recorded.pk])
    assert recorded.lines.get().monthly_unit_price == D("7.25")
    assert Charge.objects.get().amount == D("70.08")
    told = Activity.objects.get(verb="order_form.recorded")
    assert told.actor_id == sales.pk


@pytest.mark.usefixtures("contract")
def test_what_was_never_shown_is_not_recorded(client, account, plan):
    form = written(account, (plan, 10, "7.25", "2026-11-01"))
    seen = shown(client.post(ADD, form | {"preview": "1"}))

    unseen = client.post(ADD, form | {"record": "1"})
    another = client.post(
        ADD, form | {"record": "1", "shown": seen, "lines-0-quantity": 11}
    )

    assert not OrderForm.objects.exists()
    assert "has changed since it was shown" in text(unseen)
    assert "11 × $7.25" in text(another)


def test_a_day_later_it_is_shown_again(account, contract, plan, sales):
    form = {
        "number": "OF-9", "signed_on": TODAY, "signed_by": "", "install_link_to": "",
        "content": {}, "by": sales,
        "entries": [{"plan": plan, "quantity": 2, "monthly_unit_price": D(8),
                     "starts_on": TODAY + timedelta(days=1)}],
    }  # fmt: skip
    before = recordings.of(account, **form, on=TODAY)

    with pytest.raises(recordings.RecordingChanged) as changed:
        recordings.record(
            account, **form, shown=before.digest, on=TODAY + timedelta(days=1)
        )

    assert before.amount == 0
    assert changed.value.recording.amount > 0
    assert not OrderForm.objects.exists()


@pytest.mark.usefixtures("contract")
def test_several_lines_each_say_their_own(client, account, plan):
    add_on = plan_of(plan.app, price=None, name="Archive", add_on=True)
    form = written(
        account,
        (plan, 3, "7.25", "2026-12-31"),
        (add_on, 5, "2", "2026-11-23"),
    )

    page = text(client.post(ADD, form | {"preview": "1"}))

    assert "2 lines are created" in page
    assert "Box: Archive (add-on)" in page
    assert "Nothing of it is charged at once." in page
    assert "Next: $21.75 on Dec 31, 2026" in page


def test_seats_bought_month_to_month_wait_for_the_hourly_run(
    client, account, contract, plan
):
    buyer = UserFactory(account=account)
    buy(account, plan, 15, on=TODAY, by=buyer)
    form = written(account, (plan, 10, "7.25", "2026-11-23"))

    page = text(client.post(ADD, form | {"preview": "1"}))

    assert "Nothing is charged at once." in page
    assert "move onto this line with the next hourly run" in page
    assert "Next hourly run: Nov 23" in page
    # 10 × 7.25 × 7/30
    assert "10 × $7.25 × 7/30 $16.92" in page


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    ("line", "fields", "words"),
    [
        ((0, "7.25", "2026-11-01"), {}, "greater than or equal to 1"),
        ((1, "-1", "2026-11-01"), {}, "greater than or equal to 0"),
        ((1, "1.1234567", "2026-11-01"), {}, "no more than 6 decimal places"),
        ((1, "7.25", "1066-10-14"), {}, "Write a day from"),
        ((1, "7.25", "2025-11-01"), {}, "when the line starts"),
        ((1_000_000, "999999999", "2026-11-01"), {}, "Check the price"),
        ((1, "7.25", "2026-11-01"), {"number": "OF-1"}, "is recorded already"),
        ((1, "7.25", "2026-11-01"), {"send_links": "on"}, "to whom the links go"),
        (
            (1, "7.25", "2026-11-01"),
            {"send_links": "on", "install_link_to": "nobody@harbour.example"},
            "Nobody active of Harbour Lines signs in with nobody@harbour.example",
        ),
    ],
)
def test_what_cannot_be_recorded_is_said(client, account, plan, line, fields, words):
    LineFactory(contract=account.contracts.get(), number="OF-1")

    page = client.post(ADD, written(account, (plan, *line), **fields) | {"preview": ""})

    assert words in text(page)
    assert 'name="shown"' not in page.content.decode()
    assert OrderForm.objects.count() == 1


@pytest.mark.usefixtures("contract")
def test_a_plan_charged_once_has_a_quantity_of_one(client, account):
    plan = plan_of(per_account=True)

    page = client.post(ADD, written(account, (plan, 2, "9", "2026-11-01")))

    assert "charged once for the account" in text(page)


def test_a_form_without_lines_is_refused(client, account):
    assert "Write one line at least" in text(client.post(ADD, written(account)))


def test_more_lines_fit_and_nothing_is_marked_wrong_yet(client, account):
    page = client.post(ADD, written(account, number="") | {"more": "1"})

    assert 'name="lines-7-plan"' in page.content.decode()
    assert "errorlist" not in page.content.decode()


def test_a_link_is_emailed_for_each_base_plan_when_asked(
    client, account, contract, plan, admin
):
    add_on = plan_of(plan.app, price=None, add_on=True)
    later = plan_of(price="1")
    form = written(
        account,
        (plan, 3, "7.25", "2026-11-23"),
        (add_on, 5, "2", "2026-11-23"),
        (later, 5, "2", "2027-03-01"),
        install_link_to=admin.email.upper(),
        send_links="on",
    )

    preview = client.post(ADD, form | {"preview": "1"})
    assert not Message.objects.exists()
    answer = client.post(
        ADD, form | {"record": "1", "shown": shown(preview)}, follow=True
    )

    letter = Message.objects.get()
    assert "Install links go to alice@harbour.example" in text(preview)
    assert letter.recipient == admin.email
    assert re.search(r"/install/[\w-]{43}/", letter.body)
    assert "Install links are on their way to alice@harbour.example." in text(answer)
    assert "1 line starts later. Send its link from that day on." in text(answer)
    listed = client.get("/admin/myapps/installlink/?q=OF-9")
    assert "/admin/myapps/installlink/?q=OF-9" in answer.content.decode()
    assert "1 install link" in text(listed)
    assert Activity.objects.filter(verb="link.issued").count() == 1


def test_the_same_form_in_a_file_later_changes_nothing(client, account, contract, plan):
    unlisted = plan_of(price=None, listed=False)
    add_on = plan_of(plan.app, price=None, add_on=True)
    lines = [
        (plan, 3, "7.250000", "2026-11-23"),
        (unlisted, 1, "2", "2026-11-23"),
        (add_on, 4, "0", "2026-11-23"),
    ]
    record(client, written(account, *lines, signed_by="Ana@harbour.example"))
    content = OrderForm.objects.get().content
    text_of_file = recorded_as_file(content)
    file, faults = reading(text_of_file)
    assert faults == []

    outcome = sales_imports.take_in(file, day_of=lambda zone: TODAY)

    assert not outcome.added
    assert Line.objects.count() == 3


def recorded_as_file(content):
    return json.dumps({"contracts": [], "order_forms": [content]})


def test_a_known_number_is_refused_by_the_rule(account, contract, plan):
    LineFactory(contract=contract, number="OF-1")

    with pytest.raises(order_forms.ValidationError) as refusal:
        order_forms.record(
            account, number="OF-1", signed_on=TODAY, signed_by="", install_link_to="",
            entries=[], content={}, by=None, on=TODAY,
        )  # fmt: skip

    assert refusal.value.code == "number_taken"


def test_support_may_not_record(client_of, support, present):
    support.is_staff = True
    support.save()

    assert client_of(support).get(ADD).status_code == 403
    assert client_of(support).post(ADD, {}).status_code == 403


def test_the_page_takes_the_same_queries_for_any_number_of_plans(
    client, account, contract, plan, django_assert_max_num_queries
):
    for _ in range(30):
        plan_of()
    client.get(ADD)

    with django_assert_max_num_queries(10):
        client.get(ADD)
