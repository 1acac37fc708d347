import sys
from collections.abc import Callable
from datetime import date
from getpass import getpass

from babel.numbers import is_currency
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.text import slugify

from accounts import authority, clock, people, roles
from accounts.models import Account, TermsVersion, User, known_zone
from billing import order_forms
from marketplace.models import Partner


class Command(BaseCommand):
    help = (
        "Ask for the first staff user, account, contract and partner, and create them."
        " For an empty database, instead of the demo."
    )

    def handle(self, **options):
        if User.objects.exists():
            raise CommandError(
                "Somebody can sign in already. Further people, accounts and contracts"
                " come by the import commands and the admin."
            )
        try:
            answers = self._interview()
        except (EOFError, KeyboardInterrupt):
            raise CommandError("Stopped before the end: nothing is created.") from None
        try:
            create(**answers)
        except ValidationError as refusal:
            words = " ".join(refusal.messages)
            raise CommandError(f"{words} Nothing is created.") from None
        self.stdout.write(
            f"Done. {answers['staff']['email']} signs in for sales operations, under"
            f" {settings.PUBLIC_ADDRESS}/admin/, and {answers['manager']['email']} as"
            " the account's administrator."
        )

    def _interview(self) -> dict[str, dict]:
        self.stdout.write("Who runs the marketplace (sales operations)?")
        staff = self._person()
        self.stdout.write("\nThe first account:")
        zone = "Time zone, as Europe/Lisbon"
        account = {
            "name": self._ask("Company", _text),
            "timezone": self._ask(zone, _zone, default="UTC"),
        }
        self.stdout.write("\nIts contract:")
        contract = {
            "currency": self._ask("Currency, as EUR", _currency),
            "starts_on": self._ask("First day, as 2026-01-31", _day),
            "term_months": self._ask("Months of a term", _months, default="12"),
        }
        contract["frequency_months"] = self._ask(
            "Months of a billing period",
            lambda words: _divisor(words, of=contract["term_months"]),
            default="1",
        )
        self.stdout.write("\nIts administrator, who may purchase and manage roles:")
        manager = self._person()
        self._ask(
            "Installing and managing apps commits the company to purchases. This person"
            " is delegated that authority (yes)",
            _yes,
        )
        self.stdout.write("\nThe first partner, who sells apps:")
        partner = {"name": self._ask("Partner", _text)}
        return {
            "staff": staff,
            "account": account,
            "contract": contract,
            "manager": manager,
            "partner": partner,
        }

    def _person(self) -> dict[str, str]:
        return {
            "display_name": self._ask("Name", _text),
            "email": self._ask("Email", _email),
            "password": self._ask("Password", _password, read=_unseen),
        }

    def _ask(self, question: str, parse: Callable, *, default="", read=input):
        """Ask until the answer can be used; say what would be right."""
        shown = f"  {question}{f' [{default}]' if default else ''}: "
        while True:
            try:
                return parse(read(shown).strip() or default)
            except (ValidationError, ValueError) as wrong:
                words = getattr(wrong, "messages", None) or [str(wrong)]
                self.stdout.write(f"    {' '.join(words)}")


@transaction.atomic
def create(*, staff, account, contract, manager, partner) -> None:
    """Everything that was asked for, or nothing."""
    User.objects.create_superuser(**staff)
    account = Account.objects.create(slug=slugify(account["name"]), **account)
    today = clock.today(account.timezone)
    TermsVersion.objects.get_or_create(
        address=settings.TERMS_ADDRESS,
        defaults={"version": "1", "effective_from": min(contract["starts_on"], today)},
    )
    order_forms.record_contract(
        account, **contract, auto_renews=True, billed_until=today, by=None, on=today
    )
    role = roles.create(account, name="Administrators", by=None, on=today)
    for permission in authority.ALL:
        authority.grant(role, permission, by=None, on=today, delegates=True)
    password = manager.pop("password")
    user = people.create(account, **manager, in_roles=[role], by=None, on=today)
    user.set_password(password)
    user.save(update_fields=["password"])
    Partner.objects.create(slug=slugify(partner["name"]), **partner)


def _unseen(question: str) -> str:
    """Read without showing it, where somebody types."""
    return getpass(question) if sys.stdin.isatty() else input(question)


def _text(words: str) -> str:
    if not slugify(words):
        raise ValidationError("Write a name with letters or digits.")
    return words


def _email(words: str) -> str:
    validate_email(words)
    return words.lower()


def _password(words: str) -> str:
    validate_password(words)
    return words


def _zone(words: str) -> str:
    known_zone(words)
    return words


def _currency(words: str) -> str:
    if not is_currency(words.upper()):
        raise ValidationError(f"{words} is not a currency. Use a code such as EUR.")
    return words.upper()


def _day(words: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise ValidationError(f"{words} is not a day. Write 2026-01-31.") from None


def _months(words: str) -> int:
    if not words.isdecimal() or not 1 <= int(words) <= 120:
        raise ValidationError("Write a number of months from 1 to 120.")
    return int(words)


def _divisor(words: str, *, of: int) -> int:
    months = _months(words)
    if of % months:
        raise ValidationError(f"{months} does not divide a term of {of} months.")
    return months


def _yes(words: str) -> None:
    if words.casefold() not in {"y", "yes"}:
        raise ValidationError("Without it there is no administrator. Answer yes.")
