"""What a training changes: vectors that organise themselves, and weights that move."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genviz.errors import NotCaptured
from genviz.shapes import Float, Int

_TRIES, _ROUNDS = 8, 50


@dataclass(frozen=True)
class Organised:
    """Vectors along a training, in one plane that does not move.

    Parameters
    ----------
    coordinates : array (step, vocab, dimension)
    explained : array (dimension,)
        Share of the variance of the last vectors along each axis of the plane.
    kept : array (step,)
        Share of the variance of each step that lies in the plane.
    groups : array (vocab,)
        Number of the group that each vector belongs to at the last step.
    """

    coordinates: Float[np.ndarray, "step vocab dimension"]
    explained: Float[np.ndarray, " dimension"]
    kept: Float[np.ndarray, " step"]
    groups: Int[np.ndarray, " vocab"]


def organised(
    vectors: Sequence[Float[np.ndarray, "vocab channel"]], *, groups: int = 6, seed: int = 0
) -> Organised:
    """Lay vectors out along a training, in the plane in which the last ones vary most.

    The plane is that of the first two principal components of the last step (Pearson 1901); each step is
    centred by its own mean. Groups are k-means clusters of the last vectors.

    Parameters
    ----------
    vectors : sequence of array (vocab, channel)
        One array per step, in order.
    groups : int
        How many groups, at most.
    seed : int
        Of the clusters' first centres.

    Raises
    ------
    NotCaptured
        When the arrays have different shapes, or not two vectors.

    Examples
    --------
    >>> last = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]])
    >>> found = organised([np.zeros((4, 3)), last])
    >>> np.abs(found.coordinates[1]).round(6).tolist()
    [[3.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> found.explained.round(6).tolist()
    [0.9, 0.1]
    """
    shapes = {np.shape(each) for each in vectors}
    if len(shapes) != 1 or next(iter(shapes))[0] < 2:
        raise NotCaptured(f"vectors of one shape, two at least, can be laid out; given {sorted(shapes)}")
    centred = [np.asarray(each, np.float64) - np.mean(each, axis=0, dtype=np.float64) for each in vectors]
    _, values, axes = np.linalg.svd(centred[-1], full_matrices=False)
    axes = axes[:2]
    # Signs of singular vectors are arbitrary: the largest component of each is made positive.
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    placed = np.stack([each @ axes.T for each in centred])
    total = np.array([np.sum(each**2) for each in centred])
    inside = np.sum(placed**2, axis=(1, 2))
    return Organised(
        placed,
        values[:2] ** 2 / max(float(np.sum(values**2)), np.finfo(float).tiny),
        np.divide(inside, total, out=np.zeros_like(total), where=total > 0),
        clusters(centred[-1], groups, seed=seed),
    )


def clusters(
    points: Float[np.ndarray, "vocab channel"], count: int, *, seed: int
) -> Int[np.ndarray, " vocab"]:
    """Group points by k-means (Lloyd 1982; first centres by k-means++, Arthur and Vassilvitskii 2007).

    Parameters
    ----------
    points : array (vocab, channel)
    count : int
        How many groups, at most.
    seed : int
        Of the first centres; the best of eight tries is taken.

    Returns
    -------
    array (vocab,)
        Numbers of groups, the largest group first.

    Examples
    --------
    >>> clusters(np.array([[0.0], [0.1], [0.2], [5.0]]), 2, seed=0).tolist()
    [0, 0, 0, 1]
    """
    points = np.asarray(points, np.float64)
    count = min(count, len(points))
    draw = np.random.default_rng(seed)
    best, least = np.zeros(len(points), np.int64), np.inf
    for _ in range(_TRIES):
        centres = _first(points, count, draw)
        for _ in range(_ROUNDS):
            found = _squares(points, centres).argmin(axis=1)
            means = np.array([_mean(points[found == n], centres[n]) for n in range(count)])
            if np.allclose(means, centres):
                break
            centres = means
        squares = _squares(points, centres)
        cost = float(squares.min(axis=1).sum())
        if cost < least:
            best, least = squares.argmin(axis=1), cost
    sizes = np.bincount(best, minlength=count)
    places = np.empty(count, np.int64)
    places[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return places[best]


def _first(points: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    centres = [points[draw.integers(len(points))]]
    while len(centres) < count:
        far = _squares(points, np.array(centres)).min(axis=1)
        total = far.sum()
        chance = far / total if total > 0 else None
        centres.append(points[draw.choice(len(points), p=chance)])
    return np.array(centres)


def _mean(members: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    return np.asarray(members.mean(axis=0) if len(members) else otherwise)


def _squares(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances (point, centre)."""
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * points @ centres.T
    return np.asarray(np.maximum(squares, 0))


@dataclass(frozen=True)
class Moved:
    """By how much some weights changed.

    Parameters
    ----------
    change, before : float
        Frobenius norms of the difference, and of the weights before.
    count : int
        How many weights.
    """

    change: float
    before: float
    count: int

    @property
    def relative(self) -> float:
        """‖after − before‖ / ‖before‖; infinite where there was nothing before, 0 where nothing changed."""
        if self.before > 0:
            return self.change / self.before
        return float("inf") if self.change > 0 else 0.0

    @property
    def typical(self) -> float:
        """Root of the mean squared change of a weight."""
        return float(self.change / max(self.count, 1) ** 0.5)

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(
            float(np.hypot(self.change, other.change)),
            float(np.hypot(self.before, other.before)),
            self.count + other.count,
        )


def moved(before: np.ndarray, after: np.ndarray) -> Moved:
    """Compare weights before and after; norms are worked out in float64.

    Parameters
    ----------
    before, after : array
        Of one shape, or ``after`` with further rows (tokens that were added): those are left out.

    Raises
    ------
    NotCaptured
        When the shapes cannot be those of the same weights.

    Examples
    --------
    >>> moved(np.array([3.0, 4.0]), np.array([3.0, 4.5])).relative
    0.1
    """
    one, other = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if one.ndim and other.ndim == one.ndim and one.shape[1:] == other.shape[1:]:
        rows = min(len(one), len(other))
        one, other = one[:rows], other[:rows]
    if one.shape != other.shape:
        raise NotCaptured(f"weights of shapes {np.shape(before)} and {np.shape(after)} cannot be compared")
    return Moved(float(np.linalg.norm(other - one)), float(np.linalg.norm(one)), one.size)
