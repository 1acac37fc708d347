"""T18: the vendor's Terms of Service stay one click away wherever something is bought."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import mails
from journal.models import Message
from myapps import mails as install_mails
from tests import factories

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


class TestWhereSomethingIsBought:
    @pytest.fixture
    def plan(self, account):
        factories.ContractFactory(account=account)
        return factories.PlanFactory(app__slug="box", price=Decimal("15.00"))

    def test_the_install_page_has_them_beside_its_button(
        self, client_of, admin, member, plan, settings
    ):
        version = factories.TermsVersionFactory()

        page = client_of(admin).post(
            reverse("myapps:install", args=["box"]),
            {"plan": plan.pk, "users": [member.pk], "review": 1},
        )

        sign = (
            page.content.decode().split('class="panel-sign')[1].split("</section>")[0]
        )
        assert f'href="{settings.TERMS_ADDRESS}"' in sign
        assert f'href="{version.address}"' in sign
        assert 'name="confirm"' in sign

    def test_a_letter_with_an_install_link_has_them(
        self, account, admin, plan, present, today, settings
    ):
        line = factories.LineFactory(contract=account.contracts.get(), plan=plan)

        install_mails.install_link(line, to=admin, by=None, at=present, on=today)

        letter = Message.objects.get()
        assert settings.TERMS_ADDRESS in letter.body
        assert f'href="{settings.TERMS_ADDRESS}"' in letter.html
