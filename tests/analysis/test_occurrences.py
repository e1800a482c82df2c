"""A word is found whatever its tokenizer makes of it."""

import pytest

from genviz.analysis.occurrences import occurrences


@pytest.mark.parametrize(
    ("tokens", "word", "places"),
    [
        (["[CLS]", "the", "bank", ".", "[SEP]"], "bank", [[2]]),
        (["The", "ĠBank", "Ġof", "Ġthe", "Ġbank", "."], "bank", [[1], [4]]),
        (["▁The", "▁bank", "▁of"], " BANK ", [[1]]),
        (["the</w>", "ban", "k</w>", "of</w>"], "bank", [[1, 2]]),
        (["em@@", "bank@@", "ment", "bank"], "embankment", [[0, 1, 2]]),
        (["the", "bank,", "the", "“bank”"], "bank", [[1], [3]]),
        (["em", "##bank", "##ment"], "bank", []),
        (["banker", "bank", "##s"], "bank", []),
        (["the", "bank", "'", "s"], "bank's", [[1, 2, 3]]),
        (["a", "mother", "-", "in", "-", "law"], "mother-in-law", [[1, 2, 3, 4, 5]]),
        (["the", "river", "bank", "."], "River bank", [[1, 2]]),
        (["le", "cafe", "."], "Café", [[1]]),
        (["le", "café", "cafe"], "café", [[1]]),
        (["Ġle", "ĠcafÃ©"], "café", [[1]]),
        (["Ġ", "ðŁĺ", "Ģ", "Ġbank"], "😀", [[1, 2]]),
        (["ضفة", "بنك", "."], "بنك", [[1]]),
        (["▁नदी", "▁का", "▁बैंक"], "बैंक", [[2]]),
        (["<b>bank</b>", "bank"], "<b>bank</b>", [[0]]),
        (["w5", "w9", "w5"], "w5", [[0], [2]]),
        (["the", "bank", "</s>"], "</s>", []),
        (["bank"], "", []),
        (["bank"], "  ", []),
        ([], "bank", []),
        (["ba", "nk"], "bank", [[0, 1]]),
        (["(", "bank", ")", "▁"], "bank", [[1]]),
    ],
)  # fmt: skip
def test_places(tokens: list[str], word: str, places: list[list[int]]) -> None:
    assert occurrences(tokens, word) == places


def test_special_tokens_that_a_tokenizer_names_are_no_words() -> None:
    assert occurrences(["bank", "bank"], "bank", known=["bank"]) == []
