"""Convolutional variational autoencoder (Kingma and Welling 2014) for 32 x 32 colour portraits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sample_models.faces import draw, labels, sample_people
from sample_models.variational import VariationalAutoencoder
from sample_models.weights import restored

WEIGHTS = Path(__file__).with_name("weights.safetensors")
LATENT_SIZE = 16
# Faces on show: none of them was trained on, and the metrics use yet other ones.
SHOWN_SEED = 90_001


class Encoder(nn.Module):
    """Turn portraits into the mean and log-variance of their latent code."""

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2, padding=1),  # (n, 32, 16, 16)
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),  # (n, 64, 8, 8)
            nn.SiLU(),
            nn.Conv2d(64, 64, 4, stride=2, padding=1),  # (n, 64, 4, 4)
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 192),
            nn.SiLU(),
        )
        self.mean = nn.Linear(192, latent_size)
        self.log_variance = nn.Linear(192, latent_size)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each (n, latent), of portraits (n, 3, 32, 32)."""
        hidden = self.convolutions(x)  # (n, 192)
        return self.mean(hidden), self.log_variance(hidden)


class Decoder(nn.Module):
    """Turn latent codes into portraits."""

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_size, 192),
            nn.SiLU(),
            nn.Linear(192, 64 * 4 * 4),
            nn.SiLU(),
            nn.Unflatten(1, (64, 4, 4)),
            nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1),  # (n, 64, 8, 8)
            nn.SiLU(),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),  # (n, 32, 16, 16)
            nn.SiLU(),
            nn.Conv2d(32, 32, 3, padding=1),  # (n, 32, 16, 16)
            nn.SiLU(),
            nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),  # (n, 3, 32, 32)
            nn.Sigmoid(),
        )

    def forward(self, z: Tensor) -> Tensor:
        """Return portraits (n, 3, 32, 32) in [0, 1] for codes (n, latent)."""
        portraits: Tensor = self.layers(z)
        return portraits


class FacesVAE(VariationalAutoencoder):
    """Encoder and decoder with a Gaussian code between them.

    Parameters
    ----------
    latent_size : int, optional
        Numbers in a code.

    Examples
    --------
    >>> import torch
    >>> vae = FacesVAE().eval()
    >>> reconstruction, mean, log_variance = vae(torch.rand(2, 3, 32, 32))
    >>> reconstruction.shape, mean.shape
    (torch.Size([2, 3, 32, 32]), torch.Size([2, 16]))
    """

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__(encoder=Encoder(latent_size), decoder=Decoder(latent_size))


def load(path: Path = WEIGHTS) -> FacesVAE:
    """Return the trained model, in evaluation mode."""
    return restored(FacesVAE(), path)


def parts() -> dict[str, Any]:
    """Return the trained model, portraits it has never seen and the factors each was drawn from.

    Returns
    -------
    dict
        `model`; `data`, (960, 3, 32, 32) float32 in [0, 1]: 80 people, 12 portraits of each; `labels`: each
        factor and `person`, (960,); `title`; `about`.
    """
    factors = sample_people(80, portraits=12, seed=SHOWN_SEED)
    return {
        "model": load(),
        "data": draw(factors),
        "labels": labels(factors),
        "title": "Faces (VAE)",
        "about": "A variational autoencoder squeezes a 32 x 32 portrait into 16 numbers and draws it again.",
    }
