import os
import sys
from datetime import date
from getpass import getpass

from babel import Locale, UnknownLocaleError
from babel.numbers import is_currency
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from accounts import clock
from accounts.models import Account, TermsVersion, User, known_zone
from marketplace.models import Partner
from support import beginnings


def known_currency(code):
    if not is_currency(code):
        raise ValidationError(f"{code} is not a currency. Use a code such as EUR.")


def known_locale(name):
    try:
        Locale.parse(name, sep="-")
    except (UnknownLocaleError, ValueError):
        raise ValidationError(f"{name} is no locale. Use one such as pt-PT.") from None


def text(label, *, most=200, checks=(), default=None):
    return forms.CharField(
        label=label, max_length=most, validators=[*checks], initial=default
    )


def short_name(label, *, of):
    return forms.SlugField(
        label=label, max_length=80, initial=lambda answers: slugify(answers[of])
    )


def yes_or_no(label, default=None):
    return forms.TypedChoiceField(
        label=f"{label} (yes or no)",
        choices=[("yes", "yes"), ("no", "no")],
        coerce=lambda answer: answer == "yes",
        empty_value=None,
        initial=default,
        error_messages={"invalid_choice": "Answer yes or no."},
    )


def choice(label, kinds, default):
    return forms.ChoiceField(
        label=f"{label} ({' or '.join(kinds)})",
        choices=[(kind, kind) for kind in kinds],
        initial=default,
        error_messages={"invalid_choice": f"Answer {' or '.join(kinds)}."},
    )


def months(label, default):
    return forms.IntegerField(
        label=f"{label}, in months", min_value=1, max_value=120, initial=default
    )


def day(label):
    return forms.DateField(
        label=label,
        initial=lambda answers: clock.today(answers["timezone"]).isoformat(),
        error_messages={"invalid": "Write a day as 2026-11-23."},
    )


# Each answer is asked for, and checked, by itself. An `initial` is the default; where
# it is a function, it is told the answers before it.
QUESTIONS = {
    "The vendor's first person": {
        "staff_name": text("Name"),
        "staff_email": forms.EmailField(label="Email, to sign in with"),
        "staff_kind": choice(
            "Works for", [User.Kind.SALES.value, User.Kind.SUPPORT.value], "SALES"
        ),
    },
    "The purchase terms in force": {
        "terms_version": text("Version", most=40, default="1"),
        "terms_address": forms.URLField(
            label="Address",
            assume_scheme="https",
            initial=lambda answers: settings.TERMS_ADDRESS,
        ),
    },
    "The first account": {
        "account_name": text("Name"),
        "account_slug": short_name("Short name, for files", of="account_name"),
        "timezone": text("Time zone", most=60, checks=[known_zone], default="UTC"),
        "locale": text("Locale", most=20, checks=[known_locale], default="en-US"),
        "admin_name": text("Its administrator's name"),
        "admin_email": forms.EmailField(label="The administrator's email"),
        "delegates": yes_or_no(
            "Administrators install and manage apps: each such click is a signed order"
            " under the contract. Do you accept that this delegates purchasing"
            " authority to them?"
        ),
    },
    "Its contract": {
        "currency": text("Currency", most=3, checks=[known_currency], default="USD"),
        "starts_on": day("First day"),
        "term_months": months("Term", "12"),
        "frequency_months": months("Billing period", "1"),
        "auto_renews": yes_or_no("Does it renew by itself?", "yes"),
        "billed_until": day("First day that was not billed elsewhere"),
    },
    "The first partner": {
        "partner_name": text("Name"),
        "partner_slug": short_name("Short name", of="partner_name"),
    },
}
FIELDS = {name: field for asked in QUESTIONS.values() for name, field in asked.items()}
PASSWORDS = {
    "staff_password": ("FIRST_STAFF_PASSWORD", "staff_email", "staff_name"),
    "admin_password": ("FIRST_ADMIN_PASSWORD", "admin_email", "admin_name"),
}


class Command(BaseCommand):
    help = (
        "Set an empty database up: the first of the vendor's staff, the terms, an "
        "account with an administrator and a contract, and a partner. Asks for what no "
        "option answers; all of it or nothing. With --no-input passwords come from "
        "FIRST_STAFF_PASSWORD and FIRST_ADMIN_PASSWORD in the environment."
    )

    def add_arguments(self, parser):
        for name, field in FIELDS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", help=field.label)
        parser.add_argument(
            "--no-input",
            "--noinput",
            action="store_true",
            help="Ask for nothing: options and defaults are the answers.",
        )

    def handle(self, *, no_input, **options):
        try:
            beginnings.refuse_begun()
            answers = _given(options) if no_input else self._asked(options)
            account = beginnings.begin(**_meant(answers))
        except ValidationError as refusal:
            raise CommandError("\n".join(refusal.messages)) from None
        except (EOFError, KeyboardInterrupt):
            raise CommandError("Stopped before the end: nothing was set up.") from None
        self.stdout.write(
            f"{account} is set up. {answers['admin_email']} and"
            f" {answers['staff_email']} sign in at {settings.PUBLIC_ADDRESS}/login/.\n"
            "Next: manage.py import_catalogue FILE brings apps to install."
        )

    def _asked(self, options) -> dict:
        """Ask question after question, each until its answer is good."""
        answers = {}
        for title, questions in QUESTIONS.items():
            self.stdout.write(self.style.MIGRATE_HEADING(f"\n{title}"))
            for name in questions:
                answers[name] = self._answer(name, options[name], answers)
            for name, (_variable, email, person) in PASSWORDS.items():
                if email in questions:
                    answers[name] = self._password(answers[email], answers[person])
        return answers

    def _answer(self, name, given, answers):
        field, default = FIELDS[name], _default(name, answers)
        label = f"{field.label} [{default}]: " if default else f"{field.label}: "
        while True:
            try:
                return _clean(name, given or input(label).strip() or default, answers)
            except ValidationError as refusal:
                self.stderr.write("  " + " ".join(refusal.messages))
                given = None

    def _password(self, email, name) -> str:
        while True:
            password = _unseen(f"Password of {email}: ")
            try:
                validate_password(password, User(email=email, display_name=name))
            except ValidationError as refusal:
                self.stderr.write("  " + " ".join(refusal.messages))
                continue
            if _unseen("The same password again: ") == password:
                return password
            self.stderr.write("  These were two different passwords.")


def _unseen(label) -> str:
    """Read without showing it, where somebody types."""
    return getpass(label) if sys.stdin.isatty() else input(label)


def _given(options) -> dict:
    """The answers of options, defaults and environment; every fault is told at once."""
    answers, faults = {}, []
    for name in FIELDS:
        try:
            given = options[name] or _default(name, answers)
            answers[name] = _clean(name, given, answers)
        except ValidationError as refusal:
            faults.append(f"--{name.replace('_', '-')}: {' '.join(refusal.messages)}")
    for name, (variable, email, person) in PASSWORDS.items():
        answers[name] = os.environ.get(variable, "")
        user = User(email=answers.get(email, ""), display_name=answers.get(person, ""))
        try:
            validate_password(answers[name], user)
        except ValidationError as refusal:
            faults.append(f"{variable}: {' '.join(refusal.messages)}")
    if faults:
        raise CommandError("Nothing was set up.\n" + "\n".join(faults))
    return answers


def _default(name, answers):
    initial = FIELDS[name].initial
    try:
        return initial(answers) if callable(initial) else initial
    except KeyError:
        return None  # It follows from an answer that was not good.


def _clean(name, given, answers):
    """An answer as its field reads it, and as the answers before it allow."""
    answer = FIELDS[name].clean(given)
    if name == "delegates" and not answer:
        raise ValidationError("Without it nobody could install anything: answer yes.")
    if name == "frequency_months" and answers.get("term_months", answer) % answer:
        raise ValidationError(
            f"{answer} does not divide a term of {answers['term_months']} months."
        )
    if name == "admin_email" and answer == answers.get("staff_email"):
        raise ValidationError("The vendor's person signs in with this address.")
    return answer


def _meant(answers) -> dict:
    """The answers as the rows and people they speak of."""
    today: date = clock.today(answers["timezone"])
    return {
        "staff": _person(answers, "staff"),
        "kind": answers["staff_kind"],
        "terms": TermsVersion(
            version=answers["terms_version"],
            address=answers["terms_address"],
            effective_from=min(today, answers["starts_on"]),
        ),
        "account": Account(
            name=answers["account_name"],
            slug=answers["account_slug"],
            timezone=answers["timezone"],
            locale=answers["locale"],
        ),
        "administrator": _person(answers, "admin"),
        "delegates": answers["delegates"],
        "agreement": beginnings.Agreement(
            currency=answers["currency"],
            starts_on=answers["starts_on"],
            term_months=answers["term_months"],
            frequency_months=answers["frequency_months"],
            auto_renews=answers["auto_renews"],
            billed_until=answers["billed_until"],
        ),
        "partner": Partner(name=answers["partner_name"], slug=answers["partner_slug"]),
        "on": today,
    }


def _person(answers, who) -> beginnings.Person:
    return beginnings.Person(
        email=answers[f"{who}_email"],
        name=answers[f"{who}_name"],
        password=answers[f"{who}_password"],
    )
