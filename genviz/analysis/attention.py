"""What attention weights say: how focused a head is, how far it looks, and overviews of long maps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genviz.shapes import Bool, Float, Float32, Float64, Int, Shaped

Weights = NDArray[np.floating[Any]]
Rows = NDArray[np.integer[Any]]
Pooling = Literal["max", "mean"]


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
    ``H = -Σ p log2 p`` (Shannon 1948, *A Mathematical Theory of Communication*, section 6).
    """
    wide = np.asarray(weights, np.float64)
    total = wide.sum(axis=-1, keepdims=True)
    share = np.divide(wide, total, out=np.full_like(wide, np.nan), where=total != 0)
    logs = np.log2(share, out=np.zeros_like(share), where=~(share <= 0))
    bits: Float64[np.ndarray, "*batch query"] = -(share * logs).sum(axis=-1)
    return bits + 0.0  # -0.0 is a strange thing to read


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
class Overview:
    """A long map pooled to few cells.

    Parameters
    ----------
    values : float32 array, (queries, keys), a block of each
        NaN where no cell of the block may be attended to (``seen`` tells this from a NaN weight).
    seen : bool array, (queries, keys)
        True where at least one cell of the block may be attended to.
    block : (int, int)
        Queries and keys in one block (the last may hold fewer).
    """

    values: Float32[np.ndarray, "queries keys"]
    seen: Bool[np.ndarray, "queries keys"]
    block: tuple[int, int]


def pooled(
    weights: Callable[[Rows], Weights],
    allowed: Callable[[Rows], NDArray[np.bool_]],
    shape: tuple[int, int],
    *,
    size: int = 512,
    how: Pooling = "max",
    rows_at_once: int = 64,
) -> Overview:
    """Pool a map of weights block by block, a chunk of rows at a time, so that it is never whole in memory.

    Parameters
    ----------
    weights, allowed : callable
        ``weights(rows)`` and ``allowed(rows)`` give ``(row, key)`` for the rows asked for.
    shape : (queries, keys)
    size : int
        At most this many blocks along each axis.
    how : {"max", "mean"}
        ``max`` keeps single strong links visible; ``mean`` is over the cells that may be attended to.
    rows_at_once : int
        Rows worked out together, rounded to whole blocks.
    """
    block = (-(-shape[0] // size), -(-shape[1] // size))
    step = max(1, rows_at_once // block[0]) * block[0]
    parts = [
        _pool_rows(np.arange(start, min(start + step, shape[0])), weights, allowed, block=block, how=how)
        for start in range(0, shape[0], step)
    ]
    values, seen = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Overview(values, seen, block)


def _pool_rows(
    rows: Int[np.ndarray, " query"],
    weights: Callable[[Rows], Weights],
    allowed: Callable[[Rows], NDArray[np.bool_]],
    *,
    block: tuple[int, int],
    how: Pooling,
) -> tuple[Float32[np.ndarray, "queries keys"], Bool[np.ndarray, "queries keys"]]:
    may = allowed(rows)
    found = np.where(may, weights(rows), np.float32(0))
    counts = _reduce(np.add, may.astype(np.int32), block)
    seen = counts > 0
    if how == "max":
        values = np.where(seen, _reduce(np.maximum, found, block), np.nan)
    else:
        values = np.divide(
            _reduce(np.add, found, block), counts, out=np.full(seen.shape, np.nan, np.float32), where=seen
        )
    return values.astype(np.float32), seen


def _reduce(
    operation: np.ufunc, array: Shaped[np.ndarray, "query key"], block: tuple[int, int]
) -> Shaped[np.ndarray, "queries keys"]:
    across = operation.reduceat(array, np.arange(0, array.shape[1], block[1]), axis=1)
    return np.asarray(operation.reduceat(across, np.arange(0, array.shape[0], block[0]), axis=0))


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
