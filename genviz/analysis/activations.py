"""Activation functions by name, and which of them made some numbers out of others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genviz.shapes import Float, Float64

Function = Callable[[Float64[np.ndarray, "..."]], Float64[np.ndarray, "..."]]


def _sigmoid(x: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _gelu(x: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    from scipy.special import erf

    return np.asarray(0.5 * x * (1 + erf(x / np.sqrt(2))))


def _gelu_tanh(x: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))


#: Name → function. GELU: Hendrycks & Gimpel 2016, arXiv:1606.08415; SiLU: Elfwing et al. 2017,
#: arXiv:1702.03118; squared ReLU: So et al. 2021, arXiv:2109.08668; Mish: Misra 2019, arXiv:1908.08681.
FUNCTIONS: dict[str, Function] = {
    "ReLU": lambda x: np.maximum(x, 0.0),
    "GELU": _gelu,
    "GELU (tanh)": _gelu_tanh,
    "quick GELU": lambda x: x * _sigmoid(1.702 * x),
    "SiLU": lambda x: x * _sigmoid(x),
    "squared ReLU": lambda x: np.maximum(x, 0.0) ** 2,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "Mish": lambda x: x * np.tanh(np.logaddexp(0.0, x)),
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "leaky ReLU (0.01)": lambda x: np.where(x > 0, x, 0.01 * x),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "none": lambda x: x,
}


@dataclass(frozen=True)
class Found:
    """Which function it was.

    Parameters
    ----------
    name : str
        A key of :data:`FUNCTIONS`; empty when none fits.
    gated : bool
        Whether the result was multiplied by another number (Shazeer 2020, arXiv:2002.05202).
    error : float
        Largest difference from the numbers.
    """

    name: str
    gated: bool
    error: float


def identify(
    before: Float[np.ndarray, " point"],
    after: Float[np.ndarray, " point"],
    *,
    times: Float[np.ndarray, " point"] | None = None,
    tolerance: float = 2e-4,
) -> Found:
    """Tell which function gives ``after`` from ``before``, by trying all of :data:`FUNCTIONS`.

    Parameters
    ----------
    before, after : float arrays, (point,)
        Numbers that are not finite are left out.
    times : float array, (point,), optional
        What a gated network multiplies the function's result with.
    tolerance : float
        Largest difference, and share of the largest number, that counts as the same.

    Examples
    --------
    >>> identify(np.array([-1.0, 0.5, 2.0]), np.array([0.0, 0.5, 2.0])).name
    'ReLU'
    """
    x, y = np.asarray(before, np.float64), np.asarray(after, np.float64)
    factor = np.ones_like(x) if times is None else np.asarray(times, np.float64)
    use = np.isfinite(x) & np.isfinite(y) & np.isfinite(factor)
    if not use.any():
        return Found("", times is not None, float("nan"))
    x, y, factor = x[use], y[use], factor[use]
    errors = {name: float(np.abs(function(x) * factor - y).max()) for name, function in FUNCTIONS.items()}
    best = min(errors, key=lambda name: errors[name])
    fits = errors[best] <= tolerance * max(1.0, float(np.abs(y).max()))
    return Found(best if fits else "", times is not None, errors[best])
