"""The people of the demo whom no file brings: the vendor's and the partner's."""

from accounts import authority, sealing, second_factors
from accounts.models import User
from demo.sign_ins import KEY, PASSWORD, SIGN_INS, STAFF
from marketplace.models import Partner

# Where the demo's partners listen (manage.py partner_sandbox).
SANDBOX = "127.0.0.1:8790"
PETRA = "petra.park@ironwood-tools.example"
PETRAS = ("ironwood-tools", "relay-automation", "studio-larkspur")


def enter() -> None:
    """Create the vendor's and the partner's people, and let everybody listed sign in."""
    _person("sofia.santos@vendor.example", "Sofia Santos", User.Kind.SUPPORT)
    _person("ravi.menon@vendor.example", "Ravi Menon", User.Kind.SUPPORT)
    simon = _person("simon.stone@vendor.example", "Simon Stone", User.Kind.SALES)
    simon.is_staff = simon.is_superuser = True
    simon.save()
    petra = _person(PETRA, "Petra Park", User.Kind.PARTNER)
    for partner in listening():
        partner.members.add(petra)
    for sign_in in SIGN_INS:
        user = User.objects.get(email=sign_in.email)
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        if sign_in.email in STAFF:
            _give_app(user)


def listening() -> list[Partner]:
    """The partners that have an endpoint, and whom Petra works for."""
    return list(Partner.objects.filter(slug__in=PETRAS).order_by("slug"))


def is_sandbox(address: str) -> bool:
    """Whether an endpoint is one of the sandbox's, wherever that ran before."""
    return address.startswith("http://127.0.0.1:")


def told() -> list[dict[str, str]]:
    """The sign-ins as the sign-in page offers them."""
    names = dict(User.objects.values_list("email", "display_name"))
    return [
        {
            "name": names[sign_in.email],
            "what": sign_in.shows,
            "username": sign_in.email,
            "password": PASSWORD,
            "key": KEY if sign_in.email in STAFF else "",
        }
        for sign_in in SIGN_INS
    ]


def _give_app(user: User) -> None:
    """An authenticator app whose key everybody can read: demo.sign_ins.code()."""
    second_factors.give_app(user, sealed_key=sealing.seal(KEY))


def _person(email: str, name: str, kind) -> User:
    found = User.objects.filter(email=email).first()
    return found or User.objects.create_user(
        email, None, display_name=name, kind=kind, account=None
    )


def administrator(account) -> User:
    """The first person of an account who may install and manage apps."""
    return authority.holders(account, authority.INSTALL).order_by("email").first()
