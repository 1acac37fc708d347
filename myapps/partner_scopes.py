"""What somebody who works for a partner may see: through their partners' apps alone.

Whatever is not theirs does not exist. Pages and API ask here, so that they agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from billing.models import Line, Term
from journal.models import Endpoint, Message
from marketplace.models import App, ListPrice, Partner, Plan
from myapps.models import AddOnActivation, Difference, Installation, Seat

FUTURE, RUNNING, ENDED = "FUTURE", "RUNNING", "ENDED"


def partners(user: User) -> QuerySet[Partner]:
    return user.partners.order_by("name")


def apps(user: User) -> QuerySet[App]:
    return App.objects.filter(partner__in=partners(user)).select_related("partner")


def plans(user: User) -> QuerySet[Plan]:
    return Plan.objects.filter(app__in=apps(user)).select_related("app")


def prices(user: User) -> QuerySet[ListPrice]:
    return ListPrice.objects.filter(plan__in=plans(user)).select_related("plan__app")


def installations(user: User) -> QuerySet[Installation]:
    """Each with how many people, and in how many of them partner and My Apps differ."""
    differ = Difference.objects.standing().filter(installation=OuterRef("pk"))
    return (
        Installation.objects.filter(app__in=apps(user))
        .select_related("app", "plan", "account", "usage_report")
        .annotate(
            people=_counted(Seat.objects.filter(installation=OuterRef("pk"))),
            differences_count=_counted(differ),
        )
    )


def seats(user: User) -> QuerySet[Seat]:
    return Seat.objects.filter(installation__in=installations(user))


def add_on_lines(user: User) -> QuerySet[Line]:
    """Contracted add-ons, each with the units that are active and its terms."""
    on = AddOnActivation.objects.filter(line=OuterRef("pk"), deactivated_on=None)
    units = on.order_by().values("line").annotate(n=Sum("quantity")).values("n")
    terms = Term.objects.order_by("starts_on")
    return (
        Line.objects.filter(app__in=apps(user))
        .add_ons()
        .select_related("app", "plan", "account")
        .prefetch_related(Prefetch("terms", terms, to_attr="all_terms"))
        .annotate(active=Coalesce(Subquery(units), 0))
    )


def activations(user: User) -> QuerySet[AddOnActivation]:
    return AddOnActivation.objects.filter(line__app__in=apps(user)).select_related(
        "line__plan", "line__app", "account", "activated_by", "deactivated_by"
    )


def endpoints(user: User) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(partner_id__in=_ids(user))


def deliveries(user: User) -> QuerySet[Message]:
    """Webhooks to the person's partners."""
    return Message.objects.webhooks().filter(partner_id__in=_ids(user))


@dataclass(frozen=True)
class AddOn:
    """A contracted add-on on a local day: contracted, active and left to activate."""

    line: Line
    term: Term | None
    state: str

    @property
    def contracted(self) -> int:
        return self.term.billed if self.term else 0

    @property
    def left(self) -> int:
        return max(0, self.contracted - self.line.active)


def add_on(line: Line, *, on: date) -> AddOn:
    """A line of `add_on_lines` as it stands on its account's local day."""
    held = [term for term in line.all_terms if term.starts_on <= on < term.ends_on]
    term = (held or line.all_terms)[-1] if line.all_terms else None
    state = RUNNING
    if on < line.starts_on:
        state = FUTURE
    elif line.ends_on and line.ends_on <= on:
        state = ENDED
    return AddOn(line, term, state)


@dataclass(frozen=True)
class Health:
    """How telling a partner of one installation goes. `at` None: nothing arrived yet."""

    expected: bool = False
    delivered_at: datetime | None = None
    waiting: int = 0
    failing: int = 0
    lost: bool = False

    @property
    def state(self) -> str:
        """NONE (takes no events), FAILING (the last try did not arrive), WAITING or WELL."""
        if not self.expected:
            return "NONE"
        if self.failing or self.lost:
            return "FAILING"
        return "WAITING" if self.waiting else "WELL"


def health(installations: Iterable[Installation]) -> dict[int, Health]:
    """The health of many installations by id, in two queries."""
    rows = list(installations)
    told = set(
        Endpoint.objects.filter(partner_id__in={row.app.partner_id for row in rows})
        .exclude(verified_at=None)
        .values_list("partner_id", flat=True)
    )
    waiting = Q(delivered_at=None, failed_at=None, replaced_at=None)
    found = (
        Message.objects.webhooks()
        .filter(thread__in=[f"installation:{row.pk}" for row in rows])
        .order_by()
        .values("thread")
        .annotate(
            delivered=Max("delivered_at"),
            waiting=Count("pk", filter=waiting),
            failing=Count("pk", filter=waiting & ~Q(last_error="")),
            given_up=Max("failed_at"),
        )
    )
    by_thread = {one["thread"]: one for one in found}
    healths = {}
    for row in rows:
        one = by_thread.get(f"installation:{row.pk}", {})
        arrived, lost = one.get("delivered"), one.get("given_up")
        healths[row.pk] = Health(
            expected=row.app.partner_id in told,
            delivered_at=arrived,
            waiting=one.get("waiting", 0),
            failing=one.get("failing", 0),
            lost=bool(lost and (arrived is None or arrived < lost)),
        )
    return healths


def since(installation: Installation, *, on: date) -> date:
    """The day from which an installation is in the state it is in."""
    row = installation
    if row.closed_on:
        return row.closed_on
    if row.ends_on and row.ends_on <= on:
        return row.ends_on
    if row.state == Installation.State.ACTIVE and row.answered_at:
        return row.answered_at.astimezone(ZoneInfo(row.account.timezone)).date()
    return row.installed_on


def _ids(user: User):
    return list(user.partners.values_list("pk", flat=True))


def _counted(rows) -> Coalesce:
    one = rows.order_by().values("installation").annotate(n=Count("pk"))
    return Coalesce(Subquery(one.values("n")), 0)
