"""What if: what a change of an app would cost, period by period, against staying as it
is (T2, T10–T13). Computed as the change itself is, and never written.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import Account
from billing import effects, forecasts
from billing.effects import Effect
from billing.forecasts import Books, Committed, Use
from billing.models import RenewalChange
from journal import days
from marketplace.models import Plan
from myapps import plans, seats, uninstalls
from myapps.models import Installation

Kind = RenewalChange.Kind


@dataclass(frozen=True)
class Period:
    """What falls due on a day, either way."""

    due_on: date
    ends_on: date
    staying: Decimal
    changed: Decimal

    @property
    def difference(self) -> Decimal:
        return self.changed - self.staying


@dataclass(frozen=True)
class Outlook:
    """A change against staying as it is, to the last term end of either way.

    `now`: what the change bills at once. `after`: what falls due on the term end itself, for the
    period that follows.
    `give_up`: people who have to leave their seats before. `effect`: what is bought.
    """

    currency: str
    until: date
    now: Decimal
    periods: list[Period]
    after: Period | None
    effect: Effect | None = None
    quantity: int | None = None
    give_up: int = 0

    @property
    def staying(self) -> Decimal:
        return sum((one.staying for one in self.periods), Decimal(0))

    @property
    def changed(self) -> Decimal:
        """To the term end, what is billed at once included."""
        return self.now + sum((one.changed for one in self.periods), Decimal(0))

    @property
    def difference(self) -> Decimal:
        return self.changed - self.staying

    @property
    def credit(self) -> Decimal:
        """What comes back if Support approves the early end of what is replaced."""
        return self.effect.credit if self.effect else Decimal(0)

    @property
    def if_approved(self) -> Decimal:
        """The whole again, if Support ends what is replaced today."""
        left = self.effect.replaced if self.effect else ()
        saved = sum((one.still_to_bill for one in left if not one.free), Decimal(0))
        return self.changed - self.credit - saved


def use_of(account: Account, **which) -> dict[int, Use]:
    """Who uses which plan: what a forecast hears of seats."""
    standing = Installation.objects.of(account).standing().filter(**which)
    counted = standing.annotate(seated=Count("seats"))
    return {one.plan_id: Use(one.seated, one.ends_on) for one in counted}


def committed(account: Account, *, on: date, app=None) -> list[Committed]:
    """`forecasts.committed`, with the account's seats where the hourly run is late."""
    which = {"app": app} if app else {}
    return forecasts.committed(account, on=on, app=app, use=use_of(account, **which))


def if_added(installation: Installation, more: int, *, on: date) -> Outlook:
    """So many people more. Refuses what `seats.add` refuses of numbers."""
    books = _books(installation, on=on)
    active = books.use[installation.plan_id].seats + more
    effect = effects.of(
        installation.account, installation.plan,
        units=installation.plan.units(active), on=on, leaving=False,
    )  # fmt: skip
    seats.refuse_uncovered(installation, effect)
    return _bought(installation, books, effect, active=active)


def if_switched(installation: Installation, plan: Plan, *, on: date) -> Outlook:
    """Another plan now. Refuses what `plans.change` refuses."""
    plans.check(installation, plan)
    books = _books(installation, on=on)
    active = books.use[installation.plan_id].seats
    effect = effects.of(installation.account, plan, units=plan.units(active), on=on)
    return _bought(installation, books, effect, active=active)


def if_switched_at_renewal(
    installation: Installation, plan: Plan, *, on: date
) -> Outlook:
    """Another plan from the term end on. Refuses what `plans.change_at_renewal` does."""
    *others, latest = plans.switchable(installation, plan, on=on)
    books = _books(installation, on=on)
    ends = _ends(books)
    wishes = [
        forecasts.approved(line, Kind.END, ends_on=ends[line.pk], to=0)
        for line in others
    ]
    wishes.append(
        forecasts.approved(latest, Kind.PLAN, ends_on=ends[latest.pk], plan=plan)
    )
    _refuse_decided(books, wishes)
    return _outlook(books, forecasts.with_wishes(books, wishes), installation)


def if_lowered(installation: Installation, fewer: int, *, on: date) -> Outlook:
    """So many units fewer from the term end on; whoever uses them leaves before.

    Refuses what `seats.lower_to` refuses.
    """
    if installation.ends_on:
        raise ValidationError(
            _("The app is uninstalled on %(day)s: all of it ends then.")
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )
    books = _books(installation, on=on)
    active = books.use[installation.plan_id].seats
    to = renewing(installation, books) - fewer
    cuts = seats.lowering(installation, to, on=on)
    if not cuts:
        raise ValidationError(
            _(
                "That many are billed now, or fewer. Choose a lower quantity, or uninstall"
                " the app to end it."
            ),
            code="not_lower",
        )
    wishes = [
        forecasts.approved(
            cut.line, Kind.LOWER if cut.left else Kind.END,
            ends_on=cut.term_ends_on, to=cut.left,
        )
        for cut in cuts
    ]  # fmt: skip
    _refuse_decided(books, wishes)
    changed = forecasts.with_wishes(books, wishes, instead_of=_taken_back(books, cuts))
    left = min(active, to)
    changed = _used(changed, {installation.plan_id: Use(left)})
    return _outlook(books, changed, installation, quantity=to, give_up=active - left)


def if_uninstalled(installation: Installation, *, on: date) -> Outlook:
    """Uninstalled at the term end. Refuses what `uninstalls.ask` refuses."""
    if installation.ends_on:
        raise ValidationError(
            _("The app is uninstalled on %(day)s already.")
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )
    books = _books(installation, on=on)
    ends = _ends(books)
    wishes = [
        forecasts.approved(line, Kind.END, ends_on=ends[line.pk], to=0)
        for line in uninstalls.renewing(installation, on=on)
        if line.pk in ends
    ]
    active = books.use[installation.plan_id].seats
    until = uninstalls.ends_on(installation, on=on)
    changed = forecasts.with_wishes(books, wishes)
    changed = _used(changed, {installation.plan_id: Use(active, until)})
    return _outlook(books, changed, installation)


def renewing(installation: Installation, books: Books) -> int:
    """Units of the installed plan that renew together."""
    return sum(
        course.billed
        for course in books.courses
        if course.line.plan_id == installation.plan_id
        and not course.replaced
        and course.line.starts_on <= books.on
        and not (course.line.ends_on and course.line.ends_on <= course.ends_on)
    )


def _books(installation: Installation, *, on: date) -> Books:
    account, app = installation.account, installation.app
    books = forecasts.read(account, on=on, app=app, use=use_of(account, app=app))
    base = tuple(one for one in books.courses if one.line.plan.is_base)
    return replace(books, courses=base)


def _used(books: Books, use: dict[int, Use]) -> Books:
    return replace(books, use=dict(books.use) | use)


def _ends(books: Books) -> dict[int, date]:
    return {course.line.pk: course.ends_on for course in books.courses}


def _taken_back(books: Books, cuts: Iterable[seats.Cut]) -> list[int]:
    """Lines of the plan whose undecided wish for less goes, as `seats.lower_to` does."""
    plan = next(iter(cuts)).line.plan_id
    return [
        course.line.pk
        for course in books.courses
        if course.line.plan_id == plan
        for wish in books.wishes.get(course.line.pk, [])
        if wish.state == RenewalChange.State.UNDECIDED
        and wish.kind in {Kind.LOWER, Kind.END}
        and wish.term_ends_on > books.on
    ]


def _refuse_decided(books: Books, wishes: Iterable[RenewalChange]) -> None:
    """Refuse what `renewals` refuses: a line that ends anyway, a decided change."""
    for wish in wishes:
        ends_on = wish.line.ends_on
        if ends_on and ends_on <= wish.term_ends_on:
            raise ValidationError(
                _("This line ends on %(day)s and does not renew: nothing to lower.")
                % {"day": days.said(wish.term_ends_on)},
                code="not_renewing",
            )
        for one in books.wishes.get(wish.line_id, []):
            if one.state == RenewalChange.State.APPROVED and not wish.line.is_free:
                raise ValidationError(
                    _(
                        "Support has approved a change at this term end."
                        " Take it back first, then ask again."
                    ),
                    code="decided",
                )


def _bought(installation, books: Books, effect: Effect, *, active: int) -> Outlook:
    changed = forecasts.with_effect(
        books,
        effect,
        account=installation.account,
        use=Use(active, installation.ends_on),
    )
    return _outlook(books, changed, installation, effect=effect)


def _outlook(books: Books, changed: Books, installation, **said) -> Outlook:
    """Both ways period by period, to the last term end that either of them has."""
    effect = said.get("effect")
    until = max(
        (
            course.ends_on
            for course in (*books.courses, *changed.courses)
            if not course.over and course.line.starts_on <= books.on
        ),
        default=books.on,
    )
    staying = _charges(books, until=until)
    planned = _charges(changed, until=until)
    lines = [course.line for course in (*changed.courses, *books.courses)]
    after = _periods(
        [one for one in staying if one.due_on == until],
        [one for one in planned if one.due_on == until],
    )
    return Outlook(
        currency=effect.currency if effect else lines[0].currency if lines else "",
        until=until,
        now=effect.first_amount if effect else Decimal(0),
        periods=_periods(
            [one for one in staying if one.due_on < until],
            [one for one in planned if one.due_on < until],
        ),
        after=after[0] if after else None,
        **said,
    )


def _charges(books: Books, *, until: date) -> list[Committed]:
    courses = forecasts.carried(books, until=until).courses
    return [one for course in courses for one in course.to_come()]


def _periods(staying: list[Committed], planned: list[Committed]) -> list[Period]:
    sums: dict[date, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    ends: dict[date, date] = {}
    for way, charges in enumerate((staying, planned)):
        for one in charges:
            sums[one.due_on][way] += one.amount
            ends[one.due_on] = max(ends.get(one.due_on, one.ends_on), one.ends_on)
    return [Period(day, ends[day], *sums[day]) for day in sorted(sums)]
