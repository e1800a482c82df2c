"""Maps of codes: every point once, its colour, its number, the picks and the path."""

import numpy as np
import plotly.graph_objects as go
import pytest

from genviz.figures.latent_map import OTHER, WEBGL_ABOVE, Colouring, latent_map

AXES = ("one", "two")


def places(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 2))


def test_every_item_is_one_point_in_the_trace_of_its_class() -> None:
    where, labels = places(30), np.arange(30) % 3
    figure = latent_map(where, axes=AXES, colouring=Colouring("digit", labels))
    assert [trace.name for trace in figure.data] == ["0", "1", "2"]
    for number, trace in enumerate(figure.data):
        assert isinstance(trace, go.Scatter)
        assert labels[trace.customdata].tolist() == [number] * 10
        assert np.array_equal(trace.x, where[trace.customdata, 0].astype(np.float32))
    assert figure.layout.legend.title.text == "digit"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == AXES


def test_numbers_on_a_scale_have_a_colour_bar_and_their_value_on_hover() -> None:
    values = np.linspace(0, 1, 20)
    (trace,) = latent_map(places(20), axes=AXES, colouring=Colouring("smile <b>", values)).data
    assert np.array_equal(trace.marker.color, values.astype(np.float32))
    assert trace.marker.colorbar.title.text == "smile &lt;b&gt;"
    assert trace.text[1] == "0.05263"


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (np.array([2, 0, 1]), ["0", "1", "2"]),
        (np.array([0.0, 1.0]), ["0.0", "1.0"]),
        (np.array([0.5, 1.0]), []),
        (np.arange(11), []),
        (np.array([True, False]), ["False", "True"]),
        (np.array(["b", None], object), ["None", "b"]),
    ],
)
def test_classes(values: np.ndarray, classes: list[str]) -> None:
    assert Colouring("label", values).classes == classes


def test_many_names_become_the_most_frequent_and_others() -> None:
    names = np.array([f"n{at}" for at in range(15)] + ["n14", "n3"])
    found = Colouring("name", names)
    assert len(found.classes) == 10
    assert found.classes[-1] == OTHER
    assert {"n3", "n14"} < set(found.classes)
    members = [set(found.members(name).tolist()) for name in found.classes]
    assert set.union(*members) == set(range(17))
    assert sum(map(len, members)) == 17


def test_many_points_use_webgl() -> None:
    (trace,) = latent_map(places(WEBGL_ABOVE + 1), axes=AXES).data
    assert isinstance(trace, go.Scattergl)


def test_picks_are_marked_and_tied_by_the_path() -> None:
    where, path = places(10), np.array([[0.0, 0], [1, 2], [3, 3]])
    figure = latent_map(where, axes=AXES, picks=(4, 7), path=path, note="a <note>")
    way, first, second = figure.data[1:]
    assert way.x.tolist() == [0, 1, 3]
    assert [first.customdata.tolist(), second.customdata.tolist()] == [[4], [7]]
    assert first.y[0] == pytest.approx(where[4, 1])
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["a &lt;note&gt;", "<b>A</b>", "<b>B</b>"]


def test_one_pick_has_no_path() -> None:
    figure = latent_map(places(10), axes=AXES, picks=(4,))
    assert [trace.name for trace in figure.data] == ["items", "A"]
