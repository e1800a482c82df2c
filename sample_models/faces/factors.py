"""What may differ between two portraits: who it is (identity) and how they look just now (variation)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Factors = Mapping[str, NDArray[Any]]

# Continuous factors with their range; the two ends are what a reader should see.
CONTINUOUS: dict[str, tuple[float, float]] = {
    "face_width": (0.0, 1.0),  # narrow .. wide
    "jaw": (0.0, 1.0),  # pointed .. square
    "skin": (0.0, 1.0),  # light .. dark
    "eye_size": (0.0, 1.0),  # small .. large
    "smile": (-1.0, 1.0),  # frown .. laugh
    "gaze": (-1.0, 1.0),  # towards the picture's left .. right
    "brow": (-1.0, 1.0),  # knitted .. raised
    "light": (-1.0, 1.0),  # from the picture's left .. right
}

# Factors that take one of a few named values; stored as the position of the name.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "hair_style": ("short", "parted", "long", "curly", "bun"),
    "hair_colour": ("black", "brown", "blond", "red", "grey"),
    "eye_colour": ("brown", "blue", "green"),
}

IDENTITY = ("face_width", "jaw", "skin", "eye_size", "hair_style", "hair_colour", "eye_colour")
VARIATION = ("smile", "gaze", "brow", "light")


def sample_factors(n: int, *, seed: int) -> dict[str, NDArray[Any]]:
    """Draw every factor of `n` faces independently and uniformly over its range.

    Parameters
    ----------
    n : int
        Number of faces.
    seed : int
        Same seed, same faces.

    Returns
    -------
    dict of str to ndarray, each (n,)
        float32 for the factors in `CONTINUOUS`, int64 for those in `CATEGORIES`.

    Raises
    ------
    ValueError
        When `n` is negative.

    Examples
    --------
    >>> sample_factors(3, seed=0)["hair_style"].shape
    (3,)
    """
    if n < 0:
        raise ValueError(f"asked for {n} faces: the number of faces must be 0 or more")
    generator = np.random.default_rng(seed)
    factors: dict[str, NDArray[Any]] = {}
    for name, (low, high) in CONTINUOUS.items():
        factors[name] = generator.uniform(low, high, n).astype(np.float32)
    for name, values in CATEGORIES.items():
        factors[name] = generator.integers(len(values), size=n)
    return factors


def sample_people(people: int, *, portraits: int, seed: int) -> dict[str, NDArray[Any]]:
    """Draw `people` identities and `portraits` different variations of each, person by person.

    Parameters
    ----------
    people : int
        Number of different identities.
    portraits : int
        Portraits of each: same face shape, skin, eyes and hair, other smile, gaze, brow and light.
    seed : int
        Same seed, same people.

    Returns
    -------
    dict of str to ndarray, each (people * portraits,)
        The factors, and `person`: which identity each portrait shows.

    Examples
    --------
    >>> sample_people(2, portraits=3, seed=0)["person"].tolist()
    [0, 0, 0, 1, 1, 1]
    """
    factors = sample_factors(people * portraits, seed=seed)
    for name in IDENTITY:
        factors[name] = np.repeat(factors[name][::portraits], portraits)
    return {"person": np.repeat(np.arange(people), portraits), **factors}


def labels(factors: Factors) -> dict[str, NDArray[Any]]:
    """Return `factors` with names in place of category numbers, ready to be shown.

    Parameters
    ----------
    factors : mapping of str to ndarray, each (n,)
        As returned by `sample_factors` or `sample_people`.

    Returns
    -------
    dict of str to ndarray, each (n,)
        Strings for the factors in `CATEGORIES`, the rest as it was.

    Examples
    --------
    >>> labels({"eye_colour": np.array([1, 0])})["eye_colour"].tolist()
    ['blue', 'brown']
    """
    return {
        name: np.asarray(CATEGORIES[name])[values] if name in CATEGORIES else values
        for name, values in factors.items()
    }


def check_factors(factors: Factors) -> int:
    """Return the number of faces that `factors` describe.

    Raises
    ------
    ValueError
        When a factor is missing, lengths differ, or a value lies outside its range.
    """
    missing = [name for name in (*CONTINUOUS, *CATEGORIES) if name not in factors]
    if missing:
        raise ValueError(
            f"no factor {missing[0]!r} among {sorted(factors)}: start from sample_factors(n, seed=0)"
        )
    lengths = {name: np.shape(factors[name]) for name in (*CONTINUOUS, *CATEGORIES)}
    if len(set(lengths.values())) > 1 or len(lengths["skin"]) != 1:
        raise ValueError(f"factors must all have the shape (n,), found {lengths}: repeat the ones held fixed")
    for name, (low, high) in CONTINUOUS.items():
        _check_range(name, factors[name], low=low, high=high)
    for name, values in CATEGORIES.items():
        _check_range(name, factors[name], low=0, high=len(values) - 1)
    return len(factors["skin"])


def _check_range(name: str, values: NDArray[Any], *, low: float, high: float) -> None:
    # Written so that NaN fails as well.
    if values.size and not (values.min() >= low and values.max() <= high):
        found = f"{values.min()} to {values.max()}"
        raise ValueError(f"factor {name!r} runs from {low} to {high}, found {found}: clip it first")
