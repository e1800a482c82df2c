"""One row or one column of an attention map: what a picture of few pixels may keep of many weights."""

from dataclasses import dataclass

import numpy as np

from genviz.shapes import Bool, Float, Float32, Int


@dataclass(frozen=True)
class Envelope:
    """Weights along an axis, pooled to bins.

    Parameters
    ----------
    largest, mean : float32 array (bin,)
        Over the weights that may be there; NaN where there are none (``seen`` tells this from a NaN weight).
    at : int array (bin,)
        Where in the array the largest one is; 0 where nothing is seen.
    seen : bool array (bin,)
    width : int
        Weights in a bin (the last may hold fewer). With 1, ``largest`` is the weight itself.
    """

    largest: Float32[np.ndarray, " bin"]
    mean: Float32[np.ndarray, " bin"]
    at: Int[np.ndarray, " bin"]
    seen: Bool[np.ndarray, " bin"]
    width: int


def envelope(weights: Float[np.ndarray, " token"], seen: Bool[np.ndarray, " token"], bins: int) -> Envelope:
    """Pool weights along an axis to at most ``bins`` bins of equal width.

    Parameters
    ----------
    weights : float array (token,)
    seen : bool array (token,)
        False where a mask rules a weight out: it counts for nothing, not as zero.
    bins : int

    Examples
    --------
    >>> found = envelope(np.array([0.1, 0.4, 0.5, 0.0]), np.array([True, True, True, False]), 2)
    >>> found.largest.tolist(), found.mean.tolist(), found.at.tolist()
    ([0.4000000059604645, 0.5], [0.25, 0.5], [1, 2])
    """
    width = max(1, -(-len(weights) // bins))
    count = -(-len(weights) // width)
    spare = count * width - len(weights)
    there = np.pad(seen, (0, spare)).reshape(count, width)
    values = np.pad(weights.astype(np.float32), (0, spare)).reshape(count, width)
    ranked = np.where(there, values, np.float32(-np.inf))
    at = ranked.argmax(axis=1)  # the first NaN, if there is one
    some = np.asarray(there.any(axis=1))
    total = np.where(there, values, np.float32(0)).sum(axis=1, dtype=np.float64)
    mean = np.divide(total, there.sum(axis=1), out=np.full(count, np.nan), where=some)
    largest = np.where(some, ranked[np.arange(count), at], np.float32(np.nan))
    places = np.where(some, at + np.arange(count) * width, 0)
    return Envelope(largest.astype(np.float32), mean.astype(np.float32), places, some, width)


def peaks(weights: Float[np.ndarray, " token"], count: int, apart: int = 1) -> Int[np.ndarray, " count"]:
    """Find the places of the largest weights, the largest first, none closer than ``apart`` to a larger one.

    Parameters
    ----------
    weights : float array (token,)
        NaN and 0 are no peaks.
    count : int
        How many at most.
    apart : int

    Examples
    --------
    >>> peaks(np.array([0.1, 0.6, 0.5, 0.2]), 2, apart=2).tolist()
    [1, 3]
    """
    left = np.nan_to_num(weights).astype(np.float64)
    found: list[int] = []
    while len(found) < count and left.size and left.max() > 0:
        top = int(left.argmax())
        found.append(top)
        left[max(0, top - apart + 1) : top + apart] = 0
    return np.array(found, np.int64)
