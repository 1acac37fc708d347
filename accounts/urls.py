from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from django.urls import path

from accounts import (
    directory_pages,
    erasure_pages,
    export_pages,
    job_pages,
    key_pages,
    notice_pages,
    views,
)
from accounts import scim_api as answers
from accounts import sign_in_pages as doors

app_name = "accounts"
urlpatterns = [
    # Manage roles
    path("people/", views.people_list, name="people"),
    path(
        "people/export/<slug:kind>/", export_pages.people_export, name="export-people"
    ),
    path("people/add/", views.add_person, name="add-person"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/roles/", views.person_roles, name="person-roles"),
    path("people/<int:pk>/invite/", views.invite_person, name="invite-person"),
    path("people/<int:pk>/deactivate/", views.deactivate, name="deactivate-person"),
    path("people/<int:pk>/erase/", erasure_pages.erase, name="erase-person"),
    path("people/<int:pk>/reactivate/", views.reactivate, name="reactivate-person"),
    path("roles/", views.role_list, name="roles"),
    path("roles/add/", views.add_role, name="add-role"),
    path("roles/<int:pk>/", views.role, name="role"),
    path("roles/<int:pk>/join/", views.join_role, name="join-role"),
    path("roles/<int:pk>/leave/", views.leave_role, name="leave-role"),
    path("roles/<int:pk>/permissions/", views.permissions, name="role-permissions"),
    path("roles/<int:pk>/rename/", views.rename_role, name="rename-role"),
    path("roles/<int:pk>/delete/", views.delete_role, name="delete-role"),
    path("people/import/", job_pages.import_people, name="import-people"),
    path("jobs/", job_pages.job_list, name="jobs"),
    path("jobs/<int:pk>/", job_pages.job, name="job"),
    path("jobs/<int:pk>/progress/", job_pages.progress, name="job-progress"),
    path("jobs/<int:pk>/begin/", job_pages.begin, name="begin-job"),
    path("jobs/<int:pk>/discard/", job_pages.discard, name="discard-job"),
    path("people/<int:pk>/second-factor/", doors.reset_factor, name="reset-factor"),
    path("account/", doors.account, name="account"),
    path("account/sign-in/", doors.account_sign_in, name="account-sign-in"),
    path("account/provider/", doors.identity_provider, name="identity-provider"),
    path("account/provider/require/", doors.require_provider, name="require-provider"),
    path("account/provider/remove/", doors.remove_provider, name="remove-provider"),
    path("people/directory/", directory_pages.directory, name="directory"),
    path(
        "people/directory/key/",
        directory_pages.add_key,
        name="add-directory-key",
    ),
    # Install, Manage or Manage roles
    path("people/picker/", views.people_picker, name="people-picker"),
    path("people/resolve/", views.resolve_people, name="resolve-people"),
    # Install or Manage
    path("terms/", views.accept_terms, name="terms"),
    # Whoever may have a key, and who manages roles
    path("keys/", key_pages.keys, name="api-keys"),
    path("keys/add/", key_pages.add_key, name="add-api-key"),
    path("keys/<int:pk>/rotate/", key_pages.rotate_key, name="rotate-api-key"),
    path("keys/<int:pk>/revoke/", key_pages.revoke_key, name="revoke-api-key"),
    # Anybody
    path("language/", views.choose_language, name="language"),
    # Everybody who works for an account
    path("notices/", notice_pages.notice_list, name="notices"),
    path("notices/read/", notice_pages.read, name="read-notices"),
    path("notices/choices/", notice_pages.choices, name="notice-choices"),
    path("notices/<int:pk>/", notice_pages.notice, name="notice"),
    # Everybody who signed in
    path("profile/", views.profile, name="profile"),
]

# Named as django-allauth calls them, and as our own pages do. What it could do besides,
# as signing up or changing addresses, has no address here.
sign_in = [
    path("login/", doors.sign_in, name="login"),
    path("login/", doors.sign_in, name="account_login"),
    path("login/code/", mfa_views.authenticate, name="mfa_authenticate"),
    path("login/passkey/", doors.sign_in_by_passkey, name="mfa_login_webauthn"),
    path("login/company/", doors.company_sign_in, name="company-sign-in"),
    path(
        "login/company/cancelled/",
        doors.company_cancelled,
        name="socialaccount_login_cancelled",
    ),
    path(
        "login/company/<slug:provider_id>/",
        doors.company_login,
        name="openid_connect_login",
    ),
    path(
        "login/company/<slug:provider_id>/callback/",
        doors.company_callback,
        name="openid_connect_callback",
    ),
    path("login/inactive/", account_views.account_inactive, name="account_inactive"),
    path("logout/", doors.sign_out, name="logout"),
    path("logout/", doors.sign_out, name="account_logout"),
    path("password_change/", doors.change_password, name="password_change"),
    path("password_change/", doors.change_password, name="account_change_password"),
    path("password_set/", doors.set_password, name="account_set_password"),
    path("password_reset/", account_views.password_reset, name="password_reset"),
    path(
        "password_reset/", account_views.password_reset, name="account_reset_password"
    ),
    path(
        "password_reset/done/",
        account_views.password_reset_done,
        name="password_reset_done",
    ),
    path(
        "password_reset/done/",
        account_views.password_reset_done,
        name="account_reset_password_done",
    ),
    path(
        "reset/done/",
        account_views.password_reset_from_key_done,
        name="password_reset_complete",
    ),
    path(
        "reset/done/",
        account_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path(
        "reset/<slug:uidb36>/<str:key>/",
        account_views.password_reset_from_key,
        name="password_reset_confirm",
    ),
    path(
        "reset/<slug:uidb36>/<str:key>/",
        account_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    # Everybody who signed in: first who one is, then one's own sign-in
    path("confirm/", doors.confirm, name="account_reauthenticate"),
    path("confirm/code/", doors.confirm_by_code, name="mfa_reauthenticate"),
    path(
        "confirm/passkey/",
        doors.confirm_by_passkey,
        name="mfa_reauthenticate_webauthn",
    ),
    path("security/", doors.security, name="mfa_index"),
    path("security/app/add/", doors.add_app, name="mfa_activate_totp"),
    path("security/app/remove/", doors.remove_app, name="mfa_deactivate_totp"),
    path("security/codes/", doors.codes, name="mfa_view_recovery_codes"),
    path("security/codes/new/", doors.new_codes, name="mfa_generate_recovery_codes"),
    path(
        "security/codes/download/",
        doors.download_codes,
        name="mfa_download_recovery_codes",
    ),
    path("security/passkeys/", doors.passkeys, name="mfa_list_webauthn"),
    path("security/passkeys/add/", doors.add_passkey, name="mfa_add_webauthn"),
    path(
        "security/passkeys/<int:pk>/name/",
        doors.rename_passkey,
        name="mfa_edit_webauthn",
    ),
    path(
        "security/passkeys/<int:pk>/remove/",
        doors.remove_passkey,
        name="mfa_remove_webauthn",
    ),
    path("security/sessions/", doors.end_sessions, name="usersessions_list"),
    path("security/sessions/<int:pk>/", doors.end_session, name="end-session"),
]

# The company's directory, by its key: /scim/v2/
scim = [
    path(
        "ServiceProviderConfig",
        answers.door(GET=answers.service_provider_config),
        name="config",
    ),
    path(
        "ResourceTypes", answers.door(GET=answers.resource_types), name="resource-types"
    ),
    path(
        "ResourceTypes/<str:name>",
        answers.door(GET=answers.resource_type),
        name="resource-type",
    ),
    path("Schemas", answers.door(GET=answers.schemas), name="schemas"),
    path("Schemas/<str:name>", answers.door(GET=answers.schema), name="schema"),
    path(
        "Users",
        answers.door(GET=answers.list_users, POST=answers.add_user),
        name="users",
    ),
    path(
        "Users/<str:pk>",
        answers.door(
            GET=answers.read_user,
            PUT=answers.replace_user,
            PATCH=answers.patch_user,
            DELETE=answers.remove_user,
        ),
        name="user",
    ),
    path(
        "Groups",
        answers.door(GET=answers.list_groups, POST=answers.add_group),
        name="groups",
    ),
    path(
        "Groups/<str:pk>",
        answers.door(
            GET=answers.read_group,
            PUT=answers.replace_group,
            PATCH=answers.patch_group,
            DELETE=answers.remove_group,
        ),
        name="group",
    ),
]
