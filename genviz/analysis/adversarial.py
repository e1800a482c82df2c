"""The adversarial game in numbers: probabilities from logits, densities of scores, who is taken for real."""

from dataclasses import dataclass

import numpy as np

from genviz.shapes import Float, Float64, Int


def sigmoid(logits: Float[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Probability of *real* from a logit: ``1 / (1 + exp(-logit))``, without overflow."""
    wide = np.asarray(logits, np.float64)
    small = np.exp(-np.abs(wide))
    return np.where(wide >= 0, 1 / (1 + small), small / (1 + small))


def logit(probabilities: Float[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Inverse of :func:`sigmoid`; 0 and 1 give infinities."""
    wide = np.asarray(probabilities, np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(wide) - np.log1p(-wide))


@dataclass(frozen=True)
class Densities:
    """Histograms of several groups over the same bins.

    Parameters
    ----------
    edges : float array, (bin + 1,)
    density : float array, (population, bin)
        Each group's area is 1 (NaN scores and those outside the edges are not counted).
    """

    edges: Float64[np.ndarray, " edge"]
    density: Float64[np.ndarray, "population bin"]


def densities(
    *groups: Float[np.ndarray, " _"], bins: int = 40, span: tuple[float, float] | None = None
) -> Densities:
    """Count each group over common bins and scale its area to 1.

    Parameters
    ----------
    *groups : float arrays, (sample,)
    bins : int
    span : (low, high), optional
        Ends of the bins; those of all finite values together, without it.
    """
    finite = [np.asarray(g, np.float64)[np.isfinite(g)] for g in groups]
    every = np.concatenate(finite) if finite else np.empty(0)
    low, high = span or ((every.min(), every.max()) if every.size else (0.0, 1.0))
    high = high if high > low else low + 1.0
    edges = np.linspace(low, high, bins + 1)
    counts = np.stack([np.histogram(group, edges)[0] for group in finite]).astype(np.float64)
    width = edges[1] - edges[0]
    totals = counts.sum(axis=1, keepdims=True) * width
    return Densities(edges, np.divide(counts, totals, out=np.zeros_like(counts), where=totals != 0))


def judged_real(scores: Float[np.ndarray, " sample"], threshold: float) -> float:
    """Share of scores above the decision line; NaN for no scores."""
    return float((np.asarray(scores) > threshold).mean()) if len(scores) else float("nan")


def spread_by_score(scores: Float[np.ndarray, " sample"], count: int) -> Int[np.ndarray, " rank"]:
    """Choose ``count`` samples evenly over the ranking, from the lowest score to the highest."""
    order = np.argsort(scores, kind="stable")
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return np.asarray(order[places])
