"""Pictures come out of their data URI as they went in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genviz.figures import image
from genviz.figures.colours import mix, rgb, table, tint
from tests.figures.pictures import decoded

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))


@settings(deadline=None)
@given(arrays.arrays(np.uint8, shapes))
def test_grey_and_palette_pictures_read_back(pixels: np.ndarray) -> None:
    assert (decoded(image.uri(pixels)) == pixels[..., None]).all()
    colours = np.random.default_rng(0).integers(0, 256, (256, 3)).astype(np.uint8)
    assert (decoded(image.uri(pixels, colours)) == colours[pixels]).all()


@settings(deadline=None)
@given(arrays.arrays(np.uint8, shapes.map(lambda shape: (*shape, 3))), st.integers(1, 40))
def test_enlarging_repeats_pixels(pixels: np.ndarray, side: int) -> None:
    large = image.enlarged(pixels, side)
    factor = large.shape[0] // pixels.shape[0]
    assert min(large.shape[:2]) >= side
    assert (large[::factor, ::factor] == pixels).all()
    assert (decoded(image.crisp_uri(pixels, side=side)) == large).all()


def test_floats_become_bytes_within_their_range() -> None:
    images = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]).reshape(1, 1, 2, 3)
    assert image.to_pixels(images).tolist() == [[[0, 0, 128], [255, 255, 0]]]
    assert image.to_pixels(images, (-1, 1))[0, 0].tolist() == [0, 128, 191]


def test_channels_three_are_colour_and_other_numbers_their_mean() -> None:
    three = np.random.default_rng(0).random((2, 3, 4, 5))
    assert image.to_pixels(three).shape == (2, 4, 5, 3)
    assert image.to_pixels(np.stack([np.zeros((1, 4, 4)), np.ones((1, 4, 4))], axis=1)).tolist() == [
        [[128] * 4] * 4
    ]


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"pictures have axes \(sample, channel, row, column\), not the shape \(3, 4\)"
    ):
        image.to_pixels(np.zeros((3, 4)))
    with pytest.raises(TypeError, match="pixels are uint8, not float64: pass them through to_pixels"):
        image.uri(np.zeros((3, 4)))  # type: ignore[arg-type]


def test_indices_stay_within_the_palette() -> None:
    values = np.array([-5.0, 0.0, 0.5, 1.0, 9.0, np.nan])
    assert image.indexed(values, 0, 1, first=3, last=13).tolist() == [3, 3, 8, 13, 13, 3]


def test_colour_tables_meet_their_stops() -> None:
    found = table([(0.0, "#000000"), (0.5, "#ff0000"), (1.0, "#ffffff")], 5)
    assert found[[0, 2, 4]].tolist() == [[0, 0, 0], [255, 0, 0], [255, 255, 255]]
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
    assert rgb("#0a0b0c") == (10, 11, 12)
    assert tint("#0a0b0c", 0.25) == "rgba(10,11,12,0.25)"
