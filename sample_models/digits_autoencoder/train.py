"""Train the digit autoencoder from scratch: `python -m sample_models.digits_autoencoder.train`."""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch import Tensor

from sample_models.digits import digits, fit, squared_error
from sample_models.training import options, tell

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

    fit(model, loss, data=digits(), epochs=epochs, amount=JITTER, name="digits_autoencoder")
    return model


def main() -> None:
    """Train, save the weights and print the metrics of the card."""
    asked = options(__doc__, out=WEIGHTS.parent)
    model = train(asked.seed)
    save_file(model.state_dict(), asked.out / WEIGHTS.name)
    tell(evaluate(model))


if __name__ == "__main__":
    main()
