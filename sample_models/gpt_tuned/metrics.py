"""What the card of the fine-tuned models claims: exact answers to prompts they were not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch

from sample_models.gpt.model import GPT
from sample_models.microworld import WordTokenizer

from .model import extended, load, tokenizer
from .tasks import TASKS, Item

TEST_SEED = 70_041
TEST_ITEMS = 300
LONGEST_ANSWER = 20


def evaluate(
    models: Mapping[str, GPT] | None = None, words: WordTokenizer | None = None, *, count: int = TEST_ITEMS
) -> dict[str, float]:
    """Return the card's metrics of `models` by task, or of the shipped weights.

    Returns
    -------
    dict of str to float
        For each task the share of held-out prompts answered word for word (temperature 0), its end included:
        `NAME_before` of the base model, `NAME` of the fine-tuned one.
    """
    words = tokenizer() if words is None else words
    base = extended(words.vocab_size)
    found = {}
    for task in TASKS:
        items = task.items(count, seed=TEST_SEED, held_out=True)
        tuned = load(task) if models is None else models.get(task.name)
        found[f"{task.name}_before"] = right(base, items, words)
        if tuned is not None:
            found[task.name] = right(tuned, items, words)
    return found


def right(model: GPT, items: list[Item], words: WordTokenizer) -> float:
    """Return the share of items that a model answers word for word and then ends."""
    told = answers(model, [item.prompt for item in items], words)
    return sum(text == item.answer for text, item in zip(told, items, strict=True)) / len(items)


def answers(model: GPT, prompts: list[str], words: WordTokenizer) -> list[str]:
    """Return what a model writes after each prompt (temperature 0) up to its end; "" when it does not end."""
    same: dict[int, list[int]] = defaultdict(list)  # prompts of one length are run together
    ids = [words.encode(prompt) for prompt in prompts]
    for number, each in enumerate(ids):
        same[len(each)].append(number)
    told = [""] * len(prompts)
    for length, numbers in same.items():
        batch = torch.tensor([ids[number] for number in numbers])
        written = model.generate(batch, min(LONGEST_ANSWER, model.context - length), temperature=0)
        for number, row in zip(numbers, written[:, length:].tolist(), strict=True):
            if words.eos_id in row:
                told[number] = " ".join(words.tokens(row[: row.index(words.eos_id)]))
    return told
