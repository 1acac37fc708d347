"""Every address × every kind of person × their own account's things and another's.

A stranger gets 404, a colleague without the right 403, somebody not signed in the
sign-in page; whoever may come in is never met by a 5xx. A new address fails here until
somebody decides who may open it.
"""

from datetime import UTC, date, datetime

import pytest
from django.db import transaction
from django.urls import URLResolver, get_resolver, reverse

from accounts import api_keys, authority, roles
from billing.models import LimitChange, Order, RenewalChange
from journal import outbox
from journal.models import Endpoint, Message, Notice
from myapps import add_ons, app_requests, role_activations, seats
from myapps.models import JoinEvent, RoleActivation, WaitingPurchase
from support import (
    attachments,
    bulk_jobs,
    canned_replies,
    macros,
    saved_queues,
    tickets,
)
from support.models import Ticket
from tests import factories
from tests.cases.company import Company
from tests.test_architecture import PUBLIC

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)

ADMIN, INSTALLER, MANAGER, KEEPER, MEMBER = [
    "admin",
    "installer",
    "manager",
    "keeper",
    "member",
]
STRANGER, SUPPORT, SALES, PARTNER, OTHER_PARTNER = [
    "stranger",
    "support",
    "sales",
    "partner",
    "other_partner",
]
CUSTOMERS = {ADMIN, INSTALLER, MANAGER, KEEPER, MEMBER, STRANGER}
EVERYBODY = CUSTOMERS | {SUPPORT, SALES, PARTNER, OTHER_PARTNER}
ROLES = {ADMIN, KEEPER}
MANAGE = {ADMIN, MANAGER}
BUY = {ADMIN, INSTALLER, MANAGER}
INSTALL = {ADMIN, INSTALLER}
PICK = {ADMIN, INSTALLER, MANAGER, KEEPER}
STAFF = {SUPPORT, SALES}
PARTNERS = {PARTNER, OTHER_PARTNER}
OWN = "each sees their own"
NOT_FOUND = "a stranger finds nothing"

# name: (what it is opened with, who may open it, what the stranger meets)
PLACES = {
    "home": ("", EVERYBODY, OWN),
    "search": ("", EVERYBODY, OWN),
    "accounts:people": ("", ROLES, OWN),
    "accounts:add-person": ("", ROLES, OWN),
    "accounts:person": ("person", ROLES, NOT_FOUND),
    "accounts:person-roles": ("person", ROLES, NOT_FOUND),
    "accounts:invite-person": ("person", ROLES, NOT_FOUND),
    "accounts:deactivate-person": ("person", ROLES, NOT_FOUND),
    "accounts:reset-factor": ("person", ROLES, NOT_FOUND),
    "accounts:account": ("", ROLES, OWN),
    "accounts:account-sign-in": ("", ROLES, OWN),
    "accounts:identity-provider": ("", ROLES, OWN),
    "accounts:require-provider": ("", ROLES, OWN),
    "accounts:remove-provider": ("", ROLES, OWN),
    "accounts:reactivate-person": ("person", ROLES, NOT_FOUND),
    "accounts:erase-person": ("person", ROLES, NOT_FOUND),
    "accounts:roles": ("", ROLES, OWN),
    "accounts:add-role": ("", ROLES, OWN),
    "accounts:role": ("role", ROLES, NOT_FOUND),
    "accounts:join-role": ("role", ROLES, NOT_FOUND),
    "accounts:leave-role": ("role", ROLES, NOT_FOUND),
    "accounts:role-permissions": ("role", ROLES, NOT_FOUND),
    "accounts:rename-role": ("role", ROLES, NOT_FOUND),
    "accounts:delete-role": ("role", ROLES, NOT_FOUND),
    "accounts:import-people": ("", ROLES, OWN),
    "accounts:jobs": ("", ROLES, OWN),
    "accounts:job": ("job", ROLES, NOT_FOUND),
    "accounts:job-progress": ("job", ROLES, NOT_FOUND),
    "accounts:begin-job": ("job", ROLES, NOT_FOUND),
    "accounts:discard-job": ("job", ROLES, NOT_FOUND),
    "accounts:directory": ("", ROLES, OWN),
    "accounts:add-directory-key": ("", ROLES, OWN),
    "accounts:people-picker": ("", PICK, OWN),
    "accounts:resolve-people": ("", PICK, OWN),
    "accounts:terms": ("", BUY, OWN),
    "accounts:profile": ("", EVERYBODY, OWN),
    "accounts:notices": ("", CUSTOMERS, OWN),
    "accounts:read-notices": ("", CUSTOMERS, OWN),
    "accounts:notice-choices": ("", CUSTOMERS, OWN),
    "accounts:notice": ("notice", {ADMIN}, NOT_FOUND),
    "accounts:api-keys": ("", EVERYBODY - {MEMBER}, OWN),
    "accounts:add-api-key": ("", EVERYBODY - {MEMBER, KEEPER}, OWN),
    "accounts:rotate-api-key": ("api_key", {ADMIN}, NOT_FOUND),
    "accounts:revoke-api-key": ("api_key", ROLES, NOT_FOUND),
    "marketplace:catalogue": ("", EVERYBODY, OWN),
    "myapps:app": ("app", EVERYBODY, OWN),
    "myapps:install": ("other_app", INSTALL, OWN),
    "myapps:try-again": ("app", INSTALL, OWN),
    "myapps:orders": ("", BUY, OWN),
    "myapps:order": ("order", BUY, NOT_FOUND),
    "myapps:request-app": ("other_app", CUSTOMERS, OWN),
    "myapps:withdraw-request": ("app_request", {MEMBER}, NOT_FOUND),
    "myapps:app-requests": ("", BUY, OWN),
    "myapps:app-request": ("other_app", BUY, OWN),
    "myapps:approvals": ("", BUY, OWN),
    "myapps:approval": ("waiting", BUY, NOT_FOUND),
    "myapps:approve": ("waiting", MANAGE, NOT_FOUND),
    "myapps:refuse-approval": ("waiting", BUY, NOT_FOUND),
    "myapps:withdraw-approval": ("waiting", {MANAGER}, NOT_FOUND),
    "myapps:approval-limit": ("", ROLES, OWN),
    "myapps:decide-approval-limit": ("limit_change", ROLES, NOT_FOUND),
    "myapps:install-link": ("token", EVERYBODY, OWN),
    "myapps:catalogue-states": ("", CUSTOMERS, OWN),
    "myapps:index": ("", BUY, OWN),
    "myapps:installation": ("app", MANAGE, NOT_FOUND),
    "myapps:users": ("app", MANAGE, NOT_FOUND),
    "myapps:add-users": ("app", MANAGE, NOT_FOUND),
    "myapps:add-users-effect": ("app", MANAGE, NOT_FOUND),
    "myapps:people-options": ("app", MANAGE, NOT_FOUND),
    "myapps:remove-users": ("app", MANAGE, NOT_FOUND),
    "myapps:roles": ("app", MANAGE, NOT_FOUND),
    "myapps:activate-role": ("app", MANAGE, NOT_FOUND),
    "myapps:activate-role-effect": ("app", MANAGE, NOT_FOUND),
    "myapps:auto-install": ("activation", MANAGE, NOT_FOUND),
    "myapps:stop-role": ("activation", MANAGE, NOT_FOUND),
    "myapps:limits": ("app", MANAGE, NOT_FOUND),
    "myapps:seat-waiting": ("app", MANAGE, NOT_FOUND),
    "myapps:refuse-waiting": ("app", MANAGE, NOT_FOUND),
    "myapps:plan": ("app", MANAGE, NOT_FOUND),
    "myapps:change-plan": ("plan", MANAGE, NOT_FOUND),
    "myapps:what-if": ("app", MANAGE, NOT_FOUND),
    "myapps:billing": ("app", MANAGE, NOT_FOUND),
    "myapps:lower": ("app", MANAGE, NOT_FOUND),
    "myapps:withdraw": ("change", MANAGE, NOT_FOUND),
    "myapps:add-ons": ("app", MANAGE, NOT_FOUND),
    "myapps:activity": ("app", MANAGE, NOT_FOUND),
    "myapps:uninstall": ("app", MANAGE, NOT_FOUND),
    "myapps:keep": ("app", MANAGE, NOT_FOUND),
    "myapps:overview": ("", MANAGE, OWN),
    "myapps:overview-figures": ("", MANAGE, OWN),
    "myapps:overview-figure": ("overview_figure", MANAGE, OWN),
    "myapps:spending": ("", MANAGE, OWN),
    "myapps:spending-file": ("spending_file", MANAGE, OWN),
    "myapps:charges": ("", MANAGE, OWN),
    "myapps:renewals": ("", MANAGE, OWN),
    "myapps:calendar": ("", MANAGE, OWN),
    "myapps:revoke-calendar": ("", MANAGE, OWN),
    "myapps:export-charges": ("kind", MANAGE, OWN),
    "myapps:export-renewal-changes": ("kind", MANAGE, OWN),
    "myapps:export-seats": ("kind", MANAGE, OWN),
    "myapps:export-activity": ("kind", MANAGE | ROLES, OWN),
    "myapps:export-orders": ("kind", BUY, OWN),
    "myapps:export-apps": ("kind", BUY, OWN),
    "accounts:export-people": ("kind", ROLES, OWN),
    "myapps:order-paper": ("order", BUY, NOT_FOUND),
    "myapps:statements": ("", MANAGE, OWN),
    "myapps:statement": ("period", MANAGE, OWN),
    "myapps:statement-download": ("paper", MANAGE, OWN),
    "myapps:statement-totals": ("totals", MANAGE, OWN),
    "myapps:account-activity": ("", MANAGE | ROLES, OWN),
    "myapps:launcher": ("", CUSTOMERS, OWN),
    "myapps:launch": ("app", {ADMIN}, NOT_FOUND),
    "myapps:portal": ("", PARTNERS, None),
    "myapps:portal-installation": ("installation", {PARTNER}, None),
    "myapps:portal-confirm": ("installation", {PARTNER}, None),
    "myapps:portal-refuse": ("installation", {PARTNER}, None),
    "myapps:portal-add-ons": ("", PARTNERS, None),
    "myapps:portal-add-on": ("add_on", {PARTNER}, None),
    "myapps:portal-deactivate": ("switched_on", {PARTNER}, None),
    "myapps:differences": ("app", MANAGE, NOT_FOUND),
    "myapps:repair": ("app", MANAGE, NOT_FOUND),
    "myapps:portal-differences": ("installation", {PARTNER}, None),
    "myapps:portal-repair": ("installation", {PARTNER}, None),
    "myapps:portal-listings": ("", PARTNERS, None),
    "myapps:portal-add-listing": ("", PARTNERS, None),
    "myapps:portal-listing": ("app", {PARTNER}, None),
    "myapps:portal-edit-listing": ("app", {PARTNER}, None),
    "myapps:portal-submit": ("app", {PARTNER}, None),
    "myapps:portal-take-back": ("app", {PARTNER}, None),
    "myapps:portal-discard": ("app", {PARTNER}, None),
    "myapps:portal-add-plan": ("app", {PARTNER}, None),
    "myapps:portal-plan": ("plan", {PARTNER}, None),
    "myapps:portal-drop-plan": ("plan", {PARTNER}, None),
    "myapps:portal-announce-price": ("plan", {PARTNER}, None),
    "myapps:portal-withdraw-price": ("price", {PARTNER}, None),
    "myapps:portal-preview": ("app", {PARTNER, SALES}, None),
    "myapps:portal-webhooks": ("", PARTNERS, None),
    "myapps:portal-launching": ("", PARTNERS, None),
    "myapps:portal-address": ("partner", {PARTNER}, None),
    "myapps:portal-rotate": ("partner", {PARTNER}, None),
    "myapps:portal-challenge": ("partner", {PARTNER}, None),
    "myapps:portal-test": ("partner", {PARTNER}, None),
    "myapps:portal-disable": ("partner", {PARTNER}, None),
    "myapps:portal-enable": ("partner", {PARTNER}, None),
    "myapps:portal-replay-since": ("partner", {PARTNER}, None),
    "myapps:portal-delivery": ("delivery", {PARTNER}, None),
    "myapps:portal-replay": ("delivery", {PARTNER}, None),
    "support:requests": ("", CUSTOMERS, OWN),
    "support:waiting-for-you": ("", CUSTOMERS, OWN),
    "support:new-request": ("", CUSTOMERS, OWN),
    "support:request": ("ticket", MANAGE, NOT_FOUND),
    "support:reply": ("ticket", MANAGE, NOT_FOUND),
    "support:rate": ("ticket", MANAGE, NOT_FOUND),
    "support:request-file": ("file", MANAGE, NOT_FOUND),
    "support:line-tickets": ("line", MANAGE, NOT_FOUND),
    "support:queue": ("", STAFF, None),
    "support:queue-counts": ("", STAFF, None),
    "support:search": ("", STAFF, None),
    "support:save-queue": ("", STAFF, None),
    "support:saved-queue": ("saved_queue", {SUPPORT}, None),
    "support:arrange-queue": ("saved_queue", {SUPPORT}, None),
    "support:delete-queue": ("saved_queue", {SUPPORT}, None),
    "support:bulk-jobs": ("", STAFF, None),
    "support:new-bulk-job": ("", STAFF, None),
    "support:bulk-job": ("bulk_job", STAFF, None),
    "support:bulk-progress": ("bulk_job", STAFF, None),
    "support:begin-bulk-job": ("bulk_job", {SUPPORT}, None),
    "support:discard-bulk-job": ("bulk_job", {SUPPORT}, None),
    "support:figures": ("", STAFF, None),
    "support:figures-csv": ("figures", STAFF, None),
    "support:ticket": ("ticket", STAFF, None),
    "support:say": ("ticket", STAFF, None),
    "support:attach": ("ticket", STAFF, None),
    "support:file": ("file", STAFF, None),
    "support:discard-file": ("file", STAFF, None),
    "support:take-back": ("said", STAFF, None),
    "support:draft": ("ticket", STAFF, None),
    "support:discard-draft": ("ticket", STAFF, None),
    "support:presence": ("ticket", STAFF, None),
    "support:canned-options": ("ticket", STAFF, None),
    "support:apply-macro": ("macro_ticket", STAFF, None),
    "support:mention-options": ("", STAFF, None),
    "support:canned-replies": ("", STAFF, None),
    "support:new-canned-reply": ("", STAFF, None),
    "support:canned-reply": ("canned_reply", STAFF, None),
    "support:delete-canned-reply": ("canned_reply", STAFF, None),
    "support:macros": ("", STAFF, None),
    "support:new-macro": ("", STAFF, None),
    "support:macro": ("macro", STAFF, None),
    "support:delete-macro": ("macro", STAFF, None),
    "support:keys": ("", STAFF, None),
    "support:assign": ("ticket", STAFF, None),
    "support:revise": ("ticket", STAFF, None),
    "support:history": ("ticket", STAFF, None),
    "support:follow": ("ticket", STAFF, None),
    "support:merge": ("ticket", STAFF, None),
    "support:undo-merge": ("ticket", STAFF, None),
    "support:link": ("ticket", STAFF, None),
    "support:unlink": ("ticket", STAFF, None),
    "support:split": ("ticket", STAFF, None),
    "support:new-ticket": ("account", STAFF, None),
    "support:approve": ("ticket", STAFF, None),
    "support:decline": ("ticket", STAFF, None),
    "support:undo-approval": ("ticket", STAFF, None),
    "support:evidence": ("ticket", STAFF, None),
    "support:adjust": ("ticket", STAFF, None),
    "support:credit": ("ticket", STAFF, None),
    "support:propose": ("version", STAFF, None),
    "support:takeout": ("", {ADMIN}, OWN),
    "support:discard-version": ("version", STAFF, None),
    "support:offer-plan": ("plan_ticket", STAFF, None),
    "support:release": ("ticket", STAFF, None),
    "support:accounts": ("", STAFF, None),
    "support:account": ("account", STAFF, None),
    "support:begin-viewing": ("account", STAFF, None),
    "support:leave-viewing": ("", STAFF, None),
    "styleguide": ("", STAFF, None),
}
# Sign-in and password pages are open to all, and one's own sign-in to everybody who
# signed in: tests/accounts/test_sign_in.py.
OPEN = PUBLIC | {
    *("password_change", "account_change_password", "account_set_password"),
    *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
    *("mfa_index", "mfa_activate_totp", "mfa_deactivate_totp"),
    *("mfa_view_recovery_codes", "mfa_generate_recovery_codes"),
    *("mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
    *("mfa_edit_webauthn", "mfa_remove_webauthn", "usersessions_list", "end-session"),
    "accounts:language",
    "myapps:launch-keys",
}


@pytest.fixture
def world(present):
    """An account with one of everything, and people of every kind."""
    return World()


class World:
    """One of everything, and somebody of every kind."""

    def __init__(self):
        app = factories.AppFactory(slug="meetings")
        pro = factories.PlanFactory(app=app, code="pro", price=10)
        factories.PlanFactory(app=app, code="business", price=20)
        other = factories.PlanFactory(app__slug="boards", code="basic", price=3)
        company = Company(starts_on=date(2026, 1, 1))
        line = company.signs(pro, 2, "8.00")
        company.until(DAY)
        team = company.hires(3)
        installation = company.installs(pro, [company.admin])
        role = company.role(team[0])
        company.activates(installation, role, auto=True)
        role_activations.limit(
            installation, seats=2, monthly_spend=None, by=company.admin, on=DAY
        )
        company.joins(role, team[1])
        seats.lower_to(installation, 1, by=company.admin, on=DAY, ticket_wanted=True)
        self.people = self._people(company, app)
        unlisted = factories.PlanFactory(app__slug="old", listed=False)
        company.signs(unlisted, 1, "5.00", starts_on=DAY)
        self.unlisted = unlisted
        plan_ticket = factories.TicketFactory(
            account=company.account, category="INSTALL", plan=unlisted
        )
        add_on = company.signs(
            factories.PlanFactory(app=app, add_on=True), 5, "2.00", starts_on=DAY
        )
        switched_on = add_ons.activate(
            add_on, quantity=2, by=self.people[PARTNER], on=DAY
        )
        self.arguments = {
            "": {},
            "app": {"slug": app.slug},
            "app_request": {"pk": self._app_request(other.app).pk},
            "waiting": {"pk": self._waiting(other).pk},
            "limit_change": {"pk": self._limit_change(company).pk},
            "other_app": {"slug": other.app.slug},
            "installation": {"pk": installation.pk},
            "add_on": {"pk": add_on.pk},
            "switched_on": {"pk": switched_on.pk},
            "api_key": {"pk": self._api_key(company).pk},
            "job": {"pk": factories.JobFactory(account=company.account).pk},
            "person": {"pk": team[2].pk},
            "role": {"pk": role.pk},
            "order": {"pk": installation.order_id},
            "token": {"token": "x" * 43},
            "activation": {"slug": app.slug, "pk": RoleActivation.objects.get().pk},
            "plan": {"slug": app.slug, "code": "business"},
            "price": {"pk": pro.list_prices.get().pk},
            "partner": {"slug": app.partner.slug},
            "delivery": {"public_id": self._delivery(app).public_id},
            "change": {"slug": app.slug, "pk": RenewalChange.objects.get().pk},
            "ticket": {"pk": Ticket.objects.get(line=line).pk},
            "macro_ticket": {"pk": plan_ticket.pk},
            "said": {"pk": plan_ticket.pk, "message": 1},
            "version": {"pk": Ticket.objects.get(line=line).pk, "version": 1},
            "canned_reply": {"pk": self._canned_reply().pk},
            "macro": {"pk": self.macro.pk},
            "plan_ticket": {"pk": plan_ticket.pk},
            "file": self._file(company, Ticket.objects.get(line=line)),
            "line": {"pk": line.pk},
            "account": {"slug": company.account.slug},
            "saved_queue": {"pk": self._saved_queue().pk},
            "bulk_job": {"pk": self._bulk_job(plan_ticket).pk},
            "figures": {"key": "open"},
            "notice": {"pk": self._notice(company).pk},
            "kind": {"kind": "csv"},
            "period": {"period": "2026-01-01"},
            "paper": {"period": "2026-01-01", "kind": "pdf"},
            "totals": {"period": "2026-01-01", "kind": "csv"},
            "spending_file": {"way": "team", "kind": "csv"},
            "overview_figure": {"key": "seats", "kind": "csv"},
        }
        assert JoinEvent.objects.queued().count() == 1

    def _app_request(self, app):
        """What the member asked for."""
        return app_requests.ask(
            app, reason="Boards", by=self.people[MEMBER], on=DAY,
            at=datetime.now(UTC),
        )  # fmt: skip

    def _waiting(self, plan):
        """What the manager asked a second person for."""
        manager = self.people[MANAGER]
        return WaitingPurchase.objects.create(
            account=manager.account, kind="INSTALL", app=plan.app, plan=plan,
            asked={"users": [], "roles": [], "role": None, "auto_install": False,
                   "activation": None, "joins": [], "link": None},
            asked_by=manager, authority=authority.MANAGE, role_name="Managers",
            idempotency_key="waits", summary={}, effect=Order.objects.first().effect,
            effect_digest="0", monthly=1, currency="USD", asked_on=DAY,
            asked_at=datetime.now(UTC), lapses_on=date(2027, 1, 1),
        )  # fmt: skip

    def _limit_change(self, company):
        return LimitChange.objects.create(
            account=company.account, before=1, asked_by=company.admin, asked_on=DAY
        )

    def _file(self, company, ticket):
        """What was sent with an answer of the customer."""
        said = tickets.reply(ticket, "Here", by=company.admin, on=DAY)
        kept = attachments.add(
            ticket, name="a.txt", content=b"text", by=company.admin, message=said
        )
        return {"pk": ticket.pk, "file": kept.pk}

    def _notice(self, company):
        """What the administrator was told."""
        return Notice.objects.create(
            user_id=company.admin.pk, account_id=company.account.pk, kind="request",
            key="world", title="Told", words="Told.", address="/apps/", action="Open",
            created_at=datetime(2026, 11, 1, tzinfo=UTC),
        )  # fmt: skip

    def _canned_reply(self):
        self.macro = macros.save(name="Urgent", changes={"priority": 4}, on=DAY)
        return canned_replies.save(shortcut="dear", name="Dear", body="Dear")

    def _api_key(self, company):
        key, _token = api_keys.create(
            audience="ACCOUNT", name="Payroll", scopes=["apps:read"], by=company.admin,
            at=datetime(2026, 11, 23, tzinfo=UTC), on=DAY,
        )  # fmt: skip
        return key

    def _saved_queue(self):
        """Of support staff, shared with nobody."""
        return saved_queues.save(
            "Mine", filters={}, columns=[], sort="", by=self.people[SUPPORT]
        )

    def _bulk_job(self, ticket):
        noon = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
        return bulk_jobs.preview(
            [ticket.pk], {"priority": 3}, by=self.people[SUPPORT], at=noon
        )

    def _delivery(self, app):
        at = datetime(2026, 11, 23, tzinfo=UTC)
        Endpoint.objects.create(
            partner_id=app.partner_id, address="https://partner.example/hooks",
            verified_at=at, secret="whsec_c2VjcmV0",
        )  # fmt: skip
        outbox.webhook(
            key="one", partner_id=app.partner_id, kind="app.updated",
            thread="installation:1", data={}, at=at,
        )  # fmt: skip
        return Message.objects.webhooks().get()

    def _people(self, company, app):
        def holding(*permissions):
            user = factories.UserFactory(account=company.account)
            role = factories.RoleFactory(account=company.account)
            for permission in permissions:
                authority.grant(role, permission, by=None, on=DAY, delegates=True)
            roles.join(role, [user], by=None, on=DAY)
            return user

        def outside(kind):
            return factories.UserFactory(account=None, kind=kind)

        stranger = Company(starts_on=date(2026, 1, 1)).admin
        partner, other_partner = outside("PARTNER"), outside("PARTNER")
        app.partner.members.add(partner)
        factories.PartnerFactory().members.add(other_partner)
        return {
            ADMIN: company.admin,
            INSTALLER: holding(authority.INSTALL),
            MANAGER: holding(authority.MANAGE),
            KEEPER: holding(authority.MANAGE_ROLES),
            MEMBER: holding(authority.LAUNCH),
            STRANGER: stranger,
            SUPPORT: outside("SUPPORT"),
            SALES: outside("SALES"),
            PARTNER: partner,
            OTHER_PARTNER: other_partner,
        }


def addresses(resolver=None, space=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            # Programs come in by a key: tests/accounts/test_scim.py, tests/api.
            if entry.app_name not in {"admin", "scim"}:
                inner = f"{entry.namespace}:" if entry.namespace else space
                yield from addresses(entry, inner)
        elif not hasattr(entry.callback, "cls"):
            yield f"{space}{entry.name}"


def test_every_address_has_its_place_in_the_matrix():
    assert set(addresses()) - OPEN == set(PLACES)


def opened(client_of, user, method, url, **form) -> int:
    """The status somebody meets; whatever it wrote is taken back."""
    with transaction.atomic():
        answer = getattr(client_of(user), method)(url, form)
        transaction.set_rollback(True)
    return answer.status_code


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_open(world, client_of, method):
    wrong = []
    for place, (thing, _, _) in PLACES.items():
        url = reverse(place, kwargs=world.arguments[thing])
        for name, user in world.people.items():
            form = {
                "plan_ticket": {"plan": world.unlisted.pk},
                "macro_ticket": {"macro": world.macro.pk},
            }.get(thing, {})
            status = opened(client_of, user, method, url, **form)
            if status not in _expected(place, name):
                wrong.append(f"{name} met {status} at {place}")

    assert wrong == []


def _expected(place: str, name: str) -> set[int]:
    """What somebody may meet at a place; 405 is a door that opens the other way."""
    thing, may, stranger = PLACES[place]
    inside = {200, 204, 302, 400, 405, 409, 422}
    if thing == "token":
        return inside | {404}
    if thing == "notice" and name in CUSTOMERS - may:
        return {404, 405}  # a colleague's is nobody else's
    if name == STRANGER and stranger == NOT_FOUND:
        return {404, 405}
    if name in may or (name == STRANGER and stranger == OWN):
        return inside
    return {403, 405} if name in CUSTOMERS else {403, 404, 405}


def test_without_signing_in_only_the_sign_in_page_is_met(world, client):
    for place, (thing, _, _) in PLACES.items():
        answer = client.get(reverse(place, kwargs=world.arguments[thing]))

        if answer.status_code != 405:
            assert answer.status_code == 302, place
            assert answer.url.startswith("/login/"), place


def test_a_deactivated_administrator_is_signed_out_at_the_next_request(
    world, client_of
):
    admin = world.people[ADMIN]
    browser = client_of(admin)
    assert browser.get(reverse("myapps:index")).status_code == 200

    admin.is_active = False
    admin.save()

    assert browser.get(reverse("myapps:index")).status_code == 302
