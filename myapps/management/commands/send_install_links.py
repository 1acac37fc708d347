"""manage.py send_install_links [--form NUMBER] [--again]"""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts import clock
from billing.models import Line, OrderForm
from myapps import install_links, mails


class Command(BaseCommand):
    help = (
        "Email install links to the administrators whom order forms name. Without"
        " --form: for every running line whose app is not installed and whose link"
        " never went out."
    )

    def add_arguments(self, parser):
        parser.add_argument("--form", metavar="NUMBER", help="One order form's lines.")
        parser.add_argument(
            "--again",
            action="store_true",
            help="With --form: also where a link was sent; the older one stops working.",
        )

    def handle(self, *, form, again, **options):
        if again and not form:
            raise CommandError("--again needs --form: which order form?")
        sent = 0
        for line in self._lines(form, again):
            on = clock.today(line.account.timezone)
            try:
                link = mails.install_link(
                    line, to=mails.recipient(line), by=None, at=clock.now(), on=on
                )
            except ValidationError as refusal:
                self.stderr.write(f"{_name(line)}: {refusal.message}")
                continue
            sent += 1
            self.stdout.write(f"{_name(line)}: sent to {link.recipient.email}")
        self.stdout.write(f"{sent} install link{'' if sent == 1 else 's'} sent.")

    def _lines(self, form, again):
        if form and not OrderForm.objects.filter(number=form).exists():
            raise CommandError(f"There is no order form {form}.")
        if again:
            lines = Line.objects.signed().base().filter(order_form__number=form)
            return lines.select_related("account", "order_form", "plan__app")
        lines = install_links.unsent(on=clock.today("UTC"))
        return lines.filter(order_form__number=form) if form else lines


def _name(line):
    return f"{line.order_form.number}, {line.plan.app} {line.plan}"
