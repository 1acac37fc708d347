"""What sales operations write down in the admin, before the rules see it."""

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import (
    AdminDateWidget,
    AdminEmailInputWidget,
    AutocompleteSelect,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from billing import order_forms
from billing.models import OrderForm
from billing.sales_files import FIRST_DAY, LAST_DAY, MOST_MONTHS, MOST_UNITS
from billing.sales_imports import MOST_PER_PERIOD
from marketplace.models import Plan


def a_day(**options):
    return forms.DateField(widget=AdminDateWidget, **options)


class RecordForm(forms.Form):
    """A signed order form, as it stands on paper."""

    account = forms.ModelChoiceField(
        Account.objects.order_by("name"),
        label=_("Account"),
        widget=AutocompleteSelect(OrderForm._meta.get_field("account"), admin.site),
    )
    number = forms.CharField(
        label=_("Number"), max_length=60, help_text=_("As it stands on the form.")
    )
    signed_on = a_day(label=_("Signed on"))
    signed_by = forms.EmailField(
        label=_("Signed by"),
        required=False,
        help_text=_("Who signed at the customer."),
        widget=AdminEmailInputWidget,
    )
    install_link_to = forms.EmailField(
        label=_("Install link to"),
        required=False,
        help_text=_("The administrator whom the form names to install the apps."),
        widget=AdminEmailInputWidget,
    )
    send_links = forms.BooleanField(
        label=_("Email the install links now"),
        required=False,
        help_text=_(
            "One letter for each base plan that can be installed within a week."
        ),
    )

    def clean_signed_by(self):
        return self.cleaned_data["signed_by"].lower()

    def clean_install_link_to(self):
        return self.cleaned_data["install_link_to"].lower()

    def clean(self):
        asked = super().clean()
        to_nobody = "install_link_to" in asked and not asked["install_link_to"]
        if asked.get("send_links") and to_nobody:
            self.add_error(
                "install_link_to",
                ValidationError(
                    _("Write to whom the links go, or do not send them."),
                    code="no_recipient",
                ),
            )
        return asked


class LineForm(forms.Form):
    """One line of it: a plan, a quantity, a price and a first day."""

    plan = forms.TypedChoiceField(label=_("Plan"), empty_value=None)
    quantity = forms.IntegerField(
        label=_("Quantity"),
        min_value=1,
        max_value=MOST_UNITS,
        widget=forms.NumberInput(attrs={"class": "vIntegerField"}),
    )
    monthly_unit_price = forms.DecimalField(
        label=_("Monthly price of a unit"),
        min_value=0,
        max_digits=18,
        decimal_places=6,
        widget=forms.TextInput(
            attrs={"class": "vIntegerField", "inputmode": "decimal"}
        ),
    )
    starts_on = a_day(label=_("Starts on"))

    def __init__(self, *args, plans: dict, choices: list, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = choices
        self.fields["plan"].coerce = lambda pk: plans[int(pk)]

    def clean_starts_on(self):
        day = self.cleaned_data["starts_on"]
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(
                _("Write a day from %(first)s to %(last)s."),
                code="day",
                params={"first": FIRST_DAY, "last": LAST_DAY},
            )
        return day

    def clean(self):
        line = super().clean()
        plan, quantity = line.get("plan"), line.get("quantity")
        if plan and plan.per_account and quantity and quantity > 1:
            self.add_error(
                "quantity",
                ValidationError(
                    _("This plan is charged once for the account. Write 1."),
                    code="per_account",
                ),
            )
        return line


class Lines(forms.BaseFormSet):
    """The lines of a form: one at least."""

    def __init__(self, *args, **kwargs):
        rows = Plan.objects.select_related("app")
        rows = list(rows.order_by("app__name", "-kind", "position", "pk"))
        by_app = {}
        for plan in rows:
            by_app.setdefault(plan.app.name, []).append((plan.pk, _said(plan)))
        given = {
            "plans": {plan.pk: plan for plan in rows},
            "choices": [("", "---------"), *by_app.items()],
        }
        super().__init__(*args, form_kwargs=given, **kwargs)

    @property
    def written(self) -> list[dict]:
        """The lines that somebody filled in."""
        return [form.cleaned_data for form in self.forms if form.has_changed()]

    def clean(self):
        if any(self.errors):
            return
        if not self.written:
            raise ValidationError(_("Write one line at least."), code="no_lines")
        for form in self.forms:
            if form.has_changed() and _amount(form.cleaned_data) >= MOST_PER_PERIOD:
                form.add_error(
                    "monthly_unit_price",
                    ValidationError(
                        _("Check the price and the quantity."), code="amount"
                    ),
                )


def _said(plan: Plan) -> str:
    words = [f"{plan.app}: {plan}", plan.get_charge_model_display()]
    if not plan.is_base:
        words.append(_("add-on"))
    if not plan.listed:
        words.append(_("not listed"))
    return " · ".join(map(str, words))


def _amount(line: dict):
    return line["monthly_unit_price"] * line["quantity"] * MOST_MONTHS


LineFormSet = forms.formset_factory(LineForm, formset=Lines, extra=4)


def as_signed(form: RecordForm, lines: Lines) -> dict:
    """What the rule wants to know, beside who records it and when."""
    asked = dict(form.cleaned_data)
    send_links = asked.pop("send_links")
    account = asked.pop("account")
    asked["entries"] = lines.written
    content = order_forms.as_in_a_file(account, **asked)
    return asked | {"content": content, "send_links": send_links}
