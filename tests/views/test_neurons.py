"""Neurons: their numbers are the model's, their function is the one that the model has."""

from typing import Any

import numpy as np
import pytest
import torch

from genviz.errors import ControlError, LiveError
from genviz.live import InlineEngine
from genviz.views import Subject, neurons
from tests.live.small_models import IDS, TARGET, live_of, model_of

FUNCTIONS = {
    "gpt": "GELU", "translator": "ReLU", "t5": "ReLU", "gpt2": "GELU (tanh)", "llama": "SiLU",
    "gemma2": "GELU (tanh)", "bert": "GELU", "albert": "GELU (tanh)", "gpt_neox": "GELU",
}  # fmt: skip


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_the_function_is_found_by_its_numbers(kind: str) -> None:
    live = live_of(kind)
    recording = live.record(target_text=TARGET) if live.two_sided else live.record()
    for site in recording.sites(kind="neuron"):
        found = live.neuron(site, 3)
        assert found["function"] == FUNCTIONS[kind]
        assert found["gated"] is (kind in ("llama", "gemma2"))
        assert len(found["activations"]) == len(found["before"]) == sum(map(len, found["words"]))
        if kind != "albert":  # the block of ALBERT runs again and again; the last time counts
            own = recording.entries(site, "neuron")[0].load()[0, :, 3]
            np.testing.assert_allclose(found["activations"][: len(own)], own, atol=1e-5)


def shown(kind: str) -> Subject:
    live = live_of(kind)
    return Subject(kind, recording=live.record(), live=InlineEngine(live))


def test_bars_points_and_places_are_the_model_s_numbers() -> None:
    model: Any = model_of("gpt")
    texts = [IDS, [4, 4, 6, 20]]
    got, made = [], []
    with torch.no_grad():
        for ids in texts:
            x = model.token_embedding(torch.tensor([ids])) + model.position_embedding(torch.arange(len(ids)))
            for block in model.blocks[:2]:
                x = block(x)
            last = model.blocks[2]
            x = x + last.attention(last.norm1(x))
            got.append(last.feed_forward[0](last.norm2(x))[0])
            made.append(torch.nn.functional.gelu(got[-1]))
    figure = neurons(shown("gpt"), position=2)
    traces = {(trace.name, trace.xaxis): trace for trace in figure.data}
    bars, places = traces["neurons", "x"], traces["tokens", "x2"]
    order = made[0][2].abs().argsort(descending=True)[:10]
    assert [each[0] for each in bars.customdata] == [str(int(unit)) for unit in order]
    np.testing.assert_allclose(bars.x, made[0][2][order], atol=1e-5)
    unit = int(order[0])
    every = torch.cat(made)[:, unit]
    np.testing.assert_allclose(places.x, every.sort(descending=True).values[:10], atol=1e-5)
    points = traces["tokens", "x3"]
    np.testing.assert_allclose(points.x, torch.cat(got)[:, unit], atol=1e-5)
    np.testing.assert_allclose(points.y, every, atol=1e-5)
    assert traces["GELU", "x3"].mode == "lines"
    assert sum(traces["histogram", "x4"].x) == len(every)
    assert "<b>w" in traces["places", "x2"].text[0]


def test_a_recording_alone_shows_its_own_text() -> None:
    recording = live_of("gpt").record()
    figure = neurons(recording, unit="5")
    assert "neuron 5 over 6 tokens of 1 texts" in figure.layout.title.text
    said = " ".join(note.text for note in figure.layout.annotations)
    assert "is seen with a live model" in said.replace("<br>", " ")
    assert not any(trace.name == "GELU" for trace in figure.data)


def test_wrong_numbers_are_said() -> None:
    subject = shown("gpt")
    for unit in ("64", "-1", "x"):
        with pytest.raises(ControlError, match="does not fit: neuron takes a number from 0 to 63"):
            neurons(subject, unit=unit)
    with pytest.raises(LiveError, match=r"no neuron 64 at 'blocks\.0\.feed_forward': it has neurons 0 … 63"):
        live_of("gpt").neuron("blocks.0.feed_forward", 64)
    with pytest.raises(LiveError, match=r"no neurons at 'head': there are some at blocks\.0\.feed_forward"):
        live_of("gpt").neuron("head", 0)


def test_nan_is_drawn_as_what_it_is_not() -> None:
    recording = live_of("gpt").record()
    site = recording.sites(kind="neuron")[0]
    recording.entry(site, "neuron").load()[0, 1] = np.nan
    assert neurons(recording, network=site, position=1).data
