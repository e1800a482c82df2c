"""Integrals over the unit interval from few values, each of which is used again when more are taken.

Clenshaw & Curtis (1960): the integrand's values at the extrema of a Chebyshev polynomial, weighted. With
twice as many intervals every second point is one of before, so a rule is refined without throwing work away,
and the difference of the two rules says how far the coarser one was off. Both ends belong to it.
"""

import numpy as np

from genviz.shapes import Float

_MOST = 4_096


def clenshaw_curtis(intervals: int) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """Points in [0, 1], ascending, and their weights, which sum to 1; polynomials up to a degree are exact.

    The weights are those of Waldvogel (2006, "Fast construction of the Fejér and Clenshaw–Curtis quadrature
    rules"), written as the sum that they are.

    Parameters
    ----------
    intervals : int
        Even, from 2 to 4,096; there is one point more. Exact up to degree ``intervals + 1``.

    Raises
    ------
    ValueError
        When it is another number.

    Examples
    --------
    >>> points, weights = clenshaw_curtis(2)
    >>> [round(float(each), 3) for each in (*points, *weights)]  # Simpson's rule
    [0.0, 0.5, 1.0, 0.167, 0.667, 0.167]
    """
    if not 2 <= intervals <= _MOST or intervals % 2:
        raise ValueError(f"{intervals} intervals: give an even number from 2 to {_MOST}")
    angles = np.pi * np.arange(intervals + 1) / intervals
    orders = np.arange(1, intervals // 2 + 1)
    factors = np.where(orders == intervals // 2, 1.0, 2.0) / (4.0 * orders**2 - 1.0)
    weights = 2.0 / intervals * (1.0 - np.cos(2.0 * np.outer(angles, orders)) @ factors)
    weights[[0, -1]] /= 2.0
    return (1.0 - np.cos(angles)) / 2.0, weights / 2.0
