"""Autoencoder for handwritten digits (8 x 8): encoder, a code of eight numbers, decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sample_models.digits import LATENT_SIZE, decoder_layers, digits, encoder_layers
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")


class DigitsAutoencoder(nn.Module):
    """Encoder and decoder with the code between them.

    Examples
    --------
    >>> import torch
    >>> DigitsAutoencoder()(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__()
        self.encoder = encoder_layers(latent_size)
        self.decoder = decoder_layers(latent_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction, (n, 1, 8, 8) in [0, 1], of images (n, 1, 8, 8)."""
        z = self.encoder(x)  # (n, latent)
        reconstruction: Tensor = self.decoder(z)
        return reconstruction


def load(path: Path = WEIGHTS) -> DigitsAutoencoder:
    """Return the trained model, in evaluation mode."""
    return restored(DigitsAutoencoder(), path)


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
        "title": "Digits (autoencoder)",
        "about": "An autoencoder squeezes a handwritten digit into 8 numbers and back; a little is lost.",
    }
