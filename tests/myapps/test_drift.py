"""Drift: what a partner has active beside the seats; shown, never acted upon (T9)."""

import json
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from billing.models import Charge, Order
from journal.models import Activity, Endpoint, Message
from myapps import drift, provisioning, seats
from myapps.models import Difference, Seat, SeatEvent, UsageReport
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def team(people):
    return people(4)


@pytest.fixture
def installation(install, plan, team, contract):
    """Three of the team have a seat in Box."""
    return install(plan, team[:3])


@pytest.fixture
def post(installation, partner_user, on):
    def do(*emails, ids=()):
        return drift.report(
            installation, emails=emails, ids=ids, by=partner_user, on=on, at=AT
        )

    return do


def books(account):
    return (
        set(Seat.objects.values_list("installation", "user")),
        SeatEvent.objects.count(),
        Order.objects.count(),
        Charge.objects.of(account).total(),
    )


def standing(kind):
    found = Difference.objects.standing().filter(kind=kind)
    return {one.user_id or one.said for one in found}


def refused_with(code):
    return pytest.raises(ValidationError, check=lambda refusal: refusal.code == code)


def test_the_same_people_are_no_drift_however_they_are_written(post, team):
    made = post(
        team[0].email.upper(), f"  {team[1].email} ", team[1].email, ids=[team[2].pk]
    )

    assert not Difference.objects.exists()
    assert (made.said, made.seats) == (3, 3)


def test_who_is_missing_and_who_is_extra(post, team, stranger):
    post(team[0].email, team[3].email, "ghost@nowhere.example", ids=[stranger.pk])

    assert standing("MISSING") == {team[1].pk, team[2].pk}
    assert standing("EXTRA") == {
        team[3].pk,
        "ghost@nowhere.example",
        str(stranger.pk),
    }


def test_somebody_of_another_account_is_never_named_by_their_row(post, stranger):
    post(stranger.email, ids=[stranger.pk])

    extra = Difference.objects.filter(kind="EXTRA")
    assert set(extra.values_list("user", flat=True)) == {None}


def test_nobody_active_is_a_list_too(post):
    post()

    assert Difference.objects.filter(kind="MISSING").count() == 3


def test_a_list_without_a_difference_clears_all(post, team):
    post("ghost@nowhere.example")
    post(*[user.email for user in team[:3]])

    assert not Difference.objects.exists()
    assert UsageReport.objects.count() == 1
    verbs = Activity.objects.filter(verb__startswith="drift").order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == [
        "drift.found",
        "drift.cleared",
    ]


def test_the_same_list_every_hour_is_told_once(post):
    for _ in range(3):
        post("ghost@nowhere.example")

    assert Activity.objects.filter(verb="drift.found").count() == 1


def test_what_my_apps_settles_stands_no_longer(post, installation, team, signed, on):
    post(team[0].email, team[3].email)

    seats.add(installation, [team[3]], signed=signed("fourth"), on=on)
    seats.remove(installation, [team[1]], by=team[0], on=on)

    assert standing("EXTRA") == set()
    assert standing("MISSING") == {team[2].pk}


def test_it_changes_no_seat_and_no_bill(post, team, account):
    before = books(account)

    post("ghost@nowhere.example", team[3].email)

    assert books(account) == before


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_list_splits_into_matched_missing_and_extra(
    data, post, installation, team, account
):
    before = books(account)
    named = data.draw(st.lists(st.sampled_from(team)))
    by_id = data.draw(st.lists(st.booleans(), min_size=len(named), max_size=len(named)))
    ghosts = data.draw(
        st.sets(st.from_regex(r"g[0-9]{1,3}@x\.example", fullmatch=True))
    )
    how = data.draw(st.sampled_from([str.upper, str.lower, str.title]))

    made = post(
        *[how(u.email) for u, whole in zip(named, by_id, strict=True) if not whole],
        *ghosts,
        ids=[u.pk for u, whole in zip(named, by_id, strict=True) if whole],
    )

    active, seated = {u.pk for u in named}, {u.pk for u in team[:3]}
    assert standing("MISSING") == seated - active
    assert standing("EXTRA") == (active - seated) | ghosts
    assert books(account) == before
    said = {u.pk for u in named}
    assert made.seats == 3
    assert len(said) + len(ghosts) <= made.said <= 2 * len(said) + len(ghosts)


def test_forty_thousand_users_take_a_constant_number_of_queries(
    installation, account, partner_user, on, django_assert_max_num_queries
):
    User.objects.bulk_create(
        [
            factories.UserFactory.build(account=account, email=f"u{n}@people.example")
            for n in range(40_000)
        ],
        batch_size=5000,
    )
    ids = User.objects.filter(email__startswith="u").values_list("pk", flat=True)
    Seat.objects.bulk_create(
        [
            Seat(account=account, installation=installation, user_id=pk,
                 added_by=installation.installed_by, added_on=on)
            for pk in ids
        ],
        batch_size=5000,
    )  # fmt: skip

    with django_assert_max_num_queries(40):
        drift.report(
            installation, emails=[f"U{n}@people.example" for n in range(1, 40_001)],
            ids=[], by=partner_user, on=on, at=AT,
        )  # fmt: skip

    assert Difference.objects.filter(kind="MISSING").count() == 1 + 3
    assert Difference.objects.filter(kind="EXTRA").count() == 1


def test_repairing_tells_the_truth_again_and_nothing_else(
    post, installation, admin, account, on
):
    Endpoint.objects.create(
        partner_id=installation.app.partner_id, address="https://p.example/hooks",
        verified_at=AT,
    )  # fmt: skip
    post("ghost@nowhere.example")
    before = books(account)

    drift.repair(installation, by=admin, on=on, at=AT)

    said = json.loads(Message.objects.webhooks().get().body)
    assert said["type"] == "app.updated"
    assert said["data"]["installation"]["seats_count"] == 3
    assert said["data"]["change"]["added"] == said["data"]["change"]["removed"] == []
    assert books(account) == before
    assert UsageReport.objects.get().repaired_by == admin
    assert Difference.objects.standing().count() == 4


def test_repairing_is_refused_where_it_would_say_nothing(
    post, installation, team, admin, on
):
    def repair():
        return drift.repair(installation, by=admin, on=on, at=AT)

    with refused_with("no_drift"):
        repair()
    post(*[user.email for user in team[:3]])
    with refused_with("no_drift"):
        repair()
    post("ghost@nowhere.example")
    with refused_with("no_endpoint"):
        repair()


def test_lists_are_taken_for_what_is_installed_alone(
    post, installation, partner_user, on
):
    with refused_with("too_many"):
        post(*[f"{n}@x.example" for n in range(drift.MOST + 1)])
    installation.state = "INSTALLING"
    installation.confirm_by = on.replace(day=30)
    installation.save()
    provisioning.refuse(installation, by=partner_user, on=on, reason="No room")
    with refused_with("not_installed"):
        post()
