"""What the card of the story-telling transformer claims, computed on stories it was not trained on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sample_models.microworld import WordTokenizer, draw_stories, sentences, world

from .data import kept_back, training_stories
from .model import GPT, load, tokenizer
from .trigram import Trigram

TEST_SEED = 70_011
TEST_STORIES = 400
DRAWN_STORIES = 120
DRAWN_SENTENCES = 200
# Only what came before says which bank this is; the words are what one does there.
SENSES = {
    "money": (
        ("the robber wanted money .", "the robbers wanted money ."),
        ("took", "stole", "robbed", "opened"),
    ),
    "river": (
        ("the boy swam in the river .", "the women swam in the lake ."),
        ("looked", "caught", "slept", "sat"),
    ),
}
PRONOUNS = {"robber": "he", "robbers": "they", "boy": "he", "women": "they"}


def evaluate(model: GPT | None = None, words: WordTokenizer | None = None) -> dict[str, float]:
    """Return the card's metrics of `model`, or of the shipped weights.

    Returns
    -------
    dict of str to float
        `perplexity` a token on held-out stories; `bound`: the grammar's own, which no model can beat;
        `trigram`: a smoothed trigram model's, of the same training stories; `sentences` and `stories`: shares
        of what the model makes up (temperature 1) that the grammar accepts; `answers`: share of questions
        about where someone is that it answers (temperature 0) as the story says; `river`: chance that it says
        "river" after "the robber went to the bank of", with or without "the"; `sense`: chance that what is
        done at the bank fits the sentence before.
    """
    model = load() if model is None else model
    words = tokenizer() if words is None else words
    stories = held_out_stories(TEST_STORIES)
    count = sum(len(story) + 1 for story in stories)
    chances = sum(world().log_probability(story, "STORY") for story in stories)
    trigram = Trigram(training_stories())
    made = make_up(model, words, count=DRAWN_STORIES, seed=TEST_SEED)
    spoken = [sentence for story in made for sentence in sentences(story)][:DRAWN_SENTENCES]
    return {
        "perplexity": math.exp(-sum(log_likelihood(model, story, words) for story in stories) / count),
        "bound": math.exp(-chances / count),
        "trigram": math.exp(-sum(trigram.log_probability(story) for story in stories) / count),
        "sentences": sum(world().accepts(sentence, "SENTENCE") for sentence in spoken) / len(spoken),
        "stories": sum(world().accepts(story, "STORY") for story in made) / len(made),
        "answers": _answers(model, words),
        "river": _river(model, words),
        "sense": _sense(model, words),
    }


def held_out_stories(count: int, *, seed: int = TEST_SEED) -> list[list[str]]:
    """Return stories that are not among the training stories."""
    known = {tuple(story) for story in training_stories()}
    return [story for story in draw_stories(2 * count, seed=seed) if tuple(story) not in known][:count]


@torch.no_grad()
def log_likelihood(model: GPT, story: list[str], words: WordTokenizer) -> float:
    """Return the natural logarithm of the chance that the model gives a story, and its end, after `<bos>`."""
    ids = torch.tensor([[words.bos_id, *words.encode(" ".join(story)), words.eos_id]])
    logits = model(ids[:, :-1])[0]  # (T, vocab)
    return -float(F.cross_entropy(logits, ids[0, 1:], reduction="sum"))


def make_up(model: GPT, words: WordTokenizer, *, count: int, seed: int) -> list[list[str]]:
    """Return stories drawn from the model at temperature 1, as words and marks, up to `<eos>`."""
    start = torch.full((count, 1), words.bos_id)
    generator = torch.Generator().manual_seed(seed)
    drawn = model.generate(start, model.context - 1, generator=generator)[:, 1:].tolist()
    return [words.tokens(row[: row.index(words.eos_id)] if words.eos_id in row else row) for row in drawn]


@torch.no_grad()
def _next(model: GPT, words: WordTokenizer, text: str) -> Tensor:
    """Return the chance of each next token, (vocab,), after a story's beginning."""
    ids = torch.tensor([[words.bos_id, *words.encode(text)]])
    return F.softmax(model(ids)[0, -1], dim=-1)


def _answers(model: GPT, words: WordTokenizer) -> float:
    asked = [story for story in draw_stories(2_000, seed=TEST_SEED) if kept_back(story)]
    right = 0
    for story in asked:
        end = story.index("is", story.index("?")) + 1
        ids = torch.tensor([[words.bos_id, *words.encode(" ".join(story[:end]))]])
        written = model.generate(ids, len(story) - end, temperature=0)[0, ids.shape[1] :]
        right += words.tokens(written.tolist()) == story[end:]
    return right / len(asked)


def _river(model: GPT, words: WordTokenizer) -> float:
    beginning = "the robber went to the bank of"
    river, the = words.encode("river the")
    bare = _next(model, words, beginning)
    return float(bare[river] + bare[the] * _next(model, words, f"{beginning} the")[river])


def _sense(model: GPT, words: WordTokenizer) -> float:
    found = []
    for contexts, deeds in SENSES.values():
        for context in contexts:
            pronoun = PRONOUNS[context.split()[1]]
            chances = _next(model, words, f"{context} {pronoun} went to the bank and")
            found.append(float(chances[words.encode(" ".join(deeds))].sum()))
    return sum(found) / len(found)
