"""Train the story-telling transformer from scratch: `python -m sample_models.gpt.train`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from tqdm import trange

from sample_models.microworld import WordTokenizer

from .data import STORIES, make_tokenizer, training_stories
from .metrics import evaluate
from .model import CONTEXT, GPT, VOCABULARY, WEIGHTS

STEPS = 2_000
BATCH = 32
LEARNING_RATE = 2e-3


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


def train(seed: int, *, steps: int = STEPS, stories: int = STORIES) -> GPT:
    """Return a trained model, in evaluation mode.

    Parameters
    ----------
    seed : int
        Fixes the starting weights and the order of the stories.
    steps : int, optional
        Optimiser steps.
    stories : int, optional
        How many stories there are to learn from.
    """
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    rows = pack(training_stories(stories), tokenizer)
    model = GPT(tokenizer.vocab_size).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _pace(step, steps=steps))
    progress = trange(steps, desc="gpt", mininterval=2)
    for step in progress:
        loss = loss_of(model, rows[torch.randint(len(rows), (BATCH,))], tokenizer.pad_id)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            progress.set_postfix(loss=f"{loss.item():.3f}")
    return model.eval()


def _pace(step: int, *, steps: int) -> float:
    warm = min(1.0, (step + 1) / min(100, 1 + steps // 5))
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def main() -> None:
    """Train, save weights and vocabulary, and print the metrics of the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="folder for weights and vocabulary")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = train(options.seed, steps=options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), options.out / WEIGHTS.name)
    make_tokenizer().save(options.out / VOCABULARY.name)
    for name, value in evaluate(model, make_tokenizer()).items():
        print(f"{name:32s} {value:.4f}")


if __name__ == "__main__":
    main()
