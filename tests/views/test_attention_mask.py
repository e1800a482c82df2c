"""The mask is drawn as a mask, with its rule in words."""

from typing import Any

import numpy as np
import pytest

from genviz.attention import MaskRule
from genviz.recording import Recording
from genviz.views import attention_mask
from tests.views.subjects import eager, transformer


def said(figure: Any) -> str:
    return " ".join(note.text.replace("<br>", " ") for note in figure.layout.annotations)


def cells(figure: Any) -> dict[str, Any]:
    return {trace.name: ~np.isnan(trace.z) for trace in figure.data if trace.type == "heatmap"}


def masked(rule: MaskRule, tokens: int = 9, **more: Any) -> Recording:
    recording = Recording()
    draw = np.random.default_rng(0)
    for kind in ("query", "key"):
        array = draw.normal(size=(1, 2, tokens, 4)).astype(np.float32)
        recording.add("attn", kind, array, attrs={"rule": rule.to_json()} if kind == "query" else {})
    for kind, array in more.items():
        recording.add("attn", kind, array)
    return recording


def test_a_causal_mask_is_a_triangle_and_says_so() -> None:
    figure = attention_mask(transformer())
    found = cells(figure)
    assert set(found) == {"may look", "later than the query"}
    assert np.array_equal(found["may look"], np.tri(14, dtype=bool))
    assert "Causal: a token may look at itself and at what came before" in said(figure)
    assert figure.layout.title.text.endswith("· Causal")


def test_a_sliding_window_is_seen_as_a_band() -> None:
    found = cells(attention_mask(masked(MaskRule(causal=True, window=3))))
    band = np.tri(9, dtype=bool) & ~np.tri(9, k=-3, dtype=bool)
    assert np.array_equal(found["may look"], band)
    assert np.array_equal(found["outside the window"], np.tri(9, k=-3, dtype=bool))


def test_padding_and_rules_of_other_layers_are_named() -> None:
    recording = masked(MaskRule(), key_mask=np.array([[True] * 7 + [False] * 2]))
    other = masked(MaskRule(causal=True))
    for entry in other.entries():
        recording.add("next", entry.kind, entry.load(), attrs=entry.attrs)
    figure = attention_mask(recording, site="attn")
    assert cells(figure)["padding"].all(axis=0).tolist() == [False] * 7 + [True] * 2
    assert "Padding: 2 of 9 keys" in said(figure)
    assert "Masked otherwise: next." in said(figure)


def test_a_bias_shows_its_values_where_it_forbids_nothing() -> None:
    slope = -0.5 * np.abs(np.subtract.outer(np.arange(9), np.arange(9))).astype(np.float32)
    bias = np.stack([slope, 2 * slope])[None]
    bias[0, 1, :, 8] = -np.inf
    figure = attention_mask(masked(MaskRule(causal=True), attention_bias=bias), head=1)
    drawn = next(trace for trace in figure.data if trace.name == "bias")
    assert drawn.z[5, 2] == pytest.approx(-3)
    assert np.isnan(drawn.z[2, 5])
    assert (drawn.zmin, drawn.zmax) == (-8, 8)
    assert cells(figure)["ruled out by what is added"][8, 8]
    assert "one for each head: -8 … 0. It also rules cells out." in said(figure)


def test_calls_of_a_generation_are_one_mask() -> None:
    whole, parts = cells(attention_mask(transformer())), cells(attention_mask(transformer(calls=5)))
    assert np.array_equal(whole["may look"], parts["may look"])


def test_finished_weights_have_their_mask_read_off_and_that_is_said() -> None:
    assert "its mask was not seen: read off the weights" in said(attention_mask(eager()))


def test_of_a_long_text_some_tokens_are_drawn() -> None:
    figure = attention_mask(transformer(layers=1, heads=1, tokens=600))
    found = cells(figure)["may look"]
    assert found.shape == (120, 120)
    assert np.array_equal(found, np.tri(120, dtype=bool))
    assert "Of 600 tokens, one in 5 is drawn." in said(figure)
