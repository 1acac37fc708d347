"""What the desk and its customers fill in."""

from datetime import timedelta
from decimal import Decimal

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from billing import credits
from billing.models import Charge, Line, Term
from journal import days
from marketplace.models import App, Plan
from myapps.models import Installation
from support import attachments, categories, wishes
from support.models import Macro, Ticket

Category = Ticket.Category

QUESTIONS = categories.asked_of_customers()
"""What a customer is asked, by category. The others are opened by My Apps and by us."""

MOST_CHARGES = 100

BUYS = {category for category in QUESTIONS if categories.KINDS[category].buys}
NEEDS_MANAGE = {category for category in QUESTIONS if categories.KINDS[category].manage}

ASKS = {
    Category.INSTALL: _("Which plan did you expect, and what happened instead?"),
    Category.CHARGE: _("What do you not understand, and what did you expect?"),
    Category.REDUCTION: _("Why shall it be lower?"),
    Category.CANCELLATION: _("Why shall it end?"),
    Category.ADD_ON: _("What shall the partner activate?"),
    Category.SALES: _("What do you need?"),
}


def lines_of(account: Account, *, on, category: str):
    """The lines that a category can be about, each with what is billed and until when."""
    newest = Term.objects.filter(line=OuterRef("pk")).order_by("-starts_on")
    lines = (
        Line.objects.of(account)
        .running(on=on)
        .select_related("plan__app")
        .annotate(
            billed=Subquery(newest.values("billed")[:1]),
            term_ends_on=Subquery(newest.values("ends_on")[:1]),
        )
        .order_by("plan__app__name", "plan__name", "starts_on")
    )
    if category == Category.ADD_ON:
        return lines.add_ons()
    if category in {Category.REDUCTION, Category.CANCELLATION}:
        return lines.renewing().filter(monthly_unit_price__gt=0)
    return lines


def plans_told(account: Account):
    """Plans that a request may name: listed ones of listed apps, and the account's own."""
    own = Q(pk__in=account.lines.values("plan"))
    return Plan.objects.filter(app__in=App.objects.listed()).filter(
        Q(listed=True) | own
    )


class LineField(forms.ModelChoiceField):
    def label_from_instance(self, line):
        return _("%(app)s %(plan)s, %(billed)s billed, term ends on %(day)s") % {
            "app": line.plan.app.name,
            "plan": line.plan.name,
            "billed": line.billed,
            "day": days.said(line.term_ends_on),
        }


class ChargeField(forms.ModelChoiceField):
    def label_from_instance(self, charge):
        return _("%(app)s %(plan)s, %(first)s to %(last)s: %(amount)s") % {
            "app": charge.line.plan.app.name,
            "plan": charge.line.plan.name,
            "first": days.said(charge.starts_on),
            "last": days.said(charge.ends_on - timedelta(days=1)),
            "amount": wishes.sum_of(charge.amount, charge.currency),
        }


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files: a name and a content each, no more of it than is looked at."""

    widget = FilesInput

    def clean(self, data, initial=None):
        return [(one.name, one.read(attachments.LARGEST + 1)) for one in data or []]


class FilesForm(forms.Form):
    """Files that go with what somebody writes; the rules say which are taken."""

    files = FilesField(
        required=False,
        label=_("Files"),
        help_text=_("Pictures, PDF, office files, text or ZIP, each up to 10 MB."),
        widget=FilesInput(attrs={"accept": attachments.ENDINGS}),
    )


class RequestForm(forms.Form):
    """A customer's request: the questions that its category needs."""

    charge = ChargeField(
        Charge.objects.none(),
        required=False,
        label=_("Which charge"),
        empty_label=_("None of these"),
        help_text=_("The newest are listed. About an older one, name its line below."),
    )
    line = LineField(
        Line.objects.none(), label=_("Which line"), empty_label=_("Choose")
    )
    quantity = forms.IntegerField(
        min_value=1,
        label=_("Quantity from the term end on"),
        help_text=_("Never below what is active then."),
    )
    app = forms.ModelChoiceField(
        App.objects.none(),
        to_field_name="slug",
        label=_("App"),
        empty_label=_("Choose"),
    )
    plan = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)
    people = forms.IntegerField(
        required=False, min_value=1, max_value=10**7, label=_("For how many people")
    )
    currency = forms.RegexField(
        "^[A-Z]{3}$",
        required=False,
        strip=True,
        label=_("In which currency"),
        help_text=_("Three letters, as EUR. Your contract's, unless you need another."),
        widget=forms.TextInput(attrs={"maxlength": 3, "size": 5}),
    )
    body = forms.CharField(max_length=4_000, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, *args, account, category, on, **kwargs):
        super().__init__(*args, **kwargs)
        self.account, self.category, self.on = account, category, on
        for name in set(self.fields) - set(QUESTIONS[category]):
            del self.fields[name]
        if "line" in self.fields:
            self.fields["line"].queryset = lines_of(account, on=on, category=category)
        if "charge" in self.fields:
            self._offer_charges()
        if "app" in self.fields:
            self.fields["app"].queryset = App.objects.listed().order_by("name")
        self.fields["body"].label = ASKS[category]

    def _offer_charges(self):
        """The newest charges; about another one, its line will do."""
        field, line = self.fields["charge"], self.fields["line"]
        field.queryset = credits.disputable(self.account).select_related(
            "line__plan__app"
        )
        newest = field.queryset.order_by("-starts_on", "-pk")[:MOST_CHARGES]
        field.choices = [
            ("", field.empty_label),
            *((one.pk, field.label_from_instance(one)) for one in newest),
        ]
        line.required = False
        line.help_text = _("Needed where the charge is not in the list above.")

    def clean(self):
        cleaned = super().clean()
        if "charge" in self.fields:
            charge = cleaned.pop("charge", None)
            if charge:
                label = self.fields["charge"].label_from_instance(charge)
                cleaned["line"] = charge.line
                cleaned["subject"] = _("Charge question: %(charge)s") % {
                    "charge": label
                }
            elif not cleaned.get("line") and "line" not in self.errors:
                self.add_error("charge", _("Choose the charge, or the line it is on."))
        line = cleaned.get("line")
        if line and self.category == Category.CANCELLATION and self._installed(line):
            self.add_error(
                "line",
                _(
                    "%(app)s is installed. Uninstall it in My Apps: that asks for this too."
                )
                % {"app": line.plan.app},
            )
        if code := cleaned.pop("plan", ""):
            app = cleaned.get("app")
            plans = plans_told(self.account).filter(app=app, code=code)
            cleaned["plan"] = plans.first() if app else None
        self._say_choice(cleaned)
        return cleaned

    def _say_choice(self, cleaned) -> None:
        """For how many and in which currency, under what was written to sales."""
        people, currency = cleaned.pop("people", None), cleaned.pop("currency", "")
        said = []
        if people:
            count = {"people": people}
            words = ngettext("For %(people)s person.", "For %(people)s people.", people)
            said.append(words % count)
        if currency:
            said.append(gettext("In %(currency)s.") % {"currency": currency})
        if said and cleaned.get("body"):
            cleaned["body"] += "\n\n" + " ".join(said)

    def _installed(self, line: Line) -> bool:
        return (
            Installation.objects.of(self.account)
            .standing()
            .filter(plan=line.plan, ends_on=None)
            .exists()
        )


class RatingForm(forms.Form):
    """How Support did, from 1 to 5, with a word where somebody has one."""

    score = forms.TypedChoiceField(
        coerce=int,
        choices=[
            (5, _("Very good")),
            (4, _("Good")),
            (3, _("It was all right")),
            (2, _("Not good")),
            (1, _("Poor")),
        ],
        widget=forms.RadioSelect,
        label=_("How did Support do?"),
    )
    word = forms.CharField(
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=_("What was good, what was not?"),
    )


class ReplyForm(forms.Form):
    """A customer's answer on a request of theirs."""

    body = forms.CharField(
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=_("Your message"),
    )


class WordsForm(forms.Form):
    """What staff write: to the customer, or for colleagues. The button says which."""

    body = forms.CharField(
        max_length=8_000, widget=forms.Textarea(attrs={"rows": 5}), label=_("Write")
    )
    to = forms.ChoiceField(choices=[("customer", ""), ("note", "")])
    wait = forms.BooleanField(required=False, label=_("Wait for the customer's answer"))
    seen = forms.IntegerField(
        required=False, min_value=0, help_text=_("The newest message on the page.")
    )


class DecisionForm(forms.Form):
    """A word to the customer, and the figures it was decided on."""

    word = forms.CharField(
        max_length=2_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=_("A word to the customer"),
        help_text=_("Stands above what the decision means, which we say by ourselves."),
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)


class AdjustForm(forms.Form):
    """Another quantity, or another plan, than the customer asked for."""

    quantity = forms.IntegerField(
        min_value=0,
        label=_("Quantity from the term end on"),
        help_text=_("0 ends the line. Never below what is active then."),
    )
    plan = forms.ModelChoiceField(
        Plan.objects.none(), label=_("Plan from the term end on"), empty_label=None
    )
    reason = forms.CharField(
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Why"),
        help_text=_("For colleagues. The customer is told what was decided."),
    )

    def __init__(self, *args, change, plans, **kwargs):
        super().__init__(*args, **kwargs)
        if change.kind == "PLAN":
            del self.fields["quantity"]
            self.fields["plan"].queryset = plans
            self.fields["plan"].initial = change.target_plan_id
        else:
            del self.fields["plan"]
            self.fields["quantity"].initial = change.target_quantity

    def wanted(self) -> dict:
        """What to draft, as `adjustments.draft` takes it."""
        return {
            name: self.cleaned_data[name]
            for name in ("quantity", "plan")
            if name in self.cleaned_data
        }


class CreditForm(forms.Form):
    """What to give back of a disputed charge, and why."""

    charge = ChargeField(
        Charge.objects.none(), label=_("Which charge"), empty_label=_("Choose")
    )
    amount = forms.DecimalField(
        required=False,
        max_digits=20,
        decimal_places=3,
        label=_("Amount to give back"),
        help_text=_("Empty: all that is left of it."),
    )
    reason = forms.CharField(
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Why"),
        help_text=_("The customer reads it beside the credit."),
    )

    def __init__(self, *args, charges, most, **kwargs):
        super().__init__(*args, **kwargs)
        newest = list(charges[:most])
        field = self.fields["charge"]
        field.queryset = charges
        field.choices = [
            ("", field.empty_label),
            *((one.pk, field.label_from_instance(one)) for one in newest),
        ]

    def clean_amount(self):
        amount = self.cleaned_data["amount"]
        if amount is not None and amount <= 0:
            raise forms.ValidationError(_("Give back more than nothing."))
        return amount

    def wanted(self) -> Decimal:
        """The amount: what was written, else all that is left of the charge."""
        charge = self.cleaned_data["charge"]
        if self.cleaned_data["amount"] is not None:
            return self.cleaned_data["amount"]
        return credits.left([charge])[charge.pk]


class ReasonForm(forms.Form):
    """Why staff open an account."""

    reason = forms.CharField(
        max_length=300,
        label=_("Why do you open this account?"),
        help_text=_("The account's administrators can read it."),
    )


class ViewingForm(ReasonForm):
    """Why staff look at an account as its customer sees it, and whose view they take."""

    seen_as = forms.ModelChoiceField(
        User.objects.none(), label=_("Whose view"), empty_label=None
    )

    def __init__(self, *args, administrators, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["seen_as"].queryset = administrators.order_by("display_name", "pk")


class CannedReplyForm(forms.Form):
    """A reply written before; the rules refuse variables that there are not."""

    shortcut = forms.SlugField(
        max_length=40,
        label=_("Shortcut"),
        help_text=_("Typed after :: to put it in: letters, digits and hyphens."),
    )
    name = forms.CharField(max_length=120, label=_("Name"))
    category = forms.ChoiceField(
        required=False,
        choices=[("", _("All categories")), *Category.choices],
        label=_("For tickets about"),
    )
    body = forms.CharField(
        max_length=8_000, widget=forms.Textarea(attrs={"rows": 10}), label=_("Reply")
    )


class MacroForm(forms.Form):
    """The changes that a macro makes; what is left empty it leaves alone."""

    name = forms.CharField(max_length=120, label=_("Name"))
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("Leave as it is")),
            *((to.value, to.label) for to in Ticket.BY_HAND),
        ],
        label=_("State"),
    )
    wakes_in = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=366,
        label=_("Wakes in so many days"),
        help_text=_("Where it waits then."),
    )
    priority = forms.TypedChoiceField(
        required=False,
        coerce=int,
        choices=[("", _("Leave as it is")), *Ticket.Priority.choices],
        label=_("Priority"),
    )
    assignee = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label=_("Leave as it is"),
        label=_("Assign to"),
    )
    add_tags = forms.CharField(
        required=False,
        max_length=200,
        label=_("Add tags"),
        help_text=_("With commas between them."),
    )
    remove_tags = forms.CharField(
        required=False, max_length=200, label=_("Remove tags")
    )
    position = forms.IntegerField(
        required=False, min_value=0, max_value=999, label=_("Place in the list")
    )

    def changes(self) -> dict:
        """What was chosen, field by field, as a macro keeps it."""
        names = ["state", "wakes_in", "priority", "add_tags", "remove_tags"]
        chosen = {name: self.cleaned_data[name] for name in names}
        person = self.cleaned_data["assignee"]
        chosen["assignee"] = person and person.pk
        return {name: value for name, value in chosen.items() if value}


class FieldsForm(forms.Form):
    """A ticket's fields, at the version that was on the page."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    state = forms.CharField(required=False, label=_("State"), widget=forms.Select)
    wakes_on = forms.DateField(
        required=False,
        label=_("Wakes on"),
        help_text=_("The first day it is open again, if no answer comes before."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    assignee = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label=_("Nobody"),
        label=_("Assigned to"),
    )
    priority = forms.TypedChoiceField(
        required=False, coerce=int, choices=Ticket.Priority.choices, label=_("Priority")
    )
    category = forms.ChoiceField(required=False, label=_("Category"))
    tags = forms.CharField(
        required=False,
        max_length=900,
        label=_("Tags"),
        help_text=_("With commas between them."),
    )

    def __init__(self, *args, ticket, staff, moves, **kwargs):
        super().__init__(*args, **kwargs)
        states = [ticket.state, *moves]
        self.fields["state"].widget.choices = [
            (state, Ticket.State(state).label) for state in states
        ]
        self.fields["assignee"].queryset = staff
        fitting = categories.fitting(ticket)
        self.fields["category"].choices = categories.grouped(fitting)
        if len(fitting) < 2:
            del self.fields["category"]
        if not self.is_bound:
            self.initial = {
                "version": ticket.version,
                "state": ticket.state,
                "wakes_on": ticket.wakes_on,
                "assignee": ticket.assignee_id,
                "priority": ticket.priority,
                "category": ticket.category,
                "tags": ", ".join(ticket.tags),
            }

    def clean(self):
        cleaned = super().clean()
        state = cleaned.get("state")
        if state in Ticket.ASLEEP and not cleaned.get("wakes_on"):
            if "wakes_on" not in self.errors:
                self.add_error("wakes_on", _("Say on which day the ticket wakes."))
        elif state and state not in Ticket.ASLEEP:
            cleaned["wakes_on"] = None
        return cleaned

    def changes(self) -> dict:
        """What was sent, field by field, as `tickets.revise` takes it."""
        sent = {
            name: value
            for name, value in self.cleaned_data.items()
            if name in self.data and name != "version"
        }
        sent |= {"wakes_on": self.cleaned_data["wakes_on"]} if "state" in sent else {}
        return {
            name: value for name, value in sent.items() if name in _EMPTIABLE or value
        }


_EMPTIABLE = {"assignee", "tags", "wakes_on"}


class OtherTicketForm(forms.Form):
    """Another ticket, by its number."""

    other = forms.CharField(
        max_length=20,
        label=_("The other ticket"),
        widget=forms.TextInput(
            attrs={"placeholder": "T-000123", "autocomplete": "off"}
        ),
    )

    def clean_other(self):
        number = self.cleaned_data["other"].strip().upper().removeprefix("T-")
        found = None
        if number.isdecimal() and len(number) < 19:
            found = (
                Ticket.objects.select_related("account", "requester", "change", "line")
                .filter(pk=int(number))
                .first()
            )
        if found is None:
            raise forms.ValidationError(_("There is no such ticket."))
        return found


class SplitForm(forms.Form):
    """The messages that become a ticket of their own, and its subject."""

    subject = forms.CharField(max_length=200, label=_("Subject of the new ticket"))


class StaffTicketForm(forms.Form):
    """A ticket that staff open for an account."""

    category = forms.ChoiceField(label=_("Category"))
    subject = forms.CharField(max_length=200, label=_("Subject"))
    requester = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        label=_("Asked by"),
        empty_label=_("Nobody: for staff alone"),
        help_text=_("They read the ticket and are told of answers."),
    )
    app = forms.ModelChoiceField(
        App.objects.none(), required=False, label=_("App"), empty_label=_("None")
    )
    line = LineField(
        Line.objects.none(), required=False, label=_("Line"), empty_label=_("None")
    )
    body = forms.CharField(
        max_length=8_000,
        label=_("What it is about"),
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, *args, account, on, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = categories.grouped(
            categories.opened_by_staff()
        )
        self.fields["requester"].queryset = (
            User.objects.active().filter(account=account).order_by("display_name")
        )
        self.fields["app"].queryset = App.objects.order_by("name")
        self.fields["line"].queryset = lines_of(account, on=on, category="")


class BulkForm(forms.Form):
    """The change that a bulk job makes: a macro's, with what is chosen here over it."""

    KEEP = [("", _("Leave as it is"))]
    NOBODY = "nobody"

    macro = forms.ModelChoiceField(
        Macro.objects.none(), required=False, label=_("Macro"), empty_label=_("None")
    )
    state = forms.CharField(required=False, label=_("State"), widget=forms.Select)
    wakes_on = forms.DateField(
        required=False,
        label=_("Wakes on"),
        help_text=_("The waiting states need it."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    priority = forms.ChoiceField(required=False, label=_("Priority"))
    assignee = forms.ChoiceField(required=False, label=_("Assigned to"))
    add_tags = forms.CharField(
        required=False,
        max_length=200,
        label=_("Add tags"),
        help_text=_("With commas between."),
        validators=[ProhibitNullCharactersValidator()],
    )
    remove_tags = forms.CharField(
        required=False,
        max_length=200,
        label=_("Remove tags"),
        validators=[ProhibitNullCharactersValidator()],
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        people = User.objects.active().filter(kind__in=["SUPPORT", "SALES"])
        self.fields["macro"].queryset = Macro.objects.order_by("position", "name")
        by_hand = [(str(state), state.label) for state in Ticket.BY_HAND]
        self.fields["state"].widget.choices = [*self.KEEP, *by_hand]
        self.fields["priority"].choices = [*self.KEEP, *Ticket.Priority.choices]
        self.fields["assignee"].choices = [
            *self.KEEP,
            (self.NOBODY, _("Nobody")),
            *((str(one.pk), str(one)) for one in people.order_by("display_name", "id")),
        ]

    def changes(self) -> dict:
        """Field by field, plain enough for JSON (`support.fields`)."""
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        macro = chosen.pop("macro", None)
        if "wakes_on" in chosen:
            chosen["wakes_on"] = chosen["wakes_on"].isoformat()
        if chosen.get("assignee") == self.NOBODY:
            chosen["assignee"] = None
        elif "assignee" in chosen:
            chosen["assignee"] = int(chosen["assignee"])
        if "priority" in chosen:
            chosen["priority"] = int(chosen["priority"])
        return {**(macro.changes if macro else {}), **chosen}
