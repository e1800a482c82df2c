"""Pooled maps, row sums and tiles, against weights by PyTorch in float64 and loops over blocks."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genviz.analysis import pooling
from genviz.analysis.pooling import Overview, RowSums, pooled, pooled_rows, row_sums
from genviz.attention import AttentionInputs, MaskRule
from tests.test_attention import RULES, reference

RNG = np.random.default_rng(7)


def noise(length: int, rule: MaskRule) -> AttentionInputs:
    query, key = RNG.normal(size=(2, 1, length, 8)).astype(np.float32)
    return AttentionInputs(query, key, rule)


def blocks(overview: Overview, weights: np.ndarray, allowed: np.ndarray) -> None:
    """Compare every block with its cells."""
    height, width = overview.block
    for i in range(overview.seen.shape[0]):
        rows = list(overview.rows)[i * height : (i + 1) * height]
        for j in range(overview.seen.shape[1]):
            keys = list(overview.keys)[j * width : (j + 1) * width]
            cells = weights[np.ix_(rows, keys)][allowed[np.ix_(rows, keys)]]
            assert overview.seen[i, j] == bool(cells.size)
            expected = (cells.max(), cells.mean()) if cells.size else (np.nan, np.nan)
            found = overview.largest[i, j], overview.mean[i, j]
            np.testing.assert_allclose(found, expected, atol=1e-5)  # a score of 60 is known to 4e-6


@st.composite
def inputs(draw: Any) -> AttentionInputs:
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    queries, keys = draw(st.integers(1, 30)), draw(st.integers(1, 33))
    query = rng.normal(size=(4, queries, 8)).astype(np.float32) * draw(st.sampled_from([1, 20]))
    key = rng.normal(size=(2, keys, 8)).astype(np.float32)
    mask = rng.random(keys) < 0.7 if draw(st.booleans()) else None
    shape = draw(st.sampled_from([None, (1, 1), (4, 1), (1, queries), (4, queries)]))
    bias = None if shape is None else rng.normal(size=(*shape, keys)).astype(np.float32)
    sinks = rng.normal(size=4).astype(np.float32) * 5 if draw(st.booleans()) else None
    return AttentionInputs(query, key, draw(RULES), mask, bias, sinks)


def may(of: AttentionInputs) -> np.ndarray:
    allowed = of.rule.allowed(np.arange(of.shape[0]), of.shape[1])
    return allowed if of.key_mask is None else allowed & of.key_mask


@st.composite
def parts(draw: Any, length: int, step: int = 1) -> range:
    start = draw(st.integers(0, length - 1))
    return range(start, draw(st.integers(start + 1, length)), draw(st.integers(1, step)))


@settings(deadline=None, max_examples=80)
@given(st.data(), inputs(), st.integers(0, 3), st.integers(1, 40), st.integers(3, 9))
def test_a_part_of_any_map_is_pooled_exactly(
    data: st.DataObject, of: AttentionInputs, head: int, size: int, tile: int
) -> None:
    rows, keys = data.draw(parts(of.shape[0], step=3)), data.draw(parts(of.shape[1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "TILE", tile)
        patch.setattr(pooling, "COMPILED_FROM", data.draw(st.sampled_from([0, 10**9])))
        first = pooled(of, head, rows=rows, keys=keys, size=size)
        again = pooled(of, head, rows=rows, keys=keys, size=size, sums=first.sums)
    weights = reference(of)[head]
    for found in (first, again):
        assert max(found.seen.shape) <= size
        blocks(found, weights, may(of))


@settings(deadline=None)
@given(inputs(), st.integers(0, 3), st.integers(3, 9))
def test_row_sums_are_the_log_sum_exp(of: AttentionInputs, head: int, tile: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "TILE", tile)
        found = row_sums(of, head, range(of.shape[0]))
    scores = of.scores(head, np.arange(of.shape[0])).astype(np.float64)
    sink = np.full((len(scores), 1), -np.inf if of.sinks is None else of.sinks[head])
    expected = np.logaddexp.reduce(np.concatenate([scores, sink], axis=1), axis=1)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(np.log(found.total) + found.peak, expected, atol=2e-4, rtol=1e-5)


def test_a_row_of_very_low_scores_is_not_lost_among_masked_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "TILE", 3)
    query = np.full((1, 9, 1), -120, np.float32)
    of = AttentionInputs(query, np.ones((1, 9, 1), np.float32), MaskRule(window=2))
    found = row_sums(of, 0, range(9))
    np.testing.assert_array_equal(found.peak, -120)
    np.testing.assert_array_equal(found.total, [2, *[3] * 7, 2])  # so many equal scores each


def test_blocks_of_one_cell_are_the_weights_themselves() -> None:
    of = noise(900, MaskRule(causal=True, window=50, scale=0.2))
    tile = pooled(of, 0, rows=range(640, 700), keys=range(600, 690), size=128)
    assert tile.block == (1, 1)
    expected = of.weights(0, np.arange(640, 700))[:, 600:690]
    np.testing.assert_allclose(np.nan_to_num(tile.largest), expected, atol=1e-6)
    assert np.array_equal(tile.largest[tile.seen], tile.mean[tile.seen])


def test_only_what_the_mask_lets_through_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = pooling._Tiles.scores

    def scores(self: Any, tile: int, *rest: Any) -> Any:
        seen.append(tile)
        return real(self, tile, *rest)

    monkeypatch.setattr(pooling._Tiles, "scores", scores)
    monkeypatch.setattr(pooling, "TILE", 384)
    whole = (3840 // 384) ** 2
    for rule, most in (
        (MaskRule(), whole),
        (MaskRule(causal=True), whole * 0.55),
        (MaskRule(causal=True, window=100), whole * 0.2),
        (MaskRule(window=100), whole * 0.3),
    ):
        seen.clear()
        pooled(noise(3840, rule), 0, size=480)
        assert 0 < len(seen) <= most


def test_nan_stays_nan_and_is_seen() -> None:
    of = noise(600, MaskRule(causal=True))
    of.query[0, 300] = np.nan
    found = pooled(of, 0, size=100)
    assert np.isnan(found.largest[50, :50]).all()
    assert found.seen[50, :50].all()
    assert np.isfinite(found.largest[49, :50]).all()
    assert np.isfinite(found.mean[51, :50]).all()


def test_scores_far_beyond_float32s_exponentials() -> None:
    of = noise(50, MaskRule(scale=1e4))
    blocks(pooled(of, 0, size=50), of.weights(0).astype(np.float64), np.ones((50, 50), bool))


def test_memory_is_linear_in_the_tokens() -> None:
    peaks = []
    for length in (4096, 8192):
        of = noise(length, MaskRule(causal=True))
        tracemalloc.start()
        pooled(of, 0, size=256)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.2 * peaks[0]
    assert peaks[1] < 8192 * 8192 * 4 / 20


def test_progress_is_reported_and_what_it_raises_stops_the_work() -> None:
    said: list[float] = []
    pooled(noise(1000, MaskRule()), 0, report=said.append)
    assert said == sorted(said)
    assert said[-1] == 1

    def stop(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pooled(noise(1000, MaskRule()), 0, report=stop)


@settings(deadline=None)
@given(
    st.data(),
    arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)),
                  elements=st.floats(0, 1, width=32)),
    st.integers(1, 12),
    st.booleans(),
)  # fmt: skip
def test_finished_weights_are_pooled_exactly(
    data: st.DataObject, weights: np.ndarray, size: int, causal: bool
) -> None:
    rows, keys = (data.draw(parts(side)) for side in weights.shape)
    allowed = np.tril(np.ones(weights.shape, bool)) if causal else np.ones(weights.shape, bool)
    found = pooled_rows(lambda r: weights[r], lambda r: allowed[r], rows=rows, keys=keys, size=size)
    blocks(found, weights.astype(np.float64), allowed)


def test_a_nan_weight_stays_nan_and_counts_as_seen() -> None:
    weights = np.ones((4, 4), np.float32)
    weights[1, 1] = np.nan
    found = pooled_rows(
        lambda r: weights[r], lambda r: np.ones((len(r), 4), bool), rows=range(4), keys=range(4), size=2
    )
    assert found.seen.all()
    assert np.isnan(found.largest).tolist() == [[True, False], [False, False]]


def test_sums_of_some_rows() -> None:
    sums = RowSums(np.arange(9, dtype=np.float32), np.ones(9, np.float32))
    assert sums.of(range(1, 8, 3)).peak.tolist() == [1, 4, 7]
