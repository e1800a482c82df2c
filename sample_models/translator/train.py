"""Train the translator from scratch: `python -m sample_models.translator.train`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from tqdm import trange

from sample_models.microworld import Pair, WordTokenizer

from .data import PAIRS, make_tokenizers, training_pairs
from .metrics import evaluate
from .model import SOURCE_VOCABULARY, TARGET_VOCABULARY, WEIGHTS, Translator, pad

STEPS = 1_600
BATCH = 64
LEARNING_RATE = 1.5e-3


def encode(pairs: list[Pair], source: WordTokenizer, target: WordTokenizer) -> tuple[Tensor, Tensor]:
    """Return French ids and English ids between `<bos>` and `<eos>`, (pair, token) each, padded."""
    french = [source.encode(pair.french) for pair in pairs]
    english = [[target.bos_id, *target.encode(pair.english), target.eos_id] for pair in pairs]
    return pad(french, source.pad_id), pad(english, target.pad_id)


def loss_of(model: Translator, source_ids: Tensor, target_ids: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of the next English word, with labels smoothed by a tenth.

    Smoothing is section 5.4 of Vaswani et al. (2017); positions filled up do not count.
    """
    logits = model(source_ids, target_ids[:, :-1])  # (B, T, vocab)
    expected = target_ids[:, 1:].flatten()
    return F.cross_entropy(logits.flatten(0, 1), expected, ignore_index=model.pad_id, label_smoothing=0.1)


def train(seed: int, *, steps: int = STEPS, pairs: int = PAIRS) -> Translator:
    """Return a trained model, in evaluation mode.

    Parameters
    ----------
    seed : int
        Fixes the starting weights, dropout and the order of the pairs.
    steps : int, optional
        Optimiser steps.
    pairs : int, optional
        How many pairs there are to learn from.
    """
    torch.manual_seed(seed)
    known = training_pairs(pairs)
    source, target = make_tokenizers(known)
    source_ids, target_ids = encode(known, source, target)
    model = Translator(source.vocab_size, target.vocab_size, pad_id=source.pad_id).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _pace(step, steps=steps))
    progress = trange(steps, desc="translator", mininterval=2)
    for step in progress:
        chosen = torch.randint(pairs, (BATCH,))
        loss = loss_of(model, source_ids[chosen], target_ids[chosen])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            progress.set_postfix(loss=f"{loss.item():.3f}")
    return model.eval()


def _pace(step: int, *, steps: int) -> float:
    warm = min(1.0, (step + 1) / min(300, 1 + steps // 5))
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def main() -> None:
    """Train, save weights and vocabularies, and print the metrics of the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=WEIGHTS.parent, help="folder for weights and vocabularies"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = train(options.seed, steps=options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), options.out / WEIGHTS.name)
    source, target = make_tokenizers(training_pairs())
    source.save(options.out / SOURCE_VOCABULARY.name)
    target.save(options.out / TARGET_VOCABULARY.name)
    for name, value in evaluate(model, source, target).items():
        print(f"{name:32s} {value:.4f}")


if __name__ == "__main__":
    main()
