"""Train the encoder from scratch on stories with words masked: `python -m sample_models.masked.train`."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from sample_models.training import cosine, descend, options, tell
from sample_models.weights import save_half

from .data import IGNORED, known_rows, make_tokenizer, masked
from .metrics import evaluate
from .model import VOCABULARY, WEIGHTS, MaskedEncoder

STEPS = 2_500
BATCH = 64
STORIES = 60_000
LEARNING_RATE = 2e-3


def loss_of(model: MaskedEncoder, given: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of the words that are to be told; the others do not count."""
    return F.cross_entropy(model(given).flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)


def train(seed: int, *, steps: int = STEPS, stories: int = STORIES) -> tuple[MaskedEncoder, list[float]]:
    """Return a trained encoder, in evaluation mode, and the loss of each step.

    Parameters
    ----------
    seed : int
        Fixes the starting weights, the order of the stories, and which words are masked.
    steps : int, optional
        Optimiser steps.
    stories : int, optional
        How many stories there are to learn from.
    """
    torch.manual_seed(seed)
    words = make_tokenizer()
    known = known_rows(words, stories)
    draw = torch.Generator().manual_seed(seed)
    model = MaskedEncoder(words.vocab_size).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)

    def loss_at(_: int) -> Tensor:
        batch = known[torch.randint(len(known), (BATCH,), generator=draw)]
        used = int((batch != words.pad_id).any(dim=0).sum())
        return loss_of(model, *masked(batch[:, :used], words, draw))

    pace = partial(cosine, steps=steps, warm_up=min(200, 1 + steps // 5), floor=0.02)
    losses = descend(model, loss_at, optimiser=optimiser, pace=pace, steps=steps, longest=1.0, name="masked")
    return model.eval(), losses


def main() -> None:
    """Train, save weights and vocabulary, and print the metrics of the card."""
    asked = options(__doc__, out=WEIGHTS.parent, steps=STEPS)
    torch.set_num_threads(1)
    model, _ = train(asked.seed, steps=asked.steps)
    # The metrics are those of what was saved.
    model.load_state_dict(save_half(model.state_dict(), asked.out / WEIGHTS.name))
    make_tokenizer().save(asked.out / VOCABULARY.name)
    tell(evaluate(model, make_tokenizer()))


if __name__ == "__main__":
    main()
