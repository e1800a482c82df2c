"""Stories with words masked, and the tokenizer that knows the mask."""

from __future__ import annotations

import torch
from torch import Tensor

from sample_models.gpt.data import training_stories
from sample_models.microworld import COURSE, WordTokenizer, split, world

from .model import CONTEXT, MASK, MaskingTokenizer

SHARE = 0.15  # of the tokens that are to be told (Devlin et al. 2019, section 3.1)
IGNORED = -100  # cross_entropy leaves these out


def make_tokenizer() -> MaskingTokenizer:
    """Return a tokenizer for every word of the world, of the course's sentences, and the mask."""
    return MaskingTokenizer.of(
        [MASK, *world().words_of("STORY"), *(word for text in COURSE for word in split(text))]
    )


def rows(stories: list[list[str]], words: WordTokenizer) -> Tensor:
    """Return ids (story, token) of stories that fit the context, filled up with `<pad>`."""
    ids = [words.encode(" ".join(story)) for story in stories]
    ids = [each for each in ids if len(each) <= CONTEXT]
    found = torch.full((len(ids), max(map(len, ids))), words.pad_id)
    for number, each in enumerate(ids):
        found[number, : len(each)] = torch.tensor(each)
    return found


def known_rows(words: WordTokenizer, count: int) -> Tensor:
    """Return the rows that the model is trained on: the stories that the story-telling GPT learns from."""
    return rows(training_stories(count), words)


def masked(ids: Tensor, words: MaskingTokenizer, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return ids with some replaced, and the ids that are to be told there (`IGNORED` elsewhere).

    Of the tokens to be told eight in ten become the mask, one in ten another word, one in ten stay, so that
    the model cannot rely on a word that it sees (Devlin et al. 2019, "BERT", section 3.1).
    """
    chance = torch.rand(ids.shape, generator=draw)
    told = (chance < SHARE) & (ids != words.pad_id)
    other = torch.randint(words.first_word, words.vocab_size, ids.shape, generator=draw)
    given = torch.where(chance < 0.8 * SHARE, words.mask_id, ids)
    given = torch.where((chance >= 0.8 * SHARE) & (chance < 0.9 * SHARE), other, given)
    return torch.where(told, given, ids), torch.where(told, ids, IGNORED)
