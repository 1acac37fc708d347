"""A contracted plan that is not listed is made available to one account (T15)."""

import pytest
from django.core.exceptions import ValidationError

from journal import activities
from journal.models import Activity
from marketplace import offers
from marketplace.models import Offer
from tests.factories import PlanFactory


@pytest.fixture
def plan(db):
    return PlanFactory(listed=False, name="Legacy")


def test_an_offered_plan_can_be_chosen_by_that_account_alone(
    plan, account, stranger, support, today
):
    assert not offers.available(plan, account)

    offers.offer(plan, account=account, by=support, on=today)

    assert offers.available(plan, account)
    assert list(offers.choosable(plan.app, account)) == [plan]
    assert not offers.available(plan, stranger.account)
    assert not offers.choosable(plan.app, stranger.account).exists()


def test_offering_twice_is_offering_once(plan, account, support, today):
    first = offers.offer(plan, account=account, by=support, on=today)
    again = offers.offer(plan, account=account, by=support, on=today)

    assert first == again
    assert Activity.objects.filter(verb="plan.offered").count() == 1


def test_the_account_reads_who_made_it_available(plan, account, support, today):
    offers.offer(plan, account=account, by=support, on=today)

    activity = Activity.objects.of(account).about(plan.app.slug).get()
    assert (
        activities.sentence(activity, {support.pk: "Sofia"})
        == "Sofia made the plan Legacy available to this account."
    )


def test_a_listed_plan_needs_no_offer(account, support, today):
    with pytest.raises(ValidationError) as refusal:
        offers.offer(PlanFactory(), account=account, by=support, on=today)

    assert refusal.value.code == "listed"
    assert not Offer.objects.exists()


def test_a_listed_plan_is_choosable_once_however_many_offers_there_were(
    plan, account, stranger, support, today
):
    for one in (account, stranger.account):
        offers.offer(plan, account=one, by=support, on=today)
    plan.listed = True
    plan.save()

    assert list(offers.choosable(plan.app, account)) == [plan]
    assert list(offers.choosable(plan.app, None)) == [plan]
