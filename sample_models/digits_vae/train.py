"""Train the digit VAE from scratch: `python -m sample_models.digits_vae.train`."""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch import Tensor

from sample_models.digits import BATCH, LATENT_SIZE, fit, squared_error
from sample_models.training import options, tell
from sample_models.variational import divergence

from .critic import Critic
from .metrics import evaluate
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
    asked = options(__doc__, out=WEIGHTS.parent)
    model = train(asked.seed)
    save_file(model.state_dict(), asked.out / WEIGHTS.name)
    tell(evaluate(model))


if __name__ == "__main__":
    main()
