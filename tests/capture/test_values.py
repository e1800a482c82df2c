"""Values are kept when they are asked for, on every route: weights · values is the model's own mixture."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from genviz.capture import record
from genviz.errors import NotCaptured
from genviz.recording import Recording
from tests.capture.models import HandWritten, HandWrittenAttention, OwnSdpa
from tests.capture.proofs import changes_nothing, tables_unchanged

X = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))


def mixed(recording: Recording, site: str, call: int = 0) -> np.ndarray:
    """Weights · values, as (sample, query, head · channel)."""
    samples = []
    for sample in range(2):
        reader = recording.attention_reader(site, sample=sample)
        heads = [reader.weights(call, h) @ reader.values(call, h) for h in range(reader.heads)]
        samples.append(np.concatenate(heads, -1))
    return np.stack(samples)


PRODUCTS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "@": lambda w, v: w @ v,
    "torch.matmul": lambda w, v: torch.matmul(w, v),
    "Tensor.matmul": lambda w, v: w.matmul(v),
    "bmm": lambda w, v: torch.bmm(w.flatten(0, 1), v.flatten(0, 1)).unflatten(0, (2, 4)),
    "transposed": lambda w, v: torch.bmm(v.flatten(0, 1).mT, w.flatten(0, 1).mT).mT.unflatten(0, (2, 4)),
    "einsum": lambda w, v: torch.einsum("bhqk,bhkd->bhqd", w, v),
    "einsum, other order": lambda w, v: torch.einsum("kbhd,bhqk->bhqd", v.permute(2, 0, 1, 3), w),
    "after dropout": lambda w, v: functional.dropout(w, 0.0, True) @ v,
    "in another precision": lambda w, v: (w.double() @ v.double()).float(),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_of_a_softmax_written_by_hand(name: str) -> None:
    class Written(HandWrittenAttention):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
            self.mixture = PRODUCTS[name](functional.softmax(q @ k.mT, dim=-1), v)
            out: torch.Tensor = self.proj(self.mixture.transpose(1, 2).flatten(2))
            return out

    torch.manual_seed(0)
    model = Written(16, 4)
    with torch.no_grad():
        bare = model(X)
        with tables_unchanged(model), record(model, values=True) as recording:
            out = model(X)
    assert torch.equal(bare, out)
    expected = model.mixture.transpose(1, 2).flatten(2)
    np.testing.assert_allclose(mixed(recording, ""), expected, atol=1e-6)
    assert not recording.missing or {item.kind for item in recording.missing} & {"value"} == set()


def test_of_scaled_dot_product_attention() -> None:
    model = OwnSdpa(16, 4)
    with record(model, kinds=["attention", "value"]) as recording:
        out = model(X)
    assert recording.kinds() == ("query", "key", "value", "attention")
    projected = functional.linear(torch.as_tensor(mixed(recording, "")), model.proj.weight, model.proj.bias)
    torch.testing.assert_close(projected, out)


@pytest.mark.parametrize("need", [True, False])
@pytest.mark.parametrize("mode", ["train", "eval", "no_grad"])
def test_of_multi_head_attention(mode: str, need: bool) -> None:
    module = nn.MultiheadAttention(16, 4, batch_first=True).train(mode == "train")
    with torch.set_grad_enabled(mode != "no_grad"), record(module, values=True) as recording:
        out = module(X, X[:, :5], X[:, 1:], need_weights=need)[0]
    projected = module.out_proj(torch.as_tensor(mixed(recording, "")))
    torch.testing.assert_close(projected, out, atol=1e-5, rtol=1e-5)


def test_of_the_fused_encoder_layer() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=True).eval()
    with torch.no_grad(), record(layer, values=True) as recording:
        layer(X)
    expected = layer.self_attn(X, X, X)[0]
    projected = layer.self_attn.out_proj(torch.as_tensor(mixed(recording, "self_attn")))
    torch.testing.assert_close(projected, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_of_a_generation_with_a_cache_and_grouped_heads(implementation: str) -> None:
    pytest.importorskip("transformers")
    from tests.capture.test_generate import PROMPT, language_model

    model = language_model("llama", eager=implementation == "eager")
    with record(model, values=True) as recording:
        made = model.generate(PROMPT, max_new_tokens=4, do_sample=False)
    with torch.no_grad(), record(model, kinds=["attention", "value"]) as whole:
        model(made[:, :-1])
    site = recording.sites(kind="attention")[0]
    expected = mixed(whole, site)
    np.testing.assert_allclose(mixed(recording, site, call=0), expected[:, :5], atol=1e-5)
    for call in (1, 2, 3):
        np.testing.assert_allclose(mixed(recording, site, call), expected[:, 4 + call : 5 + call], atol=1e-5)
    stored = [entry.shape[:3] for entry in recording.entries(site, "value")]
    assert stored[0] == (2, 2, 5)
    if implementation == "sdpa":
        assert stored[1:] == [(2, 2, 1)] * 3  # only what is new


def test_asking_changes_nothing() -> None:
    ids = torch.arange(10).reshape(2, 5)
    changes_nothing(HandWritten(), lambda model: model(ids), partial(record, values=True))


def test_nothing_is_kept_unasked() -> None:
    model: Any = OwnSdpa(16, 4)
    with record(model) as recording:
        model(X)
    assert "value" not in recording.kinds()
    with pytest.raises(NotCaptured) as told:
        recording.attention_reader("").values(0, 0)
    assert str(told.value) == (
        "values at '' were not captured: a recording keeps them when they are asked for, "
        "with record(model, values=True)"
    )


def test_values_that_are_mixed_in_another_way_are_reported() -> None:
    class Summing(HandWrittenAttention):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
            weights = functional.softmax(q @ k.mT, dim=-1)
            out: torch.Tensor = (weights[..., None] * v[:, :, None]).sum(-2)
            return out

    model = Summing(16, 4)
    with record(model, values=True) as recording:
        model(X)
    with pytest.raises(NotCaptured, match="values at '' were not captured, because no matrix product"):
        recording.attention_reader("").values(0, 0)
