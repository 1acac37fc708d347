"""What happened: written with the change it tells of, read as a sentence."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from journal import days
from journal.models import Activity

MOST_IDS = 50
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

SENTENCES = {
    # accounts
    "people.exported": gettext_noop("%(actor)s downloaded the list of people."),
    "seats.exported": gettext_noop("%(actor)s downloaded who has a seat."),
    "activity.exported": gettext_noop("%(actor)s downloaded the activity."),
    "account.created": gettext_noop("%(actor)s created the account %(name)s."),
    "account.exported": gettext_noop(
        "%(actor)s downloaded everything the account has."
    ),
    "account.entered": gettext_noop(
        "%(actor)s opened this account as its customer sees it: %(reason)s"
    ),
    "authority.granted": gettext_noop("%(actor)s let %(role)s %(permission)s."),
    "authority.delegated": gettext_noop(
        "%(actor)s let %(role)s %(permission)s, and accepted that this delegates "
        "purchasing authority."
    ),
    "authority.revoked": gettext_noop(
        "%(actor)s no longer lets %(role)s %(permission)s."
    ),
    "role.created": gettext_noop("%(actor)s created the role %(role)s."),
    "role.renamed": gettext_noop("%(actor)s renamed the role %(before)s to %(role)s."),
    "role.deleted": gettext_noop(
        "%(actor)s deleted the role %(role)s with %(people)s in it."
    ),
    "role.joined": gettext_noop("%(actor)s added %(people)s to %(role)s."),
    "role.left": gettext_noop("%(actor)s removed %(people)s from %(role)s."),
    "person.created": gettext_noop("%(actor)s added %(people)s to the account."),
    "person.changed": gettext_noop("%(actor)s changed the details of %(people)s."),
    "person.invited": gettext_noop(
        "%(actor)s sent %(people)s a link to set a password."
    ),
    "person.deactivated": gettext_noop("%(actor)s deactivated %(people)s."),
    "person.erased": gettext_noop(
        "%(actor)s had the name and address of a person erased: %(people)s."
    ),
    "person.reactivated": gettext_noop("%(actor)s reactivated %(people)s."),
    "provider.linked": gettext_noop(
        "%(actor)s signed in through the company's own sign-in for the first time."
    ),
    "factor.app_added": gettext_noop(
        "%(actor)s added an authenticator app to their sign-in."
    ),
    "factor.app_removed": gettext_noop(
        "%(actor)s removed the authenticator app from their sign-in."
    ),
    "factor.passkey_added": gettext_noop("%(actor)s added a passkey."),
    "factor.passkey_removed": gettext_noop("%(actor)s removed a passkey."),
    "factor.codes_made": gettext_noop("%(actor)s was given new recovery codes."),
    "factor.reset": gettext_noop(
        "%(actor)s took away the second factors of %(people)s: %(reason)s"
    ),
    "account.mfa_required": gettext_noop(
        "%(actor)s decided that everybody signs in with a second factor."
    ),
    "account.mfa_optional": gettext_noop(
        "%(actor)s left it to everybody whether they use a second factor."
    ),
    "provider.set": gettext_noop(
        "%(actor)s set the company's own sign-in at %(issuer)s for %(domains)s."
    ),
    "provider.required": gettext_noop(
        "%(actor)s made the company's own sign-in the only way in, except for "
        "%(people)s."
    ),
    "provider.optional": gettext_noop(
        "%(actor)s made the company's own sign-in a choice."
    ),
    "provider.removed": gettext_noop(
        "%(actor)s removed the company's own sign-in at %(issuer)s."
    ),
    "key.created": gettext_noop("%(actor)s made the API key %(name)s."),
    "key.revoked": gettext_noop("%(actor)s revoked the API key %(name)s."),
    "terms.accepted": gettext_noop(
        "%(actor)s accepted version %(version)s of the terms."
    ),
    # marketplace
    "app.listed": gettext_noop("%(actor)s listed %(name)s in the marketplace."),
    "app.revised": gettext_noop("%(actor)s changed the listing of %(name)s."),
    "listing.drafted": gettext_noop("%(actor)s began the listing of %(name)s."),
    "listing.revised": gettext_noop("%(actor)s edited the listing of %(name)s."),
    "listing.submitted": gettext_noop("%(actor)s sent %(name)s to be reviewed."),
    "listing.taken_back": gettext_noop("%(actor)s took %(name)s back from review."),
    "listing.sent_back": gettext_noop("%(actor)s sent %(name)s back to its partner."),
    "listing.discarded": gettext_noop(
        "%(actor)s dropped what was proposed for %(name)s."
    ),
    "listing.published": gettext_noop("%(actor)s published %(name)s."),
    "list_price.announced": gettext_noop(
        "%(actor)s announced %(monthly_price)s %(currency)s a month for %(plan)s, "
        "from %(effective_from)s."
    ),
    "list_price.withdrawn": gettext_noop(
        "%(actor)s took back the price of %(plan)s from %(effective_from)s, "
        "%(monthly_price)s %(currency)s a month."
    ),
    "plan.offered": gettext_noop(
        "%(actor)s made the plan %(plan)s available to this account."
    ),
    # journal
    "endpoint.registered": gettext_noop(
        "%(actor)s registered the endpoint %(address)s."
    ),
    "endpoint.moved": gettext_noop("%(actor)s asked for the endpoint %(address)s."),
    "endpoint.challenged": gettext_noop(
        "%(actor)s sent the challenge to %(address)s again."
    ),
    "endpoint.verified": gettext_noop("%(address)s answered the challenge."),
    "endpoint.rotated": gettext_noop(
        "%(actor)s made a new secret for the endpoint %(address)s."
    ),
    "endpoint.disabled": gettext_noop(
        "%(actor)s disabled the endpoint %(address)s: %(because)s"
    ),
    "endpoint.enabled": gettext_noop("%(actor)s enabled the endpoint %(address)s."),
    "endpoint.tested": gettext_noop("%(actor)s sent a test event to %(address)s."),
    "deliveries.replayed": gettext_noop(
        "%(actor)s sent %(count)s webhooks to %(address)s again."
    ),
    # support
    "ticket.opened": gettext_noop("%(actor)s opened %(number)s: %(subject_line)s."),
    "ticket.assigned": gettext_noop("%(actor)s assigned %(number)s to %(people)s."),
    "ticket.moved": gettext_noop("%(actor)s moved %(number)s to %(state)s."),
    "ticket.revised": gettext_noop("%(actor)s changed %(number)s."),
    "ticket.merged": gettext_noop("%(actor)s merged %(number)s into %(into)s."),
    "ticket.received": gettext_noop("%(actor)s merged %(other)s into %(number)s."),
    "ticket.unmerged": gettext_noop(
        "%(actor)s took the merge of %(number)s into %(into)s back."
    ),
    "ticket.linked": gettext_noop("%(actor)s linked %(number)s and %(other)s."),
    "ticket.unlinked": gettext_noop(
        "%(actor)s removed the link of %(number)s and %(other)s."
    ),
    "ticket.split": gettext_noop("%(actor)s split %(other)s off %(number)s."),
    "ticket.followed": gettext_noop("%(people)s follows %(number)s."),
    "ticket.unfollowed": gettext_noop("%(people)s no longer follows %(number)s."),
    "adjustment.drafted": gettext_noop(
        "%(actor)s drafted version %(proposal)s of the proposal on %(number)s."
    ),
    "adjustment.proposed": gettext_noop(
        "%(actor)s proposed version %(proposal)s on %(number)s."
    ),
    "adjustment.discarded": gettext_noop(
        "%(actor)s took back version %(proposal)s of the proposal on %(number)s."
    ),
    "adjustment.seconded": gettext_noop(
        "%(actor)s approved %(number)s, which waits for a second person."
    ),
    "adjustment.undone": gettext_noop(
        "%(actor)s took the approval of %(number)s back."
    ),
    "ticket.approved": gettext_noop("%(actor)s approved %(number)s."),
    "ticket.declined": gettext_noop("%(actor)s declined %(number)s."),
    "account.visited": gettext_noop(
        "%(actor)s of Support looked at this account: %(reason)s"
    ),
    # billing
    "approval.limited": gettext_noop(
        "%(actor)s set the monthly amount above which a second person approves a "
        "purchase to %(amount)s."
    ),
    "approval.loosening_asked": gettext_noop(
        "%(actor)s asked to let more be bought without a second person. "
        "Somebody else has to confirm it."
    ),
    "approval.loosened": gettext_noop(
        "%(actor)s confirmed that more may be bought without a second person."
    ),
    "approval.loosening_dropped": gettext_noop(
        "%(actor)s left the limit for a second person as it was."
    ),
    "request.asked": gettext_noop("%(actor)s asked for %(name)s."),
    "request.withdrawn": gettext_noop("%(actor)s took the request for %(name)s back."),
    "request.approved": gettext_noop(
        "%(people)s got the seat in %(name)s they had asked for."
    ),
    "request.refused": gettext_noop("%(actor)s refused %(name)s to %(people)s."),
    "purchase.asked": gettext_noop(
        "%(actor)s asked a second person to approve a purchase of %(name)s, %(plan)s."
    ),
    "purchase.approved": gettext_noop(
        "%(actor)s approved a purchase of %(name)s, %(plan)s, that %(people)s signed."
    ),
    "purchase.refused": gettext_noop(
        "%(actor)s refused a purchase of %(name)s, %(plan)s."
    ),
    "purchase.withdrawn": gettext_noop(
        "%(actor)s took a purchase of %(name)s, %(plan)s, back before its approval."
    ),
    "purchase.lapsed": gettext_noop(
        "A purchase of %(name)s, %(plan)s, lapsed: nobody approved it in time."
    ),
    "contract.let_end": gettext_noop(
        "%(actor)s recorded that the contract ends on %(ends_on)s and does not renew."
    ),
    "contract.recorded": gettext_noop(
        "%(actor)s recorded the contract that starts on %(starts_on)s."
    ),
    "order_form.recorded": gettext_noop(
        "%(actor)s recorded the signed order form %(number)s."
    ),
    "batch.acknowledged": gettext_noop(
        "%(actor)s took batch %(number)s over as %(reference)s."
    ),
    "renewal.asked": gettext_noop(
        "%(actor)s asked for less of %(plan)s, or another plan, from the term end on "
        "%(term_ends_on)s."
    ),
    "renewal.withdrawn": gettext_noop(
        "%(actor)s took back the change of %(plan)s at the term end on "
        "%(term_ends_on)s."
    ),
    "renewal.reopened": gettext_noop(
        "%(actor)s took the approval for %(plan)s of %(app)s back. Support decides it "
        "again."
    ),
    "credit.granted": gettext_noop(
        "%(actor)s gave back %(amount)s %(currency)s of a disputed charge for %(plan)s "
        "of %(app)s."
    ),
    "renewal.approved": gettext_noop(
        "%(actor)s approved the change of %(plan)s at the term end on %(term_ends_on)s."
    ),
    "renewal.declined": gettext_noop(
        "%(actor)s declined the change of %(plan)s at the term end on %(term_ends_on)s."
    ),
    "renewal.asked:END": gettext_noop(
        "%(actor)s asked to end %(plan)s on %(term_ends_on)s."
    ),
    "renewal.asked:LOWER": gettext_noop(
        "%(actor)s asked to lower %(plan)s to %(target)s from %(term_ends_on)s."
    ),
    "renewal.asked:PLAN": gettext_noop(
        "%(actor)s asked to change %(plan)s to %(to_plan)s from %(term_ends_on)s."
    ),
    "renewal.asked:REPLACED": gettext_noop(
        "%(plan)s was replaced, and Support was asked to end it early."
    ),
    # myapps
    "app.installed": gettext_noop("%(actor)s installed %(name)s on %(plan)s."),
    "app.confirmed": gettext_noop("%(actor)s confirmed that %(name)s is set up."),
    "app.failed": gettext_noop(
        "%(name)s was not set up; everything it was charged was taken back."
    ),
    "app.uninstalled": gettext_noop(
        "%(actor)s uninstalled %(name)s; it works until %(ends_on)s begins."
    ),
    "app.kept": gettext_noop("%(actor)s took the uninstall of %(name)s back."),
    "app.ended": gettext_noop("%(name)s ended; its seats are free."),
    "seats.added": gettext_noop("%(actor)s gave %(people)s a seat in %(name)s."),
    "seats.removed": gettext_noop("%(actor)s removed %(people)s from %(name)s."),
    "plan.changed": gettext_noop(
        "%(actor)s changed %(name)s from %(before)s to %(plan)s."
    ),
    "role.activated": gettext_noop(
        "%(actor)s activated the role %(role)s for %(name)s; a seat went to %(people)s."
    ),
    "role.stopped": gettext_noop(
        "%(actor)s stopped activating the role %(role)s for %(name)s."
    ),
    "auto_install.started": gettext_noop(
        "%(actor)s turned Auto Install on: whoever joins %(role)s gets a seat in "
        "%(name)s."
    ),
    "auto_install.stopped": gettext_noop(
        "%(actor)s turned Auto Install of %(name)s off for %(role)s."
    ),
    "limits.set": gettext_noop(
        "%(actor)s set how far Auto Install of %(name)s may go."
    ),
    "joins.seated": gettext_noop("Auto Install gave %(people)s a seat in %(name)s."),
    "joins.queued": gettext_noop(
        "Auto Install let %(people)s wait for a seat in %(name)s."
    ),
    "joins.refused": gettext_noop("%(actor)s refused %(people)s a seat in %(name)s."),
    "add_on.activated": gettext_noop(
        "%(actor)s switched on %(quantity)s of the add-on %(plan)s."
    ),
    "add_on.deactivated": gettext_noop(
        "%(actor)s switched off %(quantity)s of the add-on %(plan)s."
    ),
    "drift.found": gettext_noop(
        "%(actor)s has other users active in %(name)s than My Apps: %(missing)s missing "
        "there, %(extra)s without a seat here."
    ),
    "drift.cleared": gettext_noop(
        "%(actor)s has the same users active in %(name)s as My Apps again."
    ),
    "drift.repaired": gettext_noop(
        "%(actor)s had the users of %(name)s sent to its partner again."
    ),
    "link.issued": gettext_noop("%(people)s got a link to install %(name)s."),
    "link.revoked": gettext_noop("%(actor)s took back a link to install %(name)s."),
    "calendar.made": gettext_noop("%(actor)s made a calendar address of term ends."),
    "calendar.revoked": gettext_noop("%(actor)s ended a calendar address."),
}


def record(
    verb: str,
    *,
    account: models.Model | None,
    by: models.Model | None,
    on: date,
    subject: models.Model,
    app: str = "",
    authority: str = "",
    **data,
) -> Activity:
    """Write what was done, in the transaction that does it: see `draft`."""
    activity = draft(
        verb,
        account=account,
        by=by,
        on=on,
        subject=subject,
        app=app,
        authority=authority,
        **data,
    )
    activity.save(force_insert=True)
    return activity


def record_all(activities: Iterable[Activity]) -> None:
    """Write what was done to many rows at once, from drafts."""
    Activity.objects.bulk_create(activities)


def draft(
    verb: str,
    *,
    account: models.Model | None,
    by: models.Model | None,
    on: date,
    subject: models.Model,
    app: str = "",
    authority: str = "",
    **data,
) -> Activity:
    """What was done, not written yet.

    `by` is None when the calendar or an import did it. `on` is the local day. `app`
    is the app's slug. Rows in `data` become their ids: of a list at most 50, and
    beside it `<name>_count`, how many there were. Names of people never stand in it.
    """
    return Activity(
        verb=verb,
        account_id=account and account.pk,
        actor_id=by and by.pk,
        subject=reference(subject),
        app=app,
        authority=authority,
        on=on,
        data=_plain(data),
    )


def reference(row: models.Model) -> str:
    """How a row is named in the journal, as installation:12."""
    return f"{row._meta.model_name}:{row.pk}"


def people(activities: Iterable[Activity]) -> set[int]:
    """The ids of all the users that the sentences will want a name for."""
    wanted = set()
    for activity in activities:
        wanted.update(activity.data.get("users", [])[:2])
        wanted.add(activity.actor_id)
    return wanted - {None}


def sentence(activity: Activity, names: Mapping[int, str]) -> str:
    """Say what happened in the reader's language; `names` are users' names by id."""
    words = defaultdict(
        str, {name: _said(value) for name, value in activity.data.items()}
    )
    words["actor"] = _actor(activity, names)
    words["people"] = _people(activity.data, names)
    if "permission" in activity.data:
        words["permission"] = _(PERMISSIONS[activity.data["permission"]])
    one = f"{activity.verb}:{activity.data.get('kind', '')}"
    return _(SENTENCES.get(one) or SENTENCES[activity.verb]) % words


PERMISSIONS = {
    "install_apps": gettext_noop("install apps"),
    "manage_apps": gettext_noop("manage apps"),
    "manage_roles": gettext_noop("manage roles"),
    "launch_apps": gettext_noop("launch apps"),
}


def _said(value):
    """A day as the reader writes it; everything else as it stands."""
    if isinstance(value, str) and DAY.fullmatch(value):
        return days.said(date.fromisoformat(value))
    return value


def _actor(activity, names):
    if activity.actor_id is not None:
        return names.get(activity.actor_id, _("Somebody no longer here"))
    sources = {"import": _("An import"), "directory": _("The company's directory")}
    return sources.get(activity.data.get("source"), _("The calendar"))


def _people(data, names):
    ids = data.get("users", [])
    count = data.get("users_count", len(ids))
    named = [names.get(pk, _("somebody no longer here")) for pk in ids[:2]]
    if count == len(named) == 2:
        return _("%(one)s and %(other)s") % {"one": named[0], "other": named[1]}
    if count <= 1 or not named:
        return named[0] if named else _people_counted(count)
    return ngettext(
        "%(one)s and %(more)d other", "%(one)s and %(more)d others", count - 1
    ) % {"one": named[0], "more": count - 1}


def _people_counted(count):
    if not count:
        return _("nobody")
    return ngettext("%(count)d person", "%(count)d people", count) % {"count": count}


def _plain(data):
    plain = {}
    for name, value in data.items():
        if isinstance(value, models.Model):
            plain[name] = value.pk
        elif isinstance(value, (list, tuple, set, models.QuerySet)):
            rows = list(value)
            plain[name] = [getattr(row, "pk", row) for row in rows[:MOST_IDS]]
            plain[f"{name}_count"] = len(rows)
        else:
            plain[name] = value
    return plain
