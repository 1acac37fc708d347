"""What holds for every page: who sees which places, and a policy without exceptions."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.urls import reverse

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
NAMES = [str(path.relative_to(settings.BASE_DIR / "templates")) for path in TEMPLATES]


def places(response):
    return [place.url_name for place in response.context["nav"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles(name):
    get_template(name)


PAGES = [path for path in TEMPLATES if path.parent.name != "mails"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_asks_for_nothing_the_policy_forbids(path: Path):
    markup = re.sub(
        r"{% comment %}.*?{% endcomment %}", "", path.read_text("utf-8"), flags=re.S
    )

    assert not re.search(r"\sstyle=|<style|\son(?!e=)[a-z]+=|hx-on|javascript:", markup)
    assert not re.search(r"<script(?![^>]*\ssrc=)", markup)
    assert not re.search(r'hx-(vals|headers)=["\']js:', markup)


@pytest.mark.parametrize(
    "path",
    [path for path in TEMPLATES if path.parent.name == "cotton"],
    ids=lambda path: path.stem,
)
def test_a_component_says_what_it_is_for(path: Path):
    assert path.read_text("utf-8").startswith("{#")


@pytest.mark.django_db
def test_the_style_guide_is_for_staff(client, client_of, support, admin, partner_user):
    address = reverse("styleguide")

    assert client.get(address).status_code == 302
    assert client_of(support).get(address).status_code == 200
    assert client_of(admin).get(address).status_code == 403
    assert client_of(partner_user).get(address).status_code == 403


def test_an_administrator_is_offered_the_whole_console(client_of, admin):
    response = client_of(admin).get("/no-such-page/")

    assert places(response) == [
        "myapps:overview",
        "myapps:index",
        "marketplace:catalogue",
        "myapps:spending",
        "accounts:people",
        "accounts:roles",
        "support:requests",
    ]


def test_somebody_without_authority_is_offered_their_apps(client_of, member):
    response = client_of(member).get("/no-such-page/")

    assert places(response) == [
        "myapps:launcher",
        "marketplace:catalogue",
        "support:requests",
    ]


def test_staff_and_partners_are_offered_their_own_place(
    client_of, support, sales, partner_user
):
    offered = [
        places(client_of(user).get("/no-such-page/"))
        for user in (support, sales, partner_user)
    ]

    assert offered == [
        ["support:queue", "support:figures"],
        ["admin:index", "support:queue", "support:figures"],
        ["myapps:portal"],
    ]


@pytest.mark.django_db
def test_a_stranger_starts_at_the_sign_in_page_which_names_the_terms(client):
    response = client.get("/", follow=True)

    assert response.redirect_chain[-1][0] == reverse("login")
    assert settings.TERMS_ADDRESS in response.content.decode()


def test_the_day_that_a_demo_stands_at_is_said_on_every_page(client_of, member):
    client = client_of(member)
    assert "demo-day" not in client.get("/no-such-page/").content.decode()


def test_a_pinned_day_is_said(client_of, member, present):
    page = client_of(member).get("/no-such-page/").content.decode()

    assert "demo-day" in page
    assert "23 Nov 2026" in page or "Nov 23, 2026" in page


def test_the_frame_of_a_page_costs_five_queries(
    client_of, admin, django_assert_max_num_queries
):
    client = client_of(admin)
    client.get("/no-such-page/")

    # The session, the person with their account, their roles, their unread notices; and
    # the settable clock.
    with django_assert_max_num_queries(5):
        client.get("/no-such-page/")


def test_every_component_is_shown_in_the_style_guide():
    shown = "".join(
        (settings.BASE_DIR / "templates" / name).read_text("utf-8")
        for name in ("styleguide.html", "fragments/_specimens.html")
    )
    components = [path for path in TEMPLATES if path.parent.name == "cotton"]
    named = {path.stem.replace("_", "-") for path in components}

    assert sorted(name for name in named if f"<c-{name}" not in shown) == []
