"""Alignment, divergence and turning against SciPy, and their properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine, jensenshannon

from genviz.analysis.comparing import aligned, divergence, turned

WORDS = st.lists(st.sampled_from("a b c d".split()), max_size=12)  # noqa: SIM905


def test_divergence_is_scipys_distance_squared() -> None:
    draw = np.random.default_rng(1)
    p, q = draw.dirichlet(np.ones(7), size=(2, 5))
    expected = [jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q, strict=True)]
    np.testing.assert_allclose(divergence(p, q), expected, atol=1e-12)
    np.testing.assert_allclose(divergence(3 * p, q / 2), expected, atol=1e-12)


def test_ends_of_the_divergence_and_rows_without_weight() -> None:
    assert divergence(np.array([[1.0, 0, 0]]), np.array([[0, 0, 2.0]])).tolist() == [1.0]
    assert divergence(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]])).tolist() == [0.0]
    assert np.isnan(divergence(np.array([[0.0, 0]]), np.array([[0.5, 0.5]]))).all()


def test_turned_is_scipys_cosine_distance() -> None:
    draw = np.random.default_rng(2)
    a, b = draw.normal(size=(2, 4, 6))
    np.testing.assert_allclose(turned(a, b), [cosine(x, y) for x, y in zip(a, b, strict=True)], atol=1e-12)
    assert turned(a, -2 * a) == pytest.approx(2.0)
    assert np.isnan(turned(np.zeros((1, 3)), np.ones((1, 3)))).all()


@given(WORDS, WORDS)
def test_aligned_positions_hold_the_same_tokens_in_order(first: list[str], second: list[str]) -> None:
    one, other = aligned(first, second)
    assert [first[n] for n in one] == [second[n] for n in other]
    assert (np.diff(one) > 0).all()
    assert (np.diff(other) > 0).all()


@given(WORDS)
def test_a_text_is_aligned_with_itself_throughout(words: list[str]) -> None:
    one, other = aligned(words, words)
    assert one.tolist() == other.tolist() == list(range(len(words)))
