"""Rating a request: once, by who asked or who manages, when it is done."""

from datetime import UTC
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from support import figures, ratings
from support.models import Rating, Ticket
from tests.factories import TicketFactory

pytestmark = pytest.mark.usefixtures("present")


@pytest.fixture
def ticket(account, member):
    return TicketFactory(
        account=account, requester=member, category="INSTALL", state="SOLVED"
    )


@pytest.mark.parametrize("who", ["member", "admin"])
def test_who_asked_and_who_manages_may(who, request, ticket):
    by = request.getfixturevalue(who)

    kept = ratings.rate(ticket, score=4, word=" Quick ", by=by)

    assert (kept.score, kept.word, kept.by) == (4, "Quick", by)


@pytest.mark.parametrize("who", ["stranger", "support", "partner_user"])
def test_nobody_else_may(who, request, ticket):
    with pytest.raises(PermissionDenied):
        ratings.rate(ticket, score=5, word="", by=request.getfixturevalue(who))


def test_a_colleague_may_not(account, admin, member):
    hers = TicketFactory(account=account, requester=admin, state="SOLVED")

    with pytest.raises(PermissionDenied):
        ratings.rate(hers, score=5, word="", by=member)


def test_it_is_said_once_for_both(ticket, member, admin):
    ratings.rate(ticket, score=5, word="", by=member)

    for by in (member, admin):
        with pytest.raises(ValidationError) as refusal:
            ratings.rate(ticket, score=1, word="", by=by)
        assert refusal.value.code == "rated"
    assert Rating.objects.get().score == 5


@pytest.mark.parametrize("state", ["NEW", "OPEN", "SCHEDULED"])
def test_not_before_it_is_done(ticket, member, state):
    Ticket.objects.update(state=state)

    with pytest.raises(ValidationError) as refusal:
        ratings.rate(ticket, score=5, word="", by=member)

    assert refusal.value.code == "unsolved"


@pytest.mark.parametrize("score", [0, 6, -1])
def test_one_to_five_and_nothing_else(ticket, member, score):
    with pytest.raises(ValidationError) as refusal:
        ratings.rate(ticket, score=score, word="", by=member)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(ticket=ticket, score=abs(score) + 6, by=member)

    assert refusal.value.code == "score"


def test_the_page_asks_once_and_the_desk_reads_it(ticket, member, support, client_of):
    address = reverse("support:request", args=[ticket.pk])
    client = client_of(member)
    assert "How did Support do?" in client.get(address).content.decode()

    client.post(
        reverse("support:rate", args=[ticket.pk]), {"score": 2, "word": "Too slow"}
    )

    page = client.get(address).content.decode()
    assert "How did Support do?" not in page
    assert "Too slow" in page
    desk = client_of(support).get(reverse("support:ticket", args=[ticket.pk]))
    assert "2 of 5" in desk.content.decode()
    assert "Too slow" in desk.content.decode()


def test_without_a_score_nothing_is_kept_and_the_word_stays(ticket, member, client_of):
    answer = client_of(member).post(
        reverse("support:rate", args=[ticket.pk]), {"word": "Hm"}
    )

    assert answer.status_code == 422
    assert "Hm" in answer.content.decode()
    assert not Rating.objects.exists()


def test_an_open_request_is_not_rated_on_its_page(ticket, member, client_of):
    Ticket.objects.update(state="OPEN")

    page = client_of(member).get(reverse("support:request", args=[ticket.pk]))

    assert "How did Support do?" not in page.content.decode()


def test_managers_see_how_many_of_each(account, admin, today, client_of, support):
    for score in (5, 5, 2):
        done = TicketFactory(account=account, requester=admin, state="SOLVED")
        Rating.objects.create(ticket=done, score=score, by=admin)
    week = timezone.now().astimezone(UTC).date()

    table = figures.rated(on=week, weeks=2)

    assert [row[1:] for row in table.rows] == [
        (0, 0, 0, 0, 0, None),
        (2, 0, 0, 1, 0, Decimal(4)),
    ]
    page = client_of(support).get(reverse("support:figures"))
    assert "What customers rated" in page.content.decode()
    csv = client_of(support).get(reverse("support:figures-csv", args=["ratings"]))
    assert csv.status_code == 200
