"""T18: the vendor's Terms of Service stay one click away wherever something is bought."""

import re

import pytest
from django.urls import reverse

from accounts import mails
from journal.models import Message

pytestmark = pytest.mark.usefixtures("present")


def footer(response):
    return re.search(r"<footer.*?</footer>", response.content.decode(), re.DOTALL)[0]


@pytest.mark.parametrize(
    "page",
    [
        "accounts:people",
        "accounts:roles",
        "accounts:profile",
        "accounts:terms",
        "marketplace:catalogue",
    ],
)
def test_every_page_links_to_them_in_its_footer(client_of, admin, settings, page):
    settings.TERMS_ADDRESS = "https://somewhere.example/the-terms"

    response = client_of(admin).get(reverse(page))

    assert 'href="https://somewhere.example/the-terms"' in footer(response)


def test_signing_in_links_to_them_too(client, settings):
    response = client.get(reverse("login"))

    assert f'href="{settings.TERMS_ADDRESS}"' in footer(response)


def test_letters_link_to_them(admin, member, settings):
    mails.invitation(member, by=admin)

    letter = Message.objects.get()
    assert settings.TERMS_ADDRESS in letter.body
    assert f'href="{settings.TERMS_ADDRESS}"' in letter.html
