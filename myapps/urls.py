from django.urls import path

from myapps import (
    activity_pages,
    app_pages,
    approval_pages,
    billing_pages,
    calendar_pages,
    console_pages,
    drift_pages,
    ending_pages,
    export_pages,
    foresight_pages,
    install_pages,
    launch_pages,
    overview_pages,
    plan_pages,
    portal_listing_pages,
    portal_pages,
    portal_webhook_pages,
    renewal_pages,
    request_pages,
    role_pages,
    seat_pages,
    spending_pages,
    statement_pages,
)

app_name = "myapps"
urlpatterns = [
    path("marketplace/<slug:slug>/", app_pages.app, name="app"),
    # Buying: Install
    path("marketplace/<slug:slug>/install/", install_pages.install, name="install"),
    path("marketplace/<slug:slug>/again/", install_pages.try_again, name="try-again"),
    # Asking for an app: everybody who works for an account
    path("marketplace/<slug:slug>/ask/", request_pages.ask, name="request-app"),
    path(
        "requests/<int:pk>/withdraw/", request_pages.withdraw, name="withdraw-request"
    ),
    # Who asks for what, and purchases that wait: Install or Manage
    path("requests/", request_pages.overview, name="app-requests"),
    path("requests/<slug:slug>/", request_pages.of_app, name="app-request"),
    path("approvals/", approval_pages.waiting_list, name="approvals"),
    path("approvals/<int:pk>/", approval_pages.approval, name="approval"),
    path("approvals/<int:pk>/approve/", approval_pages.approve, name="approve"),
    path("approvals/<int:pk>/refuse/", approval_pages.refuse, name="refuse-approval"),
    path(
        "approvals/<int:pk>/withdraw/",
        approval_pages.withdraw,
        name="withdraw-approval",
    ),
    # Manage roles
    path("approvals/limit/", approval_pages.limit, name="approval-limit"),
    path(
        "approvals/limit/<int:pk>/",
        approval_pages.decide_limit,
        name="decide-approval-limit",
    ),
    # What was signed: Install or Manage
    path("orders/", install_pages.order_list, name="orders"),
    path("orders/<int:pk>/", install_pages.order, name="order"),
    # Whom an install link was sent to
    path("install/<str:token>/", install_pages.install_link, name="install-link"),
    # Calendar programs, by a person's private address
    path("calendar/<str:token>.ics", calendar_pages.feed, name="calendar-feed"),
    # Everybody who works for an account
    path("apps-states/", install_pages.catalogue_states, name="catalogue-states"),
    path("exports/orders/<slug:kind>/", export_pages.orders, name="export-orders"),
    path("orders/<int:pk>/pdf/", install_pages.order_paper, name="order-paper"),
    # The console: Install or Manage
    path("exports/apps/<slug:kind>/", export_pages.apps, name="export-apps"),
    path("apps/", console_pages.index, name="index"),
    # One app: Manage
    path("apps/<slug:slug>/", console_pages.installation, name="installation"),
    path("apps/<slug:slug>/users/", seat_pages.users, name="users"),
    path("apps/<slug:slug>/users/add/", seat_pages.add_users, name="add-users"),
    path(
        "apps/<slug:slug>/users/add/effect/",
        seat_pages.add_users_effect,
        name="add-users-effect",
    ),
    path(
        "apps/<slug:slug>/users/options/",
        seat_pages.people_options,
        name="people-options",
    ),
    path(
        "apps/<slug:slug>/users/remove/", seat_pages.remove_users, name="remove-users"
    ),
    path("apps/<slug:slug>/roles/", role_pages.roles, name="roles"),
    path("apps/<slug:slug>/roles/add/", role_pages.activate_role, name="activate-role"),
    path(
        "apps/<slug:slug>/roles/add/effect/",
        role_pages.activate_role_effect,
        name="activate-role-effect",
    ),
    path(
        "apps/<slug:slug>/roles/<int:pk>/auto-install/",
        role_pages.auto_install,
        name="auto-install",
    ),
    path(
        "apps/<slug:slug>/roles/<int:pk>/stop/", role_pages.stop_role, name="stop-role"
    ),
    path("apps/<slug:slug>/roles/limits/", role_pages.limits, name="limits"),
    path(
        "apps/<slug:slug>/waiting/seat/", role_pages.seat_waiting, name="seat-waiting"
    ),
    path(
        "apps/<slug:slug>/waiting/refuse/",
        role_pages.refuse_waiting,
        name="refuse-waiting",
    ),
    path("apps/<slug:slug>/plan/", plan_pages.plan, name="plan"),
    path("apps/<slug:slug>/what-if/", foresight_pages.what_if, name="what-if"),
    path(
        "apps/<slug:slug>/plan/<slug:code>/", plan_pages.change_plan, name="change-plan"
    ),
    path("apps/<slug:slug>/billing/", billing_pages.billing, name="billing"),
    path("apps/<slug:slug>/billing/lower/", billing_pages.lower, name="lower"),
    path(
        "apps/<slug:slug>/billing/changes/<int:pk>/withdraw/",
        billing_pages.withdraw,
        name="withdraw",
    ),
    path("apps/<slug:slug>/add-ons/", billing_pages.add_on_lines, name="add-ons"),
    path("apps/<slug:slug>/activity/", activity_pages.activity, name="activity"),
    path("apps/<slug:slug>/uninstall/", ending_pages.uninstall, name="uninstall"),
    path("apps/<slug:slug>/keep/", ending_pages.keep, name="keep"),
    path("apps/<slug:slug>/differences/", drift_pages.differences, name="differences"),
    path("apps/<slug:slug>/differences/repair/", drift_pages.repair, name="repair"),
    # The whole account: Manage
    path("overview/", overview_pages.overview_page, name="overview"),
    path("overview/figures/", overview_pages.overview_figures, name="overview-figures"),
    path(
        "overview/figures/<slug:key>.<slug:kind>",
        overview_pages.overview_figure,
        name="overview-figure",
    ),
    path("spending/", spending_pages.spending_page, name="spending"),
    path(
        "spending/<slug:way>.<slug:kind>",
        spending_pages.spending_file,
        name="spending-file",
    ),
    path("charges/", console_pages.charges, name="charges"),
    path("renewals/", renewal_pages.renewals, name="renewals"),
    path("calendar/", calendar_pages.calendar, name="calendar"),
    path("calendar/revoke/", calendar_pages.revoke, name="revoke-calendar"),
    path("exports/charges/<slug:kind>/", export_pages.charges, name="export-charges"),
    path(
        "exports/renewal-changes/<slug:kind>/",
        export_pages.renewal_changes,
        name="export-renewal-changes",
    ),
    path("exports/seats/<slug:kind>/", export_pages.seats, name="export-seats"),
    path(
        "exports/activity/<slug:kind>/", export_pages.activity, name="export-activity"
    ),
    path("statements/", statement_pages.statement_list, name="statements"),
    path("statements/<str:period>/", statement_pages.statement, name="statement"),
    path(
        "statements/<str:period>/totals/<slug:kind>/",
        statement_pages.download_totals,
        name="statement-totals",
    ),
    path(
        "statements/<str:period>/<slug:kind>/",
        statement_pages.download,
        name="statement-download",
    ),
    # What happened: Manage or Manage roles, each what concerns them
    path("activity/", activity_pages.account_activity, name="account-activity"),
    # Everybody who works for an account
    path("launcher/", launch_pages.launcher, name="launcher"),
    # Whoever has the seat, and Launch
    path("launcher/<slug:slug>/", launch_pages.launch, name="launch"),
    # Anybody
    path(".well-known/jwks.json", launch_pages.key_set, name="launch-keys"),
    # Whoever works for a partner
    path("partner/", portal_pages.installations, name="portal"),
    path(
        "partner/installations/<int:pk>/",
        portal_pages.installation,
        name="portal-installation",
    ),
    path(
        "partner/installations/<int:pk>/confirm/",
        portal_pages.confirm,
        name="portal-confirm",
    ),
    path(
        "partner/installations/<int:pk>/refuse/",
        portal_pages.refuse,
        name="portal-refuse",
    ),
    path("partner/launching/", portal_pages.launching, name="portal-launching"),
    path("partner/add-ons/", portal_pages.add_on_lines, name="portal-add-ons"),
    path("partner/add-ons/<int:pk>/", portal_pages.add_on, name="portal-add-on"),
    path(
        "partner/activations/<int:pk>/deactivate/",
        portal_pages.deactivate_add_on,
        name="portal-deactivate",
    ),
    path(
        "partner/installations/<int:pk>/differences/",
        portal_pages.differences,
        name="portal-differences",
    ),
    path(
        "partner/installations/<int:pk>/repair/",
        portal_pages.repair,
        name="portal-repair",
    ),
    path("partner/listings/", portal_listing_pages.overview, name="portal-listings"),
    path("partner/new-listing/", portal_listing_pages.add, name="portal-add-listing"),
    path(
        "partner/listings/<slug:slug>/",
        portal_listing_pages.listing,
        name="portal-listing",
    ),
    path(
        "partner/listings/<slug:slug>/edit/",
        portal_listing_pages.edit,
        name="portal-edit-listing",
    ),
    path(
        "partner/listings/<slug:slug>/submit/",
        portal_listing_pages.submit,
        name="portal-submit",
    ),
    path(
        "partner/listings/<slug:slug>/take-back/",
        portal_listing_pages.take_back,
        name="portal-take-back",
    ),
    path(
        "partner/listings/<slug:slug>/discard/",
        portal_listing_pages.discard,
        name="portal-discard",
    ),
    path(
        "partner/listings/<slug:slug>/plans/",
        portal_listing_pages.add_plan,
        name="portal-add-plan",
    ),
    path(
        "partner/listings/<slug:slug>/plans/<slug:code>/",
        portal_listing_pages.plan,
        name="portal-plan",
    ),
    path(
        "partner/listings/<slug:slug>/plans/<slug:code>/drop/",
        portal_listing_pages.drop_plan,
        name="portal-drop-plan",
    ),
    path(
        "partner/listings/<slug:slug>/plans/<slug:code>/prices/",
        portal_listing_pages.announce_price,
        name="portal-announce-price",
    ),
    path(
        "partner/prices/<int:pk>/withdraw/",
        portal_listing_pages.withdraw_price,
        name="portal-withdraw-price",
    ),
    path("partner/webhooks/", portal_webhook_pages.overview, name="portal-webhooks"),
    path(
        "partner/webhooks/<slug:slug>/address/",
        portal_webhook_pages.address,
        name="portal-address",
    ),
    path(
        "partner/webhooks/<slug:slug>/rotate/",
        portal_webhook_pages.rotate,
        name="portal-rotate",
    ),
    path(
        "partner/webhooks/<slug:slug>/challenge/",
        portal_webhook_pages.challenge,
        name="portal-challenge",
    ),
    path(
        "partner/webhooks/<slug:slug>/test/",
        portal_webhook_pages.test,
        name="portal-test",
    ),
    path(
        "partner/webhooks/<slug:slug>/disable/",
        portal_webhook_pages.disable,
        name="portal-disable",
    ),
    path(
        "partner/webhooks/<slug:slug>/enable/",
        portal_webhook_pages.enable,
        name="portal-enable",
    ),
    path(
        "partner/webhooks/<slug:slug>/replay/",
        portal_webhook_pages.replay_since,
        name="portal-replay-since",
    ),
    path(
        "partner/deliveries/<str:public_id>/",
        portal_webhook_pages.delivery,
        name="portal-delivery",
    ),
    path(
        "partner/deliveries/<str:public_id>/replay/",
        portal_webhook_pages.replay,
        name="portal-replay",
    ),
    # Partners, and sales operations who publish
    path(
        "partner/listings/<slug:slug>/preview/",
        portal_listing_pages.preview,
        name="portal-preview",
    ),
]
