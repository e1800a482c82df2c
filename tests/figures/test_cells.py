"""What stands in the cells of a heat map can be read on every colour."""

import numpy as np
import plotly.graph_objects as go
import pytest

from genviz.export.numbers import tables
from genviz.figures.cells import INKS, contrast, ink, legible
from genviz.figures.colours import rgb, table
from genviz.figures.theme import PALETTES

AA = 4.5  # WCAG 2.2, 1.4.3: the least contrast of text


def test_contrast_is_that_of_the_standard() -> None:
    white, black, grey = np.array([255] * 3), np.array([0] * 3), np.array(rgb("#767676"))
    assert contrast(white, black) == pytest.approx(21)
    assert contrast(white, grey) == pytest.approx(4.54, abs=0.005)  # the lightest AA grey


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("scale", ["magnitude", "signed", "spectrum"])
def test_every_colour_of_every_scale_has_an_ink(theme: str, scale: str) -> None:
    colours = table(getattr(PALETTES[theme], scale))
    inks = np.array([rgb(each) for each in ink(colours)])
    assert contrast(colours, inks).min() >= AA


def heat(**more: object) -> go.Figure:
    figure = go.Figure()
    figure.add_heatmap(
        z=[[0.0, 1.0], [np.nan, 0.25]], zmin=0, zmax=1, colorscale=[[0, "#ffffff"], [1, "#000000"]],
        texttemplate="%{z:.2f}", textfont={"size": 11}, **more,
    )  # fmt: skip
    legible(figure)
    return figure


def test_numbers_stand_on_their_cells_and_the_pointer_does_not_meet_them() -> None:
    cells, written = heat().data
    assert cells.texttemplate is None
    assert list(written.text) == ["0.00", "1.00", "0.25"]  # NaN has none
    assert list(zip(written.x, written.y, strict=True)) == [(0, 0), (1, 0), (1, 1)]
    assert list(written.textfont.color) == [INKS[1], INKS[0], INKS[1]]
    assert (written.hoverinfo, written.textfont.size, written.mode) == ("skip", 11, "text")


def test_places_are_the_heat_maps_own() -> None:
    written = heat(x=[2.5, 3.5], y0=7, dy=2, xaxis="x2", yaxis="y2").data[1]
    assert list(written.x) == [2.5, 3.5, 3.5]
    assert list(written.y) == [7, 7, 9]
    assert (written.xaxis, written.yaxis) == ("x2", "y2")


def test_words_are_kept_and_minus_signs_are_signs() -> None:
    figure = go.Figure()
    scale = [[0, "#ffffff"], [1, "#000000"]]
    figure.add_heatmap(z=[[1, 2]], text=[["the", "cat"]], texttemplate="%{text}", colorscale=scale)
    figure.add_heatmap(z=[[-1.25, 0]], texttemplate="%{z:.1f} %", colorscale=scale)
    legible(figure)
    assert [list(trace.text) for trace in figure.data[2:]] == [["the", "cat"], ["−1.2 %", "0.0 %"]]


def test_the_table_of_numbers_has_each_number_once() -> None:
    assert [table.fixed["trace"] for table in tables(heat())] == [0]


def test_a_map_without_texts_is_left_alone() -> None:
    figure = go.Figure(go.Heatmap(z=[[1, 2]]))
    legible(figure)
    assert len(figure.data) == 1
