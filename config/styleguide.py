"""The component page: every component in every state, with data as odd as real data."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from django import forms
from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import authority
from journal import charts

TODAY = date(2026, 11, 20)
PEOPLE = [
    ("Andrés Núñez de la Vega", "user001@harbour-lines.example"),
    ("สมชาย ใจดี", "somchai@harbour-lines.example"),
    ("محمد بن عبد الله الأنصاري", "mohammed@harbour-lines.example"),
    ("陳大文", "chen@harbour-lines.example"),
    (
        "Wolfeschlegelsteinhausenbergerdorff-Schönfeldt Maximiliana Aleksandra Konstancja",
        "a.very.long.address.that.never.seems.to.end@department.harbour-lines.example",
    ),
]
PRICES = [
    (Decimal("0"), "USD"),
    (Decimal("7.25"), "USD"),
    (Decimal("0.0425"), "EUR"),
    (Decimal("1249000"), "JPY"),
    (Decimal("12.345"), "KWD"),
    (Decimal("-418.07"), "GBP"),
    (Decimal("1284330.50"), "BRL"),
]
QUANTITIES = [
    ("Nobody yet", 0, 10, 10),
    ("Within the contract", 7, 10, 10),
    ("Above it", 15, 10, 15),
    ("Fewer than were billed", 6, 10, 15),
    ("Self-serve, no signed line", 4, None, 6),
    ("Many", 38412, 40000, 40000),
]
TERMS = [
    (date(2026, 11, 20), date(2027, 11, 20)),
    (date(2026, 1, 31), date(2027, 1, 31)),
    (date(2025, 12, 1), date(2026, 12, 1)),
    (date(2026, 11, 20), date(2026, 12, 20)),
]
LINES = [
    ("box", "Box", "Business", "ACTIVE", "Active", 15, 10, 15, Decimal("108.75")),
    ("zoom", "Zoom", "Pro", "INSTALLING", "Installing", 0, None, 4, Decimal("63.96")),
    (
        "microsoft365business",
        "Microsoft 365 Business",
        "Apps for business with a long plan name",
        "ENDING",
        "Ends 30 Nov 2026",
        310,
        400,
        400,
        Decimal("3300.00"),
    ),
    ("quip", "Quip", "Starter", "FAILED", "Failed", 0, 0, 0, Decimal("0")),
]
ROLES = [
    {"role": {"pk": 1, "name": "Supervisors"}, "people": 340, "checked": True},
    {"role": {"pk": 2, "name": "مشرفو المناوبة الليلية"}, "people": 1},
    {
        "role": {
            "pk": 3,
            "name": "Night shift of the second line in Vila Nova de Gaia",
        },
        "people": 10_000,
    },
    {
        "role": {"pk": 4, "name": "Agents"},
        "people": 0,
        "disabled": True,
        "why": "is activated",
    },
]
SPEND = charts.Table(
    key="spend",
    title="Spend by month",
    first="Month",
    columns=[charts.Column("Box", "USD"), charts.Column("Zoom", "USD")],
    rows=[
        (date(2026, 9, 1), Decimal("1087.50"), Decimal("639.60")),
        (date(2026, 10, 1), Decimal("1087.50"), Decimal("703.56")),
        (date(2026, 11, 1), Decimal("1100.79"), Decimal("703.56")),
    ],
    by_month=True,
)
COLOURS = [
    "paper", "surface", "sunken", "ink", "muted", "line", "line-strong", "accent",
    "accent-tint", "good", "warn", "bad", "info",
]  # fmt: skip


class FileForm(forms.Form):
    """A file to drop, for its look alone."""

    file = forms.FileField(label="File of people")


class RangeForm(forms.Form):
    """From a day to a day, for its look alone."""

    start = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), required=False
    )
    end = forms.DateField(
        label="To", widget=forms.DateInput(attrs={"type": "date"}), required=False
    )


class SampleForm(forms.Form):
    """A form with one of each field, for its look alone."""

    team = forms.CharField(help_text="As it is written on the invoice.", max_length=80)
    email = forms.EmailField(label="Email address")
    plan = forms.ChoiceField(choices=[("b", "Business"), ("e", "Enterprise")])
    seats = forms.IntegerField(min_value=0, required=False, label="Seat limit")
    reason = forms.CharField(widget=forms.Textarea, required=False)
    accept = forms.BooleanField(
        label="I accept the Terms of Service",
        help_text="Version 3, in force since 1 Sep 2026.",
    )
    pace = forms.ChoiceField(
        choices=[("now", "Now"), ("renewal", "At renewal")],
        widget=forms.RadioSelect,
        label="When",
    )


def sample() -> dict:
    """What the page shows; fixed, so that its pictures do not change by themselves."""
    refused = SampleForm({"team": "", "email": "ana@", "plan": "b", "seats": "-1"})
    refused.add_error(None, "Your colleague changed the seats while you were reading.")
    return {
        "today": TODAY,
        "at": datetime(2026, 11, 20, 9, 41, tzinfo=UTC),
        "people": PEOPLE,
        "prices": PRICES,
        "quantities": QUANTITIES,
        "terms": TERMS,
        "lines": LINES,
        "colours": COLOURS,
        "form": SampleForm(),
        "file_form": FileForm(auto_id="sample_%s"),
        "file_refused": FileForm({}, {}, auto_id="refused_%s"),
        "file_off": FileForm(auto_id="off_%s"),
        "range_form": RangeForm(
            {"start": "2026-11-01", "end": "2026-11-20"}, auto_id="range_%s"
        ),
        "range_refused": RangeForm(
            {"start": "2026-11-01", "end": "x"}, auto_id="wrong_%s"
        ),
        "roles": ROLES,
        "buttons": ["primary", "danger", "danger-quiet", "quiet"],
        "tones": ["good", "warn", "bad", "info", "accent", "calm"],
        "chart": charts.drawn(SPEND),
        "no_chart": charts.drawn(replace(SPEND, rows=[])),
        "refused": refused,
        "page": Paginator(range(40_000), 25).page(3),
        "steps": ["Plan", "People", "Read and agree", "Installed"],
    }


@require_GET
@authority.staff_required
def styleguide(request):
    """Staff only: the vendor's support and sales operations."""
    return render(request, "styleguide.html", sample())
