"""Variational autoencoder (Kingma and Welling 2014) for handwritten digits (8 x 8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sample_models.digits import LATENT_SIZE, decoder_layers, digits, encoder_layers
from sample_models.variational import drawn
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")


class DigitsVAE(nn.Module):
    """Encoder and decoder with a Gaussian code between them.

    Examples
    --------
    >>> import torch
    >>> reconstruction, mean, log_variance = DigitsVAE()(torch.rand(2, 1, 8, 8))
    >>> reconstruction.shape, mean.shape
    (torch.Size([2, 1, 8, 8]), torch.Size([2, 8]))
    """

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__()
        self.encoder = encoder_layers(2 * latent_size)
        self.decoder = decoder_layers(latent_size)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each (n, latent), of images (n, 1, 8, 8)."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Return images (n, 1, 8, 8) in [0, 1] for codes (n, latent)."""
        images: Tensor = self.decoder(z)
        return images

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return reconstruction, mean and log-variance; the code is sampled while training, else the mean."""
        mean, log_variance = self.encode(x)
        z = drawn(mean, log_variance) if self.training else mean
        return self.decode(z), mean, log_variance


def load(path: Path = WEIGHTS) -> DigitsVAE:
    """Return the trained model, in evaluation mode."""
    return restored(DigitsVAE(), path)


def parts() -> dict[str, Any]:
    """Return the trained model and all digits.

    Returns
    -------
    dict
        `model`; `data`, (1797, 1, 8, 8) float32 in [0, 1]; `labels`: `digit` and `split` ("train" or
        "held-out"), (1797,); `title`; `about`.
    """
    data = digits()
    return {
        "model": load(),
        "data": data.images,
        "labels": data.labels(),
        "title": "Digits (VAE)",
        "about": "A variational autoencoder learns how digits vary: any code near 0 draws a new one.",
    }
