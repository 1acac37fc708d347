"""Files of people: checked first, then brought in by batches that may stop anywhere."""

import threading
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from accounts import jobs
from accounts.models import Job, JobRow, User
from tests.factories import JobFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
HEAD = "account,email,display_name,roles,team,active\n"


@pytest.fixture
def send(account, admin):
    """Send a file of these lines as the administrator."""

    def sender(*lines: str) -> Job:
        data = HEAD + "".join(f"{line}\n" for line in lines)
        return jobs.preview(
            account, data.encode(), file_name="people.csv", by=admin, at=AT
        )

    return sender


@pytest.fixture
def line(account):
    """A line of the file that is right."""

    def write(email, name="Ana Lima", roles="", team="Sales", active="true"):
        return f"{account.slug},{email},{name},{roles},{team},{active}"

    return write


def test_a_preview_says_what_each_line_does_and_does_nothing(send, line, member):
    before = User.objects.count()

    job = send(line("ana@company.example"), line(member.email, name="Robert", team=""))

    added, changed = job.rows.order_by("line")
    assert (added.foreseen, changed.foreseen) == ("ADD", "CHANGE")
    assert "Name: Robert" in changed.words
    assert User.objects.count() == before


def test_a_line_that_cannot_be_is_refused_in_words_and_the_others_go_on(send, line):
    job = send(
        line("not an address"),
        line("ana@company.example"),
        line("wei@company.example", roles="Nobles"),
        "elsewhere,eve@company.example,Eve,,,true",
    )
    jobs.begin(job, at=AT)
    jobs.work(at=AT)

    refused = job.rows.filter(outcome=JobRow.Outcome.REFUSED).order_by("line")
    assert [row.line for row in refused] == [2, 4, 5]
    assert "There is no role Nobles." in refused[1].words
    assert User.objects.filter(email="ana@company.example").exists()
    assert not User.objects.filter(email="eve@company.example").exists()


def test_nothing_happens_before_it_is_begun(send, line):
    send(line("ana@company.example"))

    assert jobs.work(at=AT) == 0


def test_a_job_that_was_stopped_goes_on_where_it_stopped(send, line, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    job = send(*(line(f"person{number}@company.example") for number in range(5)))
    jobs.begin(job, at=AT)
    assert jobs._batch(job.pk, at=AT) == 2  # and the worker is killed

    assert jobs.work(at=AT) == 3

    job.refresh_from_db()
    assert job.finished_at == AT
    assert User.objects.filter(email__startswith="person").count() == 5
    assert jobs.work(at=AT) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_no_line_twice(send, line):
    job = jobs.begin(send(*(line(f"p{n}@company.example") for n in range(20))), at=AT)
    done = []

    def worker():
        done.append(jobs.work(at=AT))
        connection.close()

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    done.append(jobs.work(at=AT))

    assert sum(done) == 20
    assert job.rows.filter(outcome=JobRow.Outcome.DONE).count() == 20


def test_who_becomes_a_stranger_meanwhile_is_left_alone(send, line):
    job = jobs.begin(send(line("ana@company.example", name="Ana")), at=AT)
    stranger = UserFactory(email="ana@company.example", display_name="Another Ana")

    jobs.work(at=AT)

    stranger.refresh_from_db()
    assert stranger.display_name == "Another Ana"
    assert job.rows.get().outcome == JobRow.Outcome.REFUSED


def test_nobody_takes_the_last_manager_away(send, line, admin):
    job = jobs.begin(send(line(admin.email, active="false")), at=AT)

    jobs.work(at=AT)

    admin.refresh_from_db()
    assert admin.is_active
    assert "manage roles" in job.rows.get().words


def test_a_begun_job_is_kept(send, line):
    job = jobs.begin(send(line("ana@company.example")), at=AT)

    with pytest.raises(ValidationError) as refused:
        jobs.discard(job)

    assert refused.value.code == "begun"


def test_a_file_of_something_else_is_refused(account, admin):
    with pytest.raises(ValidationError) as refused:
        jobs.preview(account, b"a,b\n1,2\n", file_name="x.csv", by=admin, at=AT)

    assert refused.value.code == "head"
    assert "The first line names a,b" in str(refused.value)


def test_an_administrator_sends_checks_and_begins_a_file(client, admin, account, line):
    client.force_login(admin)
    file = SimpleUploadedFile(
        "people.csv", (HEAD + line("ana@company.example")).encode()
    )
    answer = client.post("/people/import/", {"file": file}, follow=True)
    assert "Import one person" in answer.content.decode()
    job = Job.objects.get()

    answer = client.post(f"/jobs/{job.pk}/begin/", follow=True)

    assert "About to begin" in answer.content.decode()
    jobs.work(at=AT)
    finished = client.get(f"/jobs/{job.pk}/progress/").content.decode()
    assert "Finished. Done: 1. Refused: 0." in finished
    assert "hx-get" not in finished


def test_the_pages_ask_few_questions(
    client, admin, account, django_assert_max_num_queries
):
    job = JobFactory(account=account, by=admin)
    JobRow.objects.bulk_create(
        JobRow(
            job=job,
            line=number,
            foreseen="ADD",
            content=["a", "e@x.example", "N", [], "", True],
        )
        for number in range(2, 60)
    )
    client.force_login(admin)

    for path in ("/jobs/", f"/jobs/{job.pk}/", "/people/import/"):
        with django_assert_max_num_queries(25):
            assert client.get(path).status_code == 200
