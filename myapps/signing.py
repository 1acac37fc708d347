"""The signature under an order: who, by which role, under which terms, seeing what (T7)."""

from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from accounts import authority, terms
from accounts.models import User
from billing.orders import Second, Signature
from myapps.summary import Summary


def sign(
    user: User, permission: str, *, key: str, agreed: str | None, summary: Summary | None,
    on: date, from_address: str | None = None,
) -> Signature:  # fmt: skip
    """Sign an order with purchasing authority (T7, 3.19).

    Refuses somebody whose roles do not hold the permission (PermissionDenied) and who
    has not accepted the current terms (code terms_not_accepted).
    """
    role = authority.role_for(user, permission)
    if role is None:
        raise PermissionDenied
    version = terms.current(on)
    if version is None or not terms.accepted(user, on):
        raise ValidationError(
            _("Accept the current purchase terms first."), code="terms_not_accepted"
        )
    return Signature(
        by=user,
        authority=permission,
        role_name=role.name,
        terms=version,
        key=key,
        agreed=agreed,
        summary=summary.as_json() if summary else {},
        from_address=from_address,
    )


def second(user: User, permission: str, *, on: date, at: datetime) -> Second:
    """The second name under an order, by the same purchasing authority (ADR 34).

    Refuses as `sign` does.
    """
    signed = sign(user, permission, key="second", agreed=None, summary=None, on=on)
    return Second(by=user, authority=permission, role_name=signed.role_name, at=at)
