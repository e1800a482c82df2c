"""Entropy, distance and the choice of a head, against scipy and loops."""

import numpy as np
import pytest
from scipy import stats

from genviz.analysis.attention import HeadSummary, distance, entropy, most_telling, summarise


def rows(queries: int, keys: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(keys), size=queries)


def test_entropy_is_scipys() -> None:
    weights = rows(7, 9)
    assert entropy(weights) == pytest.approx(stats.entropy(weights, base=2, axis=1), abs=1e-12)


def test_entropy_of_certainty_is_zero_and_of_evenness_the_logarithm() -> None:
    weights = np.array([[1.0, 0, 0, 0], [0.25] * 4, [0, 0, 0, 0]])
    found = entropy(weights)
    assert found[:2] == pytest.approx([0.0, 2.0])
    assert np.isnan(found[2])
    assert not np.signbit(found[0])


def test_entropy_scales_rows_that_a_sink_left_short() -> None:
    assert entropy(np.array([[0.2, 0.2]])) == pytest.approx([1.0])


def test_entropy_of_nan_is_nan() -> None:
    assert np.isnan(entropy(np.array([[np.nan, 0.5]]))).all()


def test_distance_is_the_loop() -> None:
    weights = rows(4, 6)
    loop = [sum(weights[q, k] * abs(q + 2 - k) for k in range(6)) for q in range(4)]
    assert distance(weights, np.arange(2, 6)) == pytest.approx(loop)


def test_a_summary_leaves_out_rows_that_see_one_key() -> None:
    weights = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]])
    found = summarise(weights, np.arange(3))
    assert found.first == pytest.approx(0.35)
    assert found.self == pytest.approx(0.5)
    assert found.entropy == pytest.approx(stats.entropy(weights[1:], base=2, axis=1).mean())


def test_the_most_telling_head_is_focused_but_no_sink_and_not_only_itself() -> None:
    sink = HeadSummary(entropy=0.1, distance=5, first=0.9, self=0.1)
    own = HeadSummary(entropy=0.05, distance=0, first=0.1, self=0.95)
    focused = HeadSummary(entropy=0.8, distance=3, first=0.2, self=0.1)
    vague = HeadSummary(entropy=3.0, distance=8, first=0.1, self=0.1)
    unknown = HeadSummary(*[float("nan")] * 4)
    assert most_telling([sink, own, vague, focused, unknown]) == 3
    assert most_telling([sink, own]) == 1  # all are such: the most focused of them
    assert most_telling([unknown, unknown]) == 0
