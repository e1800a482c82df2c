"""Strips of pieces: every piece is drawn once, in order, and says its id, bytes and place."""

from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from genviz.analysis.splitting import Splitting, by_character, by_sentence, by_word, of_tokens
from genviz.figures.theme import palette
from genviz.figures.tokenizations import COLUMNS, tokenizations

TEXT = "The <b>robber</b> went 🤖 to the مرحبا %{x} $bank$."


def words(figure: go.Figure) -> list[Any]:
    return [trace for trace in figure.data if trace.mode == "text"]


def test_pieces_are_written_in_order_and_escaped() -> None:
    figure = tokenizations([by_character(TEXT), by_word(TEXT)])
    characters, parts = words(figure)
    assert len(characters.text) == len(TEXT)
    assert characters.text[4] == "&lt;"
    assert characters.text[3] == "·"
    assert parts.text[0] == "The"
    assert "<b>robber" not in figure.to_json()
    assert "id 84" in characters.hovertext[0]
    assert "UTF-8 54 (1 bytes)" in characters.hovertext[0]
    assert "UTF-8 f0 9f a4 96 (4 bytes)" in characters.hovertext[TEXT.index("🤖")]
    assert "no id: no vocabulary" in parts.hovertext[0]
    assert "characters 0–2" in parts.hovertext[0]


def test_nothing_overlaps_and_nothing_leaves_the_line() -> None:
    for splitting in (by_word("word " * 300), by_sentence("long " * 90 + ". Short.")):
        figure = tokenizations([splitting])
        for trace in figure.data:
            if trace.fill == "toself":
                assert max(x for x in trace.x if x == x) <= COLUMNS
        spans: dict[float, list[tuple[float, float]]] = {}
        for trace in figure.data:
            if trace.fill == "toself":
                for at in range(0, len(trace.x), 6):
                    spans.setdefault(trace.y[at], []).append((trace.x[at], trace.x[at + 1]))
        for line in spans.values():
            ordered = sorted(line)
            assert all(a[1] <= b[0] for a, b in pairwise(ordered))


def test_special_and_unknown_have_looks_of_their_own_and_are_counted() -> None:
    cut = of_tokens(
        "WordPiece", "", text="a cat", tokens=["[CLS]", "a", "[UNK]"], ids=[1, 2, 3], special=[0], unknown=[2]
    )
    figure = tokenizations([cut])
    assert {trace.name for trace in figure.data} >= {"special", "unknown", "piece 1"}
    (heading,) = [note for note in figure.layout.annotations if "WordPiece" in note.text]
    assert "3 pieces, 3 different, 1 special, 1 unknown" in heading.text


def test_what_does_not_fit_is_said_and_nothing_at_all_is_a_strip_too() -> None:
    figure = tokenizations([by_character("x" * 5000), by_word("")])
    (note,) = [each for each in figure.layout.annotations if each.name == "small print"]
    assert "Written out: characters up to piece " in note.text.replace("<br>", " ")
    assert "of 5,000" in note.text.replace("<br>", " ")
    empty = Splitting("nothing", "", [], [], [], [], [])
    assert "0 pieces" in tokenizations([empty], theme="dark").layout.annotations[0].text
    assert palette("dark").text in str(words(tokenizations([by_word("a")], theme="dark"))[0].textfont.color)
