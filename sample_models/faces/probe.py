"""How well each known factor can be read from a code by a simple rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from .factors import CATEGORIES, CONTINUOUS, Factors


class Probe:
    """One linear regression per continuous factor, one logistic regression per category.

    Parameters
    ----------
    codes : ndarray, (n, latent)
        Codes of faces whose factors are known.
    factors : mapping of str to ndarray, each (n,)
        Those factors.
    degree : int, optional
        1 reads along straight lines; 2 also along curves, from squares and products of a code's numbers.
        Categories are read along straight lines always.
    """

    def __init__(self, codes: NDArray[Any], factors: Factors, *, degree: int = 1) -> None:
        self._readers: dict[str, Any] = {}
        for name in CONTINUOUS:
            reader = make_pipeline(PolynomialFeatures(degree, include_bias=False), LinearRegression())
            self._readers[name] = reader.fit(codes, factors[name])
        for name in CATEGORIES:
            reader = make_pipeline(StandardScaler(), LogisticRegression(C=10.0, max_iter=500))
            self._readers[name] = reader.fit(codes, factors[name])

    def read(self, codes: NDArray[Any], name: str) -> NDArray[Any]:
        """Return the factor `name` of each code, (n,): a value, or the position of a category."""
        values: NDArray[Any] = self._readers[name].predict(codes)
        return values

    def scores(self, codes: NDArray[Any], factors: Factors) -> dict[str, float]:
        """Return R2 of each continuous factor and accuracy of each category on other faces."""
        return {
            name: float(reader.score(codes, np.asarray(factors[name])))
            for name, reader in self._readers.items()
        }
