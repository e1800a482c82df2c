"""What is found in a transformer by its structure: blocks, contributions, activations, tokens, "
"positions, logits."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from genviz.capture import describe, record
from tests.capture.models import HandWritten, HandWrittenBlock

IDS = torch.arange(10).reshape(2, 5)


def test_every_part_of_a_hand_written_decoder() -> None:
    model = HandWritten().eval()
    with torch.no_grad(), record(model, tokens=[list("abcde")] * 2, logits="all") as recording:
        out = model(IDS)
    assert recording.missing == ()
    np.testing.assert_array_equal(recording.entry("tok", "ids").load(), IDS)
    np.testing.assert_array_equal(recording.entry("tok", "embedding").load(), model.tok(IDS).detach())
    np.testing.assert_array_equal(recording.entry("", "position").load(), model.pos[:, :5].detach())
    np.testing.assert_array_equal(recording.entry("", "logits").load(), out)
    stream = recording.entry("tok", "embedding").load() + recording.entry("", "position").load()
    for layer in range(2):
        for part in ("attn", "mlp"):
            stream = stream + recording.entry(f"blocks.{layer}.{part}", "contribution").load()
        np.testing.assert_allclose(stream, recording.entry(f"blocks.{layer}", "hidden").load(), atol=1e-6)
        neuron = recording.entry(f"blocks.{layer}.mlp", "neuron").load()
        assert neuron.shape == (2, 5, 64)
        assert neuron.min() == 0  # after the ReLU
        down: Any = model.get_submodule(f"blocks.{layer}.mlp.2")
        np.testing.assert_allclose(
            down(torch.from_numpy(neuron)).detach(),
            recording.entry(f"blocks.{layer}.mlp", "contribution").load(), atol=1e-6,
        )  # fmt: skip


def test_top_logits_give_probabilities() -> None:
    model = HandWritten().eval()
    with torch.no_grad(), record(model, top=3) as recording:
        out = model(IDS)
    best = out.softmax(-1).topk(3)
    logits, total = (recording.entry("", kind).load() for kind in ("top_logits", "logsumexp"))
    np.testing.assert_allclose(np.exp(logits - total[..., None]), best.values, atol=1e-6)
    np.testing.assert_array_equal(recording.entry("", "top_ids").load(), best.indices)
    with torch.no_grad(), record(model, logits=None) as recording:
        model(IDS)
    assert recording.sites(kind="top_logits") == ()


class Sinusoidal(nn.Module):
    def __init__(self, width: int, batch_first: bool) -> None:
        super().__init__()
        at = torch.arange(40)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
        table = torch.zeros(40, width)
        table[:, 0::2], table[:, 1::2] = at.sin(), at.cos()
        self.register_buffer("pe", table[None] if batch_first else table[:, None])
        self.batch_first = batch_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pe: Any = self.pe
        added: torch.Tensor = x + (pe[:, : x.shape[1]] if self.batch_first else pe[: x.shape[0]])
        return added


class Translator(nn.Module):
    """An encoder–decoder around ``nn.Transformer``, as in a course."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.src_emb = nn.Embedding(30, 16)
        self.tgt_emb = self.src_emb if shared else nn.Embedding(40, 16)
        self.positional = Sinusoidal(16, batch_first=True)
        self.transformer = nn.Transformer(16, 4, 1, 1, 32, 0.0, batch_first=True)
        self.generator = nn.Linear(16, 30 if shared else 40)

    def forward(self, src: torch.Tensor, tgt: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1])
        x, y = self.positional(self.src_emb(src)), self.positional(self.tgt_emb(tgt))
        out: torch.Tensor = self.generator(self.transformer(x, y, tgt_mask=mask))
        return out


@pytest.mark.parametrize("shared", [False, True])
def test_both_sides_of_a_translator(shared: bool) -> None:
    model = Translator(shared).train()  # the unfused path: every part runs
    source, target = ["le", "chat", "noir"], ["<s>", "the", "black", "cat"]
    with record(model, tokens=source, target_tokens=target) as recording:
        out = model(torch.tensor([[3, 4, 5]]), torch.tensor([[1, 6, 7, 8]]))
    assert recording.missing == ()
    ids = recording.entries(kind="ids")
    assert [entry.attrs["tokens"]["token"] for entry in ids] == ["tokens", "target_tokens"]
    assert list(recording["transformer.encoder.layers.0", "hidden"].coords["token"].values) == source
    assert list(recording["transformer.decoder.layers.0", "hidden"].coords["token"].values) == target
    assert list(recording["", "top_ids"].coords["token"].values) == target
    cross = recording.attention("transformer.decoder.layers.0.multihead_attn", head=1)
    assert list(cross.coords["query"].values) == target
    assert list(cross.coords["key"].values) == source
    table: Any = model.positional.pe
    for entry, length in zip(recording.entries("positional", "position"), (3, 4), strict=True):
        np.testing.assert_array_equal(entry.load(), table[:, :length])
    neuron = recording.entry("transformer.encoder.layers.0.linear2", "neuron").load()
    assert neuron.shape == (1, 3, 32)
    assert out.shape[-1] == model.generator.out_features
    assert recording.info["facts"]["n_layers"] == 2


def test_parts_inside_a_fused_kernel_are_said_to_be_missing() -> None:
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 1).eval()
    with torch.no_grad(), record(model) as recording:
        model(torch.zeros(1, 3, 16))
    lost = {(item.site, item.kind): item.reason for item in recording.missing}
    assert "set_fastpath_enabled(False)" in lost["layers.0.linear2", "neuron"]
    assert ("layers.0.self_attn", "attention") not in lost


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(32, 3)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(32, 8), nn.Linear(8, 32)) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = functional.softmax(self.gate(x), dim=-1)
        return sum(
            (shares[..., n, None] * expert(x) for n, expert in enumerate(self.experts)), torch.zeros(())
        )


def test_a_mixture_of_experts_gives_its_contribution_and_says_why_no_neurons() -> None:
    model = HandWritten(layers=1)
    model.blocks[0].mlp = Experts()
    with torch.no_grad(), record(model) as recording:
        model(IDS)
    assert recording.sites(kind="contribution") == ("blocks.0.attn", "blocks.0.mlp")
    assert recording.sites(kind="attention") == ("blocks.0.attn",)  # the router's softmax is not attention
    assert [item.reason for item in recording.missing if item.kind == "neuron"] == [
        "its feed-forward network is a mixture of experts: tokens go through different ones"
    ]


class Rotary(nn.Module):
    """Queries and keys rotated, keys shared by two heads, no class or list with a usual name."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 32)
        self.first, self.second = RotaryLayer(), RotaryLayer()

    def forward(self, *, sentence: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"states": self.second(self.first(self.words(sentence)))}


class RotaryLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix, self.norm = RotaryMixer(), nn.RMSNorm(32)
        self.up, self.gate, self.down = nn.Linear(32, 64), nn.Linear(32, 64), nn.Linear(64, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.mix(x)
        y = self.norm(x)
        out: torch.Tensor = x + self.down(functional.silu(self.gate(y)) * self.up(y))
        return out


class RotaryMixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.d = (
            nn.Linear(32, 32),
            nn.Linear(32, 16),
            nn.Linear(32, 16),
            nn.Linear(32, 32),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (f(x).unflatten(-1, (-1, 8)).transpose(1, 2) for f in (self.a, self.b, self.c))
        q, k = rope(q), rope(k)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        out: torch.Tensor = self.d(mixed.transpose(1, 2).flatten(2))
        return out


def rope(x: torch.Tensor) -> torch.Tensor:
    angle = torch.arange(x.shape[-2])[:, None] * 0.5 ** torch.arange(4)
    one, other = x.chunk(2, -1)
    return torch.cat([one * angle.cos() - other * angle.sin(), one * angle.sin() + other * angle.cos()], -1)


def test_a_decoder_without_a_usual_name_in_it() -> None:
    model = Rotary()
    with record(model, verify=True) as recording:
        model(sentence=IDS)
    assert recording.info["provenance"]["family"] == "transformer"
    assert recording.sites(kind="hidden") == ("first", "second")
    assert recording.sites(kind="neuron") == ("first.down", "second.down")
    assert recording.sites(kind="attention") == ("first.mix", "second.mix")
    assert recording.entry("first.mix", "key").shape == (2, 2, 5, 8)
    lost = {item.kind: item.reason for item in recording.missing}
    assert lost["position"] == "positions are rotated into queries and keys; none are added to the tokens"
    assert lost["logits"] == "the model has no output layer as wide as its vocabulary"


def test_facts_need_no_run() -> None:
    model = HandWritten()
    found = describe(model)
    assert found["facts"] == {
        "n_params": sum(p.numel() for p in model.parameters()), "n_layers": 2, "d_model": 32, "n_heads": 4,
        "d_head": 8, "context": 64, "vocab": 50, "bytes": 4 * sum(p.numel() for p in model.parameters()),
        "n_kv_heads": 4, "d_ff": 64,
    }  # fmt: skip


def test_half_of_a_block_is_enough() -> None:
    """Attention alone, one layer after the other: blocks are the attention modules themselves."""
    model = nn.Sequential(HandWrittenBlock(32, 4).attn, HandWrittenBlock(32, 4).attn)
    with record(model) as recording:
        model(torch.randn(1, 4, 32))
    assert recording.sites(kind="attention") == ("0", "1")
    assert math.isclose(float(recording.attention("0", head=0).sum()), 4, rel_tol=1e-5)
