"""Who is told what happened to apps: once, and never who did it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import roles
from billing import approvals
from journal import notices
from journal.models import Message, Notice
from myapps import (
    app_requests,
    install_links,
    joins,
    mails,
    provisioning,
    purchases,
    role_activations,
)
from myapps.models import Installation, InstallLink, JoinEvent, WaitingPurchase
from myapps.purchases import Wanted
from tests import factories
from tests.cases.company import Company

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def second(account, administrators, on):
    """Dana: holds what Alice holds."""
    user = factories.UserFactory(account=account, display_name="Dana Duarte")
    roles.join(administrators, [user], by=None, on=on)
    return user


@pytest.fixture
def waiting(
    account, contract, admin, second, member, signed, plan, people, on, present
):
    """Alice wants six people at 10.00 each; more than 50.00 takes a second person."""
    approvals.set_limit(account, Decimal(50), by=admin, on=on)
    return purchases.make(
        Wanted(WaitingPurchase.Kind.INSTALL, account, plan, users=people(6)),
        signed=signed("six"), on=on, at=present, lapses_on=on + timedelta(days=14),
    )  # fmt: skip


def told(kind):
    """Whom, and the title."""
    found = Notice.objects.filter(kind=kind).order_by("pk")
    return list(found.values_list("user_id", "title"))


def test_those_who_install_are_told_who_asks_and_the_asker_the_answer(
    admin, member, app, on, present, client_of
):
    asked = app_requests.ask(app, reason="For calls", by=member, on=on, at=present)
    app_requests.refuse([asked], word="Use Canvas", by=admin, on=on)

    assert told("request") == [
        (admin.pk, "Bob Brito asks for Box"),
        (member.pk, "Your request for Box is refused"),
    ]
    answer = Notice.objects.get(user_id=member.pk)
    assert answer.words == "Use Canvas"
    for user, notice in [(admin, Notice.objects.first()), (member, answer)]:
        place = reverse("accounts:notice", args=[notice.pk])
        assert client_of(user).get(place, follow=True).status_code == 200


def test_fifty_answers_cost_no_more_statements_than_one(
    admin, people, app, on, present, django_assert_max_num_queries
):
    asked = [
        app_requests.ask(app, reason="Me too", by=one, on=on, at=present)
        for one in people(50)
    ]
    for one in asked:
        notices.choose(one.user, {"request": "DIGEST"})

    with django_assert_max_num_queries(15):
        app_requests.refuse(asked, word="No", by=admin, on=on)

    assert len(told("request")) == 100


def test_a_seat_answers_a_request_once(admin, member, app, plan, contract, install, on, present):  # fmt: skip
    app_requests.ask(app, reason="For calls", by=member, on=on, at=present)
    app_requests.ask(app, reason="Me too", by=admin, on=on, at=present)

    install(plan, [member, admin])

    titles = [one for one in told("request") if "approved" in one[1]]
    assert titles == [(member.pk, "Your request for Box is approved")]


def test_a_purchase_asks_the_others_with_the_same_authority(
    waiting, admin, second, client_of
):
    assert told("approval") == [
        (second.pk, "A purchase for Box waits for a second person")
    ]
    place = reverse("accounts:notice", args=[Notice.objects.get().pk])
    assert client_of(second).get(place, follow=True).status_code == 200


def test_who_asked_is_told_of_a_refusal_in_its_words(
    waiting, admin, second, on, client_of
):
    purchases.refuse(waiting, word="Not this year", by=second, on=on)

    answer = Notice.objects.get(user_id=admin.pk)
    assert answer.title == "Your purchase for Box is refused"
    assert answer.words == "Dana Duarte wrote: Not this year"
    place = reverse("accounts:notice", args=[answer.pk])
    assert client_of(admin).get(place, follow=True).status_code == 200


def test_who_asked_is_told_that_it_lapsed(waiting, admin, on):
    purchases.lapse(zone=waiting.account.timezone, on=on + timedelta(days=14))

    assert told("approval")[1:] == [(admin.pk, "Your purchase for Box has lapsed")]


def test_who_takes_it_back_is_told_nothing(waiting, admin, on):
    purchases.withdraw(waiting, by=admin, on=on)

    assert len(told("approval")) == 1


def test_who_installed_and_those_who_manage_are_told_of_a_failure(
    admin, contract, install, plan, people, partner_user, on
):
    factories.EndpointFactory(partner_id=plan.app.partner_id)
    installation = install(plan, people(1))

    provisioning.refuse(installation, by=partner_user, on=on, reason="No workspace")

    assert told("provisioning") == [(admin.pk, "Box could not be set up")]
    assert Message.objects.emails().count() == 1


def test_the_others_who_manage_are_told_of_a_link_that_was_used(
    admin, second, line, signed, on, present
):
    signed_line = line(contracted=3, starts_on=on)
    mails.install_link(signed_line, to=admin, by=None, at=present, on=on)
    link = InstallLink.objects.get()

    install_links.install(
        link, [admin], roles={}, signed=signed("link"), at=present, on=on
    )

    assert told("install_link") == [(second.pk, "Box was installed by its link")]
    assert (
        "Alice Almeida installed Box" in Notice.objects.get(kind="install_link").words
    )


class TestAutoInstall:
    @pytest.fixture
    def company(self):
        return Company(starts_on=date(2026, 1, 1))

    @pytest.fixture
    def installation(self, company):
        """Two seats signed at 7.00, one of them taken; a role seats who joins."""
        plan = factories.PlanFactory(price=Decimal(10), app__name="Box")
        company.signs(plan, 2, "7.00")
        return company.installs(plan, [company.admin])

    @pytest.fixture
    def role(self, company, installation):
        role = company.role()
        company.activates(installation, role, auto=True)
        return role

    def test_a_covered_seat_is_no_news(self, company, role):
        company.joins(role, *company.hires(1))

        assert told("auto_install") == []

    def test_the_first_charge_of_a_day_is_told_once(self, company, role):
        company.joins(role, *company.hires(4))
        company.joins(role, *company.hires(2))

        assert told("auto_install") == [
            (company.admin.pk, "Auto Install bought seats in Box")
        ]
        notice = Notice.objects.get(kind="auto_install")
        assert "4 people who joined a role have a seat now." in notice.words
        assert "$21.00" in notice.words  # 3 × 7.00: the first period of three
        assert notice.digest_at
        assert not Message.objects.filter(key__startswith="notice:").exists()

    @pytest.mark.parametrize(
        ("limit", "words"),
        [
            ({"seats": 2}, "as many users as its limit"),
            ({"monthly_spend": Decimal(14)}, "would cost more a month"),
        ],
    )
    def test_a_limit_is_told_once_until_somebody_decided(
        self, company, installation, role, limit, words
    ):
        role_activations.limit(
            installation,
            **{"seats": None, "monthly_spend": None} | limit,
            by=company.admin,
            on=company.day,
        )
        company.joins(role, *company.hires(3))
        company.joins(role, *company.hires(1))

        assert told("limit") == [
            (company.admin.pk, "Auto Install of Box has reached its limit")
        ]
        assert words in Notice.objects.get(kind="limit").words

        queue = JoinEvent.objects.queued()
        joins.refuse(installation, queue, by=company.admin, on=company.day)
        company.joins(role, *company.hires(1))
        assert len(told("limit")) == 2

    def test_what_is_no_limit_is_not_called_one(self, company, installation, role):
        Installation.objects.update(ends_on=date(2027, 1, 1))
        company.joins(role, *company.hires(3))

        assert told("limit") == [
            (company.admin.pk, "Auto Install of Box waits for you")
        ]
        assert "uninstalled at the end of its term" in Notice.objects.get(kind="limit").words  # fmt: skip
