"""What partners fill in: listings, plans, list prices, endpoints."""

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.models import App, ListPrice, Partner, Plan

LINES = forms.Textarea(attrs={"rows": 4})


class Lines(forms.CharField):
    """A list, written one entry a line."""

    widget = LINES

    def prepare_value(self, value):
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value):
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def validate(self, value):
        if any(len(line) > 300 for line in value):
            raise forms.ValidationError(_("Write lines of at most 300 characters."))


class ListingForm(forms.ModelForm):
    """What a partner says of an app."""

    launch_address = forms.URLField(
        required=False,
        assume_scheme="https",
        label=_("Where people open it"),
        help_text=_("An address that begins with https://"),
    )
    tags = Lines(
        required=False, label=_("Covers"), help_text=_("One keyword a line, at most 8.")
    )

    class Meta:
        model = App
        fields = [
            *("name", "tagline", "category", "description", "tags"),
            *("launch_address", "currency"),
        ]
        labels = {
            "name": _("Name"),
            "tagline": _("Tagline"),
            "category": _("Category"),
            "description": _("Description"),
            "currency": _("Currency shown to those without a contract"),
        }
        help_texts = {
            "tagline": _("One line: what it does for whom."),
            "currency": _("ISO 4217, as USD."),
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 6})}

    def __init__(self, *args, partners=None, **kwargs):
        super().__init__(*args, **kwargs)
        if partners is not None and len(partners) > 1:
            field = forms.ModelChoiceField(
                Partner.objects.filter(pk__in=[one.pk for one in partners]),
                label=_("Partner"),
                empty_label=_("Choose a partner"),
            )
            self.fields = {"partner": field} | self.fields

    def clean_tags(self):
        tags = self.cleaned_data["tags"]
        if len(tags) > 8 or any(len(tag) > 80 for tag in tags):
            raise forms.ValidationError(
                _("Write at most 8 keywords of at most 80 characters.")
            )
        return tags

    def details(self) -> dict:
        """What was written, for the rule."""
        return {name: self.cleaned_data[name] for name in self._meta.fields}

    def _post_clean(self):
        """The rule checks the row: what is published must not be touched here."""


class PlanForm(forms.ModelForm):
    """A plan of a listing. What was published keeps how it is counted."""

    features = Lines(
        required=False, label=_("What it includes"), help_text=_("One a line.")
    )

    class Meta:
        model = Plan
        fields = [
            *("name", "code", "kind", "charge_model", "unit", "description"),
            *("features", "position", "price_on_request", "listed"),
        ]
        labels = {
            "name": _("Name"),
            "code": _("Code"),
            "kind": _("Kind"),
            "charge_model": _("Charged"),
            "unit": _("Unit"),
            "description": _("Description"),
            "position": _("Place in the list"),
            "price_on_request": _("Price on request"),
            "listed": _("Listed"),
        }
        help_texts = {
            "code": _("Letters, digits and hyphens; your software meets it."),
            "unit": _("What it is counted in, as user/month."),
            "kind": _("Add-ons are sold by sales and activated by you."),
            "price_on_request": _("Sales alone sells it."),
            "listed": _(
                "Untick it to offer the plan to nobody new. Who contracted it keeps it."
            ),
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args, fixed: bool = False, known: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        gone = {"kind", "charge_model", "price_on_request"} if fixed else set()
        for name in gone | ({"code"} if known else set()):
            del self.fields[name]
        self.fields["position"].required = False

    def details(self) -> dict:
        wanted = {k: v for k, v in self.cleaned_data.items() if k != "code"}
        return wanted | {"position": wanted.get("position") or 0}

    def _post_clean(self):
        """The rule checks the row: what is published must not be touched here."""


class PriceForm(forms.ModelForm):
    """A list price from a day to come."""

    monthly_price = forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=6,
        label=_("Price of one unit a month"),
    )

    class Meta:
        model = ListPrice
        fields = ["currency", "monthly_price", "effective_from"]
        labels = {"currency": _("Currency"), "effective_from": _("From")}
        help_texts = {
            "currency": _("ISO 4217, as USD."),
            "effective_from": _("A day to come; the price before it ends there."),
        }
        widgets = {"effective_from": forms.DateInput(attrs={"type": "date"})}

    def _post_clean(self):
        """The rule checks the row: announcing a price ends the one before it."""


class AddressForm(forms.Form):
    """Where webhooks go."""

    address = forms.CharField(
        max_length=400,
        label=_("Address"),
        help_text=_("It begins with https:// and answers the challenge we send first."),
        widget=forms.URLInput(),
    )


class SinceForm(forms.Form):
    """From when on everything is sent again."""

    since = forms.DateTimeField(
        label=_("Since (UTC)"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )


class DeliveriesForm(forms.Form):
    """Which deliveries are listed."""

    STATES = {
        "delivered": _("Arrived"),
        "waiting": _("Waiting"),
        "failed": _("Given up"),
        "replaced": _("Replaced"),
    }
    EVENTS = [
        *("app.installed", "app.updated", "app.uninstalled", "add_on.contracted"),
        *("endpoint.verify", "endpoint.test"),
    ]
    q = forms.CharField(required=False, max_length=80)
    event = forms.ChoiceField(
        choices=[("", _("Every event")), *[(name, name) for name in EVENTS]],
        required=False,
        label=_("Event"),
    )
    state = forms.ChoiceField(choices=[("", ""), *STATES.items()], required=False)

    def found(self, rows):
        asked = self.cleaned_data if self.is_valid() else {}
        if event := asked.get("event"):
            rows = rows.filter(event=event)
        if word := asked.get("q"):
            thread = f"installation:{word}" if word.isdecimal() else word
            rows = rows.filter(public_id=word) | rows.filter(thread=thread)
        match asked.get("state"):
            case "delivered":
                rows = rows.exclude(delivered_at=None)
            case "waiting":
                rows = rows.waiting()
            case "failed":
                rows = rows.exclude(failed_at=None)
            case "replaced":
                rows = rows.exclude(replaced_at=None)
        return rows
