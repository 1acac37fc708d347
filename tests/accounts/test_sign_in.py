"""The doors: passwords, second factors, sessions, and strangers who fail at them."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts import people, sealing, second_factors
from journal.models import Activity, Message
from tests.factories import APP_KEY, UserFactory

PASSWORD = "harbour-lamp-42"
HOME = {"REMOTE_ADDR": "203.0.113.7"}
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.9"}


@pytest.fixture(autouse=True)
def passwords(admin, member):
    for user in (admin, member):
        user.set_password(PASSWORD)
        user.save()


def sign_in(client, user, password=PASSWORD, **extra):
    form = {"login": user.email, "password": password}
    return client.post(reverse("login"), form, **extra)


def code():
    return second_factors.code(APP_KEY, at=time.time())


def verbs():
    return list(Activity.objects.order_by("id").values_list("verb", flat=True))


class TestByPassword:
    def test_it_leads_to_the_page_that_was_asked_for(self, client, admin):
        address = reverse("login") + "?next=" + reverse("accounts:people")
        answer = client.post(address, {"login": admin.email, "password": PASSWORD})

        assert answer.url == reverse("accounts:people")

    def test_it_leads_nowhere_outside(self, client, admin):
        address = reverse("login") + "?next=https://evil.example/"
        answer = client.post(address, {"login": admin.email, "password": PASSWORD})

        assert answer.url == "/"

    def test_a_passkey_that_failed_keeps_where_one_was_going(self, client):
        form = {"credential": "{}", "next": reverse("accounts:people")}
        answer = client.post(reverse("mfa_login_webauthn"), form)

        assert answer.url == reverse("login") + "?next=%2Fpeople%2F"

    def test_known_and_unknown_addresses_are_refused_alike(self, client, admin):
        said = []
        for email in (admin.email, "nobody@harbour.example"):
            form = {"login": email, "password": "wrong"}
            page = client.post(reverse("login"), form).content.decode()
            said.append(re.findall(r"is not right", page))

        assert said[0] == said[1] != []

    def test_who_is_deactivated_stays_outside(self, client, admin, member, today):
        people.deactivate([member], by=admin, on=today)

        assert sign_in(client, member).url == reverse("account_inactive")
        assert client.get(reverse("accounts:profile")).status_code == 302

    def test_no_second_list_of_addresses_is_kept(self, client, member):
        sign_in(client, member)
        client.post(reverse("password_reset"), {"email": member.email})

        assert not EmailAddress.objects.exists()


class TestAStrangerWhoFails:
    def test_is_stopped_after_five_attempts(self, client, admin):
        for _attempt in range(5):
            sign_in(client, admin, "wrong", **ELSEWHERE)

        page = sign_in(client, admin, PASSWORD, **ELSEWHERE).content.decode()
        assert "Too many attempts failed" in page

    def test_does_not_stop_the_owner_who_comes_from_elsewhere(self, client, admin):
        for _attempt in range(6):
            sign_in(Client(), admin, "wrong", **ELSEWHERE)

        assert sign_in(client, admin, **HOME).status_code == 302

    def test_cannot_write_another_address_for_each_attempt(self, admin):
        for number in range(6):
            page = sign_in(
                Client(), admin, "wrong", **ELSEWHERE,
                headers={"X-Forwarded-For": f"10.0.0.{number}"},
            )  # fmt: skip

        assert "Too many attempts failed" in page.content.decode()

    def test_is_known_by_what_the_proxy_wrote_last(self, settings, admin):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        for number in range(6):
            page = sign_in(
                Client(), admin, "wrong",
                headers={"X-Forwarded-For": f"10.0.0.{number}, 198.51.100.9"},
            )  # fmt: skip

        assert "Too many attempts failed" in page.content.decode()

    def test_fills_no_mailbox_and_takes_no_link_away(self, client, member):
        for _attempt in range(8):
            answer = client.post(reverse("password_reset"), {"email": member.email})
            assert answer.url == reverse("password_reset_done")

        assert Message.objects.count() <= 5
        link = re.search(r"http\S+(/reset/\S+)", Message.objects.first().body)[1]
        assert client.get(link).status_code == 302


class TestASecondFactor:
    def test_it_is_asked_for_after_the_password(self, client, member):
        second_factors.give_app(member, sealed_key=sealed())

        assert sign_in(client, member).url == reverse("mfa_authenticate")
        assert client.get(reverse("accounts:profile")).status_code == 302
        answer = client.post(reverse("mfa_authenticate"), {"code": code()})
        assert answer.url == "/"
        assert client.get(reverse("accounts:profile")).status_code == 200

    def test_a_wrong_code_opens_nothing(self, client, member):
        second_factors.give_app(member, sealed_key=sealed())
        sign_in(client, member)

        page = client.post(reverse("mfa_authenticate"), {"code": "000000"})
        assert "This code is not right" in page.content.decode()

    def test_it_is_added_recorded_and_told(self, client, member):
        sign_in(client, member)
        add = reverse("mfa_activate_totp")
        assert client.get(add).url.startswith(reverse("account_reauthenticate"))
        confirm = f"{reverse('account_reauthenticate')}?next={add}"
        client.post(confirm, {"password": PASSWORD})
        page = client.get(add).content.decode()
        key = re.search(r'qr-key">([A-Z2-7]+)<', page)[1]

        told = second_factors.code(key, at=time.time())
        answer = client.post(add, {"code": told})

        assert answer.url == reverse("mfa_view_recovery_codes")
        assert {"factor.app_added", "factor.codes_made"} <= set(verbs())
        assert Message.objects.filter(recipient=member.email).exists()
        kept = Authenticator.objects.get(user=member, type="totp")
        assert key not in str(kept.data)
        assert len(re.findall(r"<li><code>\d{8}", client.get(answer.url).content.decode())) == 10  # fmt: skip

    @pytest.mark.parametrize("who", ["support", "sales"])
    def test_staff_are_led_to_set_one_up(self, client_of, request, who):
        user = request.getfixturevalue(who)
        Authenticator.objects.filter(user=user).delete()

        answer = client_of(user).get(reverse("support:queue"))
        assert answer.url.startswith(reverse("mfa_index"))
        assert client_of(user).get(answer.url).status_code == 200

    def test_an_account_can_require_it(self, client_of, admin, member, account):
        alice = client_of(admin)
        alice.post(reverse("accounts:account-sign-in"), {"required": "on"})

        bob = client_of(member)
        answer = bob.get(reverse("accounts:profile"))
        assert answer.url.startswith(reverse("mfa_index"))
        htmx = bob.get(reverse("accounts:profile"), headers={"HX-Request": "true"})
        assert htmx.headers["HX-Redirect"] == reverse("mfa_index")
        assert "account.mfa_required" in verbs()

    def test_the_last_one_stays_with_who_must_have_one(self, client_of, support):
        desk = client_of(support)
        session = desk.session
        session["account_authentication_methods_user"] = str(support.pk)
        session["account_authentication_methods"] = [
            {"method": "mfa", "at": time.time(), "reauthenticated": True}
        ]
        session.save()

        page = desk.post(reverse("mfa_deactivate_totp"))
        assert "Add another one first" in page.content.decode()
        assert second_factors.has_one(support)

    def test_a_lost_one_is_reset_with_a_reason(self, client_of, client, admin, member):
        second_factors.give_app(member, sealed_key=sealed())
        address = reverse("accounts:reset-factor", args=[member.pk])

        assert client_of(admin).post(address, {"reason": " "}).status_code == 422
        answer = client_of(admin).post(address, {"reason": "Called me on video"})

        assert answer.status_code == 302
        assert not second_factors.held(member)
        assert Activity.objects.get(verb="factor.reset").data["reason"]
        assert sign_in(client, member).url == "/"

    def test_nobody_resets_their_own(self, admin, today):
        second_factors.give_app(admin, sealed_key=sealed())

        with pytest.raises(ValidationError) as refusal:
            second_factors.reset(admin, reason="I am me", by=admin, on=today)
        assert refusal.value.code == "oneself"


class TestSessions:
    def test_others_are_ended_and_this_one_stays(self, member):
        here, there = Client(), Client()
        for browser in (here, there):
            sign_in(browser, member)
        assert UserSession.objects.filter(user=member).count() == 2

        here.post(reverse("usersessions_list"))

        assert here.get(reverse("mfa_index")).status_code == 200
        assert there.get(reverse("mfa_index")).status_code == 302

    def test_who_comes_back_signs_in_anew(self, client, admin, member, today):
        sign_in(client, member)
        client.get(reverse("accounts:profile"))

        people.deactivate([member], by=admin, on=today)
        people.reactivate([member], by=admin, on=today)

        assert client.get(reverse("accounts:profile")).status_code == 302
        assert not UserSession.objects.filter(user=member).exists()

    def test_those_of_others_do_not_exist(self, client_of, admin, member):
        sign_in(Client(), member)
        session = UserSession.objects.get(user=member)

        answer = client_of(admin).post(reverse("end-session", args=[session.pk]))
        assert answer.status_code == 404

    def test_another_password_ends_the_others(self, member):
        here, there = Client(), Client()
        for browser in (here, there):
            sign_in(browser, member)

        form = {"oldpassword": PASSWORD} | dict.fromkeys(
            ("password1", "password2"), "another-lamp-43"
        )
        assert here.post(reverse("password_change"), form).status_code == 302

        assert here.get(reverse("mfa_index")).status_code == 200
        assert there.get(reverse("mfa_index")).status_code == 302


class TestAnInvitation:
    def link(self, alice, person):
        alice.post(reverse("accounts:invite-person", args=[person.pk]))
        body = Message.objects.order_by("-id").first().body
        return re.search(r"http\S+(/reset/\S+)", body)[1]

    def test_a_newer_one_ends_it(self, client_of, client, admin, account):
        person, alice = UserFactory(account=account), client_of(admin)
        older = self.link(alice, person)
        newer = self.link(alice, person)

        assert "no longer works" in client.get(older).content.decode()
        assert client.get(newer).status_code == 302

    def test_it_opens_once(self, client_of, client, admin, account):
        link = self.link(client_of(admin), UserFactory(account=account))
        form = dict.fromkeys(("password1", "password2"), "another-lamp-43")
        client.post(client.get(link).url, form)

        assert "no longer works" in client.get(link).content.decode()


class TestTheAdmin:
    def test_its_door_is_the_products(self, client):
        answer = client.get(reverse("admin:index"), follow=True)

        assert answer.redirect_chain[-1][0].startswith(reverse("login"))
        assert "next=%2Fadmin%2F" in answer.redirect_chain[-1][0]

    def test_sales_reset_a_lost_factor_of_staff_with_a_reason(
        self, client_of, sales, support, member
    ):
        second_factors.give_app(member, sealed_key=sealed())

        client_of(sales).post(
            reverse("admin:accounts_user_changelist"),
            {
                "action": "reset_second_factor",
                "reason": "Sat beside me",
                "_selected_action": [support.pk, member.pk],
            },
        )

        assert not second_factors.has_one(support)
        assert second_factors.has_one(member)

    def test_customers_do_not_go_round_in_circles(self, client_of, member):
        answer = client_of(member).get(reverse("admin:index"), follow=True)

        assert answer.status_code == 403


def test_what_is_not_offered_has_no_address(client):
    for path in (
        "signup/",
        "accounts/signup/",
        "email/",
        "accounts/email/",
        "3rdparty/",
    ):
        assert client.get(f"/{path}").status_code == 404, path


def test_one_looks_at_ones_sign_in_in_few_queries(
    client, member, django_assert_max_num_queries
):
    sign_in(client, member)

    with django_assert_max_num_queries(25):
        client.get(reverse("mfa_index"))


def sealed():
    return sealing.seal(APP_KEY)
