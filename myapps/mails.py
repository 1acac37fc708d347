"""Letters that My Apps sends: install links for what an order form covers (T14), and
to partners whose endpoint was disabled."""

from datetime import date, datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from billing.models import Line
from journal import outbox
from journal.models import Endpoint
from marketplace.models import Partner
from myapps import install_links
from myapps.models import InstallLink


def recipient(line: Line) -> User:
    """The administrator whom an order form names for its install links.

    Refuses a form that names nobody (code no_recipient), or somebody who does not work
    for the account or no longer does (unknown_recipient).
    """
    address = line.order_form.install_link_to if line.order_form_id else ""
    if not address:
        raise ValidationError(
            _("The order form names nobody for its install link."), code="no_recipient"
        )
    user = User.objects.active().filter(
        account=line.account_id, email=address.strip().lower()
    )
    if not user.exists():
        raise ValidationError(
            _(
                "Nobody active of %(account)s signs in with %(address)s. Correct the"
                " address, or import the person first."
            )
            % {"account": line.account, "address": address},
            code="unknown_recipient",
        )
    return user.get()


@transaction.atomic
def install_link(
    line: Line, *, to: User, by: User | None, at: datetime, on: date
) -> InstallLink:
    """Issue a link and leave its letter in the outbox, both or neither.

    Refuses what `install_links.issue` does.
    """
    token = install_links.issue(line, recipient=to, by=by, at=at, on=on)
    link = install_links.find(token)
    context = {
        "person": to,
        "line": line,
        "app": line.plan.app,
        "term": line.terms.latest("starts_on"),
        "starts_later": line.starts_on > on,
        "days": install_links.VALID_FOR.days,
        "link": settings.PUBLIC_ADDRESS + reverse("myapps:install-link", args=[token]),
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }
    outbox.email(
        key=f"install-link:{link.pk}",
        to=to.email,
        subject=render_to_string("myapps/mails/install_link_subject.txt", context),
        body=render_to_string("myapps/mails/install_link.txt", context),
        html=render_to_string("myapps/mails/install_link.html", context),
        account=line.account,
        at=at,
    )
    return link


@transaction.atomic
def endpoint_disabled(endpoint: Endpoint, *, at: datetime) -> None:
    """Tell everybody who works for a partner that its webhooks wait, and why."""
    partner = Partner.objects.get(pk=endpoint.partner_id)
    path = reverse("myapps:portal-webhooks")
    context = {
        "endpoint": endpoint,
        "partner": partner,
        "link": settings.PUBLIC_ADDRESS + path,
        "VENDOR_NAME": settings.VENDOR_NAME,
        "TERMS_ADDRESS": settings.TERMS_ADDRESS,
        "SUPPORT_ADDRESS": settings.SUPPORT_ADDRESS,
    }
    for person in User.objects.active().filter(partners=partner).order_by("pk"):
        context["person"] = person
        outbox.email(
            key=f"endpoint-disabled:{endpoint.pk}:{at.isoformat()}:{person.pk}",
            to=person.email,
            subject=f"Webhooks to {partner} are off",
            body=render_to_string("myapps/mails/endpoint_disabled.txt", context),
            html=render_to_string("myapps/mails/endpoint_disabled.html", context),
            at=at,
        )
