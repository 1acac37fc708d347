"""What administrators ask for and fill in on the pages of My Apps."""

from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import authority, people
from accounts.models import Account, Role, User
from billing.models import Charge
from marketplace.models import App
from myapps import happenings, launches
from myapps.models import AppRequest, Installation, RoleActivation, Seat

MOST_NAMED = 10

SHOWN = {
    "working": gettext_lazy("Installed"),
    "ending": gettext_lazy("Uninstalled, still working"),
    "to_install": gettext_lazy("Paid for, not installed"),
    "waiting": gettext_lazy("People waiting"),
    "unused": gettext_lazy("Paid, not used"),
    "future": gettext_lazy("Starts later"),
}


def _shown(one, wanted: str) -> bool:
    return {
        "working": one.state in {"ACTIVE", "INSTALLING"},
        "ending": one.state == "ENDING",
        "to_install": one.state in {"PAID", "SIGNED"},
        "waiting": one.queued > 0,
        "unused": one.unused > 0,
        "future": bool(one.coming),
    }[wanted]


class HoldingsFilterForm(forms.Form):
    """Search, filter and sort of My Apps."""

    SORTS = {
        "name": lambda one: one.app.name.casefold(),
        "active": lambda one: one.active,
        "term": lambda one: one.term.ends_on if one.term else date.max,
        "cost": lambda one: one.monthly,
    }

    q = forms.CharField(required=False, max_length=200)
    show = forms.ChoiceField(choices=[("", ""), *SHOWN.items()], required=False)

    @property
    def sort(self) -> str:
        wanted = self.data.get("sort", "")
        return wanted if wanted.removeprefix("-") in self.SORTS else "name"

    @property
    def asked(self) -> dict:
        self.is_valid()
        return self.cleaned_data

    def found(self, holdings: list) -> list:
        """Those that the words and the filter let through, sorted."""
        words = self.asked.get("q", "").casefold().split()
        wanted = self.asked.get("show", "")
        found = [
            one
            for one in holdings
            if all(word in _text(one) for word in words)
            and (not wanted or _shown(one, wanted))
        ]
        key = self.SORTS[self.sort.removeprefix("-")]
        return sorted(found, key=key, reverse=self.sort.startswith("-"))

    def states(self, holdings: list) -> list[dict]:
        """Each filter with how many apps it shows; empty ones are left out."""
        counted = [
            {
                "value": value,
                "label": label,
                "count": sum(_shown(one, value) for one in holdings),
            }
            for value, label in SHOWN.items()
        ]
        return [one for one in counted if one["count"]]


def _text(one) -> str:
    plan = one.plan.name if one.plan else ""
    return f"{one.app.name} {one.app.category} {plan}".casefold()


class ChargesFilterForm(forms.Form):
    """Charges of an app, of the month in which they fell due."""

    app = forms.ModelChoiceField(
        App.objects.none(),
        required=False,
        to_field_name="slug",
        label=gettext_lazy("App"),
        empty_label=gettext_lazy("All apps"),
    )
    month = forms.ChoiceField(required=False, label=gettext_lazy("Month"))

    def __init__(self, *args, account: Account, **kwargs):
        super().__init__(*args, **kwargs)
        charged = Charge.objects.of(account)
        self.fields["app"].queryset = App.objects.filter(
            pk__in=charged.values("line__app")
        ).order_by("name")
        months = (
            charged.order_by()
            .annotate(month=TruncMonth("billed_on"))
            .values_list("month", flat=True)
            .distinct()
            .order_by("-month")
        )
        self.fields["month"].choices = [("", _("All months"))] + [
            (f"{month:%Y-%m}", month) for month in months
        ]

    def found(self, charges):
        """The charges that the filter lets through; a bad filter lets all."""
        asked = self.cleaned_data if self.is_valid() else {}
        if asked.get("app"):
            charges = charges.filter(line__app=asked["app"])
        if asked.get("month"):
            year, month = map(int, asked["month"].split("-"))
            charges = charges.filter(billed_on__year=year, billed_on__month=month)
        return charges


class PeopleForm(forms.Form):
    """Who shall get a seat: ticked, pasted as addresses, or everybody of a role."""

    users = forms.ModelMultipleChoiceField(User.objects.none(), required=False)
    roles = forms.ModelMultipleChoiceField(Role.objects.none(), required=False)
    emails = forms.CharField(required=False)

    def __init__(self, *args, installation: Installation, **kwargs):
        super().__init__(*args, **kwargs)
        self.account = account = installation.account
        seats = Seat.objects.filter(installation=installation, user=OuterRef("pk"))
        self.everybody = (
            User.objects.active().filter(account=account).annotate(seated=Exists(seats))
        )
        self.fields["users"].queryset = self.everybody
        self.fields["roles"].queryset = account.roles.order_by("name")

    def clean_emails(self):
        named = people.named(self.account, self.cleaned_data["emails"])
        if named.unknown:
            raise ValidationError(
                ngettext(
                    "Nobody in your account signs in with %(names)s.",
                    "Nobody in your account signs in with these: %(names)s.",
                    len(named.unknown),
                ),
                code="unknown",
                params={"names": _listed(named.unknown)},
            )
        if named.inactive:
            raise ValidationError(
                _("Deactivated, so no seat for: %(names)s."),
                code="inactive",
                params={"names": _listed([str(user) for user in named.inactive])},
            )
        return named.found

    @property
    def people(self):
        """Everybody meant, once each, as a question to the database: a role may have
        more members than a page should load."""
        asked = self.cleaned_data
        named = [user.pk for user in [*asked["users"], *asked["emails"]]]
        members = User.objects.filter(groups__role__in=asked["roles"]).values("pk")
        return self.everybody.filter(Q(pk__in=named) | Q(pk__in=members))


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    text = ", ".join(names[:MOST_NAMED])
    return (
        _("%(names)s and %(more)d more") % {"names": text, "more": more}
        if (more > 0)
        else text
    )


class SeatsFilterForm(forms.Form):
    """Which seats the list shows."""

    q = forms.CharField(required=False, max_length=200)
    role = forms.ModelChoiceField(
        Role.objects.none(),
        required=False,
        label=gettext_lazy("Given by"),
        empty_label=gettext_lazy("Anybody"),
    )
    left = forms.BooleanField(required=False)
    cannot = forms.BooleanField(required=False)

    def __init__(self, *args, account: Account, **kwargs):
        super().__init__(*args, **kwargs)
        self.account = account
        self.fields["role"].queryset = account.roles.order_by("name")

    def found(self, seats):
        """The seats that the filter lets through; a bad filter lets all."""
        asked = self.cleaned_data if self.is_valid() else {}
        for word in asked.get("q", "").split():
            seats = seats.filter(
                Q(user__display_name__icontains=word)
                | Q(user__email__icontains=word)
                | Q(user__team__icontains=word)
            )
        if asked.get("role"):
            seats = seats.filter(role=asked["role"])
        if asked.get("left"):
            seats = seats.filter(left_role_on__isnull=False)
        if asked.get("cannot"):
            seats = launches.cannot(seats, self.account)
        return seats


class RemoveForm(forms.Form):
    """Whose seats go, and whether less shall be billed from the renewal on (T13)."""

    users = forms.ModelMultipleChoiceField(User.objects.none(), required=False)
    left = forms.BooleanField(required=False)
    lower = forms.BooleanField(required=False)
    ticket_wanted = forms.BooleanField(required=False)

    def __init__(self, *args, installation: Installation, **kwargs):
        super().__init__(*args, **kwargs)
        self.seated = User.objects.filter(seats__installation=installation)
        self.fields["users"].queryset = self.seated

    @property
    def chosen(self) -> list[User]:
        if self.cleaned_data["left"]:
            left = self.seated.filter(seats__left_role_on__isnull=False)
            return list(left.order_by("display_name", "pk").distinct())
        return list(self.cleaned_data["users"].order_by("display_name", "pk"))


class LowerForm(forms.Form):
    """How many shall be billed from the renewal on (T13)."""

    quantity = forms.IntegerField(min_value=1, label=gettext_lazy("Bill from then on"))
    reason = forms.CharField(
        required=False, max_length=500, label=gettext_lazy("Why"),
        help_text=gettext_lazy("Support reads it."),
    )  # fmt: skip
    ticket_wanted = forms.BooleanField(
        required=False,
        label=gettext_lazy("Open the ticket now"),
        help_text=gettext_lazy("Otherwise it opens by itself when the term ends."),
    )

    def __init__(self, *args, active: int, billed: int, **kwargs):
        super().__init__(*args, **kwargs)
        least = max(active, 1)
        quantity = self.fields["quantity"]
        quantity.min_value, quantity.max_value = least, billed - 1
        quantity.widget.attrs |= {"min": least, "max": billed - 1, "step": 1}
        self.active, self.billed = active, billed

    def clean_quantity(self):
        quantity = self.cleaned_data["quantity"]
        if quantity < self.active:
            raise ValidationError(
                ngettext(
                    "%(active)d person is active. Remove somebody first, or choose"
                    " %(active)d or more.",
                    "%(active)d people are active. Remove some first, or choose"
                    " %(active)d or more.",
                    self.active,
                ),
                code="below_active",
                params={"active": self.active},
            )
        if quantity >= self.billed:
            raise ValidationError(
                _("%(billed)d are billed now. Choose fewer."),
                code="not_lower",
                params={"billed": self.billed},
            )
        return quantity


class ActivateRoleForm(forms.Form):
    """Which role gets seats, and whether whoever joins it later does too (T6)."""

    role = forms.ModelChoiceField(
        Role.objects.none(),
        label=gettext_lazy("Role"),
        empty_label=gettext_lazy("Choose a role"),
    )
    auto_install = forms.BooleanField(
        required=False, label=gettext_lazy("Auto Install")
    )

    def __init__(self, *args, installation: Installation, **kwargs):
        super().__init__(*args, **kwargs)
        taken = RoleActivation.objects.standing().filter(
            installation=installation, role__isnull=False
        )
        roles = Role.objects.of(installation.account).order_by("name")
        if self.data.get("agreed"):
            # A second click names a role that the first one activated: the rule knows.
            self.fields["role"].queryset = roles
        else:
            self.fields["role"].queryset = roles.exclude(pk__in=taken.values("role"))


class LimitsForm(forms.Form):
    """How far Auto Install may go by itself (3.21)."""

    seats = forms.IntegerField(
        required=False,
        min_value=0,
        label=gettext_lazy("Seats at most"),
        help_text=gettext_lazy("Empty: no limit."),
    )
    monthly_spend = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=3,
        label=gettext_lazy("Cost a month at most"),
        help_text=gettext_lazy("Empty: no limit."),
    )


class QueueForm(forms.Form):
    """Which of the waiting people an administrator decides on."""

    joins = forms.ModelMultipleChoiceField(None, required=False)
    all = forms.BooleanField(required=False)

    def __init__(self, *args, queued, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["joins"].queryset = queued

    @property
    def chosen(self) -> list:
        if self.cleaned_data["all"]:
            return list(self.fields["joins"].queryset)
        return list(self.cleaned_data["joins"])


class UninstallForm(forms.Form):
    """The end of an app, as an administrator asks for it (T12)."""

    WHEN = [
        ("now", gettext_lazy("Open the ticket now")),
        ("term_end", gettext_lazy("Open it when the term ends")),
    ]

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=gettext_lazy("Why"),
        help_text=gettext_lazy("Support reads it with the ticket."),
    )
    ticket = forms.ChoiceField(choices=WHEN, initial="now", required=False)
    add_ons = forms.ModelMultipleChoiceField(None, required=False)

    def __init__(self, *args, add_ons, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["add_ons"].queryset = add_ons


class PlanChangeForm(forms.Form):
    """Another plan: now, or from the renewal on (T11, 3.12)."""

    when = forms.ChoiceField(choices=[("now", "now"), ("renewal", "renewal")])
    reason = forms.CharField(required=False, max_length=500)
    ticket_wanted = forms.BooleanField(required=False)


class WordForm(forms.Form):
    """A word that goes with a refusal."""

    word = forms.CharField(
        max_length=1000,
        label=gettext_lazy("Why not"),
        help_text=gettext_lazy("Who asked reads it."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AppRequestForm(forms.Form):
    """Why somebody needs an app."""

    reason = forms.CharField(
        max_length=1000,
        label=gettext_lazy("What you need it for"),
        help_text=gettext_lazy("Those who install apps in your company read it."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class RequestsForm(forms.Form):
    """Requests for one app that are answered together."""

    requests = forms.ModelMultipleChoiceField(AppRequest.objects.none(), required=False)
    word = forms.CharField(
        max_length=1000,
        required=False,
        label=gettext_lazy("Why not"),
        help_text=gettext_lazy("Needed to refuse. Those who asked read it."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args, requests, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["requests"].queryset = requests

    def clean(self):
        if not self.chosen:
            raise ValidationError(_("Tick whom to answer first."), code="nobody")
        return self.cleaned_data

    @property
    def chosen(self) -> list[AppRequest]:
        return list(getattr(self, "cleaned_data", {}).get("requests") or [])


class ApprovalLimitForm(forms.Form):
    """How much somebody may buy without a second person."""

    asks = forms.ChoiceField(
        choices=[
            ("never", gettext_lazy("Nobody has to approve")),
            ("above", gettext_lazy("Above this amount a month")),
        ],
        widget=forms.RadioSelect,
        label=gettext_lazy("Second person"),
    )
    amount = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=6,
        label=gettext_lazy("Amount a month"),
        help_text=gettext_lazy(
            "In your contract's currency. 0 asks for everything that bills."
        ),
    )

    def clean(self):
        cleaned = super().clean()
        above = cleaned.get("asks") == "above"
        if above and cleaned.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", _("Say above which amount."))
        cleaned["limit"] = cleaned.get("amount") if above else None
        return cleaned


class ActivityFilterForm(forms.Form):
    """Which entries are shown. `found` filters the rows; what is not understood is let be."""

    app = forms.ChoiceField(required=False, label=gettext_lazy("App"))
    kind = forms.ChoiceField(required=False, label=gettext_lazy("What"))
    person = forms.CharField(
        required=False,
        max_length=100,
        label=gettext_lazy("Person"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    since = forms.DateField(
        required=False,
        label=gettext_lazy("From"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        required=False,
        label=gettext_lazy("To"),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    q = forms.CharField(required=False, max_length=100)

    def __init__(self, *args, reader: User, app: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        self.account = reader.account
        self.reader = reader
        kinds = happenings.readable(reader)
        self.fields["kind"].choices = [("", _("Everything"))] + [
            (name, happenings.KINDS[name].label) for name in kinds
        ]
        if app or not authority.held(reader, authority.MANAGE):
            del self.fields["app"]
        else:
            apps = App.objects.filter(lines__account=self.account).distinct()
            self.fields["app"].choices = [("", _("All apps"))] + list(
                apps.order_by("name").values_list("slug", "name")
            )

    @property
    def asked(self) -> dict:
        """What was asked and understood."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def found(self, rows):
        """The entries that the filters let through."""
        asked = self.asked
        if "app" in asked:
            rows = rows.filter(app=asked["app"])
        if "kind" in asked:
            rows = rows.filter(verb__in=happenings.verbs_of([asked["kind"]]))
        if "since" in asked:
            rows = rows.filter(on__gte=asked["since"])
        if "until" in asked:
            rows = rows.filter(on__lte=asked["until"])
        if "person" in asked:
            rows = happenings.by_or_about(rows, asked["person"], self.account)
        if "q" in asked:
            rows = happenings.saying(rows, asked["q"], self.account)
        return rows
