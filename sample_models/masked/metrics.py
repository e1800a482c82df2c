"""What the card of the encoder claims, computed on stories it was not trained on."""

from __future__ import annotations

from collections import Counter, defaultdict

import torch
from torch import Tensor
from torch.nn import functional as F

from sample_models.gpt.data import training_stories
from sample_models.gpt.metrics import held_out_stories

from .data import rows
from .model import CONTEXT, MaskedEncoder, MaskingTokenizer, load, tokenizer

TEST_SEED = 70_051
TEST_STORIES = 400
PRONOUNS = ("he", "she", "it", "they")
_EDGE = "<edge>"


def evaluate(model: MaskedEncoder | None = None, words: MaskingTokenizer | None = None) -> dict[str, float]:
    """Return the card's metrics of `model`, or of the shipped weights.

    One token of each held-out story after the other is masked, by chance but always the same ones.

    Returns
    -------
    dict of str to float
        `accuracy`, `top5`: share of masked tokens that are the likeliest, or among the five likeliest;
        `likelihood`: the geometric mean of the chance that it gives the hidden token; `pronouns`: `accuracy`
        where a pronoun was hidden; `neighbours`, `commonest`: `accuracy` of counting alone: the word most
        often seen between the two words beside it in the training stories, or the commonest word of all.
    """
    model = load() if model is None else model
    words = tokenizer() if words is None else words
    stories = [story for story in held_out_stories(TEST_STORIES, seed=TEST_SEED) if len(story) <= CONTEXT]
    places = _places(stories)
    chances = _chances(model, words, stories, places)  # (mask, vocab)
    hidden = [stories[number][place] for number, place in places]
    ids = torch.tensor([words.encode(word)[0] for word in hidden])
    ranks = (chances > chances.gather(1, ids[:, None])).sum(dim=1)
    pronouns = torch.tensor([word in PRONOUNS for word in hidden])
    guessed = Counts(training_stories())
    near = [guessed.between(stories[number], place) for number, place in places]
    return {
        "accuracy": _mean(ranks == 0),
        "top5": _mean(ranks < 5),
        "likelihood": float(chances.gather(1, ids[:, None]).double().log().mean().exp()),
        "pronouns": _mean(ranks[pronouns] == 0),
        "neighbours": _mean(torch.tensor([guess == word for guess, word in zip(near, hidden, strict=True)])),
        "commonest": _mean(torch.tensor([guessed.commonest == word for word in hidden])),
    }


class Counts:
    """Which word stands most often between two others."""

    def __init__(self, stories: list[list[str]]) -> None:
        seen: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.commonest = Counter(word for story in stories for word in story).most_common(1)[0][0]
        for story in stories:
            for place, word in enumerate(story):
                seen[self._beside(story, place)][word] += 1
        self._best = {beside: words.most_common(1)[0][0] for beside, words in seen.items()}

    def between(self, story: list[str], place: int) -> str:
        """Return the guess for a place in a story."""
        return self._best.get(self._beside(story, place), self.commonest)

    @staticmethod
    def _beside(story: list[str], place: int) -> tuple[str, str]:
        return (story[place - 1] if place else _EDGE, story[place + 1] if place + 1 < len(story) else _EDGE)


def _places(stories: list[list[str]]) -> list[tuple[int, int]]:
    """Return which token of which story is hidden: every sixth, beginning with another one in each story."""
    return [
        (number, place) for number, story in enumerate(stories) for place in range(number % 6, len(story), 6)
    ]


@torch.no_grad()
def _chances(
    model: MaskedEncoder, words: MaskingTokenizer, stories: list[list[str]], places: list[tuple[int, int]]
) -> Tensor:
    """Return the chance of each token at each place, (mask, vocab), one mask at a time."""
    ids = rows(stories, words)
    found = []
    for start in range(0, len(places), 256):
        chosen = places[start : start + 256]
        batch = ids[[number for number, _ in chosen]].clone()
        at = torch.tensor([place for _, place in chosen])
        one = torch.arange(len(chosen))
        batch[one, at] = words.mask_id
        found.append(F.softmax(model(batch)[one, at], dim=-1))
    return torch.cat(found)


def _mean(right: Tensor) -> float:
    return float(right.double().mean())
