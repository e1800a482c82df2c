"""Attributions as views: bars are the model's numbers, attention is the recording's, reasons are said."""

from typing import Any

import numpy as np
import pytest

from genviz.errors import NotApplicable
from genviz.live import InlineEngine, LanguageModel
from genviz.views import Subject, input_attribution, logit_attribution
from genviz.views.input_attribution import mean_attention
from tests.live.small_models import IDS, TARGET, Identity, live_of, model_of


def shown(kind: str, **record: Any) -> Subject:
    live = live_of(kind)
    return Subject(kind, recording=live.record(**record), live=InlineEngine(live))


def test_the_running_sum_ends_at_the_logit() -> None:
    subject = shown("gpt")
    figure = logit_attribution(subject, word="7", position=3)
    found = live_of("gpt").logit_attribution(IDS, word=7, position=3)
    bars = [trace for trace in figure.data if trace.name != "logit"]
    ends = {float(x): float(b + y) for t in bars for x, y, b in zip(t.x, t.y, t.base, strict=True)}
    assert ends[max(ends)] == pytest.approx(found["logit"], abs=1e-4)
    assert figure.data[-1].y[0] == pytest.approx(found["logit"], abs=1e-5)
    assert figure.layout.title.text.startswith("what says “w7” at w17 (3): logit ")


def test_the_map_of_heads_has_each_head_and_feed_forward_network() -> None:
    figure = logit_attribution(shown("gpt"), parts="heads")
    found = live_of("gpt").logit_attribution(IDS)
    assert list(figure.layout.xaxis.ticktext) == ["head 0", "head 1", "feed-forward"]
    heads = [part["heads"] for part in found["parts"] if part["kind"] == "attention"]
    np.testing.assert_allclose(np.asarray(figure.data[0].z)[:, :2], heads, atol=1e-5)
    both = logit_attribution(shown("t5", target_text=TARGET), parts="heads").layout.xaxis.ticktext
    assert list(both) == ["head 0", "head 1", "cross 0", "cross 1", "feed-forward"]


def test_three_rows_over_the_same_words() -> None:
    subject = shown("gpt")
    figure = input_attribution(subject, position=3)
    found = live_of("gpt").input_attribution(IDS, position=3)
    gradients, dropped, attention = figure.data
    np.testing.assert_allclose(gradients.y, found["integrated_gradients"], atol=1e-4)
    np.testing.assert_allclose(dropped.y, found["occlusion"], atol=1e-4)
    recording = subject.recorded()
    rows = [recording.attention(site).values[:, 3].mean(0) for site in recording.sites(kind="attention")]
    np.testing.assert_allclose(attention.y, np.mean(rows, axis=0), atol=1e-6)
    assert np.sum(attention.y) == pytest.approx(1, abs=1e-5)
    said = " ".join(note.text for note in figure.layout.annotations).replace("<br>", " ")
    assert "Attention is not an explanation: it says where heads looked" in said
    assert "arXiv:1902.10186" in said
    assert "A word is replaced by the mean of the vocabulary's vectors" in said


def test_a_decoder_looks_at_what_it_reads_and_at_what_it_wrote() -> None:
    recording = shown("t5", target_text=TARGET).recorded()
    of = ["tokens"] * len(IDS) + ["target_tokens"] * len(TARGET)
    found = mean_attention(recording, of, 2)
    cross = [site for site in recording.sites(kind="attention") if "EncDec" in site]
    expected = np.mean([recording.attention(site).values[:, 2].mean(0) for site in cross], axis=0)
    np.testing.assert_allclose(found[: len(IDS)], expected, atol=1e-6)
    assert found[len(IDS) :].sum() == pytest.approx(1, abs=1e-5)


def test_what_does_not_apply_says_why() -> None:
    live = LanguageModel(model_of("bert").bert, Identity(), text="3 4 5")
    subject = Subject("MiniLM", recording=live.record(), live=InlineEngine(live))
    for view in (logit_attribution, input_attribution):
        with pytest.raises(NotApplicable, match="the model has no output layer as wide as its vocabulary"):
            view(subject)


@pytest.mark.parametrize("kind", ["gpt", "t5"])
def test_attention_stands_alone_while_the_rest_is_worked_out(kind: str) -> None:
    subject = shown(kind, **({"target_text": TARGET} if kind == "t5" else {}))
    standing_in = input_attribution.stand_in(subject, position=2)
    assert standing_in is not None
    alone = input_attribution(subject, position=2, **standing_in.values)
    whole = input_attribution(subject, position=2)
    np.testing.assert_array_equal(alone.data[2].y, whole.data[2].y)
    assert list(alone.layout.xaxis.ticktext) == list(whole.layout.xaxis.ticktext)
    assert [note.text for note in alone.layout.annotations if note.name == "why not"] == [
        "not worked out here",
        "not worked out here",
    ]
    at = "w12 (2)" if kind == "t5" else "w3 (2)"
    assert alone.layout.title.text == f"attention from {at}"
    assert input_attribution.stand_in(subject, measures="attention") is None


def test_the_foot_says_how_exact_the_gradients_are() -> None:
    figure = input_attribution(shown("gpt"), position=3, tolerance=0.001)
    said = " ".join(note.text for note in figure.layout.annotations).replace("<br>", " ")
    assert "steps no bar differs by more than" in said
    found = live_of("gpt").input_attribution(IDS, position=3, tolerance=0.001)
    assert f"from half of the {found['steps']} steps" in said


def test_what_is_held_in_a_head_of_its_own_is_said() -> None:
    figure = logit_attribution(shown("bert"))
    said = " ".join(note.text for note in figure.layout.annotations).replace("<br>", " ")
    assert "The head is not linear: GELU behind cls.predictions.transform.dense is held as the factor" in said
    assert "f(x)/x that it was" in said
