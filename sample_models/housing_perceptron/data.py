"""Houses drawn from a known population, priced by a known formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURE_NAMES = ("size (m²)", "bedrooms", "age (years)", "distance to centre (km)", "garden (m²)")
TARGET_NAME = "price (thousand €)"
TRUTH = (
    "price = 60 + 4·size·exp(−distance / 25) + 2·bedrooms − 1·age + 0.08·garden + N(0, 20²), in thousand €"
)
#: Standard deviation of what the formula leaves to chance, in thousand €.
NOISE = 20.0
TRAIN_COUNT = 1_600
HELD_OUT_COUNT = 400
_SEED = 20_260


@dataclass(frozen=True)
class Houses:
    """Houses and their prices, in the units people use.

    Parameters
    ----------
    features : ndarray
        (n, 5) float64, columns as in `FEATURE_NAMES`.
    price : ndarray
        (n, 1) float64, thousand €.
    """

    features: NDArray[np.float64]
    price: NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation that turn values into standard ones and back.

    Parameters
    ----------
    mean, scale : ndarray
        One value per column; `scale` in the unit of the column.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Scaling:
        """Return the scaling of the columns of values (n, column)."""
        return cls(values.mean(axis=0), values.std(axis=0))

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return values (n, column) with mean 0 and standard deviation 1 where the scaling was taken."""
        return ((values - self.mean) / self.scale).astype(np.float32)


def true_price(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what houses (n, 5) cost without chance, (n, 1), in thousand €: the formula in `TRUTH`.

    Examples
    --------
    >>> true_price(np.array([[100.0, 3.0, 10.0, 0.0, 0.0]])).round(1).tolist()
    [[456.0]]
    """
    size, bedrooms, age, distance, garden = features.T
    price = 60 + 4 * size * np.exp(-distance / 25) + 2 * bedrooms - age + 0.08 * garden
    return np.asarray(price, dtype=np.float64)[:, None]


def draw(count: int, *, seed: int) -> Houses:
    """Return `count` houses drawn at random.

    A larger house has more bedrooms (correlation about 0.8), so bedrooms look as if they made the price.

    Parameters
    ----------
    count : int
        How many houses.
    seed : int
        Fixes the houses and the chance in their prices.
    """
    random = np.random.default_rng(seed)
    size = np.clip(np.exp(random.normal(np.log(110), 0.4, count)), 35, 280)
    bedrooms = np.clip(np.rint(size / 32 + random.normal(0, 1.2, count)), 1, 8)
    age = random.uniform(0, 80, count)
    distance = random.uniform(0.5, 25, count)
    garden = np.clip(random.gamma(2, 120, count), 0, 1_200)
    features = np.stack([size, bedrooms, age, distance, garden], axis=1)
    return Houses(features, true_price(features) + random.normal(0, NOISE, (count, 1)))


def train_houses() -> Houses:
    """Return the 1,600 houses that the model is trained on."""
    return draw(TRAIN_COUNT, seed=_SEED)


def held_out_houses() -> Houses:
    """Return the 400 houses that the model never saw."""
    return draw(HELD_OUT_COUNT, seed=_SEED + 1)


def scalings() -> tuple[Scaling, Scaling]:
    """Return the scalings of features and price, both taken from the training houses."""
    houses = train_houses()
    return Scaling.of(houses.features), Scaling.of(houses.price)
