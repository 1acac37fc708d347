"""Listings: a partner drafts an app and its plans, sales operations publish them.

A draft is edited in place and seen by its partner alone. What is published stays as it
is for customers while its partner proposes something else: `proposed` holds that until
it is published too. What is in review waits for sales operations, or is taken back.
"""

from collections.abc import Collection, Mapping
from datetime import date

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from journal import activities, addresses
from marketplace.models import App, ListPrice, Partner, Plan

State = App.State
DETAILS = [
    *("name", "category", "currency", "tagline", "description", "tags"),
    *("launch_address",),
]
"""What a partner writes about an app."""
PLAN_DETAILS = ["name", "unit", "description", "features", "position", "listed"]
"""What a partner may always change of a plan."""
PLAN_TERMS = ["kind", "charge_model", "price_on_request"]
"""What a plan keeps once it was published: contracts are counted by it."""
NEEDED = ["name", "category", "tagline", "description"]


@transaction.atomic
def draft(
    partner: Partner,
    *,
    details: Mapping,
    by: User,
    on: date,
    slug: str = "",
    loopback: Collection[str] = (),
) -> App:
    """Begin the listing of a new app; nobody but its partner sees it.

    Its address is made of its name unless given. Refuses a name that says nothing (code
    no_name), an address that is taken (slug_taken), a launch address that does not lead
    out into the world over https, or to this machine as `loopback` says (address), and
    what the row refuses.
    """
    name = details.get("name", "").strip()
    slug = slug or slugify(name)[:80]
    if not slug:
        raise ValidationError(
            _("Give the app a name with letters or digits."), code="no_name"
        )
    taken = ValidationError(
        _("Another app has the address %(slug)s. Choose another one."),
        code="slug_taken",
        params={"slug": slug},
    )
    if App.objects.filter(slug=slug).exists():
        raise taken
    _launches(details, loopback)
    app = App(partner=partner, slug=slug, listed_on=on, state=State.DRAFT)
    _set(app, {**details, "name": name})
    try:
        with transaction.atomic():
            app.save()
    except IntegrityError:
        raise taken from None
    _record("listing.drafted", app, by=by, on=on)
    return app


@transaction.atomic
def revise(
    app: App,
    *,
    details: Mapping,
    by: User,
    on: date,
    loopback: Collection[str] = (),
) -> App:
    """Change what a partner says of an app: a draft in place, what is published as a
    proposal that customers do not see yet.

    Refuses what is in review (code in_review), a launch address as `draft` does
    (address), and what the row refuses.
    """
    app = _editable(app)
    _launches(details, loopback)
    if app.state == State.DRAFT:
        _set(app, details)
    else:
        _set(app_as_proposed(app), details)
        _propose(app, "details", _changed(app, details))
    return _kept(app, "listing.revised", by=by, on=on)


@transaction.atomic
def add_plan(app: App, *, code: str, details: Mapping, by: User, on: date) -> Plan:
    """Add a plan; of a published app it is not listed until it is published too.

    Refuses what is in review (code in_review), a code that the app has (code_taken),
    and what the row refuses.
    """
    app = _editable(app)
    if app.plans.filter(code=code).exists():
        raise ValidationError(
            _("The app already has a plan with this code."), code="code_taken"
        )
    plan = Plan(app=app, code=code)
    for name in [*PLAN_DETAILS, *PLAN_TERMS]:
        if name in details:
            setattr(plan, name, details[name])
    if app.state == State.PUBLISHED:
        wanted, plan.listed = plan.listed, False
    plan.full_clean()
    plan.save()
    if app.state == State.PUBLISHED:
        _propose(app, f"plan:{code}", {"new": True, "listed": wanted})
    _kept(app, "listing.revised", by=by, on=on, plan=plan.name)
    return plan


@transaction.atomic
def revise_plan(plan: Plan, *, details: Mapping, by: User, on: date) -> Plan:
    """Change a plan: of a draft in place, of a published app as a proposal.

    Refuses what is in review (code in_review), another kind, charge model or price on
    request of a plan that was published (published), and what the row refuses.
    """
    app = _editable(plan.app)
    plan = Plan.objects.select_related("app").get(pk=plan.pk)
    if app.state == State.DRAFT or is_new(app, plan):
        for name in [*PLAN_DETAILS, *PLAN_TERMS]:
            if name in details and (name != "listed" or app.state == State.DRAFT):
                setattr(plan, name, details[name])
        plan.full_clean()
        plan.save()
        if app.state == State.PUBLISHED and "listed" in details:
            listed = {"new": True, "listed": details["listed"]}
            _propose(app, f"plan:{plan.code}", listed)
    else:
        _refuse_terms(plan, details)
        before = app.proposed.get(f"plan:{plan.code}", {})
        wanted = {name: details[name] for name in PLAN_DETAILS if name in details}
        _checked(plan_as_proposed(app, plan), wanted)
        plan.refresh_from_db()
        wanted = before | wanted
        changed = {k: value for k, value in wanted.items() if getattr(plan, k) != value}
        _propose(app, f"plan:{plan.code}", changed)
    _kept(app, "listing.revised", by=by, on=on, plan=plan.name)
    return plan


@transaction.atomic
def drop_plan(plan: Plan, *, by: User, on: date) -> None:
    """Take a plan out of a draft. Refuses one that was published (code published), and
    what is in review (in_review).
    """
    app = _editable(plan.app)
    if app.state != State.DRAFT and not is_new(app, plan):
        raise ValidationError(
            _("This plan was published. Take it off the list instead."),
            code="published",
        )
    _propose(app, f"plan:{plan.code}", {})
    name = plan.name
    plan.delete()
    _kept(app, "listing.revised", by=by, on=on, plan=name)


@transaction.atomic
def submit(app: App, *, by: User, on: date) -> App:
    """Ask sales operations to publish it.

    Refuses what is in review (code in_review), a published app with nothing proposed
    (nothing_new), and what is not complete (incomplete): name, category, tagline and
    description, a plan, and for each listed base plan a list price or "on request".
    """
    app = _editable(app)
    if app.state == State.PUBLISHED and not app.proposed:
        raise ValidationError(
            _("Nothing was changed since it was published."), code="nothing_new"
        )
    if missing := lacking(app):
        raise ValidationError(
            _("Complete it first: %(missing)s."),
            code="incomplete",
            params={"missing": ", ".join(missing)},
        )
    app.sent_back_because = ""
    if app.state == State.DRAFT:
        app.state = State.IN_REVIEW
    else:
        app.proposed_state = State.IN_REVIEW
    return _kept(app, "listing.submitted", by=by, on=on)


@transaction.atomic
def take_back(app: App, *, by: User, on: date) -> App:
    """Take it out of review to go on editing. Refuses what is not in review (code
    not_in_review).
    """
    app = _reviewed(app)
    _to_draft(app)
    return _kept(app, "listing.taken_back", by=by, on=on)


@transaction.atomic
def send_back(app: App, *, reason: str, by: User, on: date) -> App:
    """Sales operations want it changed first. Refuses what is not in review (code
    not_in_review) and no word to the partner (no_reason).
    """
    if not reason.strip():
        raise ValidationError(_("Say what to change."), code="no_reason")
    app = _reviewed(app)
    _to_draft(app)
    app.sent_back_because = reason.strip()
    return _kept(app, "listing.sent_back", by=by, on=on)


@transaction.atomic
def discard(app: App, *, by: User, on: date) -> App:
    """Drop what was proposed for a published app; new plans go too.

    Refuses what is in review (code in_review), and where nothing is proposed
    (nothing_new).
    """
    app = _editable(app)
    if app.state != State.PUBLISHED or not app.proposed:
        raise ValidationError(_("Nothing is proposed."), code="nothing_new")
    for plan in app.plans.all():
        if is_new(app, plan):
            plan.delete()
    app.proposed, app.proposed_state, app.sent_back_because = {}, "", ""
    return _kept(app, "listing.discarded", by=by, on=on)


@transaction.atomic
def publish(app: App, *, by: User, on: date) -> App:
    """Sales operations publish what is in review: from now on customers see it.

    Refuses what is not in review (code not_in_review).
    """
    app = _reviewed(app)
    if app.state == State.IN_REVIEW:
        app.state, app.listed_on = State.PUBLISHED, on
    else:
        _set(app, app.proposed.get("details", {}))
        for plan in app.plans.all():
            for name, value in app.proposed.get(f"plan:{plan.code}", {}).items():
                if name != "new":
                    setattr(plan, name, value)
            plan.full_clean()
            plan.save()
        app.proposed, app.proposed_state = {}, ""
    app.sent_back_because = ""
    return _kept(app, "listing.published", by=by, on=on)


def lacking(app: App) -> list[str]:
    """What an app still needs before it can be published, in words."""
    proposed = app_as_proposed(app)
    words = {
        "name": _("a name"),
        "category": _("a category"),
        "tagline": _("a tagline"),
        "description": _("a description"),
    }
    missing = [words[name] for name in NEEDED if not getattr(proposed, name)]
    plans = [plan_as_proposed(app, plan) for plan in app.plans.all()]
    if not plans:
        missing.append(_("a plan"))
    wanting = [plan for plan in plans if plan.is_base and plan.listed]
    priced = set(
        ListPrice.objects.filter(plan__in=[plan.pk for plan in wanting])
        .filter(Q(effective_until=None))
        .values_list("plan", flat=True)
    )
    for plan in wanting:
        if not plan.price_on_request and plan.pk not in priced:
            missing.append(_("a list price for %(plan)s") % {"plan": plan.name})
    return missing


def app_as_proposed(app: App) -> App:
    """The app with what its partner proposes, not saved: for a preview."""
    proposed = App.objects.select_related("partner").get(pk=app.pk)
    for name, value in app.proposed.get("details", {}).items():
        setattr(proposed, name, value)
    return proposed


def plan_as_proposed(app: App, plan: Plan) -> Plan:
    """The plan with what its partner proposes, set on the row and not saved."""
    for name, value in app.proposed.get(f"plan:{plan.code}", {}).items():
        if name != "new":
            setattr(plan, name, value)
    return plan


def is_new(app: App, plan: Plan) -> bool:
    """Whether a plan of a published app was never published."""
    return app.proposed.get(f"plan:{plan.code}", {}).get("new", False)


def in_review(app: App) -> bool:
    return State.IN_REVIEW in (app.state, app.proposed_state)


def _editable(app: App) -> App:
    row = App.objects.select_for_update(no_key=True).get(pk=app.pk)
    if in_review(row):
        raise ValidationError(
            _("It is in review. Take it back to go on editing."), code="in_review"
        )
    return row


def _reviewed(app: App) -> App:
    row = App.objects.select_for_update(no_key=True).get(pk=app.pk)
    if not in_review(row):
        raise ValidationError(_("It is not in review."), code="not_in_review")
    return row


def _to_draft(app: App) -> None:
    if app.state == State.IN_REVIEW:
        app.state = State.DRAFT
    else:
        app.proposed_state = State.DRAFT


def _launches(details: Mapping, loopback: Collection[str]) -> None:
    if address := details.get("launch_address"):
        try:
            addresses.read(address, loopback=loopback)
        except ValidationError as refusal:
            raise ValidationError({"launch_address": refusal}) from None


def _set(app: App, details: Mapping) -> None:
    for name in DETAILS:
        if name in details:
            setattr(app, name, details[name])
    app.full_clean()


def _checked(plan: Plan, details: Mapping) -> None:
    for name, value in details.items():
        setattr(plan, name, value)
    plan.full_clean()


def _changed(app: App, details: Mapping) -> dict:
    """What differs from the published row, of what was proposed before and now."""
    wanted = app.proposed.get("details", {}) | {
        name: details[name] for name in DETAILS if name in details
    }
    return {
        name: value for name, value in wanted.items() if getattr(app, name) != value
    }


def _propose(app: App, part: str, wanted: Mapping) -> None:
    """Put a part into what is proposed, or take it out where nothing is different."""
    rest = {name: value for name, value in app.proposed.items() if name != part}
    app.proposed = rest | ({part: dict(wanted)} if wanted else {})
    if app.state == State.PUBLISHED:
        app.proposed_state = State.DRAFT if app.proposed else ""


def _refuse_terms(plan: Plan, details: Mapping) -> None:
    for name in PLAN_TERMS:
        if name in details and details[name] != getattr(plan, name):
            raise ValidationError(
                _(
                    "What is published is counted as it was sold: kind, charge model and"
                    " price on request stay. Add another plan instead."
                ),
                code="published",
            )


def _kept(app: App, verb: str, *, by: User, on: date, **data) -> App:
    app.version += 1
    app.save()
    _record(verb, app, by=by, on=on, **data)
    return app


def _record(verb: str, app: App, *, by: User, on: date, **data) -> None:
    activities.record(
        verb,
        account=None,
        by=by,
        on=on,
        subject=app,
        app=app.slug,
        name=app.name,
        **data,
    )
