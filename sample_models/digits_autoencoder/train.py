"""Train the digit autoencoder from scratch: `python -m sample_models.digits_autoencoder.train`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from sample_models.digits import fit, squared_error

from .metrics import evaluate
from .model import WEIGHTS, DigitsAutoencoder

EPOCHS = 300
JITTER = 0.5


def train(seed: int, *, epochs: int = EPOCHS) -> DigitsAutoencoder:
    """Return a trained autoencoder, in evaluation mode.

    Parameters
    ----------
    seed : int
        Fixes the starting weights, the order of the digits and how they are jittered.
    epochs : int, optional
        Passes over the training digits.
    """
    torch.manual_seed(seed)
    model = DigitsAutoencoder()

    def loss(images: Tensor, _: Tensor) -> Tensor:
        return squared_error(model(images), images)

    fit(model, loss, epochs=epochs, amount=JITTER, name="digits_autoencoder")
    return model


def main() -> None:
    """Train, save the weights and print the metrics of the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="folder for weights.safetensors")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = train(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), options.out / WEIGHTS.name)
    for name, value in evaluate(model).items():
        print(f"{name:32s} {value:.4f}")


if __name__ == "__main__":
    main()
