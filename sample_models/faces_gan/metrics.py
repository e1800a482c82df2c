"""What the card of the portrait GAN claims: that fakes look real and cover all that is real.

Faces are compared by their 64 first principal components, which hold 98.6% of what varies between real
portraits. Latent codes would not do: an encoder that knows nothing but faces sees a face in noise as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sample_models.faces import CATEGORIES, CONTINUOUS, draw, sample_factors
from sample_models.faces.factors import Factors
from sample_models.faces.probe import Probe
from sample_models.faces_vae.metrics import latent_mean
from sample_models.faces_vae.model import load as load_vae

from .model import LATENT_SIZE, checkpoints, load

REAL_SEED = 71_001
OTHER_SEED = 71_002
FACES = 2_000
NEIGHBOURS = 5
COMPONENTS = 64


def evaluate(checkpoint: dict[str, Any] | None = None) -> dict[str, float]:
    """Return the card's metrics of a checkpoint, of the last one shipped by default.

    Returns
    -------
    dict of str to float
        `precision`, `recall`, `density`, `coverage` against held-out real faces; `frechet` and, for scale,
        `frechet_real` between two sets of real ones; `score_real`, `score_fake`: mean of sigmoid(D);
        `auc` of D; `share_<category>`: the rarest value's share among the fakes times the number of values (1
        when all are equally common); `spread_<factor>`: standard deviation among fakes over that among real.
        Factors are read from the latent means of `sample_models.faces_vae` along straight lines.
    """
    generator, discriminator = load(checkpoints()[-1] if checkpoint is None else checkpoint)
    factors = sample_factors(FACES, seed=REAL_SEED)
    real = draw(factors)
    other = draw(sample_factors(FACES, seed=OTHER_SEED))
    with torch.no_grad():
        noise = torch.randn(FACES, LATENT_SIZE, generator=torch.Generator().manual_seed(0))
        fake = generator(noise).numpy()
        scores_real = torch.sigmoid(discriminator(torch.from_numpy(real))).numpy()
        scores_fake = torch.sigmoid(discriminator(torch.from_numpy(fake))).numpy()
    # Fitted on the other real faces, so that neither side of the comparison has shaped it.
    components = PCA(COMPONENTS, random_state=0).fit(_flat(other))
    seen_real, seen_other, seen_fake = (components.transform(_flat(images)) for images in (real, other, fake))
    return {
        **neighbourhoods(seen_real, seen_fake, k=NEIGHBOURS),
        "frechet": frechet_distance(seen_real, seen_fake),
        "frechet_real": frechet_distance(seen_real, seen_other),
        "score_real": float(scores_real.mean()),
        "score_fake": float(scores_fake.mean()),
        "auc": float(roc_auc_score(np.repeat([1, 0], FACES), np.concatenate([scores_real, scores_fake]))),
        **_variety(factors, real=real, fake=fake),
    }


def neighbourhoods(real: NDArray[Any], fake: NDArray[Any], *, k: int) -> dict[str, float]:
    """Return precision, recall, density and coverage of fakes by k-nearest-neighbour balls.

    Precision and recall: Kynkäänniemi et al., "Improved precision and recall metric for assessing generative
    models" (2019). Density and coverage: Naeem et al., "Reliable fidelity and diversity metrics for
    generative models" (2020).

    Parameters
    ----------
    real, fake : ndarray, (n, feature) and (m, feature)
        Features of both kinds of images.
    k : int
        The ball around an image reaches to its `k`-th nearest neighbour of the same kind.

    Raises
    ------
    ValueError
        When there are not more than `k` images of a kind.
    """
    if min(len(real), len(fake)) <= k:
        found = f"{len(real)} real and {len(fake)} fake"
        raise ValueError(f"{k} neighbours need more than {k} images of a kind: found {found}")
    # The nearest neighbour of an image among its own kind is the image itself.
    radius_real = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, -1]
    radius_fake = NearestNeighbors(n_neighbors=k + 1).fit(fake).kneighbors(fake)[0][:, -1]
    squares = (real**2).sum(axis=1)[:, None] + (fake**2).sum(axis=1) - 2 * real @ fake.T
    distance = np.sqrt(np.maximum(squares, 0))  # (real, fake)
    inside_real = distance < radius_real[:, None]
    inside_fake = distance < radius_fake[None, :]
    return {
        "precision": float(inside_real.any(axis=0).mean()),
        "recall": float(inside_fake.any(axis=1).mean()),
        "density": float(inside_real.sum(axis=0).mean() / k),
        "coverage": float(inside_real.any(axis=1).mean()),
    }


def frechet_distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the squared Fréchet distance between Gaussians fitted to two sets of features.

    |mean difference|^2 + trace(A + B - 2 (A^1/2 B A^1/2)^1/2) for covariances A and B: Dowson and Landau,
    "The Fréchet distance between multivariate normal distributions" (1982).

    Parameters
    ----------
    a, b : ndarray, (n, feature) and (m, feature)
    """
    difference = a.mean(axis=0) - b.mean(axis=0)
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    crossed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariance_b @ root), 0)).sum()
    return float(difference @ difference + np.trace(covariance_a) + np.trace(covariance_b) - 2 * crossed)


def _variety(factors: Factors, *, real: NDArray[np.float32], fake: NDArray[np.float32]) -> dict[str, float]:
    vae = load_vae()
    codes_real, codes_fake = latent_mean(vae, real), latent_mean(vae, fake)
    probe = Probe(codes_real, factors)
    variety = {}
    for name, values in CATEGORIES.items():
        counts = np.bincount(probe.read(codes_fake, name), minlength=len(values))
        variety[f"share_{name}"] = float(counts.min() / counts.sum() * len(values))
    for name in CONTINUOUS:
        # Readings of real faces, not the factors themselves: what the reading misses is missed on both sides.
        spread = probe.read(codes_fake, name).std() / probe.read(codes_real, name).std()
        variety[f"spread_{name}"] = float(spread)
    return variety


def _flat(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1)
