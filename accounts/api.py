"""An account's people and roles, for its own software: whom to seat. Read-only."""

import django_filters
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, viewsets

from accounts import authority
from accounts.api_doors import opens
from accounts.models import ApiKey, Role, User

READS = opens(ApiKey.Audience.ACCOUNT, "apps", authority.MANAGE, authority.INSTALL)


class RoleNameSerializer(serializers.ModelSerializer):
    class Meta:
        model = Role
        fields = ["id", "name"]
        read_only_fields = fields


class PersonSerializer(serializers.ModelSerializer):
    """Somebody of the account. Deactivated people get no seat."""

    name = serializers.CharField(source="display_name")
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            *("id", "email", "name", "team", "external_id", "is_active"),
            *("roles", "created_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(RoleNameSerializer(many=True))
    def get_roles(self, user):
        roles = [group.role for group in user.groups.all() if hasattr(group, "role")]
        roles.sort(key=lambda role: role.name)
        return RoleNameSerializer(roles, many=True).data


class PersonFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        method="named",
        max_length=200,
        validators=[ProhibitNullCharactersValidator()],
        label="Words of the name, address or team",
    )
    email = django_filters.CharFilter(
        max_length=254,
        lookup_expr="iexact",
        validators=[ProhibitNullCharactersValidator()],
    )
    role = django_filters.NumberFilter(
        field_name="groups__role", max_value=2**63 - 1, label="A role's id"
    )
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = User
        fields: list[str] = []

    def named(self, users, name, value):
        return users.named(value)


class People(viewsets.ReadOnlyModelViewSet):
    """The account's people."""

    permission_classes = [READS]
    serializer_class = PersonSerializer
    filterset_class = PersonFilter
    queryset = User.objects.all()
    ordering = "id"
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self):
        users = User.objects.filter(account=self.request.user.account_id)
        return users.prefetch_related("groups__role")


class RoleSerializer(serializers.ModelSerializer):
    """A role, how many active people are in it, and what it lets them do."""

    people = serializers.IntegerField()
    permissions = serializers.SerializerMethodField()

    class Meta:
        model = Role
        fields = ["id", "name", "external_id", "created_on", "people", "permissions"]
        read_only_fields = fields

    @extend_schema_field(
        serializers.ListField(
            child=serializers.ChoiceField(
                choices=[name.removeprefix("accounts.") for name in authority.ALL]
            )
        )
    )
    def get_permissions(self, role):
        granted = self.context["granted"].get(role.pk, set())
        return sorted(name.removeprefix("accounts.") for name in granted)


class Roles(viewsets.ReadOnlyModelViewSet):
    """The account's roles."""

    permission_classes = [READS]
    serializer_class = RoleSerializer
    filter_backends = []
    queryset = Role.objects.all()
    ordering = "id"
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self):
        people = Count("group__user", filter=Q(group__user__is_active=True))
        return Role.objects.of(self.request.user.account_id).annotate(people=people)

    def get_serializer_context(self):
        context = super().get_serializer_context()
        if not getattr(self, "swagger_fake_view", False):
            context["granted"] = authority.granted_by_role(self.request.user.account)
        return context
