"""The queue's filters: what an address or a form says, as plain values for `queues`."""

import django_filters
from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from marketplace.models import App
from support import queues
from support.models import SavedQueue, Ticket

PLAIN = [ProhibitNullCharactersValidator()]
LONGEST_AGE = 3_650


def days(label: str) -> django_filters.NumberFilter:
    """So many days or more."""
    return django_filters.NumberFilter(
        label=label,
        min_value=1,
        max_value=LONGEST_AGE,
        decimal_places=0,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "min": 1}),
    )


def several(label: str, choices) -> django_filters.MultipleChoiceFilter:
    return django_filters.MultipleChoiceFilter(
        label=label, choices=choices, widget=forms.CheckboxSelectMultiple
    )


def words(label: str, **attributes) -> django_filters.CharFilter:
    return django_filters.CharFilter(
        label=label,
        max_length=100,
        validators=PLAIN,
        widget=forms.TextInput(attrs=attributes),
    )


def last_part(choices) -> list[tuple[str, str]]:
    """Categories by what stands last in their path."""
    return [(value, str(label).rpartition("> ")[2]) for value, label in choices]


class QueueFilter(django_filters.FilterSet):
    """A queue as somebody wishes to see it. `wanted` is what a saved queue keeps."""

    state = several(_("State"), Ticket.State.choices)
    priority = several(_("Priority"), Ticket.Priority.choices)
    category = several(_("Category"), last_part(Ticket.Category.choices))
    origin = several(_("Came from"), Ticket.Origin.choices)
    assignee = django_filters.ChoiceFilter(
        label=_("Assigned to"), empty_label=_("Anybody")
    )
    app = django_filters.ChoiceFilter(label=_("App"), empty_label=_("Any app"))
    account = words(_("Account"), placeholder=_("Part of its name"))
    tag = words(_("Tag"))
    q = words(_("Words"), placeholder=_("In the ticket or what was said"))
    older = days(_("Opened days ago, at least"))
    held = days(_("Held for days, at least"))

    class Meta:
        model = Ticket
        fields: list[str] = []

    def __init__(self, data, *, user: User, on, **kwargs):
        super().__init__(data, queryset=Ticket.objects.all(), **kwargs)
        self.user, self.on = user, on
        people = User.objects.active().filter(kind__in=["SUPPORT", "SALES"])
        self.staff = list(people.order_by("display_name", "id"))
        self.filters["assignee"].extra["choices"] = [
            ("me", _("Me")),
            ("nobody", _("Nobody")),
            *((str(one.pk), str(one)) for one in self.staff),
        ]
        apps = App.objects.order_by("name").values_list("slug", "name")
        self.filters["app"].extra["choices"] = list(apps)

    @property
    def view(self) -> str:
        view = self.data.get("view", "open")
        return view if view in queues.VIEWS or view == "all" else "open"

    @property
    def wanted(self) -> dict:
        """What was asked for and makes sense, plain enough for JSON."""
        self.form.is_valid()
        cleaned = self.form.cleaned_data.items()
        found = {
            name: int(value) if name in {"older", "held"} else value
            for name, value in cleaned
            if value not in (None, "", [])
        }
        return {"view": self.view} | found

    @property
    def sort(self) -> str:
        sort = self.data.get("sort", "")
        if sort in queues.SORTS:
            return sort
        return queues.VIEWS[self.view].sort if self.view in queues.VIEWS else "deadline"

    @property
    def columns(self) -> list[str]:
        """The columns to show, in the order they always have."""
        asked = self.data.getlist("columns")
        columns = [name for name in queues.COLUMNS if name in asked]
        return columns or queues.USUAL_COLUMNS

    @property
    def narrows(self) -> list[dict]:
        """Each filter in force, in words, and the address without it."""
        return [
            {
                "label": self.filters[name].label,
                "value": self._in_words(name, value),
                "without": address(self.data, leave_out=name),
            }
            for name, value in self.wanted.items()
            if name != "view"
        ]

    def filter_queryset(self, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        found = queues.narrowed(self.wanted, self.user, on=self.on)
        return queues.sorted_by(found, self.sort)

    def _in_words(self, name: str, value) -> str:
        choices = {
            str(key): label
            for key, label in getattr(self.form.fields[name], "choices", ())
        }
        values = value if isinstance(value, list) else [value]
        return ", ".join(str(choices.get(str(one), one)) for one in values) or str(
            value
        )


def address(data: QueryDict, *, leave_out: str) -> str:
    """The query of an address without one of its filters, from its first page."""
    kept = data.copy()
    for name in (leave_out, "page"):
        kept.pop(name, None)
    return f"?{kept.urlencode()}"


def query_of(queue: SavedQueue) -> str:
    """A saved queue as the query of an address, where it can be seen and changed."""
    query = QueryDict(mutable=True)
    query["saved"] = queue.pk
    for name, value in queue.filters.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    query.setlist("columns", queue.columns)
    if queue.sort:
        query["sort"] = queue.sort
    return f"?{query.urlencode()}"


class SavedQueueForm(forms.Form):
    """A name for what is on screen, and who sees it."""

    name = forms.CharField(label=_("Name"), max_length=80, validators=PLAIN)
    shared_with = forms.ChoiceField(
        label=_("Who sees it"),
        required=False,
        choices=[
            ("", _("I alone")),
            ("SUPPORT", _("All support staff")),
            ("SALES", _("All of sales operations")),
        ],
    )
