"""What partners are told of their apps: one event a change, never a price.

An event tells the whole state beside what changed, so that the newest alone is enough.
It is written in the transaction of the change, once for any number of people, and only
where the partner has an endpoint. `version` grows with each event of an installation: a
receiver keeps the highest.
"""

from collections.abc import Iterable
from datetime import date

from django.db.models import F
from django.db.models.functions import Now

from accounts.models import Account, User
from billing.models import Line, Term
from journal import endpoints, outbox
from marketplace.models import Plan
from myapps.models import Installation, Seat

INSTALLED, UPDATED = "app.installed", "app.updated"
UNINSTALLED, CONTRACTED = "app.uninstalled", "add_on.contracted"
SCHEDULED, TAKEN_BACK, DONE = "scheduled", "taken_back", "done"
MOST_PEOPLE = 1000
"""An event names so many people at most; of more, it says how many and the API lists
them: a webhook of megabytes is one that fails."""


def installed(installation: Installation, *, on: date) -> None:
    """An administrator installed the app: the partner sets it up and answers (3.20)."""
    _tell(INSTALLED, installation, on=on)


def seats_added(installation: Installation, users: Iterable[User], *, on: date) -> None:
    """People got a seat; one event for all of them."""
    if users := list(users):
        _tell(UPDATED, installation, on=on, change={"added": users})


def seats_removed(
    installation: Installation, users: Iterable[User], *, on: date
) -> None:
    """People lost their seat; one event for all of them."""
    if users := list(users):
        _tell(UPDATED, installation, on=on, change={"removed": users})


def plan_changed(installation: Installation, before: Plan, *, on: date) -> None:
    """The app is on another plan now, at once or from a renewal on."""
    _tell(UPDATED, installation, on=on, change={"before": before})


def repeated(installation: Installation, *, on: date) -> None:
    """The truth again, with nothing changed: the repair of a drift (T9)."""
    _tell(UPDATED, installation, on=on, change={})


def uninstall_scheduled(
    installation: Installation, *, with_add_ons: Iterable[Line], on: date
) -> None:
    """It was uninstalled and works until its term end; add-ons that end with it (3.15)."""
    add_ons = [{"line": line.pk, "plan": plan(line.plan)} for line in with_add_ons]
    _tell(UNINSTALLED, installation, on=on, phase=SCHEDULED, add_ons=add_ons)


def uninstall_taken_back(installation: Installation, *, on: date) -> None:
    """The administrator keeps the app after all."""
    _tell(UNINSTALLED, installation, on=on, phase=TAKEN_BACK)


def ended(installation: Installation, *, on: date) -> None:
    """It is over: at its term end, or because no answer came in time (3.20)."""
    _tell(UNINSTALLED, installation, on=on, phase=DONE)


def contracted(lines: Iterable[Line], *, on: date) -> None:
    """Sales contracted add-ons, told once, when the order form is recorded (T16).

    A line that starts later says so by `starts_on`: units are activated from then on.
    """
    for line in lines:
        partner = line.app.partner_id
        if not endpoints.expected(partner):
            continue
        outbox.webhook(
            key=f"{CONTRACTED}:{line.pk}",
            partner_id=partner,
            kind=CONTRACTED,
            thread=f"line:{line.pk}",
            data={"line": line_state(line)},
            at=_moment(line.account),
            account=line.account,
        )


def state(installation: Installation, *, on: date) -> dict:
    """All that a partner may know of an installation, as events and API tell it."""
    people = installation.seats.count()
    return {
        "id": installation.pk,
        "version": installation.version,
        "app": installation.app.slug,
        "account": account(installation.account),
        "plan": plan(installation.plan),
        "state": standing(installation, on=on),
        "installed_on": installation.installed_on.isoformat(),
        "confirm_by": _day(installation.confirm_by),
        "ends_on": _day(installation.ends_on or installation.closed_on),
        "seats_count": people,
        "seats": _seats(installation) if people <= MOST_PEOPLE else None,
    }


def standing(installation: Installation, *, on: date) -> str:
    """Where an installation stands on a local day: its end comes by date, not by a job."""
    if installation.state == Installation.State.FAILED:
        return "failed"
    end = installation.ends_on
    if installation.closed_on or (end and end <= on):
        return "ended"
    if installation.state == Installation.State.ACTIVE and end:
        return "ending"
    return installation.state.lower()


def line_state(line: Line) -> dict:
    """All that a partner is told of a contracted add-on: how many, and from when on."""
    term = Term.objects.filter(line=line).order_by("starts_on").last()
    return {
        "id": line.pk,
        "app": line.app.slug,
        "account": account(line.account),
        "plan": plan(line.plan),
        "quantity": term.billed if term else 0,
        "starts_on": line.starts_on.isoformat(),
    }


def account(row: Account) -> dict:
    return {"id": row.pk, "name": row.name, "timezone": row.timezone}


def plan(row: Plan) -> dict:
    return {"code": row.code, "name": row.name}


def person(row: User) -> dict:
    return {"id": row.pk, "email": row.email, "name": row.display_name}


def _tell(kind: str, installation: Installation, *, on: date, change=None, **more):
    """Write one event, unless the partner has no endpoint. Callers hold the row's lock."""
    partner = installation.app.partner_id
    if not endpoints.expected(partner):
        return
    Installation.objects.filter(pk=installation.pk).update(version=F("version") + 1)
    row = (
        Installation.objects.select_related("app", "account", "plan")
        .annotate(moment=Now())
        .get(pk=installation.pk)
    )
    data = {"installation": state(row, on=on)} | more
    if change is not None:
        data["change"] = _change(row, **change)
    outbox.webhook(
        key=f"{kind}:{row.pk}:{row.version}",
        partner_id=partner,
        kind=kind,
        thread=f"installation:{row.pk}",
        data=data,
        at=row.moment,
        account=row.account,
        collapses=kind == UPDATED,
    )


def _change(installation: Installation, *, before=None, added=(), removed=()) -> dict:
    """What is different now. Beyond `MOST_PEOPLE` people are counted, not named."""
    return {
        "plan": before and {"from": plan(before), "to": plan(installation.plan)},
        "added_count": len(added),
        "added": [person(user) for user in added[:MOST_PEOPLE]],
        "removed_count": len(removed),
        "removed": [person(user) for user in removed[:MOST_PEOPLE]],
    }


def _seats(installation: Installation) -> list[dict]:
    held = Seat.objects.filter(installation=installation).order_by("user_id")
    people = held.values_list("user_id", "user__email", "user__display_name")
    return [{"id": pk, "email": email, "name": name} for pk, email, name in people]


def _moment(row: Account):
    """The moment of this transaction, by the database's clock."""
    return Account.objects.annotate(moment=Now()).get(pk=row.pk).moment


def _day(day: date | None) -> str | None:
    return day and day.isoformat()
