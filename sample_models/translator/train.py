"""Train the translator from scratch: `python -m sample_models.translator.train`."""

from __future__ import annotations

from functools import partial

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from sample_models.microworld import Pair, WordTokenizer
from sample_models.training import cosine, descend, options, tell

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

    def loss_at(_: int) -> Tensor:
        chosen = torch.randint(pairs, (BATCH,))
        return loss_of(model, source_ids[chosen], target_ids[chosen])

    pace = partial(cosine, steps=steps, warm_up=min(300, 1 + steps // 5), floor=0.02)
    descend(model, loss_at, optimiser=optimiser, pace=pace, steps=steps, longest=1.0, name="translator")
    return model.eval()


def main() -> None:
    """Train, save weights and vocabularies, and print the metrics of the card."""
    asked = options(__doc__, out=WEIGHTS.parent, steps=STEPS)
    torch.set_num_threads(1)
    model = train(asked.seed, steps=asked.steps)
    save_file(model.state_dict(), asked.out / WEIGHTS.name)
    source, target = make_tokenizers(training_pairs())
    source.save(asked.out / SOURCE_VOCABULARY.name)
    target.save(asked.out / TARGET_VOCABULARY.name)
    tell(evaluate(model, source, target))


if __name__ == "__main__":
    main()
