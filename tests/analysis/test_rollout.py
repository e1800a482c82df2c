"""Rollout against the sum over all paths, flow against networkx and against cuts."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genviz.analysis.rollout import flow, flows, mixed, rollout


def layers(depth: int, tokens: int, seed: int, causal: bool) -> NDArray[np.float64]:
    draw = np.random.default_rng(seed).exponential(size=(depth, tokens, tokens))
    draw *= np.tri(tokens) if causal else 1
    return np.asarray(draw / draw.sum(-1, keepdims=True))


some = {
    "depth": st.integers(1, 4), "tokens": st.integers(1, 5), "seed": st.integers(0, 99),
    "causal": st.booleans(),
}  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(**some)
def test_rollout_is_the_sum_over_all_paths(depth: int, tokens: int, seed: int, causal: bool) -> None:
    weights = layers(depth, tokens, seed, causal)
    found = rollout(weights)
    assert found.shape == weights.shape
    assert found.sum(-1) == pytest.approx(np.ones((depth, tokens)))
    halves = [0.5 * layer + 0.5 * np.eye(tokens) for layer in weights]
    for query, key in product(range(tokens), repeat=2):
        total = 0.0
        for path in product(range(tokens), repeat=depth - 1):
            steps = [query, *path, key]
            total += np.prod([halves[depth - 1 - n][steps[n], steps[n + 1]] for n in range(depth)])
        assert found[-1, query, key] == pytest.approx(total)


@settings(deadline=None, max_examples=20)
@given(**some)
def test_flow_is_networkxs(depth: int, tokens: int, seed: int, causal: bool) -> None:
    weights = layers(depth, tokens, seed, causal)
    graph = nx.DiGraph()
    for layer in range(depth):
        for query, key in product(range(tokens), repeat=2):
            capacity = 0.5 * weights[layer, query, key] + 0.5 * (query == key)
            if capacity:
                graph.add_edge((layer + 1, query), (layer, key), capacity=capacity)
    for query, key in product(range(tokens), repeat=2):
        expected = nx.maximum_flow_value(graph, (depth, query), (0, key))
        assert flow(weights, query, np.array([key]))[0] == pytest.approx(expected, abs=1e-5)


def test_flow_through_one_layer_is_its_edge_and_of_all_tokens_is_each() -> None:
    one = layers(1, 4, 0, True)
    assert flows(one) == pytest.approx(mixed(one)[0], abs=1e-6)
    deep = layers(3, 4, 1, False)
    assert flows(deep) == pytest.approx(np.stack([flow(deep, query) for query in range(4)]))


def test_rows_that_a_sink_left_short_or_empty_are_scaled() -> None:
    weights = np.array([[[0.0, 0.0], [0.25, 0.25]]])
    assert mixed(weights)[0] == pytest.approx(np.array([[1, 0], [1 / 6, 5 / 6]]))


def test_cross_attention_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"layers have axes \(layer, token, token\), not the shape \(2, 3, 4\)"
    ):
        rollout(np.zeros((2, 3, 4)))
