"""Train the digit VAE from scratch: `python -m sample_models.digits_vae.train`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from sample_models.digits import BATCH, LATENT_SIZE, fit, squared_error

from .critic import Critic
from .metrics import divergence, evaluate
from .model import WEIGHTS, DigitsVAE

EPOCHS = 250
JITTER = 0.4
# Weight of the KL divergence against the squared error summed over a picture.
BETA = 0.1


def train(seed: int, *, epochs: int = EPOCHS) -> DigitsVAE:
    """Return a trained VAE, in evaluation mode.

    Parameters
    ----------
    seed : int
        Fixes the starting weights, the order of the digits, how they are jittered, and the codes.
    epochs : int, optional
        Passes over the training digits.
    """
    torch.manual_seed(seed)
    model, critic = DigitsVAE(), Critic()

    def loss(images: Tensor, digit: Tensor) -> Tensor:
        reconstruction, mean, log_variance = model(images)
        invented = model.decode(torch.randn(BATCH, LATENT_SIZE))
        critic.learn(images, digit, invented)
        error = squared_error(reconstruction, images)
        return error + BETA * divergence(mean, log_variance).sum() + critic.complaint(invented)

    fit(model, loss, epochs=epochs, amount=JITTER, name="digits_vae")
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
