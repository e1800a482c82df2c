"""Nearest neighbours, exactly; and how well a map keeps them."""

import numpy as np

from genviz.shapes import Float, Float32, Float64, Int, Int32

#: Distances held at once, so that memory stays within some tens of MB however many points there are.
_AT_ONCE = 4_000_000
#: More points than this are searched with scikit-learn.
_MANY = 20_000


def nearest(
    points: Float[np.ndarray, "sample feature"],
    count: int,
    asked: Float[np.ndarray, "place feature"] | None = None,
) -> tuple[Int32[np.ndarray, "asked count"], Float32[np.ndarray, "asked count"]]:
    """The nearest points, nearest first, by Euclidean distance.

    Parameters
    ----------
    points : array (sample, feature)
    count : int
        How many to find for each.
    asked : array (place, feature), optional
        Places to find them for; default: the points themselves, each of which is then its own first
        neighbour.

    Returns
    -------
    indices : array (place, count)
    distances : array (place, count)

    Examples
    --------
    >>> nearest(np.array([[0.0], [1.0], [3.0]], np.float32), 2)[0].tolist()
    [[0, 1], [1, 0], [2, 1]]
    """
    own = asked is None
    found = _by_search(points, count, asked) if len(points) > _MANY else _by_distances(points, count, asked)
    indices, distances = found
    if own:
        _put_self_first(indices, distances)
    return indices.astype(np.int32), distances.astype(np.float32)


def _by_distances(
    points: Float[np.ndarray, "sample feature"],
    count: int,
    asked: Float[np.ndarray, "place feature"] | None,
) -> tuple[Int[np.ndarray, "asked count"], Float[np.ndarray, "asked count"]]:
    """All distances, a block of rows at a time; equally near ones always come in the same order."""
    centre = points.mean(0, dtype=np.float64)
    known = points - centre
    places = known if asked is None else asked - centre
    indices, distances = [], []
    size = max(1, _AT_ONCE // len(known))
    for rows in (places[start : start + size] for start in range(0, len(places), size)):
        near = np.argpartition(_squared(rows, known), count - 1, axis=1)[:, :count]
        # Once more for those few: the product above loses digits of small distances.
        exact = np.sqrt(((known[near] - rows[:, None]) ** 2).sum(2))
        order = np.lexsort((near, exact), axis=1)
        indices.append(np.take_along_axis(near, order, axis=1))
        distances.append(np.take_along_axis(exact, order, axis=1))
    return np.concatenate(indices), np.concatenate(distances)


def _by_search(
    points: Float[np.ndarray, "sample feature"],
    count: int,
    asked: Float[np.ndarray, "place feature"] | None,
) -> tuple[Int[np.ndarray, "asked count"], Float[np.ndarray, "asked count"]]:
    """Trees and tuned kernels, for many points; which of equally near ones comes first may vary."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=count).fit(points)
    distances, indices = finder.kneighbors(points if asked is None else asked)
    return indices, distances


def trustworthiness(
    points: Float[np.ndarray, "sample feature"],
    coordinates: Float[np.ndarray, "sample dimension"],
    *,
    neighbours: int = 15,
    most: int = 2000,
) -> float:
    r"""How far neighbours in a map are neighbours in truth (Venna and Kaski 2001).

    .. math:: 1 - \frac{2}{n k (2N - 3k - 1)} \sum_i \sum_{j \in U_i} (r(i, j) - k)

    :math:`U_i` are those of the k nearest of i in the map that are not among its k nearest in truth, and r is
    their true rank. With more than ``most`` points the sum runs over that many of them, evenly spread,
    against all N.

    Parameters
    ----------
    points : array (sample, feature)
    coordinates : array (sample, dimension)
    neighbours : int
        k; less than half of the number of points.
    most : int

    Returns
    -------
    float
        From 0 to 1; 1 when no stranger stands among the neighbours.
    """
    total, kept = len(points), neighbours
    if not 0 < kept < total / 2:
        raise ValueError(f"{kept} neighbours of {total} points: choose 1 … {(total - 1) // 2}")
    chosen = np.unique(np.linspace(0, total - 1, min(total, most)).round().astype(np.intp))
    true, seen = points.astype(np.float64), coordinates.astype(np.float64)
    true -= true.mean(0)
    seen -= seen.mean(0)
    strangers = 0.0
    for start in range(0, len(chosen), max(1, _AT_ONCE // total)):
        rows = chosen[start : start + max(1, _AT_ONCE // total)]
        near = _without_self(_squared(seen[rows], seen), rows)
        around = np.argpartition(near, kept - 1, axis=1)[:, :kept]
        far = _without_self(_squared(true[rows], true), rows)
        reached = np.take_along_axis(far, around, axis=1)
        strangers += float(np.maximum(_ranks(far, reached) - kept, 0).sum())
    return float(1.0 - strangers * 2.0 / (len(chosen) * kept * (2.0 * total - 3.0 * kept - 1.0)))


def _ranks(
    distances: Float64[np.ndarray, "place sample"], reached: Float64[np.ndarray, "place rank"]
) -> Int[np.ndarray, "place rank"]:
    """Rank of some distances among all of their row, 1 for the smallest."""
    ordered = np.sort(distances, axis=1)
    return np.stack([1 + np.searchsorted(row, some) for row, some in zip(ordered, reached, strict=True)])


def _squared(
    rows: Float64[np.ndarray, "place feature"], points: Float64[np.ndarray, "sample feature"]
) -> Float64[np.ndarray, "place sample"]:
    lengths = (points**2).sum(1)
    return np.asarray((rows**2).sum(1)[:, None] + lengths[None, :] - 2.0 * rows @ points.T)


def _without_self(
    distances: Float64[np.ndarray, "place sample"], rows: Int[np.ndarray, " place"]
) -> Float64[np.ndarray, "place sample"]:
    distances[np.arange(len(rows)), rows] = np.inf
    return distances


def _put_self_first(
    indices: Int[np.ndarray, "sample count"], distances: Float[np.ndarray, "sample count"]
) -> None:
    """Among equal points any may come first; UMAP takes the first to be the point itself."""
    for row in np.flatnonzero(indices[:, 0] != np.arange(len(indices))):
        at = np.flatnonzero(indices[row] == row)
        other = at[0] if at.size else len(indices[row]) - 1
        indices[row, other], distances[row, other] = indices[row, 0], distances[row, 0]
        indices[row, 0], distances[row, 0] = row, 0.0
