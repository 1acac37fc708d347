"""What people write about people, roles and permissions."""

from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import api_keys, authority
from accounts.models import ApiKey, Role, User

STATES = [
    ("", _("Active")),
    ("deactivated", _("Deactivated")),
    ("all", _("Everybody")),
]


class RoleChoice(forms.ModelMultipleChoiceField):
    """Roles of the account, as checkboxes."""

    def __init__(self, **kwargs):
        super().__init__(
            queryset=Role.objects.none(),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            label=_("Roles"),
            **kwargs,
        )


class PeopleFilterForm(forms.Form):
    """What the list of people shows."""

    q = forms.CharField(required=False, max_length=200)
    role = forms.ModelChoiceField(
        Role.objects.none(), required=False, label=_("Role"), empty_label=_("Any role")
    )
    state = forms.ChoiceField(choices=STATES, required=False, label=_("State"))

    def __init__(self, *args, roles, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = roles

    def found(self, users):
        """Those of the users that the filter lets through; a bad filter lets all."""
        asked = self.cleaned_data if self.is_valid() else {}
        users = users.filter(erased_at=None)
        if asked.get("state") != "all":
            users = users.filter(is_active=asked.get("state") != "deactivated")
        if role := asked.get("role"):
            users = users.filter(groups=role.group_id)
        return users.named(asked.get("q", ""))


class PeopleFileForm(forms.Form):
    """A file of people."""

    LARGEST = 10_000_000  # bytes

    file = forms.FileField(label=_("File of people"), max_length=200)

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > self.LARGEST:
            raise forms.ValidationError(
                _("The file is larger than 10 MB. Send it in parts."), code="too_large"
            )
        return file


class ErasureForm(forms.Form):
    """The address of who is to be erased, typed once more."""

    address = forms.CharField(max_length=254, label=_("Their email address"))

    def __init__(self, *args, person, **kwargs):
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["address"].help_text = _("Type %(address)s to confirm.") % {
            "address": person.email
        }
        self.fields["address"].widget.attrs["autocomplete"] = "off"

    def clean_address(self):
        address = self.cleaned_data["address"].strip()
        if address.casefold() != self.person.email.casefold():
            raise forms.ValidationError(
                _("This is not the address of this person."), code="another_address"
            )
        return address


class PersonForm(forms.ModelForm):
    """A new person of the account."""

    roles = RoleChoice()

    class Meta:
        model = User
        fields = ["display_name", "email", "team"]
        labels = {"display_name": _("Name"), "email": _("Email"), "team": _("Team")}

    def __init__(self, *args, account, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["roles"].queryset = account.roles.order_by("name")
        self.fields["display_name"].widget.attrs["autocomplete"] = "off"
        self.fields["email"].widget.attrs["autocomplete"] = "off"

    def _post_clean(self):
        """The rule checks the person; it knows the account."""


class DetailsForm(forms.ModelForm):
    """A person's name and team."""

    class Meta:
        model = User
        fields = ["display_name", "team"]
        labels = {"display_name": _("Name"), "team": _("Team")}


class PersonRolesForm(forms.Form):
    """The roles one person is in."""

    roles = RoleChoice()

    def __init__(self, *args, account, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["roles"].queryset = account.roles.order_by("name")


class RoleNameForm(forms.ModelForm):
    """A role's name."""

    class Meta:
        model = Role
        fields = ["name"]

    def _post_clean(self):
        """The rule checks the name; it knows the account's other roles."""


class PermissionsForm(forms.Form):
    """What a role may do, and the acceptance of what that delegates (T7)."""

    permissions = forms.MultipleChoiceField(
        choices=[(name, name) for name in authority.ALL], required=False
    )
    delegates = forms.BooleanField(
        required=False,
        label=_(
            "I accept that everybody in this role can then buy on behalf of our "
            "company: what they confirm binds it like an order form we signed."
        ),
    )


class ChosenPeopleForm(forms.Form):
    """People ticked in a list, and addresses pasted beside it."""

    users = forms.ModelMultipleChoiceField(User.objects.none(), required=False)
    emails = forms.CharField(required=False, strip=True)

    def __init__(self, *args, account, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["users"].queryset = User.objects.filter(account=account)


class KeyForm(forms.Form):
    """A new key to the API: which program, what it may do, and for how long."""

    LASTS = [
        ("90", _("90 days")),
        ("365", _("A year")),
        ("0", _("Until it is revoked")),
    ]

    audience = forms.ChoiceField(label=_("For"), widget=forms.RadioSelect)
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_(
            "The program that uses it. Two keys of one name can live at a time."
        ),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=forms.CheckboxSelectMultiple
    )
    lasts = forms.ChoiceField(label=_("Lasts"), choices=LASTS, initial="365")

    def __init__(self, *args, offered, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["audience"].choices = [
            (one, ApiKey.Audience(one).label) for one in offered
        ]
        self.fields["audience"].initial = offered[0]
        if len(offered) == 1:
            self.fields["audience"].widget = forms.HiddenInput()
        scopes = {
            scope: words for one in offered for scope, words in _scopes(one).items()
        }
        self.fields["scopes"].choices = list(scopes.items())

    def clean(self):
        asked = super().clean()
        allowed = set(_scopes(asked.get("audience")))
        if not set(asked.get("scopes", [])) <= allowed:
            self.add_error(
                "scopes", _("Choose only what is there for this kind of key.")
            )
        return asked

    def key(self, at):
        """What `api_keys.create` asks for, of a valid form."""
        asked = self.cleaned_data
        days = int(asked["lasts"])
        return {
            "audience": asked["audience"],
            "name": asked["name"],
            "scopes": asked["scopes"],
            "expires_at": at + timedelta(days=days) if days else None,
        }


def _scopes(audience):
    return api_keys.SCOPES.get(audience, {})
