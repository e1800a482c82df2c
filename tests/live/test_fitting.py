"""Texts that are longer than a model can read."""

from typing import Any

import pytest
import torch
import transformers

from genviz.errors import TooLong
from genviz.live import LanguageModel
from genviz.live.fitting import longest_readable
from tests.live.small_models import Identity, live_of

SIZES: dict[str, Any] = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32,
}  # fmt: skip


class Marked:
    """Words to numbers, with a mark before and behind, and a long word as two tokens."""

    vocab_size, bos_id, eos_id = 40, 1, 2

    def encode(self, text: str) -> list[int]:
        words = [[3 + len(word) % 30] * (2 if len(word) > 8 else 1) for word in text.split()]
        return [1, *(each for word in words for each in word), 2]

    def tokens(self, ids: list[int]) -> list[str]:
        return [f"w{each}" for each in ids]


def gpt2(context: int = 8) -> Any:
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=context)
    return transformers.GPT2LMHeadModel(config).eval()


def test_a_text_that_does_not_fit_is_refused_with_the_place_where_it_could_be_cut() -> None:
    live = LanguageModel(gpt2(), Identity(), text="1 2 3")
    with pytest.raises(TooLong) as error:
        live.record(" ".join(map(str, range(12))))
    assert str(error.value) == (
        "the text has 12 tokens, and this model reads at most 8: cut it behind “0 1 2 3 4 5 6 7”, and leave "
        "out what begins “8 9 10 11”"
    )


def test_it_is_cut_when_that_is_asked_for_and_says_where() -> None:
    live = LanguageModel(gpt2(), Identity(), text="1 2 3")
    recording = live.record(" ".join(map(str, range(12))), cut=True)
    assert recording.info["cut"] == {
        "tokens": 12,
        "read": 8,
        "behind": "0 1 2 3 4 5 6 7",
        "from": "8 9 10 11",
    }
    assert recording.info["text"] == ["0 1 2 3 4 5 6 7"]
    assert list(recording.tokens[0]) == [f"w{n}" for n in range(8)]
    whole = live.record("0 1 2 3 4 5 6 7")
    assert "cut" not in whole.info
    site = whole.sites("attention")[-1]
    assert (whole.attention(site, head=1).values == recording.attention(site, head=1).values).all()


def test_marks_of_the_tokenizer_stay_and_no_word_is_cut_in_two() -> None:
    live = LanguageModel(gpt2(), Marked(), text="a b")
    cut = live.record("a bb ccc dddd e incomprehensible g h", cut=True)
    assert cut.info["text"] == ["a bb ccc dddd e"], "the long word would have begun, but not ended"
    assert cut.tokens[0][-1] == "w2", "the end mark"
    assert cut.info["cut"]["from"] == "incomprehensible g h"


def test_ids_are_cut_where_the_positions_end() -> None:
    live = LanguageModel(gpt2(), text="1 2 3")
    assert live.record(list(range(11)), cut=True).info["cut"]["read"] == 8


def test_a_text_of_exactly_the_context_and_a_single_word_beyond_it() -> None:
    live = LanguageModel(gpt2(), Marked(), text="a b")
    assert "cut" not in live.record("a b c d e f").info
    tight = LanguageModel(gpt2(3), Marked(), text="a")
    assert tight.record("incomprehensible", cut=True).info["cut"]["read"] == 3, (
        "one word is cut if it must be"
    )


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (transformers.BertConfig(**SIZES, max_position_embeddings=10), 10),
        (transformers.RobertaConfig(**SIZES, max_position_embeddings=12, pad_token_id=1), 10),
        (transformers.OPTConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                ffn_dim=32, word_embed_proj_dim=16, max_position_embeddings=9), 9),
        (transformers.LlamaConfig(**SIZES, max_position_embeddings=6), None),
    ],
)  # fmt: skip
def test_the_longest_text_is_the_longest_that_runs(config: Any, expected: int | None) -> None:
    torch.manual_seed(0)
    live = LanguageModel(transformers.AutoModel.from_config(config).eval(), Identity(), text="5 6 7")
    assert longest_readable(live) == expected
    most = expected or 20
    assert len(live.record([5] * most).tokens[0]) == most
    if expected:
        with pytest.raises((IndexError, RuntimeError)), torch.no_grad():
            live.modules[""](torch.full((1, expected + 1), 5))


def test_relative_positions_have_no_end() -> None:
    live = live_of("t5")
    assert longest_readable(live) is None
    assert len(live.record([5] * 60).tokens[0]) == 60
