"""Lengths, angles and sums of the residual stream, against plain NumPy and closed forms."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genviz.analysis.residual import adds_up, cosines, lengths

seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_lengths_are_roots_of_sums_of_squares(seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(5, 7)).astype(np.float32)
    np.testing.assert_allclose(lengths(vectors), np.sqrt((vectors.astype(float) ** 2).sum(-1)), rtol=1e-12)


@given(seeds, st.floats(0.01, 100))
def test_the_law_of_cosines_holds_between_lengths_and_cosines(seed: int, scale: float) -> None:
    first, second = np.random.default_rng(seed).normal(size=(2, 4, 6)) * scale
    expected = (
        lengths(first) ** 2
        + lengths(second) ** 2
        + 2 * lengths(first) * lengths(second) * cosines(first, second)
    )
    np.testing.assert_allclose(lengths(first + second) ** 2, expected, rtol=1e-9)


def test_a_zero_vector_has_no_direction() -> None:
    assert np.isnan(cosines(np.zeros((1, 3)), np.ones((1, 3)))).all()


def test_sums_that_do_and_do_not_fit() -> None:
    before, added = np.random.default_rng(0).normal(size=(2, 3, 8))
    assert adds_up(before, added, before + added)
    assert not adds_up(before, added, before + 0.9 * added)
    assert not adds_up(before[:2], added, before + added)
    assert not adds_up(before, added, np.full_like(before, np.nan))
