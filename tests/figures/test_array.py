"""Arrays as curves and maps: exact where they fit, block means where not, and said."""

import numpy as np
import pytest

from genviz.figures.array import MOST_CELLS, MOST_POINTS, block_means, curve, plane
from genviz.figures.theme import palette


def said(figure: object) -> str:
    return " ".join(note.text for note in figure.layout.annotations if note.name == "small print")  # type: ignore[attr-defined]


def test_a_curve_holds_every_value() -> None:
    values = np.random.default_rng(0).normal(size=30)
    figure = curve(values, axis="unit", value="bias", places=range(0, 60, 2))
    (trace,) = figure.data
    assert np.array_equal(trace.y, values.astype(np.float32))
    assert trace.x.tolist() == list(range(0, 60, 2))
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("unit", "bias")
    assert not said(figure)


def test_a_long_curve_is_drawn_as_means_and_says_so() -> None:
    figure = curve(np.ones(3 * MOST_POINTS), axis="unit", value="bias")
    assert len(figure.data[0].y) == MOST_POINTS
    assert "Each cell is the mean of 3 values." in said(figure)


def test_signed_planes_are_centred_on_zero_and_others_are_not() -> None:
    (signed,) = plane(np.array([[-1.0, 3.0]]), axes=("a", "b"), value="v").data
    assert (signed.zmin, signed.zmax) == (-3.0, 3.0)
    assert signed.colorscale[0][1] == palette("light").signed[0][1]
    (plain,) = plane(np.array([[1.0, 3.0]]), axes=("a", "b"), value="v").data
    assert (plain.zmin, plain.zmax) == (1.0, 3.0)


def test_nan_and_infinities_are_counted() -> None:
    values = np.array([[np.nan, np.inf, 1.0], [0.0, -np.inf, 2.0]])
    figure = plane(values, axes=("row", "column"), value="v")
    assert said(figure) == "1 NaN. 2 infinite."
    assert np.isnan(figure.data[0].z).sum() == 3


def test_large_planes_are_block_means_and_say_so() -> None:
    values = np.random.default_rng(0).normal(size=(2 * MOST_CELLS + 1, 30))
    figure = plane(values, axes=("row", "column"), value="v")
    (trace,) = figure.data
    assert trace.z.shape == (-(-values.shape[0] // 3), 30)
    assert trace.z[0, 0] == pytest.approx(values[:3, 0].mean(), rel=1e-5)
    assert trace.z[-1, 0] == pytest.approx(values[798:, 0].mean(), rel=1e-5)
    assert "mean of 3 × 1 values" in said(figure)


def test_block_means_of_uneven_ends_are_the_loop() -> None:
    values = np.random.default_rng(0).normal(size=(7, 5))
    found = block_means(values, (3, 2))
    loop = [[values[i : i + 3, j : j + 2].mean() for j in (0, 2, 4)] for i in (0, 3, 6)]
    assert found == pytest.approx(np.array(loop))


def test_tokens_label_their_axis() -> None:
    figure = plane(np.ones((2, 3)), axes=("token", "unit"), value="v", labels=([" a", "<b>"], None))
    assert list(figure.layout.yaxis.ticktext) == ["·a", "&lt;b&gt;"]
    assert figure.layout.yaxis.autorange == "reversed"
