"""The residual stream as views read it, against the model's own computation done by hand."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

import genviz
from genviz.errors import NotCaptured
from genviz.recording import Recording
from genviz.views import residual_norms, residual_path
from genviz.views.stream import stream_of
from tests.views.subjects import language


def gpt_by_hand(model: Any, ids: torch.Tensor) -> list[torch.Tensor]:
    """Stream, attention's part, stream, feed-forward's part, … as the paper writes it."""
    x = model.token_embedding(ids) + model.position_embedding(torch.arange(ids.shape[1]))
    found = [x]
    for block in model.blocks:
        a = block.attention(block.norm1(x))
        f = block.feed_forward(block.norm2(x + a))
        x = x + a + f
        found += [a, f, x]
    return found


def test_numbers_on_the_map_and_the_path_are_those_of_the_model() -> None:
    subject = language()
    model = subject.live._live.modules[""].eval()  # type: ignore[union-attr]
    ids = torch.tensor(subject.recorded().entry("token_embedding", "ids").load())
    with torch.no_grad():
        x0, a0, f0, x1, _, _, x2 = gpt_by_hand(model, ids)
    drawn = np.asarray(residual_norms(subject).data[0].z)
    np.testing.assert_allclose(drawn, torch.cat([x0, x1, x2]).norm(dim=-1), rtol=1e-5)
    figure = residual_path(subject, position=3)
    attention, feed = (trace for trace in figure.data if trace.type == "bar")
    np.testing.assert_allclose([attention.y[0], feed.y[0]], [a0[0, 3].norm(), f0[0, 3].norm()], rtol=1e-5)
    line = next(trace for trace in figure.data if trace.name == "stream")
    expected = [x0, x0 + a0, x1]
    np.testing.assert_allclose(line.y[:3], [float(x[0, 3].norm()) for x in expected], rtol=1e-5)
    marks = next(trace for trace in figure.data if trace.name == "read, normalised")
    with torch.no_grad():
        read = model.blocks[0].norm2(x0 + a0)[0, 3].norm()
    assert marks.y[1] == pytest.approx(float(read), rel=1e-5)


def test_add_and_norm_is_told_by_the_sums() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True).eval()
    model = nn.TransformerDecoder(layer, 2)
    with genviz.record(model) as recording:
        model(torch.randn(1, 4, 8), torch.randn(1, 3, 8))
    stream = stream_of(recording)
    assert [step.part for step in stream.layers[0].steps] == ["attention", "attention", "feed_forward"]
    assert stream.norm_first is False
    first, second, _ = stream.layers[1].steps
    np.testing.assert_allclose(np.asarray(first.before), np.asarray(stream.layers[0].after), atol=1e-6)
    np.testing.assert_allclose(np.asarray(second.before), np.asarray(first.normalised), atol=1e-6)


@pytest.mark.parametrize("kind", ["albert", "bert", "t5", "llama"])
def test_hugging_face_streams(kind: str) -> None:
    small = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 32}  # fmt: skip
    torch.manual_seed(0)
    if kind == "albert":
        model = transformers.AlbertModel(transformers.AlbertConfig(embedding_size=8, **small))
    elif kind == "bert":
        model = transformers.BertModel(transformers.BertConfig(**small))
    elif kind == "llama":
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**small))
    else:
        config = transformers.T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
        model = transformers.T5ForConditionalGeneration(config)
    model.eval()
    ids = torch.arange(2, 8)[None]
    extra = {"decoder_input_ids": ids[:, :4]} if kind == "t5" else {}
    with torch.no_grad(), genviz.record(model) as recording:
        out = model(input_ids=ids, output_hidden_states=True, **extra)
    states = out.decoder_hidden_states if kind == "t5" else out.hidden_states
    stream = stream_of(recording)
    assert len(stream.layers) == 2
    assert stream.start is not None
    np.testing.assert_allclose(stream.start, states[0][0], atol=1e-6)
    np.testing.assert_allclose(stream.layers[0].after, states[1][0], atol=1e-6)
    assert all(step.before is not None for layer in stream.layers for step in layer.steps)
    assert residual_path(recording, position=1).data


def test_a_cache_continues_the_sequence() -> None:
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad(), genviz.record(model) as recording:
        whole = model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=4, do_sample=False, pad_token_id=0)
    stream = stream_of(recording)
    assert len(stream.words) == whole.shape[1] - 1
    with torch.no_grad():
        states = model(whole[:, :-1], output_hidden_states=True).hidden_states
    np.testing.assert_allclose(stream.layers[0].after, states[1][0], atol=1e-5)


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(NotCaptured, match="no residual stream was captured"):
        stream_of(Recording())
    torch.manual_seed(0)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1).eval()
    with torch.no_grad(), genviz.record(model, tokens=["a", "b", "c"]) as recording:
        model(torch.randn(1, 3, 8))
    recording.add("elsewhere", "contribution", np.zeros((1, 3, 8), np.float32))
    with pytest.raises(NotCaptured, match=r"was not captured in 'layers.0', because .*fused encoder kernel"):
        residual_path(recording)


def test_not_a_number_and_markup_are_shown() -> None:
    recording = Recording(info={"tokens": [["<b>", "x", "y"]]})
    stream = np.ones((1, 3, 4), np.float32)
    stream[0, 1] = np.nan
    recording.add("layers.0", "hidden", stream)
    figure = residual_norms(recording)
    assert [trace.name for trace in figure.data] == ["layers", "not a number", "layers, written"]
    assert figure.layout.xaxis.ticktext[0] == "&lt;b&gt;"
