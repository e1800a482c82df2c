"""Scores of heads against loops, scipy and heads that are made to do one thing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from genviz.analysis import heads
from genviz.analysis.heads import MEASURES, Sight, score


def causal(count: int, tokens: list[int] | None = None) -> Sight:
    numbers = None if tokens is None else np.array(tokens)
    return Sight(np.tri(count, dtype=bool), np.arange(count), numbers)


def softmax(allowed: NDArray[np.bool_], seed: int, count: int = 3) -> NDArray[np.float64]:
    scores = np.random.default_rng(seed).normal(size=(count, *allowed.shape)) * 2
    powers = np.exp(scores) * allowed
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def one_hot(keys: list[int], count: int) -> NDArray[np.float64]:
    return np.eye(count)[keys][None]


@settings(deadline=None, max_examples=60)
@given(
    tokens=st.lists(st.integers(0, 3), min_size=2, max_size=9),
    is_causal=st.booleans(),
    seed=st.integers(0, 99),
)
def test_shares_are_the_loops_over_rows_and_keys(tokens: list[int], is_causal: bool, seed: int) -> None:
    count = len(tokens)
    may = np.tri(count, dtype=bool) if is_causal else np.ones((count, count), bool)
    sight = Sight(may, np.arange(count), np.array(tokens))
    weights = softmax(may, seed)
    wanted = {
        "previous": lambda q, k: k == q - 1,
        "next": lambda q, k: k == q + 1,
        "current": lambda q, k: k == q,
        "first": lambda q, k: k == 0 and q > 0,
        "duplicate": lambda q, k: k != q and tokens[k] == tokens[q],
        "induction": lambda q, k: 0 < k != q and k - 1 != q and tokens[k - 1] == tokens[q],
    }
    for name, aims in wanted.items():
        rows = [
            [k for k in range(count) if may[q, k] and aims(q, k)] for q in range(count) if may[q].sum() > 1
        ]
        queries = [q for q in range(count) if may[q].sum() > 1]
        for head in range(len(weights)):
            parts = [weights[head, q, keys].sum() for q, keys in zip(queries, rows, strict=True) if keys]
            found, _, why = score(MEASURES[name], weights, sight)
            assert bool(why) == (not parts)
            assert found[head] == pytest.approx(np.mean(parts) if parts else np.nan, nan_ok=True)


def test_heads_that_do_one_thing_score_one_there() -> None:
    repeated = [5, 7, 9, 5, 7, 9]
    sight = causal(6, repeated)
    previous = one_hot([0, 0, 1, 2, 3, 4], 6)
    induction = one_hot([0, 0, 0, 1, 2, 3], 6)
    duplicate = one_hot([0, 0, 0, 0, 1, 2], 6)
    assert score(MEASURES["previous"], previous, sight)[0] == pytest.approx([1])
    assert score(MEASURES["induction"], induction, sight)[0] == pytest.approx([1])
    assert score(MEASURES["duplicate"], duplicate, sight)[0] == pytest.approx([1])
    assert score(MEASURES["induction"], duplicate, sight)[0] == pytest.approx([0])
    assert score(MEASURES["positional"], previous, sight)[0] == pytest.approx([1])
    assert score(MEASURES["entropy"], previous, sight)[0] == pytest.approx([0])
    assert score(MEASURES["distance"], previous, sight)[0] == pytest.approx([1])
    sink = one_hot([0] * 6, 6)
    assert score(MEASURES["first"], sink, sight)[0] == pytest.approx([1])


def test_induction_on_a_sequence_said_twice_is_one_diagonal() -> None:
    """On random tokens said twice, Olsson et al.'s score is the mean along one diagonal."""
    count = 12
    tokens = list(range(count)) * 2
    sight = causal(2 * count, tokens)
    weights = softmax(sight.allowed, 4)
    diagonal = [weights[:, q, q - count + 1] for q in range(count, 2 * count)]
    assert score(MEASURES["induction"], weights, sight)[0] == pytest.approx(np.mean(diagonal, axis=0))


@pytest.mark.parametrize("seed", range(4))
def test_position_alone_is_what_the_f_test_says(seed: int) -> None:
    sight = causal(9)
    weights = softmax(sight.allowed, seed, count=1)
    groups: dict[int, list[float]] = {}
    for q in range(1, 9):
        for k in range(q + 1):
            groups.setdefault(q - k, []).append(float(weights[0, q, k]))
    cells, kinds = sum(map(len, groups.values())), len(groups)
    f = stats.f_oneway(*groups.values()).statistic
    expected = 1 - (cells - 1) / ((kinds - 1) * f + cells - kinds)
    assert heads.position_alone(weights, sight) == pytest.approx([expected])


def test_entropy_and_distance_are_scipys_and_the_loops() -> None:
    sight = causal(7)
    weights = softmax(sight.allowed, 1)
    bits = stats.entropy(weights[:, 1:], base=2, axis=-1).mean(-1)
    assert score(MEASURES["entropy"], weights, sight)[0] == pytest.approx(bits)
    far = [
        np.mean([sum(w[q, k] * (q - k) for k in range(q + 1)) for q in range(1, 7)]) for w in weights
    ]  # fmt: skip
    assert score(MEASURES["distance"], weights, sight)[0] == pytest.approx(far)


def test_an_even_head_is_the_yardstick() -> None:
    _, even, _ = score(MEASURES["previous"], softmax(np.tri(4, dtype=bool), 0), causal(4))
    assert even == pytest.approx(np.mean([1 / 2, 1 / 3, 1 / 4]))


def test_queries_that_come_later_are_compared_with_their_own_place() -> None:
    """The last two of five queries, as with a key-value cache."""
    rows = np.array([3, 4])
    sight = Sight(np.tri(5, dtype=bool)[rows], rows)
    weights = softmax(sight.allowed, 3)
    assert score(MEASURES["previous"], weights, sight)[0] == pytest.approx(
        (weights[:, 0, 2] + weights[:, 1, 3]) / 2
    )


def test_special_tokens_get_their_share() -> None:
    sight = Sight(
        np.ones((4, 4), bool), np.arange(4), np.arange(4), special=np.array([True, False, False, True])
    )
    weights = softmax(sight.allowed, 2)
    assert score(MEASURES["special"], weights, sight)[0] == pytest.approx(
        weights[:, :, [0, 3]].sum(-1).mean(-1)
    )


@pytest.mark.parametrize(
    ("name", "sight", "why"),
    [
        ("induction", causal(4, [1, 2, 3, 4]), "no token repeats in this text"),
        ("duplicate", causal(4), "the recording holds neither tokens nor ids"),
        ("next", causal(4), "no query may look at such a key"),
        ("special", causal(4, [1, 2, 3, 4]), "no special token is in this text"),
        ("previous", causal(1), "no query may look at more than one key"),
        (
            "previous",
            Sight(np.ones((2, 3), bool), np.arange(2), crossed=True),
            "cross-attention: queries and keys stand in different texts",
        ),
    ],
)
def test_what_cannot_be_said_is_not_said(name: str, sight: Sight, why: str) -> None:
    found, even, said = score(MEASURES[name], softmax(sight.allowed, 0), sight)
    assert said == why
    assert np.isnan(found).all()
    assert np.isnan(even)


def test_nan_weights_stay_nan() -> None:
    sight = causal(4, [1, 2, 1, 2])
    weights = softmax(sight.allowed, 0)
    weights[1, 3, 2] = np.nan
    for name in ("entropy", "distance", "previous", "positional"):
        assert np.isnan(score(MEASURES[name], weights, sight)[0]).tolist() == [False, True, False], name
