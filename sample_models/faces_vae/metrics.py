"""What the card of the portrait VAE claims, computed on faces it was not trained on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sample_models.faces import CONTINUOUS, draw, sample_factors
from sample_models.faces.probe import Probe

from .model import FacesVAE, load

PROBE_SEED = 70_001
TEST_SEED = 70_002
# A latent is in use when its mean varies this much over the data (Burda et al. 2016, section 5.2).
ACTIVE_VARIANCE = 0.01


def evaluate(model: FacesVAE | None = None) -> dict[str, float]:
    """Return the card's metrics of `model`, or of the shipped weights, on held-out portraits.

    Returns
    -------
    dict of str to float
        `mse` per pixel and channel; `psnr` in dB of that; `kl` in nats; `active_units`;
        `read_<factor>`: R2 (continuous) or accuracy (category) of a linear reading of the latent mean;
        `curved_<factor>`: R2 of a quadratic one.
    """
    model = load() if model is None else model
    probe_factors = sample_factors(3_000, seed=PROBE_SEED)
    test_factors = sample_factors(1_000, seed=TEST_SEED)
    test = torch.from_numpy(draw(test_factors))
    with torch.no_grad():
        reconstruction, mean, log_variance = model(test)
    mse = float((reconstruction - test).square().mean())
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
    codes = mean.numpy()
    probe_codes = latent_mean(model, draw(probe_factors))
    straight = Probe(probe_codes, probe_factors).scores(codes, test_factors)
    curved = Probe(probe_codes, probe_factors, degree=2).scores(codes, test_factors)
    return {
        "mse": mse,
        "psnr": -10 * math.log10(mse),
        "kl": float(divergence),
        "active_units": float((codes.var(axis=0) > ACTIVE_VARIANCE).sum()),
        **{f"read_{name}": score for name, score in straight.items()},
        **{f"curved_{name}": curved[name] for name in CONTINUOUS},
    }


def latent_mean(model: FacesVAE, images: NDArray[np.float32]) -> NDArray[Any]:
    """Return the mean code, (n, latent), of images (n, 3, 32, 32)."""
    with torch.no_grad():
        batches = [model.encode(batch)[0].numpy() for batch in torch.from_numpy(images).split(500)]
    return np.concatenate(batches)
