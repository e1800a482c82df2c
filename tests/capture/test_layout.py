"""Axes are called what they are, however a model lays its arrays out."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from genviz.capture import record
from genviz.recording import Recording
from tests.capture.models import HandWritten, OwnSdpa

AXES = ("sample", "token", "channel")
X = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
WORDS = list("abcdef")


def encoder(batch_first: bool) -> nn.TransformerEncoder:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=batch_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def same(one: Recording, other: Recording) -> None:
    """The same axes and, but for the last digits, values, wherever both kernels gave something out."""
    mine, theirs = ({(e.site, e.kind, e.call): e for e in each.entries()} for each in (one, other))
    both = mine.keys() & theirs.keys()
    assert {"hidden"} < {kind for _, kind, _ in both}
    for at in both:
        assert (mine[at].axes, mine[at].shape) == (theirs[at].axes, theirs[at].shape)
        np.testing.assert_allclose(mine[at].load(), theirs[at].load(), atol=1e-5)


@pytest.mark.parametrize("samples", [2, 6], ids=["oblong", "square"])
@pytest.mark.parametrize("mode", ["train", "no_grad"])
def test_positions_first(samples: int, mode: str) -> None:
    """PyTorch's own default, ``batch_first=False``, is recorded as the same model with samples first."""
    x = X.repeat(3, 1, 1)[:samples] * torch.arange(1, samples + 1)[:, None, None]
    first, last = encoder(True).train(mode == "train"), encoder(False).train(mode == "train")
    with torch.set_grad_enabled(mode == "train"):
        with record(first, tokens=[WORDS] * samples) as expected:
            first(x)
        with record(last, tokens=[WORDS] * samples) as found:
            last(x.transpose(0, 1))
    same(found, expected)
    assert found.entry("layers.1", "hidden").shape == (samples, 6, 16)


@pytest.mark.parametrize("mode", ["train", "no_grad"])
def test_a_sequence_without_a_sample_axis(mode: str) -> None:
    model = encoder(True).train(mode == "train")
    with torch.set_grad_enabled(mode == "train"):
        with record(model, tokens=WORDS) as expected:
            model(X[:1])
        with record(model, tokens=WORDS) as found:
            model(X[0])
    same(found, expected)
    assert list(found["layers.0", "hidden"].coords["token"].values) == WORDS


def test_ids_without_a_sample_axis() -> None:
    class Plain(HandWritten):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return super().forward(ids[None])[0] if ids.ndim == 1 else super().forward(ids)

    model, ids = Plain(), torch.arange(5)
    with record(model, logits="all") as expected:
        model(ids[None])
    with record(model, logits="all") as found:
        model(ids)
    same(found, expected)


def test_attention_of_one_head_written_for_one_sequence() -> None:
    class Lesson(nn.Module):
        """As on a blackboard: no samples, no heads."""

        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(16, 16) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.weights = (self.q(x) @ self.k(x).T / 4).softmax(-1)
            out: torch.Tensor = self.weights @ self.v(x)
            return out

    model = Lesson()
    with record(model) as recording:
        model(X[0])
    np.testing.assert_array_equal(recording.attention("", head=0), model.weights.detach())
    assert recording.entry("", "hidden").axes == AXES
    with record(model) as recording:  # 16 positions, as many as a projection has outputs
        model(torch.randn(16, 16))
    reason = next(item.reason for item in recording.missing if item.kind == "attention")
    assert reason.startswith("a softmax over 16 columns was seen, as many as a projection of this module has")


class Memory(nn.Module):
    """Queries of every sample look at one memory that all share."""

    def __init__(self, heads_named: bool, shared: str) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(16, 16) for _ in range(3))
        self.shared = shared
        if heads_named:
            self.num_heads = 4

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            layer(part).unflatten(-1, (4, -1)).transpose(-2, -3)
            for layer, part in ((self.q, x), (self.k, memory), (self.v, memory))
        )
        return functional.scaled_dot_product_attention(q, k, v)


@pytest.mark.parametrize("named", [True, False], ids=["heads named", "heads not named"])
@pytest.mark.parametrize("shared", ["keys", "queries"])
def test_what_all_samples_share_needs_no_sample_axis(shared: str, named: bool) -> None:
    torch.manual_seed(0)
    model = Memory(named, shared)
    given = (X, X[0, :5]) if shared == "keys" else (X[0, :5], X)
    with record(model, verify=True) as recording:
        model(*given)
    queries, keys = recording.entry("", "query"), recording.entry("", "key")
    assert queries.shape[:2] == keys.shape[:2] == (2, 4)
    assert queries.attrs["error"] < 1e-6


def test_windows_broadcast_as_in_the_function_itself() -> None:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
            return functional.scaled_dot_product_attention(q * self.weight, k, k)

    model = Windows()
    q, k = torch.randn(2, 3, 4, 6, 8), torch.randn(2, 1, 4, 6, 8)
    with record(model, verify=True) as recording:
        model(q, k)
    assert recording.entry("", "query").shape == recording.entry("", "key").shape == (6, 4, 6, 8)
    assert recording.entry("", "query").attrs["error"] < 1e-6


def test_an_output_layer_after_three_projections_is_no_attention() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.c(self.b(self.a(x).relu()).relu()).softmax(-1)
            return out

    model = Classifier()
    with record(model) as recording:
        model(torch.randn(5, 4))
    assert recording.sites(kind="weighted_sum") == ("a", "b", "c")
    assert recording.sites(kind="attention") == ()


def wrapped(function: Any) -> Any:
    def mine(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return mine


@pytest.mark.parametrize(
    ("owner", "name"), [(functional, "scaled_dot_product_attention"), (torch.Tensor, "softmax")]
)
def test_a_wrapper_left_around_a_stand_in_does_not_count_twice(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody put over ours inside a block stays theirs, and ours below it is silent from then on."""
    model: nn.Module = OwnSdpa(16, 4) if name != "softmax" else HandWritten(layers=1)
    given = X if name != "softmax" else torch.arange(5)[None]
    with record(model):
        monkeypatch.setattr(owner, name, wrapped(getattr(owner, name)))
    for _ in range(2):
        with record(model) as recording:
            model(given)
        site = recording.sites(kind="attention")[0]
        assert [
            entry.call for entry in recording.entries(site, "query" if name != "softmax" else "attention")
        ] == [0]
    monkeypatch.undo()  # puts back ours, long after its block
    with record(model) as recording:
        model(given)
    assert {entry.call for entry in recording.entries()} == {0}
