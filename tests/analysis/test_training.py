"""Vectors that organise themselves, and weights that move."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from genviz.analysis.training import Moved, clusters, moved, organised
from genviz.errors import NotCaptured


def test_the_plane_is_that_of_the_last_step() -> None:
    draw = np.random.default_rng(0)
    vectors = [draw.normal(size=(40, 12)) * np.arange(1, 13) * scale for scale in (0.01, 0.5, 1.0)]
    found = organised(vectors)
    reference = PCA(2).fit(vectors[-1])
    np.testing.assert_allclose(found.explained, reference.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(
        np.abs(found.coordinates[-1]), np.abs(reference.transform(vectors[-1])), atol=1e-9
    )
    assert found.kept[-1] == pytest.approx(found.explained.sum())
    assert (found.kept[:-1] < found.kept[-1]).all(), "no other plane keeps as much of the last step"
    np.testing.assert_allclose(found.coordinates.mean(axis=1), 0, atol=1e-9)


def test_vectors_that_never_differ_stay_in_one_place() -> None:
    found = organised([np.ones((3, 4)), np.ones((3, 4))])
    assert not found.coordinates.any()
    assert not found.kept.any()


@pytest.mark.parametrize("vectors", [[np.zeros((1, 3))], [np.zeros((3, 2)), np.zeros((4, 2))]])
def test_what_cannot_be_laid_out_is_said(vectors: list[np.ndarray]) -> None:
    with pytest.raises(NotCaptured, match="vectors of one shape, two at least, can be laid out; given"):
        organised(vectors)


def test_groups_are_as_tight_as_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(1)
    points = np.concatenate([draw.normal(centre, 0.3, size=(30, 5)) for centre in (-2, 0, 2)])
    ours = clusters(points, 3, seed=0)
    theirs = KMeans(3, n_init=8, random_state=0).fit(points)
    cost = sum(np.sum((points[ours == n] - points[ours == n].mean(axis=0)) ** 2) for n in range(3))
    assert cost == pytest.approx(theirs.inertia_, rel=1e-9)
    assert (clusters(points, 3, seed=0) == ours).all()


def test_there_are_no_more_groups_than_points_and_the_largest_comes_first() -> None:
    assert sorted(clusters(np.array([[0.0], [9.0]]), 6, seed=0).tolist()) == [0, 1]
    found = clusters(np.array([[5.0], [0.0], [0.1], [0.2]]), 2, seed=3)
    assert found.tolist() == [1, 0, 0, 0]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 9))
def test_changes_add_up_as_if_all_weights_were_one_vector(rows: int, more: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    parts = [(draw.normal(size=(n, 3)), draw.normal(size=(n, 3))) for n in (rows, more)]
    before, after = (np.concatenate([pair[side].ravel() for pair in parts]) for side in (0, 1))
    total = moved(*parts[0]) + moved(*parts[1])
    assert total.change == pytest.approx(float(torch.linalg.norm(torch.tensor(after - before))))
    assert total.relative == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before))
    assert total.typical == pytest.approx(np.sqrt(np.mean((after - before) ** 2)))


def test_rows_of_added_tokens_are_left_out() -> None:
    table = np.arange(6.0).reshape(3, 2)
    assert moved(table, np.concatenate([table, [[7.0, 7.0]]])) == Moved(0.0, float(np.linalg.norm(table)), 6)
    with pytest.raises(NotCaptured, match=r"weights of shapes \(3, 2\) and \(2, 3\) cannot be compared"):
        moved(table, table.T)


def test_what_was_nothing_before_has_changed_beyond_measure() -> None:
    assert moved(np.zeros(3), np.ones(3)).relative == np.inf
    assert moved(np.zeros(3), np.zeros(3)).relative == 0
