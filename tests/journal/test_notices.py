"""What people are told: once, in their language, mailed as they chose."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from config.templatetags import formats
from journal import notices
from journal.models import Message, Notice
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EIGHT = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def tell(account):
    """Tell that an app failed; the words need an installation's app."""

    def do(users, *, kind="provisioning", key="one", address="/apps/", at=NOON):
        return notices.tell(
            users, kind=kind, key=key, words="myapps/notices/failed",
            context={"installation": {"app": "Q&A <Board>"}}, address=address,
            account=account, at=at,
        )  # fmt: skip

    return do


def test_a_person_is_told_the_same_thing_once(tell, member):
    assert (tell([member, member]), tell([member])) == (1, 0)
    assert Notice.objects.get().user_id == member.pk
    assert Message.objects.count() == 1


def test_its_words_are_plain_and_its_mail_has_text_html_and_one_action(tell, member):
    tell([member])

    notice, mail = Notice.objects.get(), Message.objects.get()
    link = reverse("accounts:notice", args=[notice.pk])
    assert notice.title == mail.subject == "Q&A <Board> could not be set up"
    assert notice.title in mail.body
    assert "Q&amp;A &lt;Board&gt;" in mail.html
    assert mail.body.count(link) == mail.html.count(link) == 1
    assert "/notices/choices/" in mail.headers["List-Unsubscribe"]


def test_each_reads_it_in_their_language(account, tell, member):
    """Days and numbers follow the language at once; words as they are translated."""
    german = UserFactory(account=account, language="de")

    assert tell([german, member]) == 2
    with notices.reading("de", account=account):
        assert translation.get_language() == "de-us"
        assert formats.day(NOON.date()) == "23.11.2026"
    with notices.reading("", account=account):
        assert translation.get_language() == "en-us"


def test_who_chose_the_digest_is_mailed_at_eight(tell, member):
    notices.choose(member, {"provisioning": "DIGEST"})
    tell([member])
    tell([member], key="two")

    assert not Message.objects.exists()
    assert notices.send_digests(at=EIGHT - timedelta(minutes=1)) == 0
    assert notices.send_digests(at=EIGHT + timedelta(days=2)) == 1
    assert notices.send_digests(at=EIGHT + timedelta(days=2)) == 0
    mail = Message.objects.get()
    assert mail.subject.endswith("2 new notices")
    assert mail.body.count("could not be set up") == 2
    assert mail.html.count('style="display:inline-block') == 1


def test_the_command_mails_the_digests_of_a_moment(tell, member, capsys):
    notices.choose(member, {"provisioning": "DIGEST"})
    tell([member])

    call_command("send_digests", "--at", "2026-11-24T07:59")
    call_command("send_digests", "--at", "2026-11-24T08:00")

    assert capsys.readouterr().out == "Digests written: 0.\nDigests written: 1.\n"


def test_eight_is_by_the_clock_of_the_account(account):
    account.timezone = "Pacific/Auckland"

    due = notices.next_digest(NOON, account=account)

    assert due == datetime(2026, 11, 23, 19, tzinfo=UTC)


def test_what_was_read_is_not_in_the_digest(tell, member):
    notices.choose(member, {"provisioning": "DIGEST"})
    tell([member])
    notices.read(member, at=NOON)

    assert notices.send_digests(at=EIGHT) == 0
    assert not Message.objects.exists()


def test_without_mail_it_is_in_the_console_all_the_same(tell, member):
    notices.choose(member, {"provisioning": "OFF"})

    assert tell([member]) == 1
    assert notices.send_digests(at=EIGHT) == 0
    assert not Message.objects.exists()


def test_notices_about_money_cannot_all_be_without_mail(member):
    money = [kind for kind, one in notices.KINDS.items() if one.money]
    with pytest.raises(ValidationError) as refusal:
        notices.choose(member, dict.fromkeys(money, "OFF"))
    assert refusal.value.code == "money_off"

    notices.choose(member, dict.fromkeys(money, "OFF") | {money[0]: "DIGEST"})

    assert notices.choices(member)[money[0]] == "DIGEST"


def test_a_notice_leads_to_our_own_pages_alone(tell, member):
    for away in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        with pytest.raises(IntegrityError), transaction.atomic():
            tell([member], address=away)


def test_ten_thousand_are_told_in_a_few_statements(
    tell, account, django_assert_max_num_queries
):
    users = User.objects.bulk_create(
        User(account=account, email=f"p{n}@many.example", password="!")
        for n in range(10_000)
    )

    with django_assert_max_num_queries(6):
        assert tell(users, kind="authority") == 10_000


def test_old_notices_are_dropped(tell, member):
    tell([member])

    call_command("forget_notices", on=(NOON + timedelta(days=179)).date())
    assert Notice.objects.count() == 1
    call_command("forget_notices", on=(NOON + timedelta(days=182)).date())
    assert Notice.objects.count() == 0


def test_following_it_marks_it_read_and_leads_there(tell, member, client_of, present):
    tell([member])
    notice = Notice.objects.get()

    answer = client_of(member).get(reverse("accounts:notice", args=[notice.pk]))

    notice.refresh_from_db()
    assert answer.url == "/apps/"
    assert notice.read_at == present


def test_nobody_opens_what_another_was_told(tell, admin, member, client_of, present):
    tell([member])
    notice = Notice.objects.get()

    answer = client_of(admin).get(reverse("accounts:notice", args=[notice.pk]))

    notice.refresh_from_db()
    assert answer.status_code == 404
    assert notice.read_at is None


def test_the_page_lists_them_and_marks_all_read(tell, member, client_of, present):
    tell([member])
    browser = client_of(member)

    page = browser.get(reverse("accounts:notices"))
    browser.post(reverse("accounts:read-notices"))

    assert "could not be set up" in page.content.decode()
    assert "Notices: 1 unread" in page.content.decode()
    assert not Notice.objects.unread().exists()


def test_what_is_unread_comes_first_and_one_kind_can_be_shown(
    tell, member, client_of, present, django_assert_max_num_queries
):
    for kind in ("request", "ticket"):
        tell([member], kind=kind, key=kind)
    browser, place = client_of(member), reverse("accounts:notices")
    newest = Notice.objects.get(kind="ticket")

    with django_assert_max_num_queries(12):
        browser.get(place)
    answer = browser.post(
        reverse("accounts:read-notices") + "?kind=&evil=1", {"notice": newest.pk}
    )

    assert answer.url == f"{place}?kind="
    kinds = [one.kind for one in browser.get(place).context["page"]]
    assert kinds == ["request", "ticket"]
    found = browser.get(place, {"kind": "ticket"}).context["page"]
    assert [one.kind for one in found] == ["ticket"]


def test_the_choices_page_refuses_to_mail_nothing_about_money(
    admin, client_of, present
):
    off = dict.fromkeys(notices.KINDS, "OFF")
    browser, place = client_of(admin), reverse("accounts:notice-choices")

    refused = browser.post(place, off)
    kept = browser.post(place, off | {"term_end": "DIGEST"})

    assert refused.status_code == 422
    assert kept.status_code == 302
    assert notices.choices(admin)["ticket"] == "OFF"
