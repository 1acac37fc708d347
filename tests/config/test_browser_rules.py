"""What a browser is told it may do with our pages."""

import pytest


@pytest.fixture
def rules(client, db):
    answer = client.get("/login/")
    header = answer.headers["Content-Security-Policy"]
    return dict(rule.strip().split(" ", 1) for rule in header.split(";"))


def test_scripts_and_styles_come_from_our_files_alone(rules):
    assert rules["default-src"] == "'self'"
    assert not {"script-src", "style-src"} & set(rules)
    assert not any("unsafe" in words for words in rules.values())


def test_nobody_frames_our_pages(rules, client):
    assert rules["frame-ancestors"] == "'none'"
    assert client.get("/login/").headers["X-Frame-Options"] == "DENY"
