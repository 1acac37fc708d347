"""Every page, and as whom it is met: what is photographed, measured and read out.

The pictures (`make screenshots`), the tests of access and of budgets walk this one list
(tests/test_pages.py fails for an address that is not here). A page whose address has
a number in it is reached as people reach it: by a link of another.
"""

from typing import NamedTuple


class Link(NamedTuple):
    """A page behind the first link that `first` finds on another page."""

    on: str
    first: str
    place: str
    """The name of the address that it leads to."""
    then: str = ""
    """What comes after the link's address, as "deactivate/"."""


PERSON = ("/people/?q=user009", "main tbody th a")
ROLE = ("/roles/", "main tbody th a")
TICKET = "/desk/T-000031/"
LISTING = ("/partner/listings/", "main a[href^='/partner/listings/']")

NOBODY = ""
ADMINISTRATOR = "user001@harbour-lines.example"
SUPERVISOR = "user003@harbour-lines.example"
AGENT = "user009@harbour-lines.example"
SUPPORT = "sofia.santos@vendor.example"
SALES = "simon.stone@vendor.example"
PARTNER = "petra.park@ironwood-tools.example"

PAGES: dict[str, dict[str, str | Link]] = {
    NOBODY: {
        "sign-in": "/login/",
        "forgotten-password": "/password_reset/",
        "password-mailed": "/password_reset/done/",
    },
    ADMINISTRATOR: {
        "overview": "/overview/",
        "my-apps": "/apps/",
        "marketplace": "/marketplace/",
        "marketplace-search": "/marketplace/?q=projct",
        "marketplace-empty": "/marketplace/?q=qqqqqq",
        "app": "/marketplace/slack/",
        "app-add-ons-only": "/marketplace/okta/",
        "install": "/marketplace/wrike/install/",
        "users": "/apps/slack/users/",
        "add-users": "/apps/zoom/users/add/",
        "remove-users": Link(
            "/apps/zoom/users/", "a[href*='remove']", "myapps:remove-users"
        ),
        "app-roles": "/apps/clickup/roles/",
        "activate-role": "/apps/slack/roles/add/",
        "plan": "/apps/zoom/plan/",
        "change-plan": "/apps/zoom/plan/business-plus/",
        "billing": "/apps/slack/billing/",
        "lower": "/apps/slack/billing/lower/",
        "add-ons": "/apps/zoom/add-ons/",
        "activity": "/apps/slack/activity/",
        "differences": "/apps/zoom/differences/",
        "uninstall": "/apps/trello/uninstall/",
        "app-requests": "/requests/",
        "approvals": "/approvals/",
        "approval-limit": "/approvals/limit/",
        "orders": "/orders/",
        "order": "/orders/1/",
        "charges": "/charges/",
        "spending": "/spending/",
        "statements": "/statements/",
        "statement": Link("/statements/", "main tbody a", "myapps:statement"),
        "account-activity": "/activity/",
        "people": "/people/",
        "people-none": "/people/?q=qqqqqq",
        "add-person": "/people/add/",
        "person": Link(*PERSON, "accounts:person"),
        "deactivate": Link(*PERSON, "accounts:deactivate-person", "deactivate/"),
        "import-people": "/people/import/",
        "imported-files": "/jobs/",
        "directory": "/people/directory/",
        "roles": "/roles/",
        "role": Link(*ROLE, "accounts:role"),
        "join-role": Link(*ROLE, "accounts:join-role", "join/"),
        "permissions": Link(*ROLE, "accounts:role-permissions", "permissions/"),
        "rename-role": Link(*ROLE, "accounts:rename-role", "rename/"),
        "delete-role": Link(*ROLE, "accounts:delete-role", "delete/"),
        "add-role": "/roles/add/",
        "help": "/help/",
        "new-request": "/help/new/",
        "request": Link("/help/", "main tbody a", "support:request"),
        "profile": "/profile/",
        "password": "/password_change/",
        "terms": "/terms/",
        "api-keys": "/keys/",
        "make-api-key": "/keys/add/",
        "account": "/account/",
        "account-sign-in": "/account/sign-in/",
        "identity-provider": "/account/provider/",
        "notices": "/notices/",
        "notice-choices": "/notices/choices/",
        "calendar": "/calendar/",
        "renewals": "/renewals/",
        "what-if": "/apps/slack/what-if/",
        "search-everywhere": "/search/?q=slack",
        "erase-person": Link(*PERSON, "accounts:erase-person", "erase/"),
        "reset-factor": Link(*PERSON, "accounts:reset-factor", "second-factor/"),
        "api-docs": "/api/v1/docs/",
        "not-found": "/apps/nothing-of-that-name/",
    },
    AGENT: {
        "launcher": "/launcher/",
        "refused": "/apps/",
    },
    SUPPORT: {
        "queue": "/desk/",
        "search": "/desk/search/?q=zoom",
        "figures": "/figures/",
        "bulk-jobs": "/desk/bulk/",
        "bulk-new": "/desk/bulk/new/?all=1&query=view%3Dopen",
        "ticket": "/desk/T-000031/",
        "decide": "/desk/T-000031/approve/",
        "decline": f"{TICKET}decline/",
        "evidence": f"{TICKET}evidence/",
        "adjust": f"{TICKET}adjust/",
        "ticket-history": f"{TICKET}history/",
        "ticket-merge": f"{TICKET}merge/",
        "ticket-link": f"{TICKET}link/",
        "ticket-split": f"{TICKET}split/",
        "put-in": "/desk/T-000031/canned/",
        "canned-replies": "/desk/canned/",
        "canned-reply": "/desk/canned/1/",
        "new-canned-reply": "/desk/canned/new/",
        "delete-canned-reply": "/desk/canned/1/delete/",
        "macros": "/desk/macros/",
        "macro": "/desk/macros/1/",
        "new-macro": "/desk/macros/new/",
        "delete-macro": "/desk/macros/1/delete/",
        "keys": "/desk/keys/",
        "desk-accounts": "/desk/accounts/",
        "desk-account": "/desk/accounts/harbour-lines/",
        "begin-viewing": "/desk/accounts/harbour-lines/view/",
        "new-ticket": "/desk/accounts/harbour-lines/ticket/",
        "styleguide": "/styleguide/",
    },
    PARTNER: {
        "portal": "/partner/",
        "portal-add-ons": "/partner/add-ons/",
        "portal-listings": "/partner/listings/",
        "portal-new-listing": "/partner/new-listing/",
        "portal-listing": Link(*LISTING, "myapps:portal-listing"),
        "portal-installation": Link(
            "/partner/",
            "main a[href^='/partner/installations/']",
            "myapps:portal-installation",
        ),
        "portal-webhooks": "/partner/webhooks/",
        "portal-launching": "/partner/launching/",
        "portal-address": Link(
            "/partner/webhooks/", "main a[href$='/address/']", "myapps:portal-address"
        ),
    },
}
REFUSALS = {"not-found": 404, "refused": 403}

# The account of bench/large.py: 60 apps, 40,000 people with names of all kinds.
LARGE: dict[str, dict[str, str | Link]] = {
    "alice@bench.example": {
        "large-overview": "/overview/",
        "large-my-apps": "/apps/",
        "large-users": "/apps/bench-7/users/",
        "large-add-users": "/apps/bench-7/users/add/",
        "large-app-roles": "/apps/bench-7/roles/",
        "large-billing": "/apps/bench-7/billing/",
        "large-app-activity": "/apps/bench-7/activity/",
        "large-what-if": "/apps/bench-7/what-if/",
        "large-app-requests": "/requests/",
        "large-orders": "/orders/",
        "large-charges": "/charges/",
        "large-spending": "/spending/?since=2025-11&until=2026-11",
        "large-statements": "/statements/",
        "large-statement": Link("/statements/", "main tbody a", "myapps:statement"),
        "large-renewals": "/renewals/",
        "large-calendar": "/calendar/",
        "large-account-activity": "/activity/",
        "large-people": "/people/",
        "large-people-found": "/people/?q=Wolkenstein",
        "large-roles": "/roles/",
        "large-role": Link(
            "/roles/", "main tbody tr:nth-child(3) th a", "accounts:role"
        ),
        "large-directory": "/people/directory/",
        "large-marketplace": "/marketplace/",
        "large-search": "/search/?q=Role",
        "large-account": "/account/",
        "large-help": "/help/",
    },
}
