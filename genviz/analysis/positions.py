"""Positions: what a table, a rotation or a bias says of order, read off from numbers alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genviz.shapes import Float, Int

#: A fit that misses by more, as a share of the length of what is fitted, is no fit.
TOLERANCE = 2e-3
_LEAST = 4  # positions without which a turning cannot be told


@dataclass(frozen=True)
class Turning:
    """Pairs of channels that turn evenly from position to position.

    Parameters
    ----------
    layout : {"interleaved", "halves"}
        Whether channels 2c and 2c + 1 belong together, or c and c + half of them.
    first : int
        First channel that takes part.
    frequencies : array, (pair,)
        Radians per position.
    error : float
        Largest distance from an even turning, as a share of the pairs' length.
    """

    layout: str
    first: int
    frequencies: NDArray[np.float64]
    error: float

    @property
    def width(self) -> int:
        """How many channels take part."""
        return 2 * len(self.frequencies)


def sinusoid_of(table: Float[np.ndarray, "token channel"]) -> Turning | None:
    """Tell whether a table of positions is made of sines and cosines, and of which frequencies.

    Vaswani et al. 2017 (arXiv:1706.03762, section 3.5): channels 2c and 2c + 1 are the sine and cosine of
    position × frequency; others write all sines before all cosines. Nothing is assumed of the frequencies,
    nor of the position that the first row stands for.

    Returns
    -------
    Turning or None
        None when it is no such table, or has fewer than four rows.

    Examples
    --------
    >>> angles = np.arange(9)[:, None] * np.array([1.0, 0.1])
    >>> found = sinusoid_of(np.concatenate([np.sin(angles), np.cos(angles)], 1))
    >>> found.layout, found.frequencies.round(6).tolist()
    ('halves', [1.0, 0.1])
    """
    rows = np.asarray(table, np.float64)
    if len(rows) < _LEAST or rows.shape[1] < 2 or rows.shape[1] % 2 or not np.isfinite(rows).all():
        return None
    return _best(rows[None], ((0, rows.shape[1]),), anchored=False)


def rotation_of(queries: Float[np.ndarray, "head query channel"]) -> Turning | None:
    """Tell by which angles queries of one and the same content were rotated from position to position.

    Rotary embedding (Su et al. 2021, arXiv:2104.09864): pairs of channels turn by position × frequency;
    channels beyond them stay as they are.

    Parameters
    ----------
    queries : array, (head, query, channel)
        What differs between positions is their rotation only.

    Returns
    -------
    Turning or None
        None when nothing turns, or not evenly.
    """
    rows = np.asarray(queries, np.float64)
    if rows.shape[1] < _LEAST or not np.isfinite(rows).all():
        return None
    scale = np.abs(rows).max() or 1.0
    moved = np.flatnonzero(np.abs(rows - rows[:, :1]).max((0, 1)) > 1e-5 * scale)
    if not moved.size:
        return None
    low, high, width = int(moved[0]), int(moved[-1]) + 1, rows.shape[2]
    leading = ((0, size) for size in range(high + high % 2, width + 1, 2))
    trailing = ((start, width - start) for start in range(low, -1, -1) if (width - start) % 2 == 0)
    return _best(rows, (*leading, *trailing), anchored=True)


def _best(
    rows: NDArray[np.float64], slices: tuple[tuple[int, int], ...], *, anchored: bool
) -> Turning | None:
    """The first slice (start, size) and layout that fits well."""
    for start, size in slices:
        for layout in ("interleaved", "halves"):
            part = rows[:, :, start : start + size]
            sines, cosines = (
                (part[..., ::2], part[..., 1::2])
                if layout == "interleaved"
                else (part[..., : size // 2], part[..., size // 2 :])
            )
            frequencies, error = _turning(sines + 1j * cosines)
            if error < TOLERANCE:
                return Turning(layout, start, np.abs(frequencies), error)
    return None


def _turning(pairs: NDArray[np.complex128]) -> tuple[NDArray[np.float64], float]:
    """Angle per position of ``(head, position, pair)``, and how far from even it is."""
    start = pairs[:, :1]
    size = np.sqrt((np.abs(start) ** 2).sum(0))[0]  # (pair,)
    turned = (pairs * start.conj()).sum(0) / np.maximum(size**2, 1e-300)  # (position, pair), 1 at the start
    angles = np.unwrap(np.angle(turned), axis=0)
    places = np.arange(len(angles))
    frequencies = (angles * places[:, None]).sum(0) / (places**2).sum()
    even = start * np.exp(1j * places[:, None] * frequencies)
    missed = np.sqrt((np.abs(pairs - even) ** 2).sum(0)).max(0)
    return frequencies, float((missed / np.maximum(size, 1e-12)).max())


def by_distance(
    scores: Float[np.ndarray, "head query key"],
) -> tuple[Int[np.ndarray, " distance"], Float[np.ndarray, "head distance"], float]:
    """Scores as a function of the distance key − query, if that is what they are.

    Parameters
    ----------
    scores : array, (head, query, key)
        NaN or -inf where nothing may be attended to.

    Returns
    -------
    distances : array, (distance,)
        Those that occur, negative for keys before the query.
    profile : array, (head, distance)
        Mean over all pairs at each distance.
    spread : float
        Largest deviation of a score from its profile.
    """
    known = np.where(np.isfinite(scores), scores, np.nan).astype(np.float64)
    queries, keys = known.shape[1:]
    distances, profile, spread = [], [], 0.0
    for distance in range(1 - queries, keys):
        line = np.diagonal(known, distance, 1, 2)
        line = line[:, ~np.isnan(line).all(0)]
        if line.size:
            mean = np.nanmean(line, axis=1)
            distances.append(distance)
            profile.append(mean)
            spread = max(spread, float(np.nanmax(np.abs(line - mean[:, None]))))
    if not distances:
        return np.zeros(0, np.int64), np.zeros((len(known), 0)), 0.0
    return np.array(distances), np.stack(profile, axis=1), spread


def slopes_of(
    distances: Int[np.ndarray, " distance"], profile: Float[np.ndarray, "head distance"]
) -> NDArray[np.float64] | None:
    """Slopes of a bias that falls evenly with distance (ALiBi, Press et al. 2021, arXiv:2108.12409).

    Returns
    -------
    array (head,) or None
        m in the bias −m · distance, or None when it does not fall evenly.

    Examples
    --------
    >>> slopes_of(np.array([-2, -1, 0]), np.array([[-1.0, -0.5, 0.0]])).tolist()
    [0.5]
    """
    far = np.abs(distances).astype(np.float64)
    if len(far) < 3 or not far.any():
        return None
    level = profile - profile[:, [int(np.argmin(far))]]
    slopes = -(level @ far) / (far @ far)
    missed = np.abs(level + slopes[:, None] * far).max()
    return slopes if missed <= TOLERANCE * max(float(np.abs(level).max()), 1e-9) and slopes.any() else None


def rotary_similarity(
    frequencies: Float[np.ndarray, " pair"], distances: Int[np.ndarray, " distance"]
) -> Float[np.ndarray, " distance"]:
    """Mean over pairs of channels of cos(distance × frequency).

    The score of a query and a key of the same content, whose length is spread evenly over the pairs, as a
    share of what it is at distance 0 (Su et al. 2021, section 3.3).

    Examples
    --------
    >>> rotary_similarity(np.array([np.pi, 0.0]), np.array([0, 1, 2])).round(6).tolist()
    [1.0, 0.0, 1.0]
    """
    return np.asarray(np.cos(np.outer(distances, frequencies)).mean(1))


def cosines(
    vectors: Float[np.ndarray, "token channel"], *, centred: bool = False
) -> Float[np.ndarray, "token token"]:
    """Cosine of every pair of vectors; ``centred`` takes their mean away before.

    A vector of length 0 has no direction: its cosines are NaN.
    """
    rows = np.asarray(vectors, np.float64)
    rows = rows - rows.mean(0) if centred else rows
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        units = np.where(lengths > 1e-12, rows / lengths, np.nan)
    return np.asarray(np.clip(units @ units.T, -1, 1))


def bias_map(
    distances: Int[np.ndarray, " distance"], bias: Float[np.ndarray, " distance"], length: int
) -> Float[np.ndarray, "query key"]:
    """Lay a bias by distance out over queries and keys; NaN at distances that do not occur.

    Examples
    --------
    >>> bias_map(np.array([-1, 0]), np.array([-0.5, 0.0]), 2).tolist()
    [[0.0, nan], [-0.5, 0.0]]
    """
    places = np.arange(length)
    line = np.full(2 * length - 1, np.nan)
    fits = np.abs(distances) < length
    line[np.asarray(distances)[fits] + length - 1] = np.asarray(bias)[fits]
    return np.asarray(line[places[None, :] - places[:, None] + length - 1])
