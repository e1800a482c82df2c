"""Views by name, other packages' views, tables of facts, and any array."""

from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

from genviz.errors import NotCaptured, ViewError
from genviz.recording import Recording
from genviz.views import VIEWS, View, array, parameters, registry, sites, weighted_sum
from tests.views.subjects import perceptron, transformer


def plugin(**fields: Any) -> View:
    return View(
        **{"name": "mine", "title": "Mine", "question": "Whose?", "needs": (), "draw": print, **fields}
    )


MINE, TAKEN, NONE = plugin(), plugin(name="network"), "no view"


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> Any:
    def bring(*names: str) -> tuple[View, ...]:
        points = [EntryPoint(name, f"tests.views.test_views:{name}", registry.GROUP) for name in names]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry.registered.cache_clear()
        return registry.registered()

    yield bring
    registry.registered.cache_clear()


def test_another_packages_view_comes_last(brought: Any) -> None:
    assert brought("MINE") == (*VIEWS, MINE)
    assert registry.view_named("mine") is MINE


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TAKEN", "the view 'network' of tests.views.test_views:TAKEN is left out: the name is taken"),
        ("NONE", "'NONE' of tests.views.test_views:NONE is a str, not a View"),
        ("ABSENT", "the view 'ABSENT' of tests.views.test_views:ABSENT cannot be loaded"),
    ],
)
def test_a_broken_package_is_named_and_left_out(
    name: str, said: str, brought: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert brought(name) == VIEWS
    assert said in caplog.text


def test_unknown_views_are_named() -> None:
    with pytest.raises(ViewError, match=r"no view 'nothing': the views are network, parameters"):
        registry.view_named("nothing")


def test_facts_are_exact_and_what_is_not_told_says_so() -> None:
    recording = transformer()
    rows = list(zip(*parameters(recording).data[0].cells["values"], strict=True))
    values = {row[1]: row[2] for row in rows}
    assert values["n_params"].startswith(f"{recording.info['facts']['n_params']:,}")
    assert values["context"] == "not told by this model"
    assert values["d_head"] == "8"


def test_what_was_captured_and_what_not() -> None:
    cells = sites(transformer()).data[0].cells["values"]
    assert cells[0][0] == "layers.0.attn"
    assert (cells[0][-1], cells[2][-1]) == ("head", "not captured")
    assert cells[5][-1] == "only the five largest were asked for"


def test_any_array_by_its_rank() -> None:
    recording = perceptron()
    weight = recording["layers.0", "weight"].values
    figure = array(recording, what="layers.0 · weight")
    assert np.array_equal(figure.data[0].z, weight)
    assert figure.layout.title.subtitle.text == "8 unit × 5 input"
    (curve,) = array(recording, what="layers.0 · bias").data
    assert np.array_equal(curve.y, recording["layers.0", "bias"].values)


def test_planes_of_an_array_of_more_axes() -> None:
    recording = transformer()
    figure = array(recording, what="layers.0.attn · query", plane=2)
    assert np.array_equal(figure.data[0].z, recording["layers.0.attn", "query"].values[0, 2])
    assert figure.layout.title.text == "layers.0.attn · query · sample 0 · head 2"
    assert list(figure.layout.yaxis.ticktext)[:2] == ["The", "robber"]
    with pytest.raises(NotCaptured, match=r"no plane 3 in layers.0 · hidden: it has planes 0 … 0"):
        array(recording, what="layers.0 · hidden", plane=3)


def test_single_numbers_are_a_curve_over_steps() -> None:
    recording = Recording()
    for step in (0, 10, 30):
        recording.add("", "loss", np.asarray(1 / (1 + step), np.float32), step=step)
    figure = array(recording)
    assert figure.data[0].x.tolist() == [0, 10, 30]
    assert figure.data[0].y.tolist() == pytest.approx([1, 1 / 11, 1 / 31])
    assert figure.layout.xaxis.title.text == "training step"


def test_an_empty_recording_says_so() -> None:
    with pytest.raises(NotCaptured, match="nothing was captured"):
        array(Recording())
    assert sites(Recording()).layout.title.text == "0 arrays, 0 B"


def test_a_unit_spelt_out_adds_up_to_the_recordings_sum() -> None:
    recording = perceptron()
    figure = weighted_sum(recording, site="layers.2", unit=3, row=7)
    (bars,) = (trace for trace in figure.data if trace.type == "bar")
    total = float(recording["layers.2", "weighted_sum"].values[7, 3])
    assert bars.x[-2] == pytest.approx(total, abs=1e-5)
    assert bars.x[-1] == pytest.approx(float(recording["layers.2", "activation"].values[7, 3]))
    assert bars.x[:-2].sum() == pytest.approx(total, abs=1e-5)
    with pytest.raises(NotCaptured, match=r"no unit 6 at 'layers.4': it has units 0 … 0"):
        weighted_sum(recording, site="layers.4", unit=6)
