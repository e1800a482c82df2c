"""Entropy, distance, overviews and the choice of a head, against scipy and loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from genviz.analysis.attention import HeadSummary, distance, entropy, most_telling, pooled, summarise


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


@settings(deadline=None)
@given(
    weights=arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)),
                          elements=st.floats(0, 1, width=32)),
    size=st.integers(1, 12),
    at_once=st.integers(1, 50),
    causal=st.booleans(),
)  # fmt: skip
def test_pooling_is_the_loop_over_blocks(weights: np.ndarray, size: int, at_once: int, causal: bool) -> None:
    queries, keys = weights.shape
    may = np.arange(keys)[None, :] <= np.arange(queries)[:, None] if causal else np.ones_like(weights, bool)
    for how, pool in (("max", np.max), ("mean", np.mean)):
        found = pooled(lambda r: weights[r], lambda r: may[r], (queries, keys), size=size,
                       how="max" if how == "max" else "mean", rows_at_once=at_once)  # fmt: skip
        height, width = found.block
        assert max(found.values.shape) <= size
        for i in range(found.values.shape[0]):
            for j in range(found.values.shape[1]):
                block = np.s_[i * height : (i + 1) * height, j * width : (j + 1) * width]
                cells = weights[block][may[block]]
                assert found.seen[i, j] == bool(cells.size)
                if cells.size:
                    assert found.values[i, j] == pytest.approx(float(pool(cells)), abs=1e-5)
                else:
                    assert np.isnan(found.values[i, j])


def test_a_nan_weight_stays_nan_in_the_overview_and_counts_as_seen() -> None:
    weights = np.ones((4, 4), np.float32)
    weights[1, 1] = np.nan
    found = pooled(lambda r: weights[r], lambda r: np.ones((len(r), 4), bool), (4, 4), size=2)
    assert found.seen.all()
    assert np.isnan(found.values).tolist() == [[True, False], [False, False]]


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
