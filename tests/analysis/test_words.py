"""Words from tokens, against tokenizers' own conventions and loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviz.analysis.words import merged, special, spelled, without, words


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["[CLS]", "un", "##believ", "##able", ",", "th", "##m", "[SEP]"], "[CLS]|unbelievable|,|thm|[SEP]"),
        (["The", "Ġrob", "ber", "Ġwent", ".", "ĠOh", "!"], "The|robber|Ġwent|.|ĠOh|!"),
        (["▁The", "▁rob", "ber", "s", "▁", "2", "0"], "▁The|robbers|▁|20"),
        (["<|endoftext|>", "The", " cat", "s", "\n", "\n", "sat"], "<|endoftext|>|The|cats|\n|\n|sat"),
        (["un", "able</w>", "to</w>", "."], "unable|to</w>|."),
        (["un@@", "able", "to"], "unable|to"),
        (["the", "cat", "sits"], "the|cat|sits"),
        (["🙂", "שלום", "a"], "🙂|שלום|a"),
        ([], ""),
    ],
)  # fmt: skip
def test_words_are_found_by_the_marks_of_tokenizers(tokens: list[str], expected: str) -> None:
    group = words(tokens, special(tokens))
    assert "|".join(spelled(tokens, group)) == expected
    assert (np.diff(group, prepend=0) <= 1).all()


def test_a_real_wordpiece_tokenizer_agrees() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    pieces = ["[UNK]", "[CLS]", "[SEP]", "the", "rob", "##ber", "##s", "went", ".", "un", "##able"]
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({p: n for n, p in enumerate(pieces)}, unk_token="[UNK]")
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    found = made.encode("the robbers went unable. the robber")
    assert words(found.tokens).tolist() == found.word_ids


def test_special_tokens_are_those_that_are_named_or_spelled_so() -> None:
    tokens = ["<s>", "<b>", "[PAD]", "[UNK]", "<mask>", "<|im_start|>", "[x]", "</s>", "a<s>"]
    assert special(tokens).tolist() == [True, False, True, False, False, True, False, True, False]
    assert special(tokens, ["<b>", "<mask>"]).tolist() == [True, True, *special(tokens).tolist()[2:]]


@settings(deadline=None)
@given(
    queries=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    keys=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_merged_rows_still_sum_to_one_and_are_the_loop(
    queries: list[int], keys: list[int], seed: int
) -> None:
    rows, columns = np.repeat(np.arange(len(queries)), queries), np.repeat(np.arange(len(keys)), keys)
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(columns)), size=(2, len(rows)))
    found = merged(weights, rows, columns)
    assert found.shape == (2, len(queries), len(keys))
    assert found.sum(-1) == pytest.approx(np.ones((2, len(queries))))
    for i in range(len(queries)):
        for j in range(len(keys)):
            block = weights[:, rows == i][:, :, columns == j]
            assert found[:, i, j] == pytest.approx(block.sum(-1).mean(-1))


@settings(deadline=None)
@given(count=st.integers(1, 8), seed=st.integers(0, 99))
def test_without_keys_rows_keep_their_sum_and_say_what_went(count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights = draw.dirichlet(np.ones(count), size=count) * 0.9  # a learned sink takes a tenth
    dropped = draw.random(count) < 0.4
    left, removed = without(weights, dropped)
    assert removed == pytest.approx(weights[:, dropped].sum(1))
    assert (left[:, dropped] == 0).all()
    if not dropped.all():
        assert left.sum(1) == pytest.approx(np.full(count, 0.9))
        kept = weights[:, ~dropped]
        assert left[:, ~dropped] == pytest.approx(0.9 * kept / kept.sum(1, keepdims=True))
    else:
        assert (left == 0).all()
