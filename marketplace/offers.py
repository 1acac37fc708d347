"""Plans that are not listed, made available to one account by Support (T15)."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Account, User
from journal import activities
from marketplace.models import App, Offer, Plan, PlanQuerySet


@transaction.atomic
def offer(plan: Plan, *, account: Account, by: User, on: date) -> Offer:
    """Let one account choose a base plan that is not listed (T15, 3.6).

    Offering twice changes nothing. Refused: an add-on (add_on; partners activate
    those), a plan that everybody may choose already (listed).
    """
    plan = Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    if not plan.is_base:
        raise ValidationError(
            _("%(plan)s is an add-on: the partner activates it on contracted terms."),
            code="add_on",
            params={"plan": plan},
        )
    if plan.listed:
        raise ValidationError(
            _("%(plan)s is listed: the account can choose it already."),
            code="listed",
            params={"plan": plan},
        )
    made, new = Offer.objects.get_or_create(
        account=account, plan=plan, defaults={"offered_by": by, "offered_on": on}
    )
    if new:
        activities.record(
            "plan.offered",
            account=account,
            by=by,
            on=on,
            subject=made,
            app=plan.app.slug,
            plan=plan.name,
        )
    return made


def available(plan: Plan, account: Account) -> bool:
    """Whether the account may choose the plan of a published app: listed, or offered to
    it; no add-on.
    """
    if not plan.is_base or plan.app.state != App.State.PUBLISHED:
        return False
    return plan.listed or Offer.objects.of(account).filter(plan=plan).exists()


def choosable(app: App, account: Account | None) -> PlanQuerySet:
    """The base plans of an app that the account may choose, in the order listed."""
    return (
        app.plans.base()
        .filter(app__state=App.State.PUBLISHED)
        .filter(Q(listed=True) | Q(offers__account=account, offers__isnull=False))
        .distinct()
    )
