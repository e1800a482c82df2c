"""Cosines, separation and turned maps: against scikit-learn and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_distances, cosine_similarity
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from genviz.analysis.senses import (
    chance,
    cosines,
    flat_maps,
    mean_between,
    separation,
    together,
    turned_onto,
)

SEEDS = st.integers(0, 10_000)


def clouds(seed: int, sizes: tuple[int, ...] = (5, 4, 3)) -> tuple[np.ndarray, list[str]]:
    draw = np.random.default_rng(seed)
    labels = [f"sense {at}" for at, size in enumerate(sizes) for _ in range(size)]
    centres = draw.normal(size=(len(sizes), 7))
    points = np.repeat(centres, sizes, axis=0) + draw.normal(size=(sum(sizes), 7)) * 0.8
    return points, labels


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_cosines_are_scikit_learns(seed: int) -> None:
    points, _ = clouds(seed)
    np.testing.assert_allclose(cosines(points), cosine_similarity(points), atol=1e-12)
    layers = np.stack([points, points**3])
    np.testing.assert_allclose(cosines(layers)[1], cosine_similarity(points**3), atol=1e-12)


def test_a_vector_of_no_length_has_no_cosine() -> None:
    found = cosines(np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert np.isnan(found[0]).all()
    assert found[1, 1] == 1.0


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from([(5, 4, 3), (6, 6), (2, 1, 4), (1, 5)]))
def test_silhouette_and_nearest_neighbours_are_scikit_learns(seed: int, sizes: tuple[int, ...]) -> None:
    points, labels = clouds(seed, sizes)
    distances = cosine_distances(points)
    found = separation(distances, labels)
    expected = silhouette_score(distances, labels, metric="precomputed")
    assert found.silhouette == pytest.approx(expected, abs=1e-9)
    alone = KNeighborsClassifier(1, metric="cosine", algorithm="brute")
    guessed = cross_val_predict(alone, points, labels, cv=LeaveOneOut())
    several = np.array([labels.count(label) > 1 for label in labels])
    assert found.right == pytest.approx((guessed == np.array(labels))[several].sum())
    assert found.asked == several.sum()


def test_where_all_are_equal_neighbours_are_chance_and_the_silhouette_is_none() -> None:
    labels = ["a"] * 3 + ["b"] * 4
    found = separation(np.full((7, 7), 1e-9), labels)
    assert found.silhouette == 0.0
    assert found.right / found.asked == pytest.approx(chance(labels))
    assert chance(labels) == pytest.approx((3 * 2 + 4 * 3) / 7 / 6)


def test_one_sense_and_nothing_but_single_ones_cannot_be_measured() -> None:
    distances = cosine_distances(clouds(1)[0][:4])
    assert np.isnan(separation(distances, ["a"] * 4).silhouette)
    lone = separation(distances, list("abcd"))
    assert lone.asked == 0
    assert np.isnan([lone.silhouette, lone.right, chance(list("abcd"))]).all()
    assert np.isnan(separation(distances * np.nan, list("aabb")).right)


def test_means_of_pairs_count_each_once() -> None:
    points, labels = clouds(3, (2, 3))
    table, same = cosine_similarity(points), together(labels)
    pairs = [(i, j) for i in range(5) for j in range(i)]
    inside = [table[i, j] for i, j in pairs if labels[i] == labels[j]]
    across = [table[i, j] for i, j in pairs if labels[i] != labels[j]]
    assert mean_between(table, same) == pytest.approx(np.mean(inside))
    assert mean_between(table, ~same) == pytest.approx(np.mean(across))
    assert np.isnan(mean_between(table, np.zeros_like(same)))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_turning_is_scipys_procrustes_and_keeps_distances(seed: int) -> None:
    draw = np.random.default_rng(seed)
    points, onto = draw.normal(size=(2, 9, 2))
    found = turned_onto(points, onto)
    np.testing.assert_allclose(found, points @ orthogonal_procrustes(points, onto)[0], atol=1e-9)
    apart = [np.linalg.norm(each[:, None] - each[None], axis=-1) for each in (points, found)]
    np.testing.assert_allclose(apart[0], apart[1], atol=1e-9)


def test_maps_are_principal_planes_of_one_spread_that_do_not_jump() -> None:
    draw = np.random.default_rng(4)
    first = draw.normal(size=(11, 6)) * [9, 4, 1, 1, 0.5, 0.1]
    turn = np.linalg.qr(draw.normal(size=(6, 6)))[0]
    layers = np.stack([np.ones((11, 6)), first @ turn * 50, first])
    maps, explained = flat_maps(layers)
    assert not maps[0].any()
    assert np.isnan(explained[0]).all()
    for layer, shown, share in zip(layers[1:], maps[1:], explained[1:], strict=True):
        known = PCA(2).fit(layer)
        own = known.transform(layer)
        ratio = np.linalg.norm(own[:, None] - own, axis=-1) / np.sqrt((own**2).sum() / 11 / share.sum())
        np.testing.assert_allclose(np.linalg.norm(shown[:, None] - shown, axis=-1), ratio, rtol=1e-6)
        np.testing.assert_allclose(share, known.explained_variance_ratio_, rtol=1e-6)
    np.testing.assert_allclose(maps[1], maps[2], atol=1e-9)  # the same points, turned and fifty times as wide


def test_two_occurrences_lie_on_a_line() -> None:
    maps, explained = flat_maps(np.array([[[0.0, 3.0, 1.0], [1.0, 1.0, 0.0]]]))
    np.testing.assert_allclose(np.abs(maps[0]), [[1, 0], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(explained[0], [1, 0], atol=1e-12)
