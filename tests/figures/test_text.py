"""Strings from models are shown, never obeyed."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviz.figures.text import clean, count, number, sentence, short_names, token, tokens


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_that_plotly_obeys_is_left(text: str) -> None:
    shown = clean(text)
    bare = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").replace("&#36;", "")
    bare = bare.replace("&#123;", "")
    assert not set("<>$&") & set(bare)
    assert "%{" not in bare
    assert all(sign.isprintable() for sign in shown)
    shown.encode("utf-8")


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), max_size=60))
def test_what_is_shown_reads_as_it_was(text: str) -> None:
    assert html.unescape(clean(text)) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (" the", "·the"),
        ("\n\t", "↵⇥"),
        ("", "∅"),
        ("<s>", "&lt;s&gt;"),
        ("\ud800", "?"),
        ("\x00", "�"),
        ("x" * 30, "x" * 23 + "…"),
    ],
)
def test_tokens_show_what_cannot_be_seen(raw: str, shown: str) -> None:
    assert token(raw) == shown
    assert tokens([raw]) == [shown]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.03125, "0.03125"), (1.2e-7, "1.20e-07"), (float("nan"), "NaN"), (0, "0"), (2e7, "2.00e+07")],
)
def test_numbers(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (960, "960"), (999_999, "1 M"), (85_054_464, "85.1 M"), (7e12, "7e+03 B")]
)
def test_counts(value: float, shown: str) -> None:
    assert count(value) == shown


def test_names_lose_what_all_share_and_nothing_else() -> None:
    assert short_names(["h.0.attn", "h.1.attn"]) == ["0", "1"]
    assert short_names(["e.0.self", "d.0.self", "d.0.cross"]) == ["e.self", "d.self", "d.cross"]
    assert short_names(["a.b", "a.b.c"]) == ["a.b", "a.b.c"]
    assert short_names(["only.one"]) == ["only.one"]
    assert sentence("judged real") == "Judged real"
