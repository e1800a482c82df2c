"""Fine-tune the story-telling transformer three times: `python -m sample_models.gpt_tuned.train`."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from sample_models.gpt.data import make_tokenizer as base_tokenizer
from sample_models.gpt.model import GPT
from sample_models.microworld import WordTokenizer, split
from sample_models.training import cosine, descend, options, tell
from sample_models.weights import save_half

from .metrics import evaluate
from .model import HOME, VOCABULARY, extended
from .tasks import TASKS, Item, Task

STEPS = 1_200
BATCH = 64
ITEMS = 40_000
TRAIN_SEED = 1
LEARNING_RATE = 1.5e-3
IGNORED = -100  # cross_entropy leaves these out


def make_tokenizer(items: list[Item]) -> WordTokenizer:
    """Return the base model's tokenizer with the items' new words after its own, so that its ids stay."""
    base = base_tokenizer()
    known = base.tokens(range(base.vocab_size))
    used = {word for item in items for text in (item.prompt, item.answer) for word in split(text)}
    return WordTokenizer([*known, *sorted(used - set(known))])


def encode(items: list[Item], words: WordTokenizer) -> tuple[Tensor, Tensor]:
    """Return ids that go in and ids that are wanted, (item, token): only answers and their end are wanted.

    Every other item begins with `<bos>`, as in pretraining.
    """
    rows = []
    for number, item in enumerate(items):
        prompt = [*([words.bos_id] * (number % 2)), *words.encode(item.prompt)]
        rows.append((prompt, [*words.encode(item.answer), words.eos_id]))
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    given = torch.full((len(rows), longest - 1), words.pad_id)
    wanted = torch.full_like(given, IGNORED)
    for number, (prompt, answer) in enumerate(rows):
        whole = torch.tensor([*prompt, *answer])
        given[number, : len(whole) - 1] = whole[:-1]
        wanted[number, len(prompt) - 1 : len(whole) - 1] = whole[len(prompt) :]
    return given, wanted


def loss_of(model: GPT, given: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of the answers' tokens; the rest of each row does not count."""
    used = int((wanted != IGNORED).any(dim=0).nonzero().max()) + 1
    logits = model(given[:, :used])  # (B, T, vocab)
    return F.cross_entropy(logits.flatten(0, 1), wanted[:, :used].flatten(), ignore_index=IGNORED)


def train(
    task: Task, seed: int, *, words: WordTokenizer, steps: int = STEPS, items: int = ITEMS
) -> tuple[GPT, list[float]]:
    """Return the base model fine-tuned for a task, in evaluation mode, and the loss of each step.

    Parameters
    ----------
    task : Task
        What it learns.
    seed : int
        Fixes the order of the items.
    words : WordTokenizer
        Of all tasks.
    steps : int, optional
        Optimiser steps.
    items : int, optional
        How many items there are to learn from.
    """
    torch.manual_seed(seed)
    given, wanted = encode(task.items(items, seed=TRAIN_SEED, held_out=False), words)
    model = extended(words.vocab_size).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)

    def loss_at(_: int) -> Tensor:
        chosen = torch.randint(len(given), (BATCH,))
        return loss_of(model, given[chosen], wanted[chosen])

    pace = partial(cosine, steps=steps, warm_up=min(100, 1 + steps // 5), floor=0.02)
    losses = descend(model, loss_at, optimiser=optimiser, pace=pace, steps=steps, longest=1.0, name=task.name)
    return model.eval(), losses


def main() -> None:
    """Fine-tune for every task, save weights and vocabulary, and print the metrics of the card."""
    asked = options(__doc__, out=HOME, steps=STEPS)
    torch.set_num_threads(1)
    every = [item for task in TASKS for item in task.items(ITEMS, seed=TRAIN_SEED, held_out=False)]
    words = make_tokenizer(every)
    words.save(asked.out / VOCABULARY.name)
    models = {}
    for task in TASKS:
        model, _ = train(task, asked.seed, words=words, steps=asked.steps)
        # The metrics are those of what was saved.
        model.load_state_dict(save_half(model.state_dict(), asked.out / f"{task.name}.safetensors"))
        models[task.name] = model
    tell(evaluate(models, words))


if __name__ == "__main__":
    main()
