"""How far the vectors of one word lie apart, sense by sense: cosines, and how cleanly senses part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genviz.shapes import Bool, Float, Float64

#: Cosine distances that differ by less are equal: what single precision leaves.
SAME = 1e-6
#: Of the longest vector: a spread that is only rounding.
EQUAL = 1e-5


def cosines(vectors: Float[np.ndarray, "*rows sample channel"]) -> Float64[np.ndarray, "*rows sample sample"]:
    """Cosine of every vector with every other; NaN for a vector of no length.

    Examples
    --------
    >>> cosines(np.array([[1.0, 0.0], [1.0, 1.0]])).round(3)
    array([[1.   , 0.707],
           [0.707, 1.   ]])
    """
    wide = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    unit = np.divide(wide, lengths, out=np.full_like(wide, np.nan), where=lengths > 0)
    return np.asarray(np.clip(unit @ np.swapaxes(unit, -1, -2), -1.0, 1.0))


def mean_between(
    table: Float64[np.ndarray, "*rows sample sample"], which: Bool[np.ndarray, "sample sample"]
) -> Float64[np.ndarray, "*rows"]:
    """Mean of the pairs that are asked for, each counted once; NaN when there are none.

    Parameters
    ----------
    table : float array, (..., sample, sample)
        Symmetric.
    which : bool array, (sample, sample)
    """
    upper = np.triu(which, 1)
    if not upper.any():
        return np.full(table.shape[:-2], np.nan)
    return np.asarray(table[..., upper].mean(axis=-1))


def together(senses: Sequence[object]) -> Bool[np.ndarray, "sample sample"]:
    """Tell which pairs are of one sense."""
    codes = np.unique(np.array([str(each) for each in senses]), return_inverse=True)[1]
    return np.asarray(codes[:, None] == codes[None, :])


@dataclass(frozen=True)
class Separation:
    """How cleanly senses part at one layer.

    Parameters
    ----------
    silhouette : float
        Mean over all items, -1 … 1; NaN when it is not defined.
    right : float
        Items whose nearest other item is of their own sense; equally near ones count in shares.
    asked : int
        Items that have another of their sense.
    """

    silhouette: float
    right: float
    asked: int


def separation(distances: Float64[np.ndarray, "sample sample"], senses: Sequence[object]) -> Separation:
    """Silhouette and leave-one-out nearest neighbour of labelled items.

    Parameters
    ----------
    distances : float array, (sample, sample)
    senses : sequence
        The label of each item.

    Notes
    -----
    Silhouette: ``(b - a) / max(a, b)``, a the mean distance to one's own sense, b to the nearest other one,
    0 for an item alone in its sense (Rousseeuw 1987, "Silhouettes"). A nearest neighbour that is as near as
    another (to :data:`SAME`) counts by its share: where all items are equal that gives chance.

    Examples
    --------
    >>> apart = np.abs(np.subtract.outer([0.0, 1.0, 9.0, 10.0], [0.0, 1.0, 9.0, 10.0]))
    >>> found = separation(apart, ["a", "a", "b", "b"])
    >>> round(found.silhouette, 3), found.right, found.asked
    (0.889, 4.0, 4)
    """
    same = together(senses)
    asked = same.sum(axis=1) > 1
    return Separation(_silhouette(distances, same), _right(distances, same, asked), int(asked.sum()))


def _silhouette(
    distances: Float64[np.ndarray, "sample sample"], same: Bool[np.ndarray, "sample sample"]
) -> float:
    groups = np.unique(same, axis=0)  # one row per sense
    if not 2 <= len(groups) < len(same) or np.isnan(distances).any():
        return float("nan")
    sums = distances @ groups.T
    sizes = groups.sum(axis=1)
    own = groups.T
    mine = (sums * own).sum(axis=1) / np.maximum((own * sizes).sum(axis=1) - 1, 1)
    other = np.where(own, np.inf, sums / sizes).min(axis=1)
    wider = np.maximum(mine, other)
    scores = np.divide(other - mine, wider, out=np.zeros_like(wider), where=wider > SAME)
    return float(np.where((own * sizes).sum(axis=1) > 1, scores, 0.0).mean())


def _right(
    distances: Float64[np.ndarray, "sample sample"],
    same: Bool[np.ndarray, "sample sample"],
    asked: Bool[np.ndarray, " sample"],
) -> float:
    others = np.where(np.eye(len(distances), dtype=bool), np.inf, distances)
    if not asked.any() or np.isnan(distances).any():
        return float("nan")
    nearest = others <= others.min(axis=1, keepdims=True) + SAME
    shares = (nearest & same).sum(axis=1) / nearest.sum(axis=1)
    return float(shares[asked].sum())


def chance(senses: Sequence[object]) -> float:
    """Share of right nearest neighbours when every other item is as near.

    Examples
    --------
    >>> chance(["a", "a", "b", "b"])
    0.3333333333333333
    """
    sizes = together(senses).sum(axis=1)
    asked = sizes > 1
    return float(((sizes - 1) / max(len(sizes) - 1, 1))[asked].mean()) if asked.any() else float("nan")


def turned_onto(
    points: Float[np.ndarray, "sample dimension"], onto: Float[np.ndarray, "sample dimension"]
) -> Float64[np.ndarray, "sample dimension"]:
    """Turn (and mirror) points so that they lie as near to others as they can.

    The orthogonal matrix R that minimises ``‖points R - onto‖`` is ``U Vᵀ`` of the singular value
    decomposition of ``pointsᵀ onto`` (Schönemann 1966, "A generalized solution of the orthogonal Procrustes
    problem"); distances among the points stay what they are.
    """
    left, _, right = np.linalg.svd(np.asarray(points, np.float64).T @ np.asarray(onto, np.float64))
    return np.asarray(points @ (left @ right), np.float64)


def flat_maps(
    vectors: Float[np.ndarray, "layer sample channel"],
) -> tuple[Float64[np.ndarray, "layer sample dimension"], Float64[np.ndarray, "layer dimension"]]:
    """A plane map of each layer, each turned onto the one after it, all of one size.

    Principal components by singular value decomposition (Pearson 1901), :func:`turned_onto` the next layer
    that has any spread, divided by the root mean square distance from the centre. The last one lies as it is:
    its largest spread across.

    Returns
    -------
    maps : float array, (layer, sample, 2)
        Zeros where all vectors are equal.
    explained : float array, (layer, 2)
        Share of the variance of the first two principal components; NaN where there is none.
    """
    maps, explained = [], []
    after = None
    for layer in np.asarray(vectors, np.float64)[::-1]:
        found, share = _plane(layer)
        if np.isfinite(share).all():
            found = found if after is None else turned_onto(found, after)
            after = found
        maps.append(found)
        explained.append(share)
    return np.stack(maps[::-1]), np.stack(explained[::-1])


def _plane(
    points: Float64[np.ndarray, "sample channel"],
) -> tuple[Float64[np.ndarray, "sample dimension"], Float64[np.ndarray, " dimension"]]:
    centred = points - points.mean(axis=0)
    spread = np.linalg.norm(centred) / max(np.sqrt(len(points)), 1.0)
    longest = np.linalg.norm(points, axis=1).max(initial=0.0)
    if not np.isfinite(spread) or spread <= EQUAL * max(float(longest), 1e-30):
        return np.zeros((len(points), 2)), np.full(2, np.nan)
    left, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    found = np.zeros((len(points), 2))
    kept = min(2, len(lengths))
    found[:, :kept] = (left * lengths * signs)[:, :kept] / spread
    share = np.zeros(2)
    share[:kept] = lengths[:kept] ** 2 / (lengths**2).sum()
    return found, share
