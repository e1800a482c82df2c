"""The residual stream: how long its vectors are, what each sub-layer adds, and how the sums fit together.

A transformer's block reads the stream and adds to it (Elhage et al. 2021, "A Mathematical Framework for
Transformer Circuits", https://transformer-circuits.pub/2021/framework). Vectors are rows: arrays are
``(token, channel)``.
"""

import numpy as np

from genviz.shapes import Float, Float64


def lengths(vectors: Float[np.ndarray, "*batch channel"]) -> Float64[np.ndarray, "*batch"]:
    """Euclidean length of each vector, over the last axis, in the units of the stream.

    Examples
    --------
    >>> lengths(np.array([[3.0, 4.0], [0.0, 2.0]]))
    array([5., 2.])
    """
    return np.asarray(np.linalg.norm(np.asarray(vectors, np.float64), axis=-1))


def cosines(
    first: Float[np.ndarray, "*batch channel"], second: Float[np.ndarray, "*batch channel"]
) -> Float64[np.ndarray, "*batch"]:
    """Cosine of the angle between vectors, -1 … 1, over the last axis; NaN where one of them is zero.

    Examples
    --------
    >>> cosines(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])).round(3)
    array([0.707])
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    product = lengths(first) * lengths(second)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(product > 0, (first * second).sum(-1) / product, np.nan))


def adds_up(
    before: Float[np.ndarray, "..."],
    added: Float[np.ndarray, "..."],
    after: Float[np.ndarray, "..."],
    *,
    tolerance: float = 1e-3,
) -> bool:
    """Tell whether ``before + added`` is ``after``, up to a share ``tolerance`` of its length.

    Examples
    --------
    >>> adds_up(np.ones((1, 2)), np.ones((1, 2)), np.full((1, 2), 2.0))
    True
    """
    if not np.shape(before) == np.shape(added) == np.shape(after):
        return False
    gap = lengths(np.asarray(before, np.float64) + added - after)
    return bool(np.all(gap <= tolerance * np.maximum(lengths(after), 1e-12)))
