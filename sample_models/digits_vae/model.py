"""Variational autoencoder (Kingma and Welling 2014) for handwritten digits (8 x 8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sample_models.digits import LATENT_SIZE, decoder_layers, digits, encoder_layers
from sample_models.variational import Halves, VariationalAutoencoder
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")


class DigitsVAE(VariationalAutoencoder):
    """Encoder and decoder with a Gaussian code between them.

    Examples
    --------
    >>> import torch
    >>> reconstruction, mean, log_variance = DigitsVAE()(torch.rand(2, 1, 8, 8))
    >>> reconstruction.shape, mean.shape
    (torch.Size([2, 1, 8, 8]), torch.Size([2, 8]))
    """

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__(
            encoder=encoder_layers(2 * latent_size).append(Halves()), decoder=decoder_layers(latent_size)
        )


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
