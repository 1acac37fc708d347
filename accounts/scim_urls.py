"""/scim/v2/: by the account's directory key."""

from django.urls import path

from accounts import scim_api as scim

app_name = "scim"
urlpatterns = [
    path(
        "ServiceProviderConfig",
        scim.door(GET=scim.service_provider_config),
        name="config",
    ),
    path("ResourceTypes", scim.door(GET=scim.resource_types), name="resource-types"),
    path(
        "ResourceTypes/<str:name>",
        scim.door(GET=scim.resource_type),
        name="resource-type",
    ),
    path("Schemas", scim.door(GET=scim.schemas), name="schemas"),
    path("Schemas/<str:name>", scim.door(GET=scim.schema), name="schema"),
    path("Users", scim.door(GET=scim.list_users, POST=scim.add_user), name="users"),
    path(
        "Users/<str:pk>",
        scim.door(
            GET=scim.read_user,
            PUT=scim.replace_user,
            PATCH=scim.patch_user,
            DELETE=scim.remove_user,
        ),
        name="user",
    ),
    path("Groups", scim.door(GET=scim.list_groups, POST=scim.add_group), name="groups"),
    path(
        "Groups/<str:pk>",
        scim.door(
            GET=scim.read_group,
            PUT=scim.replace_group,
            PATCH=scim.patch_group,
            DELETE=scim.remove_group,
        ),
        name="group",
    ),
]
