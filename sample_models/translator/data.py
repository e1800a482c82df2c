"""The pairs that the translator learns from, and the tokenizers made of them."""

from __future__ import annotations

from sample_models.microworld import Pair, WordTokenizer, draw_pairs, split

PAIRS = 40_000
TRAIN_SEED = 1


def training_pairs(count: int = PAIRS) -> list[Pair]:
    """Return the pairs that the model is trained on; no noun and adjective that are held out meet in them."""
    return draw_pairs(count, seed=TRAIN_SEED)


def make_tokenizers(pairs: list[Pair]) -> tuple[WordTokenizer, WordTokenizer]:
    """Return a French and an English tokenizer for the words of the pairs."""
    return (
        WordTokenizer.of(word for pair in pairs for word in split(pair.french)),
        WordTokenizer.of(word for pair in pairs for word in split(pair.english)),
    )
