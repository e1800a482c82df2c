"""Every picture of attention is looked at alike: means of heads, keys left out, words, thresholds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviz.attention import MaskRule
from genviz.recording import Recording
from genviz.views import Subject, attention_heads, attention_lines, attention_matrix
from genviz.views.looking import MEAN_NOTE, Looked, look_controls
from tests.views.subjects import transformer

PIECES = ["[CLS]", "the", "rob", "##ber", "##s", "went", ".", "[SEP]"]


def pieces(causal: bool = False) -> Recording:
    draw = np.random.default_rng(0)
    recording = Recording(info={"tokens": [PIECES]})
    rule = {"rule": MaskRule(causal=causal, scale=0.5).to_json()}
    recording.add("attn", "query", draw.normal(size=(1, 3, 8, 6)).astype(np.float32) * 2, attrs=rule)
    recording.add("attn", "key", draw.normal(size=(1, 3, 8, 6)).astype(np.float32))
    return recording


def looked(recording: Recording, **look: Any) -> Looked:
    return Looked.of(recording, "attn", 0, call="all", look=look)


def said(figure: Any) -> str:
    return " ".join(note.text.replace("<br>", " ") for note in figure.layout.annotations)


@settings(deadline=None, max_examples=40)
@given(
    without=st.sampled_from(["nothing", "special", "first"]),
    words=st.booleans(),
    causal=st.booleans(),
    head=st.sampled_from([0, 2, None]),
    rows=st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True),
)
def test_rows_sum_to_one_however_they_are_looked_at(
    without: str, words: bool, causal: bool, head: int | None, rows: list[int]
) -> None:
    here = looked(pieces(causal), without=without, words=words)
    at = np.array(sorted(rows))
    weights, may = here.weights(head, at), here.allowed(at)
    assert weights.shape == may.shape == (len(at), here.shape[1])
    assert (weights[~may] == 0).all()
    # a row that saw nothing but what was left out has nothing; a word of such tokens and others has a part
    full = may.any(axis=1) & ~(causal & words & (at == 0))
    assert weights.sum(1)[full] == pytest.approx(np.ones(full.sum()), abs=1e-5)
    whole = here.weights(head, np.arange(here.shape[0]))
    assert weights == pytest.approx(whole[at], abs=1e-6), "rows do not depend on which others are asked for"


def test_words_are_sums_over_keys_and_means_over_queries() -> None:
    recording = pieces()
    here = looked(recording, words=True)
    assert here.names == (["[CLS]", "the", "robbers", "went", ".", "[SEP]"],) * 2
    raw = recording.attention("attn", head=1).values
    found = here.weights(1, np.arange(6))
    assert found[2, 2] == pytest.approx(raw[2:5, 2:5].sum(1).mean(), abs=1e-6)
    assert found[2, 0] == pytest.approx(raw[2:5, 0].mean(), abs=1e-6)


def test_a_mean_of_heads_is_their_mean_and_is_said_to_be_no_part_of_the_model() -> None:
    recording = pieces()
    figure = attention_matrix(recording, average="mean", head=2)
    assert figure.data[0].z == pytest.approx(recording.attention("attn").values.mean(0), abs=1e-6)
    assert figure.layout.title.text == "attn · mean of 3 heads"
    assert MEAN_NOTE in said(figure)
    assert MEAN_NOTE in said(attention_lines(recording, average="mean"))


def test_special_tokens_are_left_out_and_each_row_says_how_much_it_lost() -> None:
    recording = pieces()
    raw = recording.attention("attn", head=0).values
    figure = attention_matrix(recording, head=0, without="special")
    kept = raw[:, 1:7]
    assert figure.data[0].z[:, 1:7] == pytest.approx(kept / kept.sum(1, keepdims=True), abs=1e-5)
    lost = raw[:, [0, 7]].sum(1)
    assert f"{lost[3]:.4f} of this row was left out" in figure.data[0].text[3][1]
    assert f"Left out: special tokens, {lost.mean():.0%} of the weight" in said(figure)
    assert [trace.name for trace in figure.data] == [
        "weight",
        "left out: its weight was shared out",
        "weight, written",
    ]


def test_a_threshold_hides_cells_and_says_how_much_weight_that_is() -> None:
    recording = pieces()
    raw = recording.attention("attn", head=0).values
    figure = attention_matrix(recording, head=0, threshold=0.2)
    assert np.array_equal(np.isnan(figure.data[0].z), raw < 0.2)
    hidden = raw[raw < 0.2].sum() / raw.sum()
    assert f"Weights below 0.2, {hidden:.1%} of all, are not drawn." in said(figure)
    lines = said(attention_lines(recording, head=0, threshold=0.2))
    assert f"weaker ones have {hidden:.1%} of the weight" in lines
    assert "Blank: weights below 0.2." in said(attention_heads(recording, threshold=0.2))
    assert "Left out: special tokens." in said(attention_heads(recording, without="special"))


def test_the_first_row_of_a_causal_head_has_nothing_without_the_first_token() -> None:
    figure = attention_matrix(transformer(), without="first", head=0, site="layers.0.attn")
    drawn = figure.data[0].z
    assert np.isnan(drawn[0]).all()
    assert np.nansum(drawn[1:], axis=1) == pytest.approx(np.ones(13), abs=1e-5)


def test_only_what_can_do_something_is_offered() -> None:
    def offered(recording: Recording, **which: bool) -> dict[str, Any]:
        controls = look_controls(Subject("x", recording=recording), **which)
        return {control.name: control for control in controls}

    every = offered(pieces(), heads=True)
    assert list(every) == ["average", "without", "words", "threshold"]
    assert [value for value, _ in every["without"].choices] == ["nothing", "special", "first"]
    plain = offered(transformer(), heads=True, threshold=False)
    assert list(plain) == ["average", "without"], "no subwords here"
    assert [value for value, _ in plain["without"].choices] == ["nothing", "first"]
    assert "average" not in offered(transformer(heads=1), heads=True)


def test_tokens_that_the_tokenizer_calls_special_are_special() -> None:
    recording = pieces()
    recording.info["special_tokens"] = ["went", "[UNK]"]
    assert looked(recording, without="special").dropped.tolist() == [
        token in ("[CLS]", "went", "[SEP]") for token in PIECES
    ]
