"""Integrals against those known in closed form and against scipy."""

import numpy as np
import pytest
from scipy.integrate import quad

from genviz.analysis.quadrature import clenshaw_curtis


@pytest.mark.parametrize("intervals", [2, 4, 8, 64, 512])
def test_polynomials_are_exact_and_weights_positive(intervals: int) -> None:
    points, weights = clenshaw_curtis(intervals)
    for degree in range(min(intervals, 40) + 2):
        assert weights @ points**degree == pytest.approx(1 / (degree + 1), abs=1e-13)
    assert (weights > 0).all()
    assert points[0] == 0
    assert points[-1] == 1


def test_a_finer_rule_keeps_the_points_of_the_coarser() -> None:
    np.testing.assert_array_equal(clenshaw_curtis(16)[0][::2], clenshaw_curtis(8)[0])


def test_a_smooth_integral_is_scipy_s() -> None:
    def bend(x: float) -> float:
        return float(np.tanh(5 * x - 2) * np.exp(-x))

    points, weights = clenshaw_curtis(32)
    found = weights @ np.array([bend(x) for x in points])
    assert found == pytest.approx(quad(bend, 0, 1)[0], abs=1e-9)


@pytest.mark.parametrize("intervals", [0, 3, 5_000])
def test_other_numbers_are_refused(intervals: int) -> None:
    with pytest.raises(ValueError, match=f"{intervals} intervals: give an even number from 2 to 4096"):
        clenshaw_curtis(intervals)
