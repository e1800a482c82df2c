"""Branches of a tree: every column centred, and no two edges that cross."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genviz.analysis.lanes import lanes


def tree(seed: int, depth: int, wide: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random tree, column after column; ranks in no order of the parents."""
    draw = np.random.default_rng(seed)
    parents, steps, ranks, before = [-1], [0], [0], [0]
    for step in range(1, depth + 1):
        count = int(draw.integers(1, wide + 1))
        parents += draw.choice(before, count).tolist()
        ranks += draw.permutation(count).tolist()
        steps += [step] * count
        before = list(range(len(parents) - count, len(parents)))
    return np.array(parents), np.array(steps), np.array(ranks)


@given(seed=st.integers(0, 10_000), depth=st.integers(1, 5), wide=st.integers(1, 7))
def test_no_two_edges_cross_and_no_two_hypotheses_share_a_place(seed: int, depth: int, wide: int) -> None:
    parents, steps, ranks = tree(seed, depth, wide)
    heights = lanes(parents, steps, ranks)
    for step in range(1, depth + 1):
        here = np.flatnonzero(steps == step)
        assert len({*heights[here]}) == len(here)
        assert abs(heights[here].mean()) < 1e-9
        for first, second in combinations(here, 2):
            before = heights[parents[first]] - heights[parents[second]]
            assert before * (heights[first] - heights[second]) >= 0


def test_siblings_stand_by_rank() -> None:
    heights = lanes(np.array([-1, 0, 0, 0]), np.array([0, 1, 1, 1]), np.array([0, 2, 0, 1]))
    assert heights.tolist() == [0, 1, -1, 0]


def test_those_without_a_rank_have_a_lane_below_all_others() -> None:
    parents, steps = np.array([-1, 0, 0, 1, 2]), np.array([0, 1, 1, 2, 2])
    heights = lanes(parents, steps, np.array([0, 0, 1, 0, -1]))
    assert heights[4] > heights[:4].max()
