"""The stories that the model learns from, and the tokenizer made of them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from sample_models.microworld import COURSE, WordTokenizer, draw_stories, split, world

STORIES = 60_000
TRAIN_SEED = 1


def kept_back(story: Sequence[str]) -> bool:
    """Whether a story with a question is kept from training: one in four, by chance but always the same."""
    return "?" in story and sha256(" ".join(story).encode()).digest()[0] % 4 == 0


def training_stories(count: int = STORIES) -> list[list[str]]:
    """Return the stories that the model is trained on, the same ones for every seed of the weights."""
    return [story for story in draw_stories(count, seed=TRAIN_SEED) if not kept_back(story)]


def make_tokenizer() -> WordTokenizer:
    """Return a tokenizer for every word of the world and of the course's sentences."""
    return WordTokenizer.of([*world().words_of("STORY"), *(word for text in COURSE for word in split(text))])
