"""Small DCGAN (Radford et al. 2016) for 32 x 32 colour portraits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sample_models.faces import draw, labels, sample_factors
from sample_models.weights import restored

CHECKPOINTS = Path(__file__).with_name("checkpoints")
LATENT_SIZE = 32
# Real faces on show: none of them was trained on.
SHOWN_SEED = 91_001


class Generator(nn.Module):
    """Turn Gaussian noise into portraits.

    Parameters
    ----------
    latent_size : int, optional
        Numbers of noise per portrait.

    Examples
    --------
    >>> import torch
    >>> Generator().eval()(torch.randn(2, 32)).shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(self, latent_size: int = LATENT_SIZE) -> None:
        super().__init__()
        last = nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1)
        self.layers = nn.Sequential(
            nn.Linear(latent_size, 64 * 4 * 4, bias=False),
            nn.Unflatten(1, (64, 4, 4)),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1, bias=False),  # (n, 64, 8, 8)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, bias=False),  # (n, 32, 16, 16)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, bias=False),  # (n, 32, 16, 16)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            last,  # (n, 3, 32, 32)
            nn.Sigmoid(),
        )
        # Wide enough that an untrained generator draws noise and not an even grey.
        nn.init.normal_(last.weight, std=0.1)

    def forward(self, z: Tensor) -> Tensor:
        """Return portraits (n, 3, 32, 32) in [0, 1] for noise (n, latent)."""
        portraits: Tensor = self.layers(z)
        return portraits


class Discriminator(nn.Module):
    """Score portraits: the higher the logit, the more real they look.

    Examples
    --------
    >>> import torch
    >>> Discriminator().eval()(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2, padding=1),  # (n, 32, 16, 16)
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),  # (n, 64, 8, 8)
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 96, 4, stride=2, padding=1),  # (n, 96, 4, 4)
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(96 * 4 * 4, 16),
            nn.LeakyReLU(0.2),
            nn.Linear(16, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit per portrait, (n,), for portraits (n, 3, 32, 32) in [0, 1]."""
        logits: Tensor = self.layers(2 * x - 1)
        return logits.squeeze(1)


def checkpoints(folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return step and weight files of each checkpoint, in the order of training."""
    steps = json.loads((folder / "steps.json").read_text(encoding="utf-8"))
    return [
        {
            "step": step,
            "generator": folder / f"generator-{step:05d}.safetensors",
            "discriminator": folder / f"discriminator-{step:05d}.safetensors",
        }
        for step in steps
    ]


def load(checkpoint: dict[str, Any]) -> tuple[Generator, Discriminator]:
    """Return generator and discriminator as they were at a checkpoint, in evaluation mode and float32."""
    # The files hold float16; copying into float32 modules widens them.
    return (
        restored(Generator(), checkpoint["generator"]),
        restored(Discriminator(), checkpoint["discriminator"]),
    )


def parts() -> dict[str, Any]:
    """Return both networks after training, real portraits and the way there.

    Returns
    -------
    dict
        `generator`, `discriminator`; `data`, (1000, 3, 32, 32) float32 in [0, 1], real portraits; `labels`:
        the factors of those, each (1000,); `latent_size`; `checkpoints`: `step` and weight files in the order
        of training, the last one holding the weights of `generator` and `discriminator`; `title`; `about`.
    """
    history = checkpoints()
    generator, discriminator = load(history[-1])
    factors = sample_factors(1_000, seed=SHOWN_SEED)
    return {
        "generator": generator,
        "discriminator": discriminator,
        "data": draw(factors),
        "labels": labels(factors),
        "latent_size": LATENT_SIZE,
        "checkpoints": history,
        "title": "Faces (GAN)",
        "about": "A generator learns to draw 32 x 32 portraits that a discriminator takes for real ones.",
    }
