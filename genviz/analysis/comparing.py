"""How two runs differ: which tokens they share, how far apart distributions and vectors are."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from genviz.shapes import Float, Float64, Int


def aligned(
    first: Sequence[Any], second: Sequence[Any]
) -> tuple[Int[np.ndarray, " common"], Int[np.ndarray, " common"]]:
    """Positions of the tokens that two sequences have in common, in order.

    Ratcliff and Metzener's matching blocks: the longest common run first, then left and right of it
    (``difflib.SequenceMatcher``).

    Examples
    --------
    >>> first, second = aligned("the cat sits".split(), "the old cat sits".split())
    >>> first.tolist(), second.tolist()
    ([0, 1, 2], [0, 2, 3])
    """
    blocks = SequenceMatcher(None, list(first), list(second), autojunk=False).get_matching_blocks()
    starts = [(b.a + n, b.b + n) for b in blocks for n in range(b.size)]
    found = np.array(starts, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def divergence(
    first: Float[np.ndarray, "*rows key"], second: Float[np.ndarray, "*rows key"]
) -> Float64[np.ndarray, "*rows"]:
    """Jensen–Shannon divergence of each pair of rows, in bits.

    Parameters
    ----------
    first, second : float array, (..., key)
        Weights; each row is scaled to sum to 1.

    Returns
    -------
    float array, (...)
        0 for equal rows, 1 for rows with nothing in common; NaN where a row has no weight.

    Notes
    -----
    ``H((p + q) / 2) - (H(p) + H(q)) / 2`` (Lin 1991, *Divergence measures based on the Shannon entropy*).
    """
    p, q = (shares(each) for each in (first, second))
    middle = (p + q) / 2
    total = _relative(p, middle) / 2 + _relative(q, middle) / 2
    return np.asarray(np.where(np.isnan(total), total, np.clip(total, 0.0, 1.0)))


def shares(rows: Float[np.ndarray, "*rows key"]) -> Float64[np.ndarray, "*rows key"]:
    """Scale each row to sum to 1; NaN where a row has no weight."""
    rows = np.asarray(rows, np.float64)
    total = rows.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.full_like(rows, np.nan), where=total > 0))


def _relative(
    p: Float64[np.ndarray, "*rows key"], q: Float64[np.ndarray, "*rows key"]
) -> Float64[np.ndarray, "*rows"]:
    """Kullback–Leibler divergence in bits; ``0 log 0`` is 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=(p > 0) & (q > 0))
    return np.asarray((p * np.log2(ratio)).sum(axis=-1))


def turned(
    first: Float[np.ndarray, "*rows channel"], second: Float[np.ndarray, "*rows channel"]
) -> Float64[np.ndarray, "*rows"]:
    """How far each vector has turned: ``1 - cosine``, 0 (same way) … 2 (opposite); NaN for a zero vector."""
    a, b = (np.asarray(each, np.float64) for each in (first, second))
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    dots = (a * b).sum(axis=-1)
    cosine = np.divide(dots, lengths, out=np.full_like(dots, np.nan), where=lengths > 0)
    return np.asarray(1.0 - np.clip(cosine, -1.0, 1.0))
