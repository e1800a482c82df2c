"""The map of heads says what its heads do, where nothing can be said why, and what to do about it."""

from typing import Any

import numpy as np
import pytest

from genviz.attention import MaskRule
from genviz.errors import NotApplicable
from genviz.recording import Recording
from genviz.views import Subject, head_map
from genviz.views.repeating import repeated
from tests.views.subjects import SENTENCE, eager, transformer


def said(figure: Any) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


def test_every_cell_is_the_mean_weight_on_the_token_before() -> None:
    recording = transformer()
    figure = head_map(recording, measure="previous")
    cells = figure.data[0]
    for layer in range(4):
        whole = recording.attention(f"layers.{layer}.attn").values
        expected = [np.mean([head[q, q - 1] for q in range(1, 14)]) for head in whole]
        assert cells.z[layer] == pytest.approx(expected, abs=1e-6)
    assert cells.customdata[1][2] == ["layers.1.attn", 2, "one"]
    assert "0.17" in said(figure)  # evenly: the mean of 1/2 … 1/14


def test_the_list_is_sorted_and_leads_to_the_head() -> None:
    figure = head_map(transformer(), measure="previous")
    bars = figure.data[1]
    assert list(bars.x) == sorted(bars.x, reverse=True)
    site, head, _ = bars.customdata[0]
    assert figure.data[0].z[int(site.split(".")[1]), head] == bars.x[0] == np.nanmax(figure.data[0].z)
    assert bars.text[0] == f" {site.split('.')[1]} · {head}"
    low = head_map(transformer(), measure="entropy").data[1]
    assert list(low.x) == sorted(low.x)


def test_the_chosen_head_is_framed() -> None:
    figure = head_map(transformer(), site="layers.2.attn", head=3)
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.y0) == (2.5, 1.5)


def test_ids_tell_tokens_apart_where_there_are_no_words() -> None:
    recording = transformer()
    del recording.info["tokens"]
    assert "The recording holds neither tokens nor ids." in said(head_map(recording, measure="induction"))
    recording.add("embed", "ids", np.unique(SENTENCE, return_inverse=True)[1].reshape(1, -1))
    assert head_map(recording, measure="induction").data[0].z == pytest.approx(
        head_map(transformer(), measure="induction").data[0].z
    )


def test_a_text_without_repeats_says_so_and_what_to_do() -> None:
    figure = head_map(eager(), measure="induction")
    assert "No token repeats in this text." in said(figure)
    assert "said twice" in said(figure)
    assert [trace.name for trace in figure.data] == ["heads"]


class Reader:
    """A live reader that makes a recording of the ids that it is given."""

    abilities = ("record", "tokenize")
    info: dict[str, Any] = {"facts": {"vocab": 40, "context": 16}, "defaults": {"two_sided": False}}  # noqa: RUF012

    def __init__(self) -> None:
        self.runs: list[list[int]] = []

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        ids = arguments["text"]
        if ability == "tokenize":
            return {"tokens": ["[SEP]" if each % 2 else f"w{each}" for each in ids]}
        self.runs.append(ids)
        recording = Recording(info={"tokens": [[f"w{each}" for each in ids]]})
        weights = np.zeros((1, 1, len(ids), len(ids)), np.float32)
        weights[0, 0, np.arange(len(ids)), np.maximum(np.arange(len(ids)) - len(ids) // 2 + 1, 0)] = 1
        recording.add("attn", "attention", weights)
        return recording


def test_a_live_model_reads_random_tokens_twice_and_once_only() -> None:
    reader = Reader()
    subject = Subject("live", recording=eager(), live=reader)
    assert "random tokens, twice" in said(head_map(subject, measure="induction"))
    figure = head_map(subject, measure="induction", on="twice")
    assert figure.data[0].z[0, 0] == pytest.approx(1)
    head_map(subject, measure="duplicate", on="twice")
    (ids,) = reader.runs
    assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]
    assert len(ids) <= 16
    assert len(set(ids)) == len(ids) // 2
    assert all(each % 2 == 0 for each in ids), "special tokens are left out"


def test_a_recording_alone_cannot_read_anything() -> None:
    with pytest.raises(NotApplicable, match="cannot read random tokens twice: that takes a live model"):
        repeated(Subject("still", recording=eager()))


def test_cross_attention_is_compared_only_where_that_means_something() -> None:
    draw = np.random.default_rng(0)
    recording = Recording(info={"tokens": [["a", "b", "c"]], "target_tokens": [["x", "y"]]})
    attrs = {"rule": MaskRule().to_json(), "tokens": {"query": "target_tokens", "key": "tokens"}}
    recording.add("cross", "query", draw.normal(size=(1, 2, 2, 4)).astype(np.float32), attrs=attrs)
    recording.add("cross", "key", draw.normal(size=(1, 2, 3, 4)).astype(np.float32))
    assert "Cross-attention: queries and keys stand in different texts." in said(
        head_map(recording, measure="previous")
    )
    first = head_map(recording, measure="first").data[0].z[0]
    assert first == pytest.approx(recording.attention("cross").values[:, :, 0].mean(1), abs=1e-6)


def test_a_long_text_is_scored_from_some_of_its_rows_and_says_so() -> None:
    assert "From 512 of 600 rows, evenly spaced." in said(
        head_map(transformer(layers=1, heads=1, tokens=600))
    )
