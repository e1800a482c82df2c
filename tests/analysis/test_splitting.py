"""A text in pieces: nothing is lost, and every piece is where it says."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from genviz.analysis.splitting import (
    Splitting,
    align,
    bare,
    by_character,
    by_sentence,
    by_word,
    byte_alphabet,
    joined,
    of_tokens,
)

TEXTS = some.text(max_size=60)


@given(TEXTS)
def test_characters_are_the_text_and_their_bytes_its_utf8(text: str) -> None:
    cut = by_character(text)
    assert "".join(cut.pieces) == text
    assert [chr(number) for number in cut.ids if number is not None] == list(text)
    assert bytes.fromhex("".join(cut.bytes)) == text.encode("utf-8", "surrogatepass")


@given(TEXTS)
@pytest.mark.parametrize("split", [by_word, by_sentence])
def test_only_white_space_lies_between_pieces(split: Callable[[str], Splitting], text: str) -> None:
    cut = split(text)
    spans = [span for span in cut.spans if span is not None]
    assert [text[start:end] for start, end in spans] == list(cut.pieces)
    covered = {at for start, end in spans for at in range(start, end)}
    assert all(text[at].isspace() or at in covered for at in range(len(text)))
    assert len(covered) == sum(end - start for start, end in spans), "no piece overlaps another"


def test_words_and_sentences_of_the_course() -> None:
    text = "The robber went to bank and rob the bank. He didn't look!"
    assert by_word(text).pieces[-6:] == ["bank", ".", "He", "didn't", "look", "!"]
    assert by_sentence(text).pieces == ["The robber went to bank and rob the bank.", "He didn't look!"]
    assert by_sentence("他去银行。她看树。").pieces == ["他去银行。", "她看树。"]
    assert by_sentence("one\ntwo").pieces == ["one", "two"]
    assert by_sentence("   ").pieces == []


def test_emoji_and_right_to_left_text_in_reading_order() -> None:
    assert len(by_character("👩‍🚀")) == 3  # woman, joiner, rocket
    assert by_word("مرحبا بكم").pieces == ["مرحبا", "بكم"]
    assert by_word("a🤖b").pieces == ["a", "🤖", "b"]


def test_byte_alphabet_is_gpt2s() -> None:
    alphabet = byte_alphabet()
    assert sorted(alphabet.values()) == list(range(256))
    assert alphabet["Ġ"] == 32
    assert alphabet["Ċ"] == 10


def test_marks_take_bytes_and_places_away_or_leave_them() -> None:
    cut = of_tokens(
        "W", "", text="a cat", tokens=["[CLS]", "a", "[UNK]"], ids=[1, 2, 3], spans=[(0, 0), (0, 1), (2, 5)],
        special=[0], unknown=[2],
    )  # fmt: skip
    assert cut.spans == [None, (0, 1), (2, 5)]
    assert cut.bytes == ["", "61", "636174"]
    assert (cut.count("special"), cut.count("unknown")) == (1, 1)
    assert Splitting.from_json(cut.to_json()) == cut


def test_a_token_that_is_not_in_the_text_has_no_place() -> None:
    spans = align(["the", "<unk>", "sits"], "The zebra sits", ["", "unknown", ""])
    assert spans == [(0, 3), None, (10, 14)]
    assert align(["zebra"], "cat") == [None]
    assert align([], "cat") == []


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["The", "Ġcat", "s", "Ġsit", "."], "The cats sit."),
        (["▁The", "▁cat", "s"], "The cats"),
        (["the", "cat", "##s", "sit", "."], "the cats sit ."),
        (["The", " cat", "\n", "sits"], "The cat\nsits"),
        ([], ""),
    ],
)
def test_the_text_of_tokens(tokens: list[str], text: str) -> None:
    assert joined(tokens) == text


@given(some.text(alphabet="abcÄß", min_size=1, max_size=8))
def test_dress_comes_off(word: str) -> None:
    assert {
        bare(f"{before}{word}{after}") for before, after in (("Ġ", ""), ("▁", ""), ("##", ""), ("", "</w>"))
    } == {word}
