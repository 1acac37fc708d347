"""Every text goes through gettext, and every language says all of it."""

import ast
import re

import pytest
from django.urls import reverse

from ops import words
from ops.environment import ROOT
from tests.test_architecture import IN_ROOMS

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%|\{(\w+)\}")
CODE = re.compile(
    r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}"
    r"|\{% blocktrans(?:late)?\b.*?%\}.*?\{% endblocktrans(?:late)? %\}"
    r"|<(script|style)\b.*?</\1>|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->",
    re.DOTALL,
)
SAID_IN_AN_ATTRIBUTE = re.compile(
    r"(?<![\w:-])(?:title|label|placeholder|aria-label|alt|subtitle|noun|help|submit|note)"
    r'="([^"]*[A-Za-z]{2}[^"]*)"'
)
# What is the same in every language: names of things that machines read, and examples.
SAME = re.compile(
    r"openid profile email|CSV|Excel|PDF|POST|UTC:?,?|, UTC|SHA-256|Enter|Esc|Ctrl K|iCal|JSON|SCIM|API|TOTP|TXT"
    r"|userName|Authorization: Bearer .*|[\w.@, -]*@[\w.-]*example\b.*|/apps/|https://.*"
    r"|,  ?UTC|(?:name|installation|iat) \+ \w+|@ \. \+ - _|Babel|x|px|id"
)
WRITTEN_ELSEWHERE = {"styleguide.html", "_specimens.html", "admin/"}
languages = pytest.mark.parametrize("language", words.LANGUAGES)


@pytest.fixture(scope="module")
def said():
    return {(m.id, m.context): m for m in words.said() if m.id}


def as_list(text):
    return list(text) if isinstance(text, (tuple, list)) else [text]


def names(text):
    return {one.group(0) for one in PLACEHOLDER.finditer(text)}


@languages
def test_a_language_has_every_text_and_no_other(said, language):
    written = {(m.id, m.context) for m in words.written(language) if m.id}

    assert set(said) - written == set()
    assert written - set(said) == set()


@languages
def test_every_text_is_translated(language):
    empty = [m.id for m in words.written(language) if m.id and not words.has(m)]

    assert empty == []


@languages
def test_a_translation_keeps_the_values_of_its_text(language):
    """Only what counts one may leave its number out."""
    differing = []
    for message in words.written(language):
        if not message.id:
            continue
        texts = as_list(message.id)
        for at, translation in enumerate(as_list(message.string)):
            wanted = names(texts[min(at, len(texts) - 1)])
            if names(translation) ^ wanted and not (
                len(texts) > 1 and at == 0 and names(translation) <= names(texts[1])
            ):
                differing.append((message.id, translation))

    assert differing == []


TEMPLATES = [
    path
    for kind in ("html", "txt")
    for path in sorted((ROOT / "templates").rglob(f"*.{kind}"))
    if not any(part in str(path) for part in WRITTEN_ELSEWHERE)
]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_template_says_nothing_past_gettext(path):
    source = path.read_text("utf-8")
    # In the attributes of a component {% translate %} stands between quotes.
    left = CODE.sub("", source)
    said = [value for value in SAID_IN_AN_ATTRIBUTE.findall(left) if " " in value]
    said += re.sub(r"<[^>]*>", "\n", left).splitlines()

    plain = [s.strip() for s in said if re.search(r"[A-Za-z]{2}", s)]
    assert [s for s in plain if not SAME.fullmatch(s)] == []


@pytest.mark.parametrize("path", IN_ROOMS, ids=str)
def test_a_refusal_and_a_message_go_through_gettext(path):
    if "management" in path.parts or path.name in {"mailboxes.py", "clock.py"}:
        pytest.skip("for those who run the product, in English")
    plain = []
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = getattr(function, "id", "")
        told = isinstance(function, ast.Attribute) and (
            getattr(function.value, "id", "") == "messages"
        )
        texts = node.args[:1] if name == "ValidationError" else []
        texts += node.args[1:2] if told else []
        plain += [
            ast.unparse(text)
            for text in texts
            if isinstance(text, ast.JoinedStr)
            or (isinstance(text, ast.Constant) and text.value)
        ]

    assert plain == []


@pytest.mark.django_db
class TestWhichLanguage:
    def test_a_stranger_reads_as_the_browser_asks(self, client):
        page = client.get(reverse("login"), headers={"Accept-Language": "de"})

        assert page.headers["Content-Language"] == "de"
        assert '<html lang="de"' in page.content.decode()

    def test_a_language_we_do_not_have_is_english(self, client):
        page = client.get(reverse("login"), headers={"Accept-Language": "fi"})

        assert page.headers["Content-Language"] == "en"

    def test_a_choice_stays_with_the_person(self, client, member, present):
        client.force_login(member)

        client.post(reverse("accounts:language"), {"language": "pt", "next": "/"})

        member.refresh_from_db()
        assert member.language == "pt"
        page = client.get(
            reverse("accounts:profile"), headers={"Accept-Language": "de"}
        )
        assert page.headers["Content-Language"] == "pt"

    def test_an_unknown_language_changes_nothing(self, client, member, present):
        client.force_login(member)

        client.post(reverse("accounts:language"), {"language": "xx", "next": "/"})

        member.refresh_from_db()
        assert member.language == ""

    def test_it_leads_back_to_pages_of_ours_alone(self, client):
        elsewhere = {"language": "es", "next": "https://elsewhere.example/"}

        answer = client.post(reverse("accounts:language"), elsewhere)

        assert answer.headers["Location"] == "/"
