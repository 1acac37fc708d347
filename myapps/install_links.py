"""Install links: an emailed way to install what an order form covers (T14)."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Role, User
from billing import contracts, orders
from billing.models import Line, OrderForm
from billing.orders import Signature
from journal import activities, days
from myapps import installs, signals
from myapps.models import Installation, InstallLink

VALID_FOR = timedelta(days=7)


@transaction.atomic
def issue(line: Line, *, recipient: User, by: User | None, at: datetime, on) -> str:
    """Make a link for a signed line and one administrator; returns its token, kept nowhere.

    32 random bytes, only their hash stored, good for seven days. Links sent before for
    the same line and person are revoked. Refuses what `check_sendable` does.
    """
    contracts.locked(line.account, on=on)
    check_sendable(line, recipient=recipient, on=on)
    InstallLink.objects.filter(
        line=line, recipient=recipient, used_at=None, revoked_at=None
    ).update(revoked_at=at)
    token = secrets.token_urlsafe(32)
    link = InstallLink.objects.create(
        account_id=line.account_id,
        line=line,
        recipient=recipient,
        digest=_digest(token),
        sent_at=at,
        expires_at=at + VALID_FOR,
    )
    _record("link.issued", link, by=by, on=on)
    return token


def check_sendable(line: Line, *, recipient: User, on: date) -> None:
    """Refuse a link that would be of no use: for a line that no order form signed (code
    not_signed) or that has ended (ended), to a person of another account (stranger) or
    one who may no longer sign in (inactive).
    """
    if line.basis != Line.Basis.SIGNED or not line.plan.is_base:
        raise ValidationError(
            _("Install links are for base plans bought by order form."),
            code="not_signed",
        )
    if recipient.account_id != line.account_id:
        raise ValidationError(
            _("The person works for another account."), code="stranger"
        )
    if not recipient.is_active:
        raise ValidationError(
            _("%(person)s can no longer sign in. Name somebody else.")
            % {"person": recipient.display_name},
            code="inactive",
        )
    if line.ends_on and line.ends_on <= on:
        raise ValidationError(
            _("What was signed ended on %(day)s, so a link would cover nothing.")
            % {"day": days.said(line.ends_on)},
            code="ended",
        )


def opened_by(form: OrderForm, *, on: date) -> QuerySet[Line]:
    """The form's lines that a link sent on a local day can install: base plans that run
    before the link is too old, of apps that are not installed.
    """
    lines = Line.objects.base().filter(order_form=form, starts_on__lt=on + VALID_FOR)
    return _to_install(lines)


def unsent(*, on: date) -> QuerySet[Line]:
    """Signed base lines whose order form names somebody for a link that never went out.

    Lines that ended or start later are left, and apps that are installed.
    """
    lines = (
        Line.objects.signed()
        .base()
        .running(on=on)
        .exclude(order_form__install_link_to="")
        .filter(order_form__isnull=False, install_links=None)
    )
    return _to_install(lines)


def _to_install(lines: QuerySet[Line]) -> QuerySet[Line]:
    installed = Installation.objects.standing().filter(
        account=OuterRef("account"), app=OuterRef("app")
    )
    return (
        lines.exclude(Exists(installed))
        .select_related("account", "order_form", "plan__app")
        .order_by("pk")
    )


def find(token: str) -> InstallLink | None:
    """The link of a token, whatever its state. Looking never uses it up."""
    links = InstallLink.objects.select_related(
        "line__plan__app", "account", "recipient"
    )
    return links.filter(digest=_digest(token)).first()


def check(link: InstallLink, *, user: User, at: datetime, on: date) -> None:
    """Refuse a link that cannot be used by this person now.

    Codes: stranger (another person's), revoked, used, expired, not_started and ended
    (the line does not run on the day, so it would cover nothing).
    """
    if link.recipient_id != user.pk:
        raise ValidationError(
            _("This link was sent to somebody else. Ask for one of your own."),
            code="stranger",
        )
    if link.used_at:
        raise ValidationError(
            _("This link has been used: the app is installed."), code="used"
        )
    if link.revoked_at:
        raise ValidationError(
            _(
                "This link was taken back or replaced by a newer one. Look for a later"
                " email."
            ),
            code="revoked",
        )
    if link.expires_at <= at:
        raise ValidationError(
            _(
                "This link is older than seven days. Install the app from the marketplace,"
                " or ask for a new link."
            ),
            code="expired",
        )
    if link.line.starts_on > on:
        raise ValidationError(
            _(
                "What was signed starts on %(day)s. Use this link from that day on,"
                " or ask for a new one then."
            )
            % {"day": days.said(link.line.starts_on)},
            code="not_started",
        )
    if link.line.ends_on and link.line.ends_on <= on:
        raise ValidationError(
            _("What was signed has ended, so this link covers nothing any more."),
            code="ended",
        )


def use(link: InstallLink, *, user: User, at: datetime, on: date) -> None:
    """Use a link up, once, in the transaction that installs. Refuses what `check` does."""
    link = InstallLink.objects.select_for_update(no_key=True, of=["self"]).get(
        pk=link.pk
    )
    check(link, user=user, at=at, on=on)
    link.used_at = at
    link.save(update_fields=["used_at"])
    signals.link_used.send(InstallLink, link=link)


@transaction.atomic
def install(
    link: InstallLink, users: Iterable[User], *, roles: dict[Role, bool],
    signed: Signature, at: datetime, on: date,
) -> Installation:  # fmt: skip
    """Install the contracted plan and use the link up, both or neither (T14).

    The same key again answers the same installation. Refuses what `check` and
    `installs.install` do.
    """
    contracts.locked(link.account, on=on)
    plan, users = link.line.plan, list(users)
    body = installs.body(plan, users, roles)
    again = orders.repeated(link.account, key=signed.key, body=body)
    if again is None:
        use(link, user=signed.by, at=at, on=on)
    return installs.install(
        link.account, plan, users, roles=roles, signed=signed, on=on
    )


@transaction.atomic
def revoke(link: InstallLink, *, by: User, at: datetime, on) -> bool:
    """Take a link back; answers whether that changed anything. Used ones stay used."""
    live = InstallLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None)
    revoked = bool(live.update(revoked_at=at))
    if revoked:
        _record("link.revoked", link, by=by, on=on)
    return revoked


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _record(verb: str, link: InstallLink, *, by, on) -> None:
    activities.record(
        verb,
        account=link.line.account,
        by=by,
        on=on,
        subject=link,
        app=link.line.app.slug,
        name=link.line.app.name,
        plan=link.line.plan.name,
        users=[link.recipient],
    )
