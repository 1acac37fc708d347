"""Uninstalling: it takes effect at the term end, and billing stops only through a
ticket (T12, 3.15)."""

from collections.abc import Iterable
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing import contracts, renewals
from billing.models import Line, RenewalChange
from journal import activities, days
from myapps import coverage, partner_events, seats
from myapps.models import Installation


def ends_on(installation: Installation, *, on: date) -> date:
    """The first day without the app if it is uninstalled now: its lines' last term end."""
    covering = coverage.of(installation.account, installation.plan, on=on)
    ends = [term for line in covering for term in _ends(line, on)]
    return max(ends, default=on)


def add_ons(installation: Installation, *, on: date) -> list[Line]:
    """Add-on lines of the app that could end with it."""
    found = Line.objects.of(installation.account).add_ons().running(on=on)
    return list(
        found.filter(app=installation.app)
        .renewing()
        .select_related("plan")
        .order_by("id")
    )


@transaction.atomic
def ask(
    installation: Installation, *, by: User, on: date, reason: str = "",
    ticket_wanted: bool = False, with_add_ons: Iterable[Line] = (),
) -> Installation:  # fmt: skip
    """Uninstall at the term end (T12). Until then it works and can be taken back.

    Makes the renewal change that ends each line of the plan, and of the add-ons chosen.
    Refuses an app that is uninstalled already (code ending) or gone (not_installed).
    """
    account = installation.account
    contracts.locked(account, on=on)
    installation = seats.locked(installation, on=on)
    if installation.ends_on:
        raise ValidationError(
            _("The app is uninstalled on %(day)s already.")
            % {"day": days.said(installation.ends_on)},
            code="ending",
        )
    coverage.bring_forward(account, installation.app, on=on)
    installation.ends_on = ends_on(installation, on=on)
    installation.end_asked_by = by
    installation.save(update_fields=["ends_on", "end_asked_by"])
    with_add_ons = list(with_add_ons)
    for line in [*renewing(installation, on=on), *with_add_ons]:
        _clear(line, by=by, on=on)
        renewals.end(line, by=by, on=on, reason=reason, ticket_wanted=ticket_wanted)
    partner_events.uninstall_scheduled(installation, with_add_ons=with_add_ons, on=on)
    _record("app.uninstalled", installation, by=by, on=on, reason=reason)
    return installation


@transaction.atomic
def take_back(installation: Installation, *, by: User, on: date) -> Installation:
    """Keep the app after all, before its term ends; change and ticket go (3.15).

    Refuses an app that is not being uninstalled (code not_ending) or gone
    (not_installed).
    """
    contracts.locked(installation.account, on=on)
    installation = seats.locked(installation, on=on)
    if not installation.ends_on:
        raise ValidationError(_("The app is not being uninstalled."), code="not_ending")
    ending = RenewalChange.objects.standing().filter(
        account=installation.account,
        line__app=installation.app,
        kind=RenewalChange.Kind.END,
        term_ends_on__gt=on,
    )
    for change in ending:
        renewals.withdraw(change, by=by, on=on)
    installation.ends_on = installation.end_asked_by = None
    installation.save(update_fields=["ends_on", "end_asked_by"])
    partner_events.uninstall_taken_back(installation, on=on)
    _record("app.kept", installation, by=by, on=on)
    return installation


@transaction.atomic
def end_line(
    line: Line, *, by: User, on: date, reason: str = "", ticket_wanted: bool = False
) -> RenewalChange:
    """End a line at its term end that no installed app needs: an add-on, or what is paid
    for and not installed (T12, 3.15).

    Refuses a line of the plan that is installed (code installed_plan: uninstall the app,
    or lower its quantity), one that does not run (not_running), and what `renewals.end`
    refuses.
    """
    contracts.locked(line.account, on=on)
    installed = (
        Installation.objects.of(line.account_id).standing().filter(plan=line.plan)
    )
    if installed.exclude(ends_on__lte=on).exists():
        raise ValidationError(
            _(
                "This line pays for an app that is installed. Uninstall the app, or lower its"
                " quantity."
            ),
            code="installed_plan",
        )
    coverage.bring_forward(line.account, line.app, on=on)
    if not Line.objects.running(on=on).filter(pk=line.pk).exists():
        raise ValidationError(_("This line does not run today."), code="not_running")
    return renewals.end(line, by=by, on=on, reason=reason, ticket_wanted=ticket_wanted)


@transaction.atomic
def withdraw(change: RenewalChange, *, by: User, on: date) -> RenewalChange:
    """Take a renewal change back, until its term end (3.15).

    Refuses the end of a plan that was replaced (code replaced: go back to that plan) and
    one that an uninstall needs (ending: take the uninstall back), and what
    `renewals.withdraw` refuses.
    """
    if change.kind == RenewalChange.Kind.REPLACED:
        raise ValidationError(
            _("Go back to the plan it replaced to take this back: see Plan."),
            code="replaced",
        )
    uninstalled = Installation.objects.of(change.account_id).standing()
    if (
        change.kind == RenewalChange.Kind.END
        and uninstalled.filter(plan=change.line.plan_id, ends_on__gt=on).exists()
    ):
        raise ValidationError(
            _("The app is uninstalled. Take the uninstall back instead."),
            code="ending",
        )
    return renewals.withdraw(change, by=by, on=on)


def renewing(installation: Installation, *, on: date) -> list[Line]:
    """Lines of the plan that would renew: the others end by themselves."""
    covering = coverage.of(installation.account, installation.plan, on=on)
    return [
        line
        for line in covering
        if not line.replaced_by_id
        and not any(line.ends_on and line.ends_on <= end for end in _ends(line, on))
    ]


def _clear(line: Line, *, by: User, on: date) -> None:
    """An approved lower quantity makes room for the end."""
    approved = RenewalChange.objects.filter(
        line=line, state=RenewalChange.State.APPROVED, term_ends_on__gt=on
    )
    for change in approved:
        renewals.withdraw(change, by=by, on=on)


def _ends(line: Line, on: date) -> list[date]:
    return list(line.terms.holding(on).values_list("ends_on", flat=True))


def _record(verb, installation, *, by, on, **data) -> None:
    activities.record(
        verb,
        account=installation.account,
        by=by,
        on=on,
        subject=installation,
        app=installation.app.slug,
        name=installation.app.name,
        ends_on=installation.ends_on and installation.ends_on.isoformat(),
        **data,
    )
