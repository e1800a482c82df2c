"""What the card of the housing perceptron claims, computed on houses it was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from .data import FEATURE_NAMES, Scaling, held_out_houses, scalings, true_price
from .model import HousingPerceptron, load, load_checkpoint

REPEATS = 20
_SEED = 11
_NAMES = tuple(name.split(" ", 1)[0] for name in FEATURE_NAMES)


def evaluate(
    model: HousingPerceptron | None = None, initial: HousingPerceptron | None = None
) -> dict[str, float]:
    """Return the card's metrics of `model` and `initial`, or of the shipped weights, on held-out houses.

    Returns
    -------
    dict of str to float
        `r2`, `rmse` (thousand €), `r2_initial`; `r2_ceiling` of the true formula, which knows all but the
        noise; `importance_<feature>` and `initial_importance_<feature>`: drop in R² when it is shuffled.
    """
    model = load() if model is None else model
    initial = load_checkpoint(0) if initial is None else initial
    houses = held_out_houses()
    features, price = scalings()
    data = features.standardise(houses.features)
    trained = euros(model, data, price)
    return {
        "r2": r2(houses.price, trained),
        "rmse": float(np.sqrt(np.mean((houses.price - trained) ** 2))),
        "r2_initial": r2(houses.price, euros(initial, data, price)),
        "r2_ceiling": r2(houses.price, true_price(houses.features)),
        **_prefixed("importance", importance(model, data, houses.price, price=price)),
        **_prefixed("initial_importance", importance(initial, data, houses.price, price=price)),
    }


def euros(model: HousingPerceptron, data: NDArray[np.float32], price: Scaling) -> NDArray[np.float64]:
    """Return the prices (n, 1), in thousand €, that the model gives standardised houses (n, 5)."""
    with torch.no_grad():
        standard: NDArray[np.float64] = model(torch.from_numpy(data)).double().numpy()
    return standard * price.scale + price.mean


def r2(target: NDArray[np.float64], prediction: NDArray[np.float64]) -> float:
    """Return the share of the variance of `target` that `prediction` explains; 1 is all of it.

    Examples
    --------
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    0.0
    """
    return float(1 - np.sum((target - prediction) ** 2) / np.sum((target - target.mean()) ** 2))


def importance(
    model: HousingPerceptron, data: NDArray[np.float32], target: NDArray[np.float64], *, price: Scaling
) -> NDArray[np.float64]:
    """Return the permutation importance, (5,): the drop in R² when one feature is shuffled among houses.

    Breiman, "Random Forests", Machine Learning 45 (2001), section 10; the mean of 20 shuffles.
    """
    random = np.random.default_rng(_SEED)
    whole = r2(target, euros(model, data, price))
    drops = np.zeros((REPEATS, data.shape[1]))
    for repeat, column in np.ndindex(drops.shape):
        shuffled = data.copy()
        shuffled[:, column] = random.permutation(data[:, column])
        drops[repeat, column] = whole - r2(target, euros(model, shuffled, price))
    mean: NDArray[np.float64] = drops.mean(axis=0)
    return mean


def _prefixed(prefix: str, values: NDArray[np.float64]) -> dict[str, float]:
    return {f"{prefix}_{name}": float(value) for name, value in zip(_NAMES, values, strict=True)}
