"""Models in which nothing attends: the stream and what adds to it are there, and why there are no weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from genviz.capture import record
from genviz.errors import NotApplicable, NotCaptured
from genviz.recording import Recording
from genviz.views import attention_matrix
from genviz.views.stream import stream_of
from tests.capture.proofs import changes_nothing
from tests.contracts.family_models import IDS, Block, ConvolutionBlock, LongConvolutions

GATED = "no softmax attention: its tokens are mixed by convolutions (GatedConvolution)"


def recorded(model: nn.Module) -> Recording:
    with torch.no_grad(), record(model.eval()) as recording:
        model(IDS)
    return recording


def why(recording: Recording) -> dict[str, str]:
    return {item.site: item.reason for item in recording.missing if item.kind == "attention"}


def test_the_stream_is_the_sum_of_what_the_parts_add() -> None:
    recording = recorded(LongConvolutions())
    stream = recording.entry("tok", "embedding").load()
    assert recording.sites(kind="contribution") == (
        "layers.0.mix", "layers.0.ff", "layers.1.mix", "layers.1.ff"
    )  # fmt: skip
    for layer in range(2):
        for part in ("mix", "ff"):
            stream = stream + recording.entry(f"layers.{layer}.{part}", "contribution").load()
        np.testing.assert_allclose(stream, recording.entry(f"layers.{layer}", "hidden").load(), atol=1e-6)
    assert recording.sites(kind="neuron") == ("layers.0.ff", "layers.1.ff")
    assert {"top_logits", "ids"} <= set(recording.kinds())


def test_what_mixes_tokens_is_not_called_feed_forward() -> None:
    steps = stream_of(recorded(LongConvolutions())).layers[0].steps
    assert [(step.site, step.part) for step in steps] == [
        ("layers.0.mix", "mixing"), ("layers.0.ff", "feed_forward")
    ]  # fmt: skip


def test_it_says_why_there_are_no_weights() -> None:
    recording = recorded(LongConvolutions())
    assert recording.sites(kind="attention") == ()
    assert why(recording) == {"layers.0": GATED, "layers.1": GATED}
    with pytest.raises(NotCaptured) as told:
        recording.attention("layers.0")
    assert str(told.value) == f"attention at 'layers.0' was not captured, because {GATED}"
    with pytest.raises(NotApplicable, match="its tokens are mixed by convolutions"):
        attention_matrix(recording)
    facts = recording.info["facts"]
    assert (facts["n_layers"], facts["d_model"], facts["n_heads"], facts["vocab"]) == (2, 16, None, 40)


def test_capture_changes_nothing() -> None:
    changes_nothing(LongConvolutions(), lambda model: model(IDS), record)


def test_layers_without_attention_among_those_with_it() -> None:
    class Hybrid(LongConvolutions):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([ConvolutionBlock(), Block(), ConvolutionBlock()])

    recording = recorded(Hybrid())
    assert recording.info["provenance"]["family"] == "transformer"
    assert recording.sites(kind="attention") == ("layers.1.attn",)
    assert recording.sites(kind="hidden") == ("layers.0", "layers.1", "layers.2")
    assert why(recording) == {"layers.0": GATED, "layers.2": GATED}
    stream = recording.entry("tok", "embedding").load()
    for site in recording.sites(kind="contribution"):
        stream = stream + recording.entry(site, "contribution").load()
    np.testing.assert_allclose(stream, recording.entry("layers.2", "hidden").load(), atol=1e-6)


def test_any_other_model_says_that_nothing_attended() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Conv1d(4, 1, 3))
    with record(model) as recording:
        model(torch.randn(2, 1, 9))
    assert why(recording) == {
        "": "no softmax attention: no attention function ran, nor a softmax of scores between positions"
    }


MIXED_BY = {
    "mamba": "its tokens are mixed by a state-space scan (MambaMixer)",
    "mamba2": "its tokens are mixed by a state-space scan (Mamba2Mixer)",
    "falcon_mamba": "its tokens are mixed by a state-space scan (FalconMambaMixer)",
    "rwkv": "its tokens are mixed by a linear recurrence (RWKV) (RwkvSelfAttention)",
    "fnet": "its tokens are mixed by a Fourier transform (FNetFourierTransform)",
}


@pytest.mark.parametrize("model_type", MIXED_BY)
def test_of_hugging_face(model_type: str) -> None:
    pytest.importorskip("transformers")
    from benchmarks.architectures.inputs import runs
    from benchmarks.architectures.shrinking import small_model

    model: Any = small_model(model_type)
    given = next(iter(runs(model)))[1]
    with torch.no_grad():
        bare = model(**given)[0]
        with record(model) as recording:
            seen = model(**given)[0]
    assert torch.equal(bare, seen)
    assert recording.info["provenance"]["family"] == "mixer"
    assert set(why(recording).values()) == {f"no softmax attention: {MIXED_BY[model_type]}"}
    layers = recording.sites(kind="hidden")
    assert len(layers) == 2
    for layer in layers:
        parts = [site for site in recording.sites(kind="contribution") if site.startswith(f"{layer}.")]
        assert parts, layer


def test_lists_of_parts_are_looked_into() -> None:
    class Stages(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList([nn.Conv1d(1, 4, 3), nn.Conv1d(4, 1, 3)])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for stage in self.stages:
                x = stage(x)
            return x

    model = Stages()
    with record(model) as recording:
        model(torch.randn(2, 1, 9))
    assert recording.sites(kind="activation") == ("stages.0", "stages.1")
