"""Weights along an axis, pooled: nothing larger is lost, nothing masked counts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genviz.analysis.profiles import envelope, peaks

WEIGHTS = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, n, elements=st.floats(0, 1, width=32)), arrays(np.bool_, n), st.integers(1, 70)
    )
)


@given(WEIGHTS)
def test_each_bin_has_the_largest_and_the_mean_of_what_is_seen(given: tuple) -> None:  # type: ignore[type-arg]
    weights, seen, bins = given
    found = envelope(weights, seen, bins)
    assert len(found.largest) <= bins
    for number in range(len(found.largest)):
        part = slice(number * found.width, (number + 1) * found.width)
        there = weights[part][seen[part]]
        assert bool(found.seen[number]) == bool(len(there))
        if len(there):
            assert found.largest[number] == there.max() == weights[found.at[number]]
            assert seen[found.at[number]]
            np.testing.assert_allclose(found.mean[number], there.mean(dtype=np.float64), 1e-5, 1e-40)
        else:
            assert np.isnan(found.largest[number])
            assert np.isnan(found.mean[number])


def test_as_many_bins_as_weights_give_every_weight() -> None:
    weights = np.array([0.2, 0.5, 0.3], np.float32)
    found = envelope(weights, np.array([True, True, False]), 600)
    np.testing.assert_array_equal(found.largest, [np.float32(0.2), np.float32(0.5), np.nan])
    assert found.width == 1


def test_a_weight_that_is_no_number_stays_one() -> None:
    found = envelope(np.array([0.2, np.nan, 0.3, 0.1]), np.ones(4, bool), 2)
    assert np.isnan(found.largest[0])
    assert np.isnan(found.mean[0])
    assert found.seen.all()
    assert found.at[0] == 1
    assert found.largest[1] == np.float32(0.3)


def test_nothing_gives_nothing() -> None:
    found = envelope(np.zeros(0, np.float32), np.zeros(0, bool), 10)
    assert len(found.largest) == 0


@given(arrays(np.float32, st.integers(0, 40), elements=st.floats(0, 1, width=32)), st.integers(1, 9))
def test_peaks_come_by_size_and_keep_their_distance(weights: np.ndarray, apart: int) -> None:
    found = peaks(weights, 5, apart)
    assert (np.diff(weights[found]) <= 0).all()
    assert all(abs(a - b) >= apart for n, a in enumerate(found) for b in found[:n])
    assert (weights[found] > 0).all()
    if (weights > 0).any():
        assert weights[found[0]] == weights.max()


def test_no_peak_is_no_number() -> None:
    assert peaks(np.array([np.nan, 0.0, 0.1]), 3).tolist() == [2]
