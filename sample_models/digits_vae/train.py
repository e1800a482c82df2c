"""Train the digit VAE from scratch: `python -m sample_models.digits_vae.train`."""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch import Tensor

from sample_models.digits import BATCH, LATENT_SIZE, digits, fit, squared_error
from sample_models.training import options, tell
from sample_models.variational import divergence

from .critic import Critic
from .metrics import evaluate
from .model import WEIGHTS, DigitsVAE

EPOCHS = 650
JITTER = 0.4
# Weight of the KL divergence against the squared error summed over a picture.
BETA = 0.09
# Weight of the critic's complaint about invented digits.
COMPLAINT = 2.0


def train(seed: int, *, epochs: int = EPOCHS, choosing: bool = False) -> DigitsVAE:
    """Return a trained VAE, in evaluation mode.

    Parameters
    ----------
    seed : int
        Fixes the starting weights, the order of the digits, how they are jittered, and the codes.
    epochs : int, optional
        Passes over the training digits.
    choosing : bool, optional
        Leave out the digits for choosing settings, see `sample_models.digits.digits`.
    """
    torch.manual_seed(seed)
    model, critic = DigitsVAE(), Critic()

    def loss(images: Tensor, digit: Tensor) -> Tensor:
        reconstruction, mean, log_variance = model(images)
        bound = squared_error(reconstruction, images) + BETA * divergence(mean, log_variance).sum()
        invented = model.decode(torch.randn(BATCH, LATENT_SIZE))
        critic.learn(images, digit, invented)
        return bound + COMPLAINT * critic.complaint(invented) + critic.misreading(reconstruction, digit)

    fit(model, loss, data=digits(choosing=choosing), epochs=epochs, amount=JITTER, name="digits_vae")
    return model


def main() -> None:
    """Train, save the weights and print the metrics of the card."""
    about = "leave out every fifth training digit, measure on those, and save nothing: to choose settings"
    asked = options(__doc__, out=WEIGHTS.parent, flags={"choosing": about})
    model = train(asked.seed, choosing=asked.choosing)
    if not asked.choosing:
        save_file(model.state_dict(), asked.out / WEIGHTS.name)
    tell(evaluate(model, choosing=asked.choosing))


if __name__ == "__main__":
    main()
