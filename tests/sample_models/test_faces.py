"""Portraits drawn from known factors."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sample_models.faces import (
    CATEGORIES,
    CONTINUOUS,
    IDENTITY,
    VARIATION,
    draw,
    labels,
    sample_factors,
    sample_people,
)
from sample_models.faces.shapes import Array, capsule, coverage, ellipse, superellipse

FACTORS = (*CONTINUOUS, *CATEGORIES)
EYES = (slice(14, 21), slice(7, 25))
MOUTH = (slice(21, 28), slice(11, 21))


def _vary(name: str, *, seed: int = 3) -> dict[str, NDArray[Any]]:
    """Twenty faces, each at the two ends of one factor, all other factors equal within a pair."""
    factors = sample_factors(20, seed=seed)
    pair = {key: np.concatenate([values, values]) for key, values in factors.items()}
    low, high = CONTINUOUS.get(name, (0, 1))
    pair[name] = np.repeat(np.asarray([low, high], dtype=pair[name].dtype), 20)
    return pair


def _difference(name: str) -> NDArray[np.float32]:
    """Return the mean absolute difference, (row, column), that a factor makes."""
    images = draw(_vary(name))
    mean: NDArray[np.float32] = np.abs(images[:20] - images[20:]).mean(axis=(0, 1))
    return mean


def test_images_are_float32_in_unit_range() -> None:
    images = draw(sample_factors(70, seed=0))
    assert images.shape == (70, 3, 32, 32)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.max() - images.min() > 0.9


@pytest.mark.parametrize("n", [0, 1])
def test_few_faces(n: int) -> None:
    assert draw(sample_factors(n, seed=0)).shape == (n, 3, 32, 32)


def test_drawing_is_deterministic_and_independent_of_the_company() -> None:
    factors = sample_factors(70, seed=4)
    images = draw(factors)
    assert np.array_equal(images, draw(sample_factors(70, seed=4)))
    alone = draw({name: values[65:66] for name, values in factors.items()})
    assert np.allclose(alone[0], images[65], atol=1e-6)
    assert not np.array_equal(images, draw(sample_factors(70, seed=5)))


def test_drawing_leaves_the_factors_alone() -> None:
    factors = sample_factors(5, seed=0)
    before = {name: values.copy() for name, values in factors.items()}
    draw(factors)
    assert all(np.array_equal(before[name], factors[name]) for name in FACTORS)


def test_size_changes_the_resolution_and_not_the_face() -> None:
    factors = sample_factors(30, seed=1)
    small = draw(factors)
    large = draw(factors, size=128).reshape(30, 3, 32, 4, 32, 4).mean(axis=(3, 5))
    # Anti-aliasing at 32 pixels is close to averaging 16 samples of each pixel.
    assert np.abs(small - large).mean() < 0.015


@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_is_seen(name: str) -> None:
    assert _difference(name).max() > 0.05


LOCAL = {"gaze": EYES, "eye_size": EYES, "eye_colour": EYES, "smile": MOUTH}


@pytest.mark.parametrize(("name", "region"), LOCAL.items())
def test_local_factors_change_their_region_only(name: str, region: tuple[slice, slice]) -> None:
    difference = _difference(name)
    elsewhere = difference.copy()
    elsewhere[region] = 0
    assert difference[region].sum() > 0
    assert elsewhere.max() < 1e-6


def test_light_comes_from_its_side() -> None:
    images = draw(_vary("light")).mean(axis=1)
    left = images[:, 10:26, 8:14].mean(axis=(1, 2))
    right = images[:, 10:26, 18:24].mean(axis=(1, 2))
    assert np.all(left[:20] > right[:20])
    assert np.all(left[20:] < right[20:])


def test_skin_darkens() -> None:
    images = draw(_vary("skin")).mean(axis=1)[:, 17:20, 15:17].mean(axis=(1, 2))
    assert np.all(images[:20] > images[20:] + 0.1)


def test_factors_cover_their_ranges_evenly_and_independently() -> None:
    factors = sample_factors(4_000, seed=2)
    for name, (low, high) in CONTINUOUS.items():
        counts, _ = np.histogram(factors[name], bins=8, range=(low, high))
        assert counts.sum() == 4_000
        assert counts.min() > 400
    for name, values in CATEGORIES.items():
        counts = np.bincount(factors[name], minlength=len(values))
        assert counts.shape == (len(values),)
        assert counts.min() > 0.85 * 4_000 / len(values)
    correlation = np.corrcoef([factors[name] for name in FACTORS])
    assert np.abs(correlation - np.eye(len(FACTORS))).max() < 0.06


def test_identity_and_variation_share_out_the_factors() -> None:
    assert sorted((*IDENTITY, *VARIATION)) == sorted(FACTORS)


def test_people_keep_their_identity_and_vary() -> None:
    factors = sample_people(6, portraits=5, seed=0)
    assert factors["person"].tolist() == np.repeat(np.arange(6), 5).tolist()
    for name in IDENTITY:
        values = factors[name].reshape(6, 5)
        assert np.all(values == values[:, :1])
    for name in VARIATION:
        assert np.unique(factors[name]).size == 30
    assert np.unique(factors["face_width"]).size == 6
    assert draw(factors).shape[0] == 30


def test_labels_name_the_categories() -> None:
    factors = sample_factors(50, seed=0)
    named = labels(factors)
    assert set(named["hair_colour"]) == set(CATEGORIES["hair_colour"])
    assert named["hair_colour"][0] == CATEGORIES["hair_colour"][factors["hair_colour"][0]]
    assert np.array_equal(named["smile"], factors["smile"])


def test_six_thousand_faces_take_seconds() -> None:
    started = time.process_time()
    draw(sample_factors(600, seed=0))
    # About 0.25 s on an idle core; the bound leaves room for a slow one.
    assert time.process_time() - started < 1.5


def test_missing_factor() -> None:
    factors = sample_factors(2, seed=0)
    del factors["gaze"]
    with pytest.raises(ValueError, match=r"no factor 'gaze' among \['brow'.*start from sample_factors"):
        draw(factors)


def test_factors_of_different_length() -> None:
    factors = sample_factors(2, seed=0)
    factors["smile"] = factors["smile"][:1]
    with pytest.raises(ValueError, match=r"shape \(n,\), found .*'smile': \(1,\).*repeat the ones held"):
        draw(factors)


@pytest.mark.parametrize(("name", "value", "found"), [("smile", 1.5, "1.5"), ("smile", np.nan, "nan")])
def test_value_out_of_range(name: str, value: float, found: str) -> None:
    factors = sample_factors(1, seed=0)
    factors[name] = np.asarray([value], dtype=np.float32)
    with pytest.raises(ValueError, match=rf"'smile' runs from -1.0 to 1.0, found {found} to {found}: clip"):
        draw(factors)


def test_category_out_of_range() -> None:
    factors = sample_factors(1, seed=0)
    factors["hair_style"] = np.asarray([5])
    with pytest.raises(ValueError, match="'hair_style' runs from 0 to 4, found 5 to 5"):
        draw(factors)


def test_negative_number_of_faces() -> None:
    with pytest.raises(ValueError, match="asked for -1 faces"):
        sample_factors(-1, seed=0)


def test_too_few_pixels() -> None:
    with pytest.raises(ValueError, match="7 x 7: a face needs at least 8 x 8"):
        draw(sample_factors(1, seed=0), size=7)


def _search(distance: Array, x: Array, y: Array) -> Array:
    """Distance of each grid point to the nearest grid point on the other side of the edge, signed."""
    inside = distance < 0
    points = np.stack(np.broadcast_arrays(x, y), axis=-1).reshape(-1, 2)
    flat = inside.ravel()
    to_other = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1))
    to_other[flat[:, None] == flat[None, :]] = np.inf
    nearest = to_other.min(axis=1)
    signed: Array = np.where(flat, -nearest, nearest).reshape(inside.shape)
    return signed


@pytest.mark.parametrize("shape", ["ellipse", "superellipse", "capsule"])
def test_distances_near_the_edge_match_a_search(shape: str) -> None:
    line = np.linspace(-1, 1, 61, dtype=np.float32)
    x, y = line[None, :], line[:, None]
    distance = {
        "ellipse": lambda: ellipse(x, y, width=0.6, height=0.4),
        "superellipse": lambda: superellipse(x, y, width=0.6, height=0.5, power=3),
        "capsule": lambda: capsule(x, y, dx=0.3, dy=0.1, radius=0.2),
    }[shape]()
    exact = _search(distance, x, y)
    near = np.abs(exact) < 0.12
    assert near.sum() > 100
    # The search sees the edge to half a grid step, and reports half a step too much on average.
    assert np.abs(distance - exact)[near].max() < 0.05


def test_coverage_is_a_ramp_over_one_pixel() -> None:
    distance = np.asarray([-1.0, -0.05, 0.0, 0.025, 0.05, 1.0], dtype=np.float32)
    assert np.allclose(coverage(distance, 0.1), [1, 1, 0.5, 0.25, 0, 0])
