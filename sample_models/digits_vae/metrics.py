"""What the card of the digit VAE claims, computed on digits it was not trained on and on ones it invents."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from sample_models.digits import LATENT_SIZE, digits, reading
from sample_models.variational import divergence

from .model import DigitsVAE, load

SAMPLES = 2_000
CONFIDENT = 0.8
# A latent is in use when its mean varies this much over the data (Burda et al. 2016, section 5.2).
ACTIVE_VARIANCE = 0.01
_NO_DIGIT = 10


def evaluate(model: DigitsVAE | None = None, *, choosing: bool = False) -> dict[str, float]:
    """Return the card's metrics of `model`, or of the shipped weights.

    Parameters
    ----------
    model : DigitsVAE, optional
        Default: the shipped one.
    choosing : bool, optional
        Measure on the digits for choosing settings, see `sample_models.digits.digits`.

    Returns
    -------
    dict of str to float
        `mse` per pixel on held-out digits; `linear_accuracy`, `knn_accuracy`: see
        `sample_models.digits.reading`; `kl` in nats, `active_units`; `clear_samples`: share of decoded
        N(0, 1) codes that `confidence` holds for one digit by more than 0.8; `share_<digit>` of each digit
        among those; `agreement`: share of those that the nearest training images call the same;
        `clear_reconstructions` of held-out digits; and to compare, `clear_real` of the digits themselves and
        `clear_impostors` of `impostors`.
    """
    model = load() if model is None else model
    data = digits(choosing=choosing)
    images, digit = data.part(held_out=True)
    with torch.no_grad():
        codes = model.encode(torch.from_numpy(data.images))[0].numpy()
        reconstruction, mean, log_variance = model(torch.from_numpy(images))
    return {
        "mse": float(((reconstruction.numpy() - images) ** 2).mean()),
        **reading(codes, data),
        "kl": float(divergence(mean, log_variance).sum()),
        "active_units": float((mean.var(dim=0) > ACTIVE_VARIANCE).sum()),
        **_samples(invent(model, SAMPLES, seed=0), choosing=choosing),
        "clear_reconstructions": clear_share(reconstruction.numpy(), choosing=choosing),
        "clear_real": clear_share(images, choosing=choosing),
        "clear_impostors": clear_share(impostors(images, digit, seed=1), choosing=choosing),
    }


def _samples(images: NDArray[np.float32], *, choosing: bool) -> dict[str, float]:
    said = confidence(images, choosing=choosing)
    clear = said.max(axis=1) > CONFIDENT
    digit = said.argmax(axis=1)[clear]
    share = np.bincount(digit, minlength=10) / max(1, len(digit))
    known, name = digits(choosing=choosing).part(held_out=False)
    nearest = KNeighborsClassifier(3).fit(known.reshape(-1, 64), name)
    alike = nearest.predict(images[clear].reshape(-1, 64)) == digit if len(digit) else np.zeros(1)
    return {
        "clear_samples": float(clear.mean()),
        **{f"share_{value}": float(part) for value, part in enumerate(share)},
        "agreement": float(alike.mean()),
    }


def invent(model: DigitsVAE, count: int, *, seed: int) -> NDArray[np.float32]:
    """Return `count` images (count, 1, 8, 8) decoded from codes drawn from N(0, 1)."""
    codes = torch.randn(count, LATENT_SIZE, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        images: NDArray[np.float32] = model.decode(codes).numpy()
    return images


def clear_share(images: NDArray[np.float32], *, choosing: bool = False) -> float:
    """Return the share of images (n, 1, 8, 8) that are one digit with a confidence above 0.8."""
    return float((confidence(images, choosing=choosing).max(axis=1) > CONFIDENT).mean())


def confidence(images: NDArray[np.float32], *, choosing: bool = False) -> NDArray[np.float64]:
    """Return the probability of each digit, (n, 10), for images (n, 1, 8, 8); the rest to 1 is "no digit"."""
    said: NDArray[np.float64] = _judge(choosing=choosing).predict_proba(images.reshape(len(images), 64))
    return said[:, :_NO_DIGIT]


def impostors(images: NDArray[np.float32], digit: NDArray[np.int64], *, seed: int) -> NDArray[np.float32]:
    """Return images (m, 1, 8, 8) with a digit's ink that are none: shuffled pixels, means of two digits."""
    random = np.random.default_rng(seed)
    shuffled = random.permuted(images.reshape(len(images), 64), axis=1).reshape(images.shape)
    other = random.permutation(len(images))
    differ = digit != digit[other]
    return np.concatenate([shuffled, (images[differ] + images[other][differ]) / 2])


@cache
def _judge(*, choosing: bool) -> CalibratedClassifierCV:
    """Train a classifier of the ten digits and of impostors, on the training part.

    With the ten digits alone it would be sure of anything: 92 % of images with shuffled pixels were one digit
    to it.
    """
    images, digit = digits(choosing=choosing).part(held_out=False)
    wrong = impostors(images, digit, seed=0)
    rows = np.concatenate([images, wrong]).reshape(-1, 64)
    target = np.concatenate([digit, np.full(len(wrong), _NO_DIGIT)])
    return CalibratedClassifierCV(SVC(C=10, gamma=0.5), cv=5, ensemble=False).fit(rows, target)
