from django.contrib.auth import views as auth_views
from django.urls import path

from accounts import directory_pages, key_pages, views
from accounts import scim_api as answers
from accounts.forms import PasswordResetForm

app_name = "accounts"
urlpatterns = [
    # Manage roles
    path("people/", views.people_list, name="people"),
    path("people/add/", views.add_person, name="add-person"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/roles/", views.person_roles, name="person-roles"),
    path("people/<int:pk>/invite/", views.invite_person, name="invite-person"),
    path("people/<int:pk>/deactivate/", views.deactivate, name="deactivate-person"),
    path("people/<int:pk>/reactivate/", views.reactivate, name="reactivate-person"),
    path("roles/", views.role_list, name="roles"),
    path("roles/add/", views.add_role, name="add-role"),
    path("roles/<int:pk>/", views.role, name="role"),
    path("roles/<int:pk>/join/", views.join_role, name="join-role"),
    path("roles/<int:pk>/leave/", views.leave_role, name="leave-role"),
    path("roles/<int:pk>/permissions/", views.permissions, name="role-permissions"),
    path("roles/<int:pk>/rename/", views.rename_role, name="rename-role"),
    path("roles/<int:pk>/delete/", views.delete_role, name="delete-role"),
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
    # Everybody who signed in
    path("profile/", views.profile, name="profile"),
]

# Named as Django's own mails, views and checks call them.
passwords = [
    path(
        "password_change/",
        auth_views.PasswordChangeView.as_view(),
        name="password_change",
    ),
    path(
        "password_change/done/",
        auth_views.PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
    path(
        "password_reset/",
        auth_views.PasswordResetView.as_view(form_class=PasswordResetForm),
        name="password_reset",
    ),
    path(
        "password_reset/done/",
        auth_views.PasswordResetDoneView.as_view(),
        name="password_reset_done",
    ),
    path(
        "reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path(
        "reset/done/",
        auth_views.PasswordResetCompleteView.as_view(),
        name="password_reset_complete",
    ),
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
