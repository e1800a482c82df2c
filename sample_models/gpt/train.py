"""Train the story-telling transformer from scratch: `python -m sample_models.gpt.train`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from sample_models.microworld import WordTokenizer
from sample_models.training import cosine, descend, options, tell

from .along import HOME, Along
from .data import STORIES, make_tokenizer, training_stories
from .metrics import evaluate, held_out_stories
from .model import CONTEXT, GPT, VOCABULARY, WEIGHTS

STEPS = 2_000
BATCH = 32
LEARNING_RATE = 2e-3
VALIDATION_STORIES = 200


def pack(stories: list[list[str]], tokenizer: WordTokenizer) -> Tensor:
    """Return rows (row, CONTEXT + 1) of ids: whole stories, each between `<bos>` and `<eos>`, as many as fit.

    Every other row lacks its first `<bos>`, so that a text may also begin with its first word; a row that is
    full to the brim lacks its last `<eos>`.
    """
    rows: list[list[int]] = []
    row: list[int] = [tokenizer.bos_id]
    for story in stories:
        ids = [*tokenizer.encode(" ".join(story)), tokenizer.eos_id]
        if len(row) + len(ids) > CONTEXT + 1:
            rows.append(row)
            row = [tokenizer.bos_id] if len(rows) % 2 == 0 else []
        row += ids if not row or row[-1] == tokenizer.bos_id else [tokenizer.bos_id, *ids]
    rows.append(row)
    packed = torch.full((len(rows), CONTEXT + 1), tokenizer.pad_id)
    for number, ids in enumerate(rows):
        packed[number, : len(ids)] = torch.tensor(ids)[: CONTEXT + 1]
    return packed


def loss_of(model: GPT, rows: Tensor, pad_id: int) -> Tensor:
    """Return the mean cross-entropy in nats of the next token, over rows (batch, token) of ids."""
    logits = model(rows[:, :-1])  # (B, T, vocab)
    return F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), ignore_index=pad_id)


def train(
    seed: int, *, steps: int = STEPS, stories: int = STORIES, keep: Callable[[int, GPT], None] | None = None
) -> tuple[GPT, list[float]]:
    """Return a trained model, in evaluation mode, and the loss on the batch of each step.

    Parameters
    ----------
    seed : int
        Fixes the starting weights and the order of the stories.
    steps : int, optional
        Optimiser steps.
    stories : int, optional
        How many stories there are to learn from.
    keep : callable, optional
        Called with the number of steps made so far and the model: before the first step, between any two,
        after the last.
    """
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    rows = pack(training_stories(stories), tokenizer)
    model = GPT(tokenizer.vocab_size).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)

    def loss_at(_: int) -> Tensor:
        return loss_of(model, rows[torch.randint(len(rows), (BATCH,))], tokenizer.pad_id)

    pace = partial(cosine, steps=steps, warm_up=min(100, 1 + steps // 5), floor=0.02)
    losses = descend(
        model,
        loss_at,
        optimiser=optimiser,
        pace=pace,
        steps=steps,
        longest=1.0,
        name="gpt",
        keep=None if keep is None else lambda step: keep(step, model),
    )
    return model.eval(), losses


def main() -> None:
    """Train, save weights, vocabulary and what was seen along the way, and print the metrics of the card."""
    asked = options(__doc__, out=WEIGHTS.parent, steps=STEPS)
    torch.set_num_threads(1)
    words = make_tokenizer()
    held_out = pack(held_out_stories(VALIDATION_STORIES), words)
    along = Along(
        asked.out / HOME.name,
        steps=asked.steps,
        validate=lambda model: loss_of(model, held_out, words.pad_id),
    )
    model, losses = train(asked.seed, steps=asked.steps, keep=along)
    along.save(losses)
    save_file(model.state_dict(), asked.out / WEIGHTS.name)
    words.save(asked.out / VOCABULARY.name)
    tell(evaluate(model, words))


if __name__ == "__main__":
    main()
