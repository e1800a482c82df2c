"""What attention weights say: how focused a head is, how far it looks, and which to show first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.shapes import Float, Float64, Int

Weights = NDArray[np.floating[Any]]
Rows = NDArray[np.integer[Any]]


def entropy(weights: Float[np.ndarray, "*batch query key"]) -> Float64[np.ndarray, "*batch query"]:
    """Shannon entropy of each row of weights, in bits.

    Parameters
    ----------
    weights : float array, (..., query, key)
        Rows sum to 1 (or less, where a sink takes the rest; they are scaled to 1 first).

    Returns
    -------
    float array, (..., query)
        0 when one key gets everything, ``log2(keys)`` when all get the same; NaN for a row without weight.

    Notes
    -----
    ``H = -Σ p log2 p`` (Shannon 1948, *A Mathematical Theory of Communication*, section 6); with
    ``p = w / Σ w`` that is ``log2 Σ w - Σ w log2 w / Σ w``.
    """
    wide = np.asarray(weights, np.float64)
    total = wide.sum(axis=-1)
    logs = np.maximum(wide, np.finfo(np.float64).tiny)  # 0 · log 0 counts as 0
    np.log2(logs, out=logs)
    inner = np.einsum("...k,...k->...", wide, logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits: Float64[np.ndarray, "*batch query"] = np.log2(total) - inner / total
    return np.asarray(np.maximum(bits, 0.0))  # rounding may fall below, by 1e-16


def distance(
    weights: Float[np.ndarray, "*batch query key"], queries: Int[np.ndarray, " query"] | None = None
) -> Float64[np.ndarray, "*batch query"]:
    """Mean distance between a query and what it attends to, in tokens.

    Parameters
    ----------
    weights : float array, (..., query, key)
    queries : int array (query,), optional
        Positions of the queries among the keys; 0, 1, 2 … without it.

    Returns
    -------
    float array, (..., query)
        ``Σ_k w(q, k) |q - k|`` (Vig and Belinkov 2019, arXiv:1906.04284, section 4.3).
    """
    at = np.arange(weights.shape[-2]) if queries is None else np.asarray(queries)
    apart = np.abs(at[:, None] - np.arange(weights.shape[-1])[None, :])
    return np.asarray((np.asarray(weights, np.float64) * apart).sum(axis=-1))


@dataclass(frozen=True)
class HeadSummary:
    """What one head does, from a few of its rows.

    Parameters
    ----------
    entropy : float
        Mean entropy of its rows, in bits.
    distance : float
        Mean distance it looks, in tokens.
    first, self : float
        Mean weight on the first key, and on the query's own position.
    """

    entropy: float
    distance: float
    first: float
    self: float


def summarise(weights: Float[np.ndarray, "query key"], queries: Int[np.ndarray, " query"]) -> HeadSummary:
    """Summarise one head.

    Parameters
    ----------
    weights : float array, (row, key)
    queries : int array (row,)
        Position of each row among the keys; rows that see one key only say nothing and are left out.
    """
    telling = (np.asarray(weights) > 0).sum(axis=1) > 1
    chosen, at = np.asarray(weights)[telling], np.asarray(queries)[telling]
    if not len(chosen):
        return HeadSummary(float("nan"), float("nan"), float("nan"), float("nan"))
    own = chosen[np.arange(len(at)), np.minimum(at, chosen.shape[1] - 1)]
    means = (entropy(chosen).mean(), distance(chosen, at).mean(), chosen[:, 0].mean(), own.mean())
    return HeadSummary(*(float(mean) for mean in means))


def most_telling(summaries: list[HeadSummary], *, most: float = 0.5) -> int:
    """Choose the head to show first: the most focused one that does not only look at one fixed place.

    Parameters
    ----------
    summaries : list of HeadSummary
    most : float
        Heads with more than this mean weight on the first token (an attention sink,
        arXiv:2309.17453) or on the query itself are passed over, unless all of them are such.

    Returns
    -------
    int
        Index of the head of lowest mean entropy among those left; 0 when nothing can be told.
    """
    known = [n for n, head in enumerate(summaries) if not np.isnan(head.entropy)]
    plain = [n for n in known if summaries[n].first <= most and summaries[n].self <= most]
    return min(plain or known or [0], key=lambda n: summaries[n].entropy)
