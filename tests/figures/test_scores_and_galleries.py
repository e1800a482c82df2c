"""Densities of scores; bands of pictures; walks through latent space."""

import numpy as np
import pytest

from genviz.figures.gallery import Band, gallery
from genviz.figures.interpolation import interpolation
from genviz.figures.scores import score_histograms
from genviz.figures.theme import role
from tests.figures.pictures import decoded


def test_histograms_have_area_one_and_the_decision_line() -> None:
    draw = np.random.default_rng(0)
    real, fake = draw.normal(2, 1, 400), draw.normal(-2, 1, 300)
    figure = score_histograms(real, fake, threshold=0.0, unit="logit", bins=20)
    for trace, scores, name in zip(figure.data, (real, fake), ("real", "fake"), strict=True):
        width = np.diff(trace.x)
        assert (trace.y[:-1] * width).sum() == pytest.approx(1, rel=1e-5)
        assert trace.line.color == role(name)
        assert f"{name} · {len(scores)} items · mean {scores.mean():.3f}" == trace.name
    lines = [shape.x0 for shape in figure.layout.shapes]
    assert lines == pytest.approx([real.mean(), fake.mean(), 0.0])
    assert figure.layout.xaxis.title.text == "logit"
    assert figure.layout.yaxis.title.text == "density (area = 1)"


def test_scores_without_a_decision_line_have_none_and_nan_is_said() -> None:
    figure = score_histograms(np.array([1.0, np.nan]), np.array([2.0, 3.0]), threshold=None, unit="?")
    assert [shape.x0 for shape in figure.layout.shapes] == [1.0, 2.5]
    assert not figure.layout.annotations
    assert figure.data[0].name.endswith("· 1 NaN")


def bands(count: int = 5) -> list[Band]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3)).astype(np.uint8)
    captions = [f"{n}" for n in range(count)]
    return [
        Band("<real>", pixels, "#123456", captions, list(range(10, 10 + count))),
        Band("b", pixels, "#654321"),
    ]


def test_galleries_show_every_picture_in_its_place_and_know_its_item() -> None:
    first, second = bands()
    figure = gallery([first, second], columns=3)
    assert len(figure.layout.images) == 10
    large = decoded(figure.layout.images[4].source)
    factor = large.shape[0] // 4
    assert (large[::factor, ::factor] == first.pixels[4]).all()
    assert figure.layout.images[4].x == pytest.approx(1 + 0.03)
    answers = [trace for trace in figure.data if trace.mode == "markers"]
    assert answers[0].customdata.tolist() == [10, 11, 12, 13, 14]
    assert answers[1].customdata.tolist() == [0, 1, 2, 3, 4]
    assert answers[0].name == "&lt;real&gt;"
    tops = [image.y for image in figure.layout.images]
    assert tops == sorted(tops)
    assert figure.layout.yaxis.range[0] > tops[-1] + 0.9  # the last row is inside


def test_a_walk_has_a_band_per_way_and_the_norms_below() -> None:
    shares = [0.0, 0.5, 1.0]
    frames = {way: np.full((3, 4, 4), 9, np.uint8) for way in ("linear", "slerp")}
    norms = {"linear": np.array([1.0, 0.7, 1.0]), "slerp": np.ones(3)}
    figure = interpolation(frames, norms, shares=shares)
    curves = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert [curve.name for curve in curves] == ["linear", "slerp"]
    assert curves[0].y.tolist() == pytest.approx([1.0, 0.7, 1.0])
    assert figure.layout.yaxis2.title.text == "norm ‖z‖"
    captions = [list(trace.text) for trace in figure.data if trace.mode == "text"]
    assert captions == [["<b>A</b>", "0.50", "<b>B</b>"]] * 2
