"""Purchases: made at once, or kept until a second person approves them (ADR 34).

`make` is the one door of pages, install links and the API to what buys. Whether somebody
has to approve is `orders.place`'s to say, under the lock, on the effect that would be
bought. The waiting purchase is locked first, then what it buys: contract, installation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import authority, terms
from accounts.models import Account, Role, User
from billing import approvals, effects, orders
from billing.effects import Effect
from billing.models import Order
from billing.orders import NeedsApproval, Signature
from journal import activities
from marketplace.models import Plan
from myapps import (
    install_links,
    installs,
    joins,
    plans,
    role_activations,
    seats,
    signing,
)
from myapps.models import (
    Installation,
    InstallLink,
    JoinEvent,
    RoleActivation,
    WaitingPurchase,
)
from myapps.signals import approval_answered, approval_asked

Kind = WaitingPurchase.Kind
State = WaitingPurchase.State


@dataclass(frozen=True)
class Wanted:
    """What a click wants to buy: a kind, and whom or what it is for."""

    kind: str
    account: Account
    plan: Plan
    installation: Installation | None = None
    users: Iterable[User] = ()
    roles: Mapping[Role, bool] = field(default_factory=dict)
    role: Role | None = None
    auto_install: bool = False
    activation: RoleActivation | None = None
    joins: Iterable[JoinEvent] = ()
    link: InstallLink | None = None

    @property
    def standing(self) -> bool:
        """Whether it turns Auto Install on: a standing order (T6)."""
        return self.kind == Kind.AUTO or self.auto_install or any(self.roles.values())

    def as_json(self) -> dict:
        """By their ids, as a waiting purchase keeps it."""
        return {
            "users": sorted(user.pk for user in self.users),
            "roles": sorted([role.pk, auto] for role, auto in self.roles.items()),
            "role": self.role and self.role.pk,
            "auto_install": self.auto_install,
            "activation": self.activation and self.activation.pk,
            "joins": sorted(join.pk for join in self.joins),
            "link": self.link and self.link.pk,
        }


def needs_second(wanted: Wanted, effect: Effect, *, on: date) -> bool:
    """Whether the click would have to wait for a second person."""
    return approvals.needed(
        wanted.account, wanted.plan, effect, on=on, standing=wanted.standing
    )


def seconds(account: Account, permission: str, *, beside: User):
    """Who could approve what somebody buys: others who hold the same permission."""
    return authority.holders(account, permission).exclude(pk=beside.pk)


@transaction.atomic
def make(
    wanted: Wanted, *, signed: Signature, on: date, at: datetime, lapses_on: date,
    reason: str = "",
) -> Order | WaitingPurchase:  # fmt: skip
    """Buy, or keep the purchase until a second person approves it or its day is over.

    The same key answers with the same order or waiting purchase (3.18). Refuses what
    the verb that buys refuses; what would be refused never waits.
    """
    wanted = replace(wanted, users=list(wanted.users), joins=list(wanted.joins))
    orders.claim(wanted.account, key=signed.key)
    if kept := _kept(wanted, key=signed.key):
        return kept
    try:
        with transaction.atomic():
            return _buy(wanted, signed=signed, on=on, at=at)
    except NeedsApproval as waits:
        effect = waits.effect
    waiting = WaitingPurchase.objects.create(
        account=wanted.account,
        kind=wanted.kind,
        app=wanted.plan.app,
        plan=wanted.plan,
        installation=wanted.installation,
        asked=wanted.as_json(),
        reason=reason.strip(),
        asked_by=signed.by,
        authority=signed.authority,
        role_name=signed.role_name,
        from_address=signed.from_address,
        idempotency_key=signed.key,
        summary=signed.summary,
        effect=effect.as_json(),
        effect_digest=effect.digest,
        monthly=effect.monthly,
        currency=effect.currency,
        asked_on=on,
        asked_at=at,
        lapses_on=lapses_on,
    )
    _record("purchase.asked", waiting, by=signed.by, on=on)
    approval_asked.send(WaitingPurchase, waiting=waiting, on=on)
    return waiting


def _kept(wanted: Wanted, *, key: str) -> WaitingPurchase | None:
    found = WaitingPurchase.objects.filter(account=wanted.account, idempotency_key=key)
    kept = found.first()
    if kept is None or kept.state == State.APPROVED:
        return None
    same = (kept.kind, kept.plan_id, kept.asked) == (
        wanted.kind,
        wanted.plan.pk,
        wanted.as_json(),
    )
    if not same:
        raise ValidationError(
            _("This key placed another order. Load the page again and confirm there."),
            code="key_reused",
        )
    return kept


def _buy(wanted: Wanted, *, signed: Signature, on: date, at: datetime) -> Order:
    """The verb of its kind; the order it placed."""
    signs = {"signed": signed, "on": on}
    if wanted.kind == Kind.USERS:
        return seats.add(wanted.installation, wanted.users, **signs)
    if wanted.kind == Kind.QUEUE:
        return joins.seat_queued(wanted.installation, wanted.joins, **signs)
    if wanted.kind == Kind.PLAN:
        return plans.change(wanted.installation, wanted.plan, **signs)
    if wanted.kind == Kind.ROLE:
        return role_activations.activate(
            wanted.installation, wanted.role, auto_install=wanted.auto_install, **signs
        ).order
    if wanted.kind == Kind.AUTO:
        return role_activations.set_auto_install(wanted.activation, True, **signs).order
    roles = dict(wanted.roles)
    if wanted.link:
        return install_links.install(
            wanted.link, wanted.users, roles=roles, at=at, **signs
        ).order
    return installs.install(
        wanted.account, wanted.plan, wanted.users, roles=roles, **signs
    ).order


def effect(wanted: Wanted, *, on: date) -> Effect:
    """What buying it would do on a local day, computed without writing."""
    if wanted.kind == Kind.INSTALL:
        people = installs.chosen(wanted.account, wanted.users, wanted.roles)
        return installs.effect(wanted.account, wanted.plan, seats=len(people), on=on)
    if wanted.kind == Kind.PLAN:
        return plans.effect(wanted.installation, wanted.plan, on=on)
    if wanted.kind == Kind.ROLE:
        return role_activations.effect(wanted.installation, wanted.role, on=on)
    if wanted.kind == Kind.AUTO:
        return role_activations.standing_effect(wanted.installation, on=on)
    people = wanted.users or [join.user for join in wanted.joins]
    return seats.effect(wanted.installation, people, on=on)


def wanted_of(waiting: WaitingPurchase) -> Wanted:
    """What a waiting purchase wants, loaded again.

    Refuses one whose role or activation is gone (code gone).
    """
    asked, account = waiting.asked, waiting.account
    users = User.objects.filter(account=account, pk__in=asked["users"]).order_by("pk")
    roles = Role.objects.of(account).in_bulk([pk for pk, _auto in asked["roles"]])
    role = Role.objects.of(account).filter(pk=asked["role"]).first()
    activation = RoleActivation.objects.filter(
        pk=asked["activation"], account=account
    ).select_related("installation__account", "installation__app", "role", "account")
    queued = JoinEvent.objects.filter(pk__in=asked["joins"], account=account)
    found = Wanted(
        kind=waiting.kind,
        account=account,
        plan=waiting.plan,
        installation=waiting.installation,
        users=list(users),
        roles={roles[pk]: auto for pk, auto in asked["roles"] if pk in roles},
        role=role,
        auto_install=asked["auto_install"],
        activation=activation.first(),
        joins=list(queued.select_related("user").order_by("pk")),
        link=InstallLink.objects.filter(pk=asked["link"], account=account)
        .select_related("line__plan__app", "account", "recipient")
        .first(),
    )
    if found.as_json() != asked:
        raise ValidationError(
            _(
                "A role it was asked for is gone. Refuse it, and let it be asked for"
                " again."
            ),
            code="gone",
        )
    return found


@transaction.atomic
def approve(
    waiting: WaitingPurchase, *, by: User, agreed: str, on: date, at: datetime
) -> Order:
    """A second person approves, having been shown an effect: then it is bought.

    The order records both: who signed and who approved, each by their role of now. To
    approve again what one approved answers with its order. Refuses one's own purchase
    (code own_purchase), what was decided (decided) or lapsed (lapsed), an asker who may
    no longer buy (no_authority) or has not accepted the terms of now
    (terms_not_accepted), another effect than was shown (effect_changed), and what the
    verb refuses.
    """
    waiting = locked(waiting)
    if waiting.state == State.APPROVED and waiting.decided_by_id == by.pk:
        return waiting.order
    _undecided(waiting, on=on)
    if waiting.asked_by_id == by.pk:
        raise ValidationError(
            _("You asked for this. Somebody else has to approve it."),
            code="own_purchase",
        )
    second = signing.second(by, waiting.authority, on=on, at=at)
    signed = replace(_signed_again(waiting, on=on), agreed=agreed, second=second)
    order = _buy(wanted_of(waiting), signed=signed, on=on, at=at)
    waiting.order = order
    _decide(waiting, State.APPROVED, by=by, on=on)
    _record("purchase.approved", waiting, by=by, on=on, users=[waiting.asked_by])
    return order


def _signed_again(waiting: WaitingPurchase, *, on: date) -> Signature:
    """The asker's signature, by the authority they still have."""
    asker = User.objects.get(pk=waiting.asked_by_id)
    name = {"name": asker.display_name}
    role = authority.role_for(asker, waiting.authority)
    if role is None:
        raise ValidationError(
            _("%(name)s may no longer buy for your company. Refuse it.") % name,
            code="no_authority",
        )
    if not terms.accepted(asker, on):
        raise ValidationError(
            _("%(name)s has not accepted the purchase terms that are in force now.")
            % name,
            code="terms_not_accepted",
        )
    return Signature(
        by=asker,
        authority=waiting.authority,
        role_name=role.name,
        terms=terms.current(on),
        key=waiting.idempotency_key,
        agreed=None,
        summary=waiting.summary,
        from_address=waiting.from_address,
    )


@transaction.atomic
def refuse(
    waiting: WaitingPurchase, *, word: str, by: User, on: date
) -> WaitingPurchase:
    """Refuse with a word, which the asker is told. Nothing is bought.

    Refuses no word (code no_word), one's own (own_purchase) and what was decided
    (decided). Only those who could approve may refuse (PermissionDenied).
    """
    if not word.strip():
        raise ValidationError(_("Say why. Who asked reads it."), code="no_word")
    waiting = locked(waiting)
    _undecided(waiting, on=on)
    if waiting.asked_by_id == by.pk:
        raise ValidationError(
            _("You asked for this. Take it back instead."), code="own_purchase"
        )
    if not authority.held(by, waiting.authority):
        raise PermissionDenied
    waiting.word = word.strip()
    _decide(waiting, State.REFUSED, by=by, on=on)
    _record("purchase.refused", waiting, by=by, on=on)
    return waiting


@transaction.atomic
def withdraw(waiting: WaitingPurchase, *, by: User, on: date) -> WaitingPurchase:
    """The asker takes it back. Refuses what was decided (code decided)."""
    waiting = locked(waiting)
    if waiting.asked_by_id != by.pk:
        raise PermissionDenied
    _undecided(waiting, on=on)
    _decide(waiting, State.WITHDRAWN, by=by, on=on)
    _record("purchase.withdrawn", waiting, by=by, on=on)
    return waiting


@transaction.atomic
def lapse(*, zone: str, on: date) -> int:
    """Close what nobody approved in time, in accounts of a time zone. Safe to repeat."""
    due = list(
        WaitingPurchase.objects.filter(
            state=State.WAITING, lapses_on__lte=on, account__timezone=zone
        )
        .select_for_update(no_key=True, of=["self"], skip_locked=True)
        .select_related("account", "app", "plan", "asked_by")
    )
    for waiting in due:
        _decide(waiting, State.LAPSED, by=None, on=on)
        _record("purchase.lapsed", waiting, by=None, on=on)
    return len(due)


def locked(waiting: WaitingPurchase) -> WaitingPurchase:
    """The row, locked before everything that it may buy."""
    return (
        WaitingPurchase.objects.select_for_update(no_key=True, of=["self"])
        .select_related("account", "app", "plan__app", "asked_by")
        .select_related("installation__account", "installation__app")
        .select_related("installation__plan__app", "order")
        .get(pk=waiting.pk)
    )


def _undecided(waiting: WaitingPurchase, *, on: date) -> None:
    if waiting.state != State.WAITING:
        raise ValidationError(
            _("This was decided already: %(state)s."),
            code="decided",
            params={"state": waiting.get_state_display()},
        )
    if waiting.lapses_on <= on:
        raise ValidationError(
            _("This has lapsed. Let it be asked for again."), code="lapsed"
        )


def _decide(waiting: WaitingPurchase, state, *, by: User | None, on: date) -> None:
    waiting.state, waiting.decided_by, waiting.decided_on = state, by, on
    waiting.save(update_fields=["state", "decided_by", "decided_on", "word", "order"])
    approval_answered.send(WaitingPurchase, waiting=waiting, on=on)


def shown(waiting: WaitingPurchase) -> Effect:
    """What it would have done when it was asked for."""
    return effects.loaded(waiting.effect)


def _record(verb, waiting: WaitingPurchase, *, by, on, **data) -> None:
    activities.record(
        verb,
        account=waiting.account,
        by=by,
        on=on,
        subject=waiting,
        app=waiting.app.slug,
        authority=authority.acting(by, waiting.authority),
        name=waiting.app.name,
        plan=waiting.plan.name,
        **data,
    )
