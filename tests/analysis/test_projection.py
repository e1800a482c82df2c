import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import manifold
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from genviz.analysis.neighbours import nearest, trustworthiness
from genviz.analysis.projection import Projection, project
from genviz.errors import Cancelled, NotApplicable

Floats = NDArray[np.float32]


def cloud(count: int = 60, width: int = 5, seed: int = 0) -> Floats:
    values = np.random.default_rng(seed).standard_normal((count, width))
    spread: Floats = (values * np.arange(1, width + 1)).astype(np.float32)
    return spread


def test_pca_is_scikit_learns() -> None:
    points = load_digits().data[:400].astype(np.float32)
    found, reference = project(points, dimensions=3), PCA(3).fit(points)
    assert found.explained is not None
    assert found.components is not None
    np.testing.assert_allclose(found.explained, reference.explained_variance_ratio_, rtol=1e-5)
    signs = np.sign((found.components * reference.components_).sum(1))
    np.testing.assert_allclose(found.components, reference.components_ * signs[:, None], atol=1e-4)
    np.testing.assert_allclose(found.coordinates, reference.transform(points) * signs, atol=1e-3)


@settings(deadline=None, max_examples=30)
@given(st.integers(4, 40), st.integers(2, 8), st.integers(0, 10))
def test_pca_goes_there_and_back_exactly(count: int, width: int, seed: int) -> None:
    points = cloud(count, width, seed)
    found = project(points)
    places = np.random.default_rng(seed).standard_normal((7, 2)).astype(np.float32)
    np.testing.assert_allclose(found.place(found.invert(places)), places, atol=1e-4)
    np.testing.assert_allclose(found.place(points), found.coordinates, atol=1e-4)
    whole = project(points, dimensions=min(width, count - 2))
    if width <= count - 2:
        np.testing.assert_allclose(whole.invert(whole.coordinates), points, atol=1e-4)


def test_pca_has_one_sign() -> None:
    points = cloud()
    found = project(points)
    assert found.components is not None
    np.testing.assert_allclose(found.coordinates, project(points.copy()).coordinates)
    largest = found.components[np.arange(2), np.abs(found.components).argmax(1)]
    assert (largest > 0).all()
    assert "exact" in found.placing


@pytest.mark.parametrize(("count", "neighbours"), [(30, 3), (200, 15), (900, 5)])
def test_trustworthiness_is_scikit_learns(count: int, neighbours: int) -> None:
    points = cloud(count, 6)
    seen = points[:, :2].copy()
    ours = trustworthiness(points, seen, neighbours=neighbours)
    assert ours == pytest.approx(manifold.trustworthiness(points, seen, n_neighbors=neighbours), abs=2e-6)
    assert trustworthiness(points, points, neighbours=neighbours) == 1.0


def test_trustworthiness_of_some_rows_is_near_that_of_all() -> None:
    points = cloud(1500, 6)
    seen = points[:, 4:].copy()
    whole = trustworthiness(points, seen, neighbours=10)
    assert trustworthiness(points, seen, neighbours=10, most=400) == pytest.approx(whole, abs=0.01)


def test_trustworthiness_refuses_too_many_neighbours() -> None:
    with pytest.raises(ValueError, match="15 neighbours of 20 points: choose 1 … 9"):
        trustworthiness(cloud(20), cloud(20)[:, :2], neighbours=15)


def test_each_point_is_its_own_first_neighbour_even_among_equals() -> None:
    points = np.repeat(cloud(5), 4, axis=0)
    indices, distances = nearest(points, 6)
    assert indices[:, 0].tolist() == list(range(20))
    assert (distances[:, 0] == 0).all()
    assert all(len(set(row)) == 6 for row in indices.tolist())


@pytest.fixture(scope="module")
def digits_map() -> Projection:
    points = load_digits().data[:500].astype(np.float32)
    return project(points, method="umap", seed=3)


@pytest.mark.slow
def test_umap_keeps_neighbours(digits_map: Projection) -> None:
    assert digits_map.coordinates.shape == (500, 2)
    assert digits_map.trustworthiness > 0.95
    reference = manifold.trustworthiness(digits_map.points, digits_map.coordinates, n_neighbors=15)
    assert digits_map.trustworthiness == pytest.approx(reference, abs=1e-3)  # pixels are whole: distances tie
    labels = load_digits().target[:500]
    neighbours, _ = nearest(digits_map.coordinates, 2)
    assert (labels[neighbours[:, 1]] == labels).mean() > 0.9


@pytest.mark.slow
def test_umap_is_repeatable(digits_map: Projection) -> None:
    again = project(digits_map.points, method="umap", seed=3)
    np.testing.assert_array_equal(again.coordinates, digits_map.coordinates)
    other = project(digits_map.points, method="umap", seed=4)
    assert not np.array_equal(other.coordinates, digits_map.coordinates)


@pytest.mark.slow
def test_umap_finds_known_points_and_stays_among_them(digits_map: Projection) -> None:
    np.testing.assert_allclose(digits_map.place(digits_map.points[:9]), digits_map.coordinates[:9], atol=1e-4)
    back = digits_map.invert(digits_map.coordinates[:9])
    np.testing.assert_allclose(back, digits_map.points[:9], atol=1e-3)
    between = digits_map.invert(digits_map.coordinates[:20] + 0.05)
    assert between.min() >= digits_map.points.min()
    assert between.max() <= digits_map.points.max()
    assert "average of the 8 nearest" in digits_map.placing


@pytest.mark.slow
def test_umap_tells_how_far_it_is_and_stops_when_told() -> None:
    seen: list[float] = []
    project(cloud(80), method="umap", listener=lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen)
    assert len(seen) > 4
    assert seen[-1] == 1.0

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        project(cloud(80), method="umap", listener=stop)
    again: list[Projection] = []  # what was stopped left no lock behind, in this thread or any other
    thread = threading.Thread(
        target=lambda: again.append(project(cloud(80), method="umap", listener=lambda *_: None)), daemon=True
    )
    thread.start()
    thread.join(60)
    assert len(again) == 1


@pytest.mark.slow
def test_umap_in_two_threads_does_not_end_the_process() -> None:
    found: list[Projection] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(project(cloud(70, seed=n), method="umap")))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, 5, 12])
def test_umap_of_few_points(count: int) -> None:
    assert np.isfinite(project(cloud(count), method="umap").coordinates).all()


def test_parts_make_the_same_map() -> None:
    found = project(cloud())
    again = Projection.from_parts(found.parts(), found.points)
    np.testing.assert_array_equal(again.invert([[1, 2]]), found.invert([[1, 2]]))
    assert again.trustworthiness == found.trustworthiness


@pytest.mark.parametrize(
    ("points", "options", "text"),
    [
        (np.full((9, 3), np.nan), {}, "9 of 9 points hold NaN or infinity (the first is point 0)"),
        (np.vstack([cloud(9), np.full((1, 5), np.inf)]), {},
         "1 of 10 points hold NaN or infinity (the first is point 9)"),
        (np.ones((9, 3)), {}, "all 9 points are equal, so there is nothing to lay out"),
        (cloud(3), {}, "3 points are too few for a map: at least 4 are needed"),
        (cloud(9, 1), {}, "points of 1 numbers cannot be laid out in 2 dimensions: choose 1 … 1"),
        (cloud(9), {"method": "magic"}, "no projection 'magic': the methods are pca, umap"),
        (np.zeros((2, 3, 4)), {}, "points of shape (2, 3, 4) cannot be projected: give (sample, feature)"),
    ],
)  # fmt: skip
def test_points_that_make_no_map(points: Floats, options: dict[str, str], text: str) -> None:
    with pytest.raises(NotApplicable) as caught:
        project(points, **options)  # type: ignore[arg-type]
    assert text in str(caught.value)


def test_places_of_the_wrong_width() -> None:
    with pytest.raises(
        NotApplicable, match=r"points of shape \(1, 3\) do not fit this map: give \(sample, 5\)"
    ):
        project(cloud()).place([1, 2, 3])
    with pytest.raises(NotApplicable, match=r"coordinates of shape \(1, 5\) do not fit this map"):
        project(cloud()).invert(np.zeros((1, 5)))
