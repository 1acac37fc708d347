"""The company's own sign-in, at a real small provider that runs beside the tests."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.urls import reverse
from oidc_provider_mock import User as Subject
from oidc_provider_mock import app
from oidc_provider_mock._server import _threaded_server

from accounts import adapters, identity_providers, sealing
from accounts.models import User
from journal.models import Activity

PASSWORD = "harbour-lamp-42"
# The provider's own libraries are about to change.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def server():
    people = [
        Subject(sub="alice", claims=claims("alice@harbour.example")),
        Subject(sub="bob", claims=claims("bob@harbour.example")),
        Subject(sub="guess", claims=claims("bob@harbour.example", verified=False)),
        Subject(sub="new", claims=claims("nobody@harbour.example")),
        Subject(sub="far", claims=claims("charlie@meridian.example")),
    ]
    with _threaded_server(app(user_claims=people), host="127.0.0.1") as running:
        yield f"127.0.0.1:{running.server_port}"


def claims(email, *, verified=True):
    return {"email": email, "email_verified": verified}


@pytest.fixture
def provider(server, settings, admin, member, account, today):
    settings.SIGN_IN_LOOPBACK_ALLOWED = [server]
    return arrange(account, f"http://{server}", by=admin, on=today)


def arrange(account, issuer="https://login.harbour.example", **kwargs):
    given = {
        "issuer": issuer,
        "client_id": "console",
        "sealed_secret": sealing.seal("not shown again"),
        "domains": ["harbour.example"],
    }
    return identity_providers.arrange(account, **given | kwargs)


def through(client, provider, subject, **session):
    """Go to the provider, choose a person there, come back."""
    there = client.get(reverse("openid_connect_login", args=[provider.public_id]))
    assert there.status_code == 302
    assert parse_qs(urlsplit(there.url).query)["code_challenge_method"] == ["S256"]
    back = requests.post(
        there.url, {"sub": subject}, allow_redirects=False, timeout=5
    ).headers["Location"]
    parts = urlsplit(back)
    return client.get(f"{parts.path}?{parts.query}")


def test_an_address_is_led_to_its_companys_sign_in(client, provider, server):
    for email in ("bob@harbour.example", "nobody@harbour.example"):
        answer = client.post(reverse("login"), {"login": email, "company": "1"})
        page = client.get(answer.url).content.decode()
        assert "127.0.0.1" in page

    answer = client.post(reverse("login"), {"login": "x@y.example", "company": "1"})
    assert answer.url == reverse("login")


def test_it_brings_in_the_person_with_the_verified_address(client, provider, member):
    answer = through(client, provider, "bob")

    assert answer.url == "/"
    assert client.get(reverse("accounts:profile")).context["user"] == member
    assert SocialAccount.objects.get().user == member
    assert Activity.objects.filter(verb="provider.linked").count() == 1


def test_it_knows_the_subject_when_the_address_is_another(client, provider, member):
    through(client, provider, "bob")
    member.email = "robert@harbour.example"
    member.save()
    client.logout()

    through(client, provider, "bob")

    assert client.get(reverse("accounts:profile")).context["user"] == member


@pytest.mark.parametrize("subject", ["guess", "new", "far"])
def test_it_brings_in_nobody_else(client, provider, stranger, subject):
    before = User.objects.count()

    answer = through(client, provider, subject)

    assert answer.status_code == 403
    assert "Nobody of your company" in answer.content.decode()
    assert client.get(reverse("accounts:profile")).status_code == 302
    assert (User.objects.count(), SocialAccount.objects.count()) == (before, 0)


def test_it_brings_in_nobody_who_is_deactivated(client, provider, member):
    member.is_active = False
    member.save()

    assert through(client, provider, "bob").status_code == 403


def test_nobody_connects_a_subject_to_themselves(client_of, provider, stranger):
    browser = client_of(stranger)
    address = reverse("openid_connect_login", args=[provider.public_id])
    there = browser.get(address + "?process=connect").url
    back = requests.post(there, {"sub": "new"}, allow_redirects=False, timeout=5)
    parts = urlsplit(back.headers["Location"])

    assert browser.get(f"{parts.path}?{parts.query}").status_code == 403
    assert not SocialAccount.objects.exists()


def test_required_it_is_the_only_way_in_but_for_one(
    client, provider, admin, member, today
):
    for user in (admin, member):
        user.set_password(PASSWORD)
        user.save()
    with pytest.raises(ValidationError, match="once yourself"):
        identity_providers.require(provider, break_glass=admin, by=admin, on=today)
    through(client, provider, "alice")
    client.logout()
    identity_providers.require(provider, break_glass=admin, by=admin, on=today)

    bob = {"login": member.email, "password": PASSWORD}
    assert client.post(reverse("login"), bob).url == reverse("company-sign-in")
    assert client.get(reverse("accounts:profile")).status_code == 302
    alice = {"login": admin.email, "password": PASSWORD}
    assert client.post(reverse("login"), alice).url == "/"


def test_it_satisfies_an_account_that_requires_a_second_factor(
    client, provider, member, account
):
    account.requires_mfa = True
    account.save()

    through(client, provider, "bob")

    assert client.get(reverse("accounts:profile")).status_code == 200


def test_another_issuer_knows_nobody(client, provider, admin, account, today):
    through(client, provider, "bob")
    former = provider.public_id

    changed = arrange(account, by=admin, on=today)

    assert changed.public_id != former
    assert not SocialAccount.objects.exists()
    assert client.get(
        reverse("openid_connect_login", args=[former])
    ).status_code == 404  # fmt: skip


@pytest.mark.parametrize(
    ("domains", "code"),
    [
        (["meridian.example"], "foreign_domain"),
        (["gmail.example"], "unused_domain"),
        (["no domain"], "domain"),
        ([], "domain"),
    ],
)
def test_a_company_names_its_own_domains_alone(
    account, admin, stranger, today, domains, code
):
    with pytest.raises(ValidationError) as refusal:
        arrange(account, domains=domains, by=admin, on=today)

    assert refusal.value.code == code


def test_the_secret_is_sealed_and_never_shown(client_of, admin, account, today):
    provider = arrange(account, by=admin, on=today)

    page = client_of(admin).get(reverse("accounts:identity-provider"))
    assert "not shown again" not in provider.sealed_secret
    assert sealing.unseal(provider.sealed_secret) == "not shown again"
    assert not re.search(r'name="secret"[^>]*value=', page.content.decode())


@pytest.mark.parametrize(
    "issuer",
    [
        *("http://login.harbour.example", "https://127.0.0.1", "https://localhost"),
        *("https://10.0.0.8", "https://metadata.internal", "https://u:p@x.example"),
    ],
)
def test_an_issuer_inside_is_refused(client_of, admin, issuer):
    form = {
        "issuer": issuer,
        "client_id": "console",
        "secret": "secret",
        "domains": "harbour.example",
    }

    answer = client_of(admin).post(reverse("accounts:identity-provider"), form)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/", "https://169.254.169.254/", "https://localhost/"]
)
def test_no_call_goes_inside_wherever_the_provider_points(address, rf):
    session = adapters.CompanySignInAdapter(rf.get("/")).get_requests_session()

    with pytest.raises(requests.exceptions.InvalidURL):
        session.get(address)


def test_a_letter_that_only_looks_alike_means_nobody(admin, member, account, today):
    provider = arrange(account, by=admin, on=today)
    member.email = "silvia@harbour.example"
    member.save()

    for email in ("sılvia@harbour.example", "ſilvia@harbour.example"):
        with pytest.raises(ValidationError) as refused:
            identity_providers.admitted(
                provider, subject="s", email=email, verified=True
            )
        assert refused.value.code == "unknown"
    assert member == identity_providers.admitted(
        provider, subject="s", email="Silvia@Harbour.example", verified=True
    )
