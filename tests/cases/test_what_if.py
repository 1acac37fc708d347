"""What if: what is shown is, to the cent, what is charged when the same is then done and
days pass to the term end; and showing it writes nothing.
"""

import random
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Charge, RenewalChange
from myapps import foresight, plans
from tests.cases.histories import History
from tests.cases.test_forecasts import read_only
from tests.cases.test_previews import tried

pytestmark = pytest.mark.django_db


def added(history, installation, dice):
    more = dice.randint(1, 3)
    outlook = foresight.if_added(installation, more, on=history.day)
    return outlook, lambda: history.adds(installation, history.hires(more))


def switched(history, installation, dice):
    other = history.other_plan(installation)
    outlook = foresight.if_switched(installation, other, on=history.day)
    return outlook, lambda: history.changes_plan(installation, other)


def switched_at_renewal(history, installation, dice):
    other = history.other_plan(installation)
    outlook = foresight.if_switched_at_renewal(installation, other, on=history.day)
    return outlook, lambda: plans.change_at_renewal(
        installation, other, by=history.admin, on=history.day
    )


def lowered(history, installation, dice):
    fewer = dice.randint(1, 3)
    outlook = foresight.if_lowered(installation, fewer, on=history.day)

    def do():
        held = [seat.user for seat in installation.seats.order_by("pk")]
        history.removes(installation, held[: outlook.give_up])
        history.lowers(installation, outlook.quantity)

    return outlook, do


def uninstalled(history, installation, dice):
    outlook = foresight.if_uninstalled(installation, on=history.day)
    return outlook, lambda: history.uninstalls(installation)


def charged(before, app, *, start, end):
    """What was written since for an app's base plans, due within [start, end)."""
    return (
        Charge.objects.exclude(pk__in=before)
        .filter(line__app=app, line__plan__kind="BASE")
        .filter(billed_on__gte=start, billed_on__lt=end)
        .total()
    )


@pytest.mark.parametrize(
    "deed", [added, switched, switched_at_renewal, lowered, uninstalled]
)
@given(seed=st.integers(0, 2**32))
@tried(12)
def test_what_is_shown_is_what_is_charged(deed, seed):
    history = History(dice := random.Random(seed))
    history.tries(History.DEEDS[0])
    history.lives(through=dice.randint(0, 6))
    installation = next(iter(history.standing()), None)
    if installation is None:
        return
    try:
        with read_only():
            outlook, do = deed(history, installation, dice)
    except ValidationError as refusal:
        outlook, do = refusal, None
    if do is None:
        return
    app, day = installation.app, history.day
    before = set(Charge.objects.values_list("pk", flat=True))
    asked = set(RenewalChange.objects.values_list("pk", flat=True))
    do()

    assert charged(before, app, start=day, end=day + timedelta(days=1)) == outlook.now
    for wish in RenewalChange.objects.undecided().exclude(pk__in=asked):
        if wish.kind != "REPLACED" and deed not in {added, switched}:
            history.support_decides(wish, approve=True)
    history.until(max(outlook.until - timedelta(days=1), day))
    for period in outlook.periods:
        due = charged(
            before, app, start=period.due_on, end=period.due_on + timedelta(days=1)
        )
        assert due == period.changed, period
    assert charged(before, app, start=day, end=outlook.until) == outlook.changed
    history.until(outlook.until)
    due = charged(
        before, app, start=outlook.until, end=outlook.until + timedelta(days=1)
    )
    assert due == (outlook.after.changed if outlook.after else 0)
