"""A person who asks to be forgotten: who they are goes, what was done stays."""

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import erasures, languages, people, roles
from accounts.models import ApiKey, User
from journal import activities, outbox
from journal.models import Activity, Message, Notice
from support.models import IncomingMail

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(member, administrators, today):
    """Bob, known by name in all places that keep one."""
    member.team, member.external_id, member.language = "Sales", "directory-7", "pt"
    member.set_password("a-long-password-of-bob")
    member.save()
    roles.join(administrators, [member], by=None, on=today)
    return member


def erase(user, *, by, present, today):
    return erasures.erase(user, by=by, on=today, at=present)


def test_the_name_and_the_address_go(bob, admin, present, today):
    erase(bob, by=admin, present=present, today=today)

    bob.refresh_from_db()
    assert bob.email == f"erased-{bob.pk}@erased.invalid"
    assert "Bob" not in bob.display_name
    assert (bob.team, bob.external_id, bob.language) == ("", "", "")
    assert not bob.has_usable_password()
    assert not bob.groups.exists()
    assert (bob.is_active, bob.erased_at) == (False, present)


def test_activity_keeps_the_number_and_loses_the_name(bob, admin, present, today):
    before = Activity.objects.filter(data__users__contains=[bob.pk]).count()

    erase(bob, by=admin, present=present, today=today)

    about = Activity.objects.filter(data__users__contains=[bob.pk])
    assert about.count() == before + 2  # deactivated, erased
    entry = about.get(verb="person.erased")
    names = dict(User.objects.values_list("pk", "display_name"))
    assert "Bob" not in activities.sentence(entry, names)


def test_emails_to_them_are_not_sent_and_not_kept(bob, admin, present, today):
    letter = {"subject": "Hello Bob", "body": "Dear Bob", "at": present}
    outbox.email(key="sent", to=bob.email, **letter)
    outbox.deliver(at=present)
    outbox.email(key="waiting", to=bob.email, **letter)

    erase(bob, by=admin, present=present, today=today)

    left = Message.objects.get(key="sent")
    assert (left.recipient, left.subject, left.body) == ("", "", "")
    assert left.delivered_at
    assert not Message.objects.filter(key="waiting").exists()


def test_their_keys_open_nothing_and_their_notices_go(bob, admin, present, today):
    key = ApiKey.objects.create(
        audience="ACCOUNT",
        user=bob,
        account=bob.account,
        name="Bob's",
        prefix="key_bob",
        digest="0" * 64,
        scopes=[],
    )
    Notice.objects.create(
        user_id=bob.pk,
        account_id=bob.account_id,
        kind="term_end",
        key="one",
        title="Bob",
        words="Bob",
        address="/apps/",
        action="Look",
        created_at=present,
    )

    erase(bob, by=admin, present=present, today=today)

    assert not ApiKey.objects.live(at=present).filter(pk=key.pk).exists()
    assert not Notice.objects.filter(user_id=bob.pk).exists()


def test_mail_from_them_is_known_no_more(bob, admin, present, today):
    mail = IncomingMail.objects.create(
        mail_id="one", sender=bob.email.upper(), subject="From Bob", outcome="REPLY"
    )

    erase(bob, by=admin, present=present, today=today)

    mail.refresh_from_db()
    assert (mail.sender, mail.subject) == ("", "")


def test_once_more_changes_nothing(bob, admin, present, today):
    erase(bob, by=admin, present=present, today=today)
    first = Activity.objects.count()

    erase(bob, by=admin, present=present, today=today)

    assert Activity.objects.count() == first


def test_nobody_erases_themselves(admin, present, today):
    with pytest.raises(ValidationError) as refusal:
        erase(admin, by=admin, present=present, today=today)

    assert refusal.value.code == "own_erasure"


def test_the_last_who_manages_roles_stays(admin, member, present, today):
    with pytest.raises(ValidationError) as refusal:
        erase(admin, by=member, present=present, today=today)

    admin.refresh_from_db()
    assert refusal.value.code == "last_manager"
    assert admin.erased_at is None


def test_who_is_erased_comes_back_by_no_door(bob, admin, present, today):
    erase(bob, by=admin, present=present, today=today)
    bob.refresh_from_db()

    people.reactivate([bob], by=admin, on=today)
    with pytest.raises(ValidationError) as refusal:
        people.change(bob, display_name="Bob", team="", by=admin, on=today)

    bob.refresh_from_db()
    assert refusal.value.code == "erased"
    assert not bob.is_active


class TestAfterADeactivation:
    @pytest.fixture
    def gone(self, bob, admin):
        people.deactivate([bob], by=admin, on=datetime.date(2026, 10, 1))
        return bob

    def run(self, *, on, present, days=30):
        return erasures.erase_overdue(zone="UTC", days=days, on=on, at=present)

    def test_the_days_pass_first(self, gone, present):
        gone.account.timezone = "UTC"
        gone.account.save()

        early = self.run(on=datetime.date(2026, 10, 31), present=present)
        due = self.run(on=datetime.date(2026, 11, 1), present=present)
        again = self.run(on=datetime.date(2026, 11, 1), present=present)

        assert (early, due, again) == (0, 1, 0)

    def test_who_was_taken_back_stays(self, gone, admin, present, today):
        people.reactivate([gone], by=admin, on=today)

        assert self.run(on=datetime.date(2027, 11, 1), present=present) == 0

    def test_the_command_says_that_it_is_off(self, gone, present):
        with pytest.raises(CommandError, match="nobody is erased"):
            call_command("erase_people")

    def test_the_command_erases(self, gone, present, settings, capsys):
        settings.ERASE_DEACTIVATED_DAYS = 30

        call_command("erase_people", "--on", "2027-01-01")

        assert "1 people erased" in capsys.readouterr().out


def test_words_of_old_mails_are_forgotten(present, settings, capsys):
    settings.MAIL_DAYS_KEPT = 90
    long_ago = present - datetime.timedelta(days=91)
    letter = {"to": "bob@harbour.example", "subject": "Hello", "body": "Bob"}
    outbox.email(key="old", at=long_ago, **letter)
    outbox.deliver(at=long_ago)
    outbox.email(key="new", at=present, **letter)
    outbox.deliver(at=present)

    call_command("forget_mails")

    assert Message.objects.get(key="old").body == ""
    assert Message.objects.get(key="new").body == "Bob"


class TestThePage:
    def test_the_address_is_typed_to_confirm(self, client, admin, member, present):
        client.force_login(admin)
        place = reverse("accounts:erase-person", args=[member.pk])

        wrong = client.post(place, {"address": "somebody@else.example"})
        right = client.post(place, {"address": member.email.upper()})

        member.refresh_from_db()
        assert (wrong.status_code, right.status_code) == (422, 302)
        assert member.erased_at

    def test_who_is_erased_stands_in_no_list(self, client, admin, bob, present, today):
        erase(bob, by=admin, present=present, today=today)
        client.force_login(admin)

        page = client.get(reverse("accounts:people"), {"state": "all"})
        person = client.get(reverse("accounts:person", args=[bob.pk]))

        assert f"/people/{bob.pk}/" not in page.content.decode()
        assert "This person is erased." in person.content.decode()


def test_a_letter_speaks_the_language_of_its_reader(member):
    member.account.locale = "de-CH"
    assert languages.of(member) == "de"

    member.language = "es"
    assert languages.of(member) == "es"

    member.language, member.account.locale = "", "fi-FI"
    assert languages.of(member) == "en"
