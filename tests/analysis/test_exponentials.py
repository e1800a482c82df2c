"""Compiled sums of exponentials against float64."""

import numpy as np
import pytest

from genviz.analysis.exponentials import sums_of_exponentials


@pytest.mark.parametrize("keys", [1, 2, 3, 4, 5, 7, 8, 31])
def test_sums_are_those_of_numpy_in_float64(keys: int) -> None:
    rng = np.random.default_rng(keys)
    taken_off = rng.uniform(-400, 400, 37).astype(np.float32)
    scores = (taken_off + rng.uniform(-80, 0, (keys, 3, 37))).astype(np.float32)
    out = np.full((3, 37), np.nan, np.float32)
    sums_of_exponentials(scores, taken_off, out)
    expected = np.exp((scores - taken_off).astype(np.float64)).sum(axis=0)
    np.testing.assert_allclose(out, expected, rtol=1e-6)


def test_masked_counts_for_nothing_and_nan_stays() -> None:
    scores = np.array([[[-np.inf, np.nan, 2.0]], [[3.0, 1.0, -np.inf]]], np.float32)
    out = np.empty((1, 3), np.float32)
    sums_of_exponentials(scores, np.array([3, 1, 2], np.float32), out)
    np.testing.assert_array_equal(out, [[1.0, np.nan, 1.0]])
