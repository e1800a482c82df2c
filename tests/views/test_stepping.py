"""Looking back along training: steps in a recording, checkpoints of a live model."""

from typing import Any

import numpy as np
import pytest

from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views import Subject, perceptron_network, samples_by_score, score_histograms
from genviz.views.scoring import scores_at, unit_of
from genviz.views.stepping import at_step, step_controls
from tests.views.subjects import gan, perceptron


class Trained:
    """A live GAN with checkpoints; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.info: dict[str, Any] = {"defaults": {"steps": [0, 10]}}
        self.abilities = ("record", "record_step", "record_initial")

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Recording:
        self.asked.append((ability, arguments))
        return gan(count=arguments["count"], steps=(arguments.get("step"),))


def test_steps_in_the_recording_are_offered_and_the_last_is_shown() -> None:
    recording = gan(steps=(0, 100, 200))
    (control,) = step_controls(Subject("x", recording=recording), "score")
    assert [value for value, _ in control.choices] == [0, 100, 200]  # type: ignore[attr-defined]
    assert control.value == 200
    figure = score_histograms(recording, step=100)
    assert figure.layout.title.text.startswith("Step 100 · judged real: ")
    expected = scores_at(recording, 100)
    means = [shape.x0 for shape in score_histograms(recording, step=100, unit="logit").layout.shapes[:2]]
    assert means == pytest.approx([expected.real.mean(), expected.fake.mean()])


def test_a_live_models_checkpoints_are_asked_once_each() -> None:
    live = Trained()
    subject = Subject("x", recording=gan(), live=live)
    (control,) = step_controls(subject, "score")
    assert [value for value, _ in control.choices] == ["start", 0, 10, "end"]  # type: ignore[attr-defined]
    assert control.value == "end"
    first, second = at_step(subject, 10, "score"), at_step(subject, 10, "score")
    assert first[0] is second[0]
    at_step(subject, "start", "score")
    assert live.asked == [("record_step", {"step": 10, "count": 64}), ("record_initial", {"count": 64})]
    assert at_step(subject, "end", "score") == (subject.recording, None)
    assert score_histograms(subject, step="start").layout.title.text.startswith("Before training · judged")


def test_without_steps_there_is_no_control() -> None:
    assert step_controls(Subject("x", recording=gan()), "score") == ()


@pytest.mark.parametrize(
    ("attrs", "scores", "unit"),
    [
        ({"unit": "logit"}, [0.1, 0.9], "logit"),
        ({"unit": "probability"}, [0.1, 0.9], "probability"),
        ({"unit": "unknown"}, [0.1, 0.9], "recorded"),
        ({}, [0.1, 0.9], "probability"),
        ({}, [-0.1, 0.9], "logit"),
        ({}, [np.nan, 1.0], "probability"),
    ],
)
def test_units_of_scores(attrs: dict[str, str], scores: list[float], unit: str) -> None:
    recording = Recording()
    assert unit_of(recording.add("d", "score", np.array(scores), attrs=attrs)) == unit


def test_scores_of_unknown_unit_get_no_verdict() -> None:
    recording = gan()
    recording.replace_entries([])
    for source in ("real", "fake"):
        attrs = {"source": source, "unit": "unknown"}
        recording.add("d", "score", np.array([1.0, 5.0], np.float32), attrs=attrs)
    figure = score_histograms(recording)
    assert figure.layout.title.text == "Mean score: real 3, fake 3"
    assert len(figure.layout.shapes) == 2  # the two means, no decision line


def test_samples_are_sorted_by_their_own_score() -> None:
    recording = gan()
    figure = samples_by_score(recording, order="highest", count=5)
    scores = scores_at(recording, None)
    real, fake = (trace for trace in figure.data if trace.mode == "markers")
    assert real.customdata.tolist() == np.argsort(-scores.real, kind="stable")[:5].tolist()
    assert fake.customdata.tolist() == np.argsort(-scores.fake, kind="stable")[:5].tolist()
    assert all("judged real" in text for text in real.text)


def test_scores_that_do_not_match_their_items_are_refused() -> None:
    recording = gan()
    recording.add("generator", "sample", np.zeros((3, 1, 4, 4), np.float32), attrs={"source": "fake"}, call=1)
    with pytest.raises(NotCaptured, match="3 generated items do not match 64 scores"):
        samples_by_score(recording)


def test_items_that_are_no_pictures_are_named() -> None:
    recording = gan()
    for source in ("real", "fake"):
        recording.add("g", "sample", np.zeros((64, 2), np.float32), axes=("sample", "input"), call=1,
                      attrs={"source": source})  # fmt: skip
    with pytest.raises(NotCaptured, match=r"real items are no pictures: their shape is \(64, 2\)"):
        samples_by_score(recording)


def test_predictions_are_told_in_the_targets_own_unit() -> None:
    recording = perceptron()
    recording.info |= {"target_mean": [300.0], "target_scale": [100.0]}
    output = float(recording["layers.4", "activation"].values[2, 0]) * 100 + 300
    target = float(recording["", "target"].values[2, 0]) * 100 + 300
    title = perceptron_network(recording, row=2).layout.title.text
    assert title == f"Item 2 · price: {output:.4g} by the network, {target:.4g} in truth"
