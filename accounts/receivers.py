"""News from the journal and of accounts, heard inside the transaction that made it."""

from django.dispatch import receiver
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts import authority, clock, jobs, mails
from accounts.signals import job_finished, permission_changed
from journal import notices
from journal.signals import digest_due, told

PERMISSIONS = {
    authority.INSTALL: gettext_lazy("install apps"),
    authority.MANAGE: gettext_lazy("manage apps"),
    authority.MANAGE_ROLES: gettext_lazy("manage people and roles"),
    authority.LAUNCH: gettext_lazy("launch apps"),
}
"""Each as it follows "may do more:"."""


@receiver(told, dispatch_uid="accounts_told")
def _told(sender, *, user, notice_id, said, at, account, **news):
    mails.notice(user, notice_id=notice_id, said=said, account=account, at=at)


@receiver(digest_due, dispatch_uid="accounts_digest_due")
def _digest_due(sender, *, waiting, at, **news):
    mails.digests(waiting, at=at)


@receiver(permission_changed, dispatch_uid="accounts_permission_changed")
def _permission_changed(sender, *, role, permission, granted, activity, by, **news):
    """A role's active members are told, and the others who manage roles, never who did
    it. Launch buys nothing and controls nobody: that its members are told of alone.
    """
    members = list(role.members.filter(is_active=True).order_by("pk"))
    reached = {user.pk for user in members} | {by and by.pk}
    context = {"role": role, "what": PERMISSIONS[permission], "granted": granted}
    say = {
        "key": f"authority:{activity.pk}",
        "context": context,
        "account": role.account,
        "at": clock.now(),
    }
    notices.tell(
        [user for user in members if user != by],
        kind="authority",
        words="accounts/notices/authority",
        address=reverse("accounts:profile"),
        **say,
    )
    if permission != authority.LAUNCH:
        managers = authority.holders(role.account, authority.MANAGE_ROLES)
        notices.tell(
            managers.exclude(pk__in=reached - {None}),
            kind="role_authority",
            words="accounts/notices/role_authority",
            address=reverse("accounts:role", args=[role.pk]),
            **say,
        )


@receiver(job_finished, dispatch_uid="accounts_job_finished")
def _job_finished(sender, *, job, at, **news):
    """Who began it is told what came of it."""
    if not job.by.is_active:
        return
    notices.tell(
        [job.by],
        kind="job",
        key=f"job:{job.pk}",
        words="accounts/notices/job",
        context={"job": job, **jobs.tally(job)},
        address=reverse("accounts:job", args=[job.pk]),
        account=job.account,
        at=at,
    )
