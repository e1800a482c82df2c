"""Raw attention, rollout and flow of one layer stand beside each other, and say what they leave out."""

from typing import Any

import numpy as np
import pytest

from genviz.analysis.rollout import flow, rollout
from genviz.attention import MaskRule
from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views import Subject, attention_rollout
from genviz.views.controls import Choice
from tests.views.subjects import transformer


def said(figure: Any) -> str:
    return " ".join(note.text.replace("<br>", " ") for note in figure.layout.annotations)


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_the_three_maps_are_of_the_layer_that_is_chosen() -> None:
    recording = transformer()
    means = np.stack([recording.attention(f"layers.{n}.attn").values.mean(0) for n in range(4)])
    found = traces(attention_rollout(recording, depth=2, query=(5,)))
    assert found["raw map"].z == pytest.approx(means[2], abs=1e-6)
    assert found["rollout map"].z == pytest.approx(rollout(means[:3])[-1], abs=1e-6)
    assert found["flow map"].z[5] == pytest.approx(flow(means[:3], 5), abs=1e-5)
    for name in ("raw", "rollout", "flow"):
        assert found[name].y == pytest.approx(found[f"{name} map"].z[5], abs=1e-5)
    assert found["flow map"].customdata[5][0] == ["5"]


def test_first_the_last_word_after_the_last_layer() -> None:
    figure = attention_rollout(transformer())
    assert figure.layout.meta["genviz"]["controls"]["depth"] == 3
    assert "in “mat” (12)" in figure.layout.xaxis4.title.text
    recording = transformer(causal=False)
    recording.info["tokens"][0][-2:] = ["[SEP]", "[PAD]"]
    assert "in “the” (11)" in attention_rollout(recording).layout.xaxis4.title.text


def test_what_no_path_reaches_is_grey() -> None:
    found = traces(attention_rollout(transformer()))
    for name in ("raw", "rollout", "flow"):
        assert np.array_equal(np.isnan(found[f"{name} masked"].z), np.tri(14, dtype=bool))
    assert "rollout masked" not in traces(attention_rollout(transformer(causal=False)))


def test_above_a_number_of_tokens_flow_is_said_to_be_missing() -> None:
    some = attention_rollout(transformer(layers=2, heads=1, tokens=30))
    assert "flow" in traces(some)
    assert "flow map" not in traces(some)
    assert "worked out up to 20 tokens" in said(some)
    many = attention_rollout(transformer(layers=2, heads=1, tokens=150))
    assert "flow" not in traces(many)
    assert "No flow: it is worked out up to 96 tokens, this text has 150" in said(many)
    assert traces(many)["rollout map"].z.shape == (75, 75)


def test_calls_of_a_generation_are_followed_as_one_text() -> None:
    whole, parts = attention_rollout(transformer()), attention_rollout(transformer(calls=5))
    assert traces(parts)["rollout"].y == pytest.approx(traces(whole)["rollout"].y, abs=1e-5)
    subject = Subject("x", recording=transformer(calls=5))
    (call,) = (each for each in attention_rollout.controls(subject) if isinstance(each, Choice))
    assert [value for value, _ in call.choices] == ["all", 0]


def two_sided() -> Recording:
    draw = np.random.default_rng(0)
    recording = Recording(info={"tokens": [["a", "b", "c"]], "target_tokens": [["x", "y"]]})
    for site, lists in (("encoder.0", ("tokens",) * 2), ("decoder.0", ("target_tokens",) * 2),
                        ("decoder.0.cross", ("target_tokens", "tokens"))):  # fmt: skip
        queries, keys = (3 if name == "tokens" else 2 for name in lists)
        attrs = {"rule": MaskRule().to_json(), "tokens": {"query": lists[0], "key": lists[1]}}
        recording.add(site, "query", draw.normal(size=(1, 2, queries, 4)).astype(np.float32), attrs=attrs)
        recording.add(site, "key", draw.normal(size=(1, 2, keys, 4)).astype(np.float32))
    return recording


def test_encoder_and_decoder_are_stacks_of_their_own_and_cross_attention_is_in_neither() -> None:
    recording = two_sided()
    assert "This is the encoder's self-attention: it reads the source only." in said(
        attention_rollout(recording)
    )
    figure = attention_rollout(recording, stack="decoder.#")
    assert "This is the decoder's self-attention: cross-attention is left out." in said(figure)
    assert traces(figure)["raw map"].z.shape == (2, 2)
    controls = attention_rollout.controls(Subject("x", recording=recording))
    (stack,) = (control for control in controls if isinstance(control, Choice))
    assert [label for _, label in stack.choices] == ["encoder", "decoder"]


def test_what_cannot_be_followed_is_said_when_it_is_drawn() -> None:
    recording = two_sided()
    recording.replace_entries(recording.entries("decoder.0.cross"))
    assert attention_rollout.controls(Subject("x", recording=recording)) == ()
    with pytest.raises(NotCaptured, match="no layer attends from all tokens of one text to all of them"):
        attention_rollout(recording)
    with pytest.raises(NotCaptured, match=r"1,025 tokens are too many \(at most 1,024\); record a"):
        attention_rollout(transformer(layers=1, heads=1, tokens=1025))
