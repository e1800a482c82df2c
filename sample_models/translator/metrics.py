"""What the card of the translator claims, computed on sentences it was not trained on."""

from __future__ import annotations

from sample_models.microworld import Pair, WordTokenizer, draw_pairs

from .data import training_pairs
from .model import COURSE_PAIRS, Translator, load, tokenizers, translate

TEST_SEED = 70_021
TEST_PAIRS = 1_000


def evaluate(
    model: Translator | None = None, source: WordTokenizer | None = None, target: WordTokenizer | None = None
) -> dict[str, float]:
    """Return the card's metrics of `model`, or of the shipped weights; all decoded greedily.

    Returns
    -------
    dict of str to float
        `unseen_couples`: share of sentences translated word for word right, each with a noun and an adjective
        that never met in training; `unseen_sentences`: the same for other sentences not in training;
        `course`: the same for the course's sentences.
    """
    model = load() if model is None else model
    french, english = tokenizers() if source is None or target is None else (source, target)
    known = {pair.french for pair in training_pairs()}
    couples = draw_pairs(TEST_PAIRS, seed=TEST_SEED, unseen=True)
    sentences = [p for p in draw_pairs(3 * TEST_PAIRS, seed=TEST_SEED) if p.french not in known][:TEST_PAIRS]
    course = [Pair(french, english) for french, english in COURSE_PAIRS]
    return {
        name: _right(model, pairs, french, english)
        for name, pairs in (("unseen_couples", couples), ("unseen_sentences", sentences), ("course", course))
    }


def _right(model: Translator, pairs: list[Pair], source: WordTokenizer, target: WordTokenizer) -> float:
    written = translate(model, [pair.french for pair in pairs], source, target)
    return sum(text == pair.english for text, pair in zip(written, pairs, strict=True)) / len(pairs)
