"""Statements as pages and papers: who reads what, and that every letter is set."""

import io
import re
from datetime import date

import pypdf
import pytest
from django.urls import reverse

from billing import batches
from journal import papers
from myapps import statement_pages
from tests.factories import ContractFactory, LineFactory

DAY = date(2026, 11, 23)
NAMES = {
    "arabic": "شركة الموانئ",
    "thai": "ท่าเรือแหลมฉบัง",
    "japanese": "海運株式会社カナ",
    "korean": "한국 항만",
    "hebrew": "נמלים",
    "greek": "Ελληνικά λιμάνια",
    "long": "Harbour Lines Beteiligungsgesellschaft für Hafenbetriebe und Fährverkehr mbH & Co.",
}


@pytest.fixture
def contract(account):
    return ContractFactory(account=account, starts_on=date(2026, 1, 1))


@pytest.fixture
def line(contract):
    return LineFactory(contract=contract, contracted=10, on=DAY)


def text_of(answer):
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def paper(browser, start="2026-10-01", kind="pdf"):
    return browser.get(reverse("myapps:statement-download", args=[start, kind]))


@pytest.mark.django_db
@pytest.mark.usefixtures("present")
class TestPages:
    def test_the_list_shows_each_period(self, line, admin, client_of):
        page = client_of(admin).get(reverse("myapps:statements"))

        assert len(page.context["page"].object_list) == 11
        assert b"Running" in page.content

    def test_a_statement_says_that_it_is_no_tax_invoice(self, line, admin, client_of):
        page = client_of(admin).get(reverse("myapps:statement", args=["2026-10-01"]))

        assert b"Not a tax invoice" in page.content
        assert page.context["statement"].totals[0].total == 80

    def test_once_closed_it_is_final(self, line, admin, client_of):
        batches.close(zone="UTC", on=date(2026, 10, 31))

        page = client_of(admin).get(reverse("myapps:statement", args=["2026-10-01"]))

        assert b"Final" in page.content

    def test_its_roles_add_up_to_it(self, line, admin, client_of):
        browser = client_of(admin)
        page = browser.get(reverse("myapps:statement", args=["2026-10-01"]))
        totals = browser.get(
            reverse("myapps:statement-totals", args=["2026-10-01", "csv"])
        )

        assert [one.amount for one in page.context["roles"]] == [80]
        assert b"Totals by role" in page.content
        assert f"{line.app.name},Not used,80" in totals.getvalue().decode()

    def test_its_tab_is_marked(self, line, admin, client_of):
        page = client_of(admin).get(reverse("myapps:statement", args=["2026-10-01"]))

        charges = client_of(admin).get(reverse("myapps:charges"))
        marked = re.compile(r'href="/statements/"\s+aria-current="page"')
        assert marked.search(page.content.decode())
        assert not marked.search(charges.content.decode())

    @pytest.mark.parametrize(
        "start", ["2026-10-02", "20261001", "october", "2027-01-01"]
    )
    def test_only_periods_have_one(self, line, admin, client_of, start):
        page = client_of(admin).get(reverse("myapps:statement", args=[start]))

        assert page.status_code == 404

    def test_queries_do_not_grow(
        self, contract, admin, client_of, django_assert_max_num_queries
    ):
        LineFactory.create_batch(5, contract=contract, on=DAY)
        browser = client_of(admin)

        with django_assert_max_num_queries(25):
            browser.get(reverse("myapps:statements"))
        with django_assert_max_num_queries(25):
            browser.get(reverse("myapps:statement", args=["2026-10-01"]))
        with django_assert_max_num_queries(25):
            paper(browser)


@pytest.mark.django_db
@pytest.mark.usefixtures("present")
class TestPapers:
    def test_it_has_every_charge_with_its_arithmetic(self, line, admin, client_of):
        text = text_of(paper(client_of(admin)))

        for words in ("Harbour Lines", "Not a tax invoice", "10 ×", "Page 1 of 1"):
            assert words in text
        assert line.app.name in text

    def test_it_has_its_totals_by_role(self, line, admin, client_of):
        text = text_of(paper(client_of(admin)))

        assert "Totals by role" in text
        assert "Not used" in text

    def test_one_too_long_leads_to_tables(self, line, admin, client_of, monkeypatch):
        monkeypatch.setattr(statement_pages, "CHARGES_ON_PAPER", 0)
        browser = client_of(admin)
        page = browser.get(reverse("myapps:statement", args=["2026-10-01"]))

        assert paper(browser).status_code == 302
        assert b"too long for a PDF" in page.content
        assert b"Download PDF" not in page.content
        assert paper(browser, kind="csv").status_code == 200

    def test_an_empty_period_has_a_paper_too(self, contract, admin, client_of):
        assert "Nothing was charged" in text_of(paper(client_of(admin)))

    def test_the_same_statement_is_the_same_bytes(self, line, admin, client_of):
        browser = client_of(admin)

        first = paper(browser).content

        assert first == paper(browser).content

    def test_it_is_an_archive_document_in_the_readers_language(
        self, line, admin, client_of
    ):
        content = paper(client_of(admin)).content

        read = pypdf.PdfReader(io.BytesIO(content))
        assert read.trailer["/Root"]["/Lang"] == "en"
        title = read.xmp_metadata.dc_title["x-default"]
        assert title.startswith("Statement, Harbour Lines")
        assert b"pdfaid:part" in content

    @pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
    def test_names_of_any_script_are_set(self, line, admin, client_of, caplog, name):
        account = admin.account
        account.name = name
        account.save()

        paper(client_of(admin))

        assert "missing" not in caplog.text.casefold()

    def test_many_charges_repeat_the_head_and_count_pages(
        self, contract, admin, client_of
    ):
        LineFactory.create_batch(60, contract=contract, on=DAY)

        text = text_of(paper(client_of(admin)))

        assert text.count("Arithmetic") >= 3
        assert "Page 2 of" in text

    def test_markup_in_a_name_is_words(self, line, admin, client_of):
        admin.account.name = "<b>Bold & <h1>Sons"
        admin.account.save()

        assert "<b>Bold & <h1>Sons" in text_of(paper(client_of(admin)))


def test_letters_of_no_script_need_no_other_font():
    assert not any(papers._within("é", ranges) for ranges in papers.SCRIPTS.values())
