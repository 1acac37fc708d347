"""The style sheet is cut without harm, and an icon that does not exist is refused."""

import pytest

from ops import static


def test_a_family_that_no_page_uses_is_cut_from_lists_and_rules():
    css = ".btn,.modal .btn{color:red}.modal{top:0}@media print{.toast{top:0}}"

    assert static.without_unused(css) == ".btn{color:red}"


def test_what_only_sounds_like_an_unused_family_stays():
    css = ".started{top:0}.steps-of-ours{top:0}"

    assert static.without_unused(css) == ".started{top:0}"


def test_braces_and_semicolons_in_strings_and_addresses_are_text():
    css = '.a{background:url("data:x;},{");content:"}"}.b{top:0}'

    assert static.without_unused(css) == css


def test_statements_and_frames_are_kept():
    css = '@charset "x";@keyframes spin{to{top:0}}.a{top:0}'

    assert static.without_unused(css) == css


def test_an_unknown_icon_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(static, "MODULES", tmp_path)

    with pytest.raises(SystemExit, match="no-such-icon"):
        static.sprite({"no-such-icon"})


def test_every_app_of_the_demo_has_a_mark_and_it_is_the_drawn_one():
    from demo import draw_logos

    drawn = sorted(path.stem for path in draw_logos.LOGOS.glob("[!_]*.svg"))

    assert (draw_logos.LOGOS / f"{drawn[0]}.svg").read_text() == draw_logos.mark(0)
    assert len({(draw_logos.LOGOS / f"{d}.svg").read_text() for d in drawn}) == 37
