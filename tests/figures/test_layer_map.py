"""Maps of layers and tokens: what they say, how much they weigh, and what a click gives."""

import numpy as np
import pytest

from genviz.figures.layer_map import Scale, layer_map


@pytest.mark.parametrize(("layers", "tokens"), [(13, 384), (13, 600), (48, 1200), (49, 4096)])
def test_long_maps_stay_light(layers: int, tokens: int) -> None:
    values = np.random.default_rng(0).random((layers, tokens))
    hover = [["a word 0.1234<br>" * 12] * tokens] * layers
    names = [str(n) for n in range(layers)]
    figure = layer_map(values, words=["word"] * tokens, layers=names, scale=Scale("x"), chosen=0, hover=hover)
    assert len(figure.to_json()) < 2_000_000
    if layers * tokens <= 60_000:
        assert figure.data[0].customdata[3][5] == [5]


def test_short_ones_say_every_cell_and_choose_by_name() -> None:
    figure = layer_map(
        np.array([[0.5, np.nan]]), words=["<b>", "x"], layers=["start"], scale=Scale("x"), chosen=1
    )
    assert figure.data[0].customdata[0][1] == ["1"]
    assert figure.data[0].hovertext[0][0] == "<b>&lt;b&gt;</b> (0) · start<br>0.5"
    assert figure.data[1].name == "not a number"
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (0.5, 1.5)


def test_a_few_large_values_make_the_scale_logarithmic() -> None:
    values = np.ones((2, 20))
    values[0, 0] = 1000
    figure = layer_map(values, words=["w"] * 20, layers=["a", "b"], scale=Scale("length"), chosen=0)
    assert figure.data[0].z[0][0] == pytest.approx(3)
    assert figure.data[0].colorbar.title.text == "length, log scale"
    assert figure.data[0].hovertext[0][0].endswith("<br>1000")
