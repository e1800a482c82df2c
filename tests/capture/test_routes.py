"""Attention from every route, against the weights that the model itself computed."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention as by_name

from genviz.attention import MaskRule
from genviz.capture import record, verify
from genviz.capture.attention.masks import Masking
from genviz.capture.attention.seen import Seen
from genviz.capture.verifying import error_of
from genviz.recording import Recording
from tests.capture.models import HandWritten, HandWrittenAttention, OwnSdpa

X = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
MEMORY = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(1))
PADDED = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
CAUSAL = nn.Transformer.generate_square_subsequent_mask(6)
BIAS = torch.randn(6, 6, generator=torch.Generator().manual_seed(2))


def weights(recording: Recording, site: str, samples: int = 2, call: int | None = None) -> np.ndarray:
    return np.stack([recording.attention(site, sample=n, call=call).values for n in range(samples)])


def attention(**kwargs: Any) -> nn.MultiheadAttention:
    torch.manual_seed(0)
    return nn.MultiheadAttention(16, 4, batch_first=True, **kwargs)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "self": {},
    "causal": {"attn_mask": CAUSAL},
    "boolean causal": {"attn_mask": CAUSAL < 0},
    "padded": {"key_padding_mask": PADDED},
    "padded and causal": {
        "attn_mask": CAUSAL, "key_padding_mask": torch.zeros(2, 6).masked_fill(PADDED, -math.inf)
    },
}  # fmt: skip


@pytest.mark.parametrize("masked", ARGUMENTS)
@pytest.mark.parametrize("need", [True, False], ids=["weights", "no weights"])
@pytest.mark.parametrize("mode", ["train", "eval", "no_grad"])
def test_multi_head_attention(mode: str, need: bool, masked: str) -> None:
    module = attention().train(mode == "train")
    given = ARGUMENTS[masked]
    with torch.set_grad_enabled(mode != "no_grad"):
        expected = module(X, X, X, average_attn_weights=False, **given)[1].detach()
        bare = module(X, X, X, need_weights=need, **given)[0]
        with record(module) as recording:
            out = module(X, X, X, need_weights=need, **given)[0]
    assert torch.equal(bare, out)
    assert {entry.attrs["route"] for entry in recording.entries() if "route" in entry.attrs} == {"multi_head"}
    np.testing.assert_allclose(weights(recording, ""), expected, atol=1e-6)


@pytest.mark.parametrize("mode", ["train", "no_grad"])
@pytest.mark.parametrize(
    "options",
    [{"bias": False}, {"kdim": 8, "vdim": 8}, {"add_zero_attn": True}, {"add_bias_kv": True}],
    ids=str,
)
def test_multi_head_attention_of_unusual_make(options: dict[str, Any], mode: str) -> None:
    module = attention(**options)
    key = MEMORY[..., :8] if "kdim" in options else MEMORY
    with torch.set_grad_enabled(mode != "no_grad"):
        expected = module(X, key, key, average_attn_weights=False)[1].detach()
        with record(module) as recording:
            module(X, key, key, need_weights=False)
    np.testing.assert_allclose(weights(recording, ""), expected, atol=1e-6)


def test_an_additive_mask_that_is_no_rule_is_kept_as_it_is() -> None:
    module = attention()
    expected = module(X, X, X, attn_mask=BIAS, average_attn_weights=False)[1].detach()
    with record(module) as recording:
        module(X, X, X, attn_mask=BIAS, need_weights=False)
    np.testing.assert_allclose(weights(recording, ""), expected, atol=1e-6)
    assert recording.entries(kind="attention_bias")[0].shape == (1, 1, 6, 6)


def reference_of(layer: nn.Module, x: torch.Tensor, **masks: Any) -> torch.Tensor:
    """The weights of an encoder layer's attention, from PyTorch's own unfused path."""
    source = layer.norm1(x) if layer.norm_first else x  # type: ignore[operator]
    found = layer.self_attn(source, source, source, average_attn_weights=False, **masks)[1]  # type: ignore[operator]
    return torch.as_tensor(found).detach()


@pytest.mark.parametrize("mode", ["train", "eval", "no_grad", "inference"])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("masked", ["none", "causal", "padded"])
def test_transformer_encoder(mode: str, norm_first: bool, masked: str) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=True, norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=not norm_first).train(mode == "train")
    outer = {"causal": {"mask": CAUSAL}, "padded": {"src_key_padding_mask": PADDED}}.get(masked, {})
    inner = {"causal": {"attn_mask": CAUSAL}, "padded": {"key_padding_mask": PADDED}}.get(masked, {})
    guard: Any = {"no_grad": torch.no_grad, "inference": torch.inference_mode}.get(mode, torch.enable_grad)
    with guard():
        bare = model(X, **outer)
        with record(model) as recording:
            out = model(X, **outer)
    assert torch.equal(bare, out)
    assert recording.sites(kind="attention") == ("layers.0.self_attn", "layers.1.self_attn")
    model.train()  # the reference by the path that is not fused
    expected = reference_of(model.layers[0], X, **inner)
    found = weights(recording, "layers.0.self_attn")
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    rows = 4 if masked == "padded" else 6  # the fused path leaves padding out
    np.testing.assert_allclose(found[1, :, :rows, :rows], expected[1, :, :rows, :rows], atol=1e-6)


@pytest.mark.parametrize("mode", ["train", "eval", "no_grad"])
def test_the_whole_transformer(mode: str) -> None:
    torch.manual_seed(0)
    model = nn.Transformer(16, 4, 1, 1, 32, 0.0, batch_first=True).train(mode == "train")
    with torch.set_grad_enabled(mode != "no_grad"):
        bare = model(MEMORY, X, tgt_mask=CAUSAL)
        with record(model, tokens=[list("abcde")] * 2, target_tokens=[list("uvwxyz")] * 2) as recording:
            out = model(MEMORY, X, tgt_mask=CAUSAL)
    assert torch.equal(bare, out)
    layer = model.decoder.layers[0]
    expected = layer.self_attn(X, X, X, attn_mask=CAUSAL, average_attn_weights=False)[1].detach()
    np.testing.assert_allclose(weights(recording, "decoder.layers.0.self_attn"), expected, atol=1e-6)
    cross = recording.attention("decoder.layers.0.multihead_attn", head=0)
    assert cross.shape == (6, 5)
    assert (list(cross.coords["query"].values), list(cross.coords["key"].values)) == (
        list("uvwxyz"),
        list("abcde"),
    )
    own = recording.attention("encoder.layers.0.self_attn", head=0)
    assert list(own.coords["query"].values) == list("abcde")


def test_hand_written_softmax() -> None:
    model = HandWritten().eval()
    ids = torch.arange(10).reshape(2, 5)
    with torch.no_grad(), record(model) as recording:
        model(ids)
    for site in ("blocks.0.attn", "blocks.1.attn"):
        own: Any = model.get_submodule(site)
        np.testing.assert_array_equal(weights(recording, site), own.weights)
        assert recording.entry(site, "attention").attrs["route"] == "eager"


def test_a_nested_capture_still_sees_a_function_held_by_name() -> None:
    model = ByName(16, 4)
    with record(model) as outer, record(model) as inner:
        model(X)
    assert outer.sites(kind="attention") == inner.sites(kind="attention") == ("",)


class ByName(OwnSdpa):
    """Calls a function that was imported by name."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed = by_name(q, k, v, is_causal=True)
        out: torch.Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return out


@pytest.mark.parametrize("kind", [OwnSdpa, ByName])
def test_own_scaled_dot_product_attention(kind: type[OwnSdpa]) -> None:
    torch.manual_seed(0)
    model = kind(16, 4)
    plain = HandWrittenAttention(16, 4)
    plain.load_state_dict(model.state_dict())
    plain(X)
    bare = model(X)
    with record(model, verify=True) as recording:
        out = model(X)
    assert torch.equal(bare, out)
    assert plain.weights is not None
    np.testing.assert_allclose(weights(recording, ""), plain.weights, atol=1e-6)
    assert recording.entry("", "query").attrs["rule"]["causal"]
    assert verify(recording)[""] < 1e-6


SOFTMAXES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "F.softmax": lambda scores: functional.softmax(scores, dim=-1),
    "torch.softmax": lambda scores: torch.softmax(scores, 3),
    "Tensor.softmax": lambda scores: scores.softmax(-1),
    "nn.Softmax": lambda scores: torch.as_tensor(nn.Softmax(dim=-1)(scores)),
    "special": lambda scores: torch.special.softmax(scores, -1),
}


@pytest.mark.parametrize("name", SOFTMAXES)
def test_every_way_to_write_a_softmax(name: str) -> None:
    class Single(HandWrittenAttention):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
            self.weights = SOFTMAXES[name](q @ k.mT)
            assert self.weights is not None
            mixed: torch.Tensor = self.weights @ v
            return mixed

    model = Single(16, 4)
    with torch.no_grad(), record(model) as recording:
        model(X)
    assert model.weights is not None
    assert recording.entry("", "attention").call == 0  # seen once
    np.testing.assert_array_equal(weights(recording, ""), model.weights)


def test_a_softmax_of_something_else_is_not_attention() -> None:
    class Router(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.out = nn.Linear(16, 6), nn.Linear(16, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.softmax(self.gate(x), -1).sum() + functional.softmax(self.out(x), -1)

    model = Router()
    with record(model) as recording:
        model(X)
    assert recording.sites(kind="attention") == ()


def test_grouped_heads_are_kept_as_groups() -> None:
    class Grouped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.kv = nn.Linear(16, 16), nn.Linear(16, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q = self.q(x).unflatten(-1, (4, 4)).transpose(1, 2)
            k, v = (p.unflatten(-1, (1, 4)).transpose(1, 2) for p in self.kv(x).chunk(2, -1))
            return functional.scaled_dot_product_attention(q, k, v, enable_gqa=True, scale=0.7)

    model = Grouped()
    with record(model, verify=True) as recording:
        model(X)
    assert recording.entry("", "key").shape == (2, 1, 6, 4)
    assert verify(recording)[""] < 1e-6


def test_a_module_that_runs_twice_has_two_calls() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attn = self.again = OwnSdpa(16, 4)

        def forward(self, *, x: torch.Tensor) -> dict[str, Any]:  # keyword-only, a None in the output
            return {"nothing": None, "out": self.again(self.attn(x))}

    model = Twice()
    with record(model, sites=["attn"]) as recording:
        model(x=X)
    assert [entry.call for entry in recording.entries("attn", "query")] == [0, 1]
    assert [entry.call for entry in recording.entries("attn", "hidden")] == [0, 1]
    assert not np.array_equal(recording.attention("attn", call=0), recording.attention("attn", call=1))


def test_queries_do_not_keep_a_fused_buffer_alive() -> None:
    model = OwnSdpa(16, 4)
    with torch.no_grad(), record(model, kinds=["attention"]) as recording:
        model(X)
    for entry in recording.entries():
        array = entry.load()
        base = array if array.base is None else array.base
        assert getattr(base, "nbytes", array.nbytes) == array.nbytes


def test_verify_finds_a_wrong_recording() -> None:
    """The check is real: with another scale noted, the error is large."""
    model = OwnSdpa(16, 4)
    with record(model, verify=True) as recording:
        model(X)
    query = torch.as_tensor(recording.entry("", "query").load())
    key = torch.as_tensor(recording.entry("", "key").load())
    value = torch.randn_like(key)
    out = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    seen = Seen("sdpa", query=query, key=key, value=value, output=out)
    assert error_of(seen, Masking(MaskRule(causal=True, scale=0.5)), key) < 1e-6
    assert error_of(seen, Masking(MaskRule(causal=True, scale=0.9)), key) > 1e-3
    assert error_of(seen, Masking(MaskRule(causal=False, scale=0.5)), key) > 1e-3
