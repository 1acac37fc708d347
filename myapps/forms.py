"""What administrators fill in: plans, people and roles."""

from collections.abc import Iterable

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts import people
from accounts.models import Account, Role, User
from accounts.people import Named
from marketplace.models import App, Plan


class PeopleForm(forms.Form):
    """People ticked, roles ticked (with Auto Install or without), addresses pasted.

    A role is sent as one value, never as its people; how many it seats is counted by
    the database.
    """

    users = forms.Field(required=False, widget=forms.SelectMultiple)
    roles = forms.Field(required=False, widget=forms.SelectMultiple)
    auto = forms.Field(required=False, widget=forms.SelectMultiple)
    emails = forms.CharField(required=False, widget=forms.Textarea)

    def __init__(self, *args, account: Account, counted: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.account = account
        self.counted = counted
        self.gone = 0

    def clean_users(self) -> list[User]:
        users = self.account.users.active()
        return self._found(lambda wanted: users.filter(pk__in=wanted), "users")

    def clean_roles(self) -> list[Role]:
        return self._found(self._roles, "roles")

    def clean_auto(self) -> list[Role]:
        return self._found(self._roles, "auto")

    def _roles(self, wanted) -> list[Role]:
        return [role for role in self.role_rows if role.pk in wanted]

    @cached_property
    def role_rows(self) -> list[Role]:
        """The account's roles by name, asked once; with `people`, where counted."""
        rows = self.account.roles.order_by("name")
        if self.counted:
            active = Q(group__user__is_active=True)
            rows = rows.annotate(people=Count("group__user", filter=active))
        return list(rows)

    def clean_emails(self) -> Named:
        """The people that pasted addresses name; what is unknown is named back."""
        return people.named(self.account, self.cleaned_data["emails"])

    def clean(self):
        """Refuse, and keep what was chosen: nothing has to be ticked twice."""
        if self.gone:
            self.add_error(
                None,
                ValidationError(
                    _(
                        "Somebody you chose is deactivated or not in your account any"
                        " more, and was taken off the list. Check it and go on."
                    ),
                    code="gone",
                ),
            )
        alone = set(self._chosen("auto")) - set(self._chosen("roles"))
        if alone:
            self.add_error(
                None,
                ValidationError(
                    _(
                        "Auto Install works for roles that are chosen. Choose %(names)s"
                        " too, or take Auto Install off."
                    )
                    % {"names": ", ".join(sorted(role.name for role in alone))},
                    code="auto_alone",
                ),
            )
        return self.cleaned_data

    def _found(self, rows, name):
        """Rows of this account alone; what is missing is counted, not told apart."""
        asked = self.cleaned_data[name] or []
        wanted = {int(pk) for pk in asked if pk.isdecimal() and len(pk) < 19}
        found = list(rows(wanted)) if wanted else []
        self.gone += len(wanted) - len(found)
        return found

    @property
    def named(self) -> Named:
        """What came of the pasted addresses."""
        return getattr(self, "cleaned_data", {}).get("emails") or Named([], [], [])

    @property
    def chosen_users(self) -> list[User]:
        """People chosen one by one or by address, each once."""
        found = {user.pk: user for user in self._chosen("users")}
        return list(found.values()) + [u for u in self.named.found if u.pk not in found]

    @property
    def chosen_roles(self) -> dict[Role, bool]:
        """Roles chosen, and whether with Auto Install."""
        automatic = set(self._chosen("auto"))
        return {role: role in automatic for role in self._chosen("roles")}

    def count(self) -> int:
        """How many people get a seat, each once, counted by the database."""
        users, roles = self.chosen_users, self.chosen_roles
        if not roles:
            return len(users)
        members = self.account.users.active().exclude(pk__in=[u.pk for u in users])
        groups = [role.group_id for role in roles]
        memberships = User.groups.through.objects.filter(group__in=groups)
        return len(users) + members.filter(pk__in=memberships.values("user")).count()

    def _chosen(self, name):
        return getattr(self, "cleaned_data", {}).get(name) or []


class InstallForm(PeopleForm):
    """Which base plan, for whom (T1–T5). `plans` are those the account may choose."""

    plan = forms.CharField(required=False)

    def __init__(self, *args, app: App, plans: Iterable[Plan], **kwargs):
        super().__init__(*args, **kwargs)
        self.app = app
        self.plans = {str(plan.pk): plan for plan in plans}

    def clean_plan(self) -> Plan:
        """A base plan this account may choose. Refuses add-ons (code add_on), others."""
        word = self.cleaned_data["plan"]
        if word in self.plans:
            return self.plans[word]
        plan = self.app.plans.filter(pk=word).first() if word.isdecimal() else None
        if plan is None:
            raise ValidationError(_("Choose a plan."), code="no_plan")
        if not plan.is_base:
            raise ValidationError(
                _(
                    "Add-on plans cannot be bought here. Sales sells them, and the"
                    " partner activates them."
                ),
                code="add_on",
            )
        raise ValidationError(
            _("This plan is not listed. Ask Support to make it available to you."),
            code="not_listed",
        )

    @property
    def chosen_plan(self) -> Plan | None:
        return getattr(self, "cleaned_data", {}).get("plan")
