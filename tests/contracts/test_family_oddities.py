"""Models as odd as users make them: captured, or told why not; never an empty result in silence."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genviz.capture import record
from genviz.errors import CaptureError, GenvizError, TokenMismatch, UnknownSite
from tests.contracts.family_models import IDS, PICTURES, Decoder, PlainAutoencoder, made, mlp

X = torch.ones(2, 4)


@dataclass
class Out:
    label: str
    hidden: Tensor


class GivesDataclass(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Out:
        return Out("made", self.part(x))


class Twice(nn.Module):
    """One module called several times, another that stands under two names, one that returns itself."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Linear(4, 4)
        self.alias = self.part

    def forward(self, x: Tensor) -> dict[str, Any]:
        for _ in range(3):
            x = self.alias(x)
        ring: dict[str, Any] = {"y": x}
        ring["self"] = ring
        return ring


def test_a_module_called_several_times_keeps_every_call() -> None:
    with record(Twice(), sites={"part": "activation"}) as recording:
        Twice()
    assert [item.site for item in recording.missing] == ["", "part"]
    with record(model := Twice(), sites={"part": "activation"}) as recording:
        model(X)
    assert [entry.call for entry in recording.entries("part", "activation")] == [0, 1, 2]


def test_dataclasses_are_read() -> None:
    model = GivesDataclass()
    with record(model, sites={"": "activation"}) as recording:
        out = model(X)
    np.testing.assert_array_equal(recording.entry("", "activation").load(), out.hidden.detach().numpy())


def test_by_keyword_the_order_is_the_models_own() -> None:
    class Conditioned(PlainAutoencoder):
        def forward(self, *, x: Tensor, noise: Tensor | None = None) -> Tensor:
            made = super().forward(x=x)
            return made if noise is None else made + noise

    model = Conditioned()
    with record(model) as recording:
        model(noise=torch.zeros_like(PICTURES), x=PICTURES)
    np.testing.assert_array_equal(recording.entry("", "sample").load(), PICTURES.numpy())


def test_a_value_is_kept_as_it_was_before_an_operation_in_place() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True))
    with torch.no_grad(), record(model) as recording:
        out = model(X)
    first = model[0]
    assert isinstance(first, nn.Linear)
    expected = torch.nn.functional.linear(X, first.weight, first.bias).detach()
    np.testing.assert_array_equal(recording.entry("0", "weighted_sum").load(), expected.numpy())
    np.testing.assert_array_equal(recording.entry("0", "activation").load(), out.numpy())


def test_weights_changed_through_data_are_kept_anew() -> None:
    model = nn.Sequential(nn.Linear(4, 1))
    with record(model) as recording:
        for _ in range(3):
            model(X).sum().backward()
            for parameter in model.parameters():
                parameter.data -= 0.1
    kept = [entry.load()[0, 0] for entry in recording.entries("0", "weight")]
    np.testing.assert_allclose(np.diff(kept), -0.1, rtol=1e-5)


@pytest.mark.parametrize("shape", [(0, 5), (2, 0)])
def test_an_empty_batch_or_sequence_runs_as_without(shape: tuple[int, int]) -> None:
    model = made("decoder")
    mask = torch.ones(shape[0], 1, shape[1], shape[1], dtype=torch.bool)
    with record(model) as recording:
        out = model(torch.zeros(shape, dtype=torch.long), mask)
    assert out.shape == (*shape, 40)
    assert recording.entry("blocks.0", "hidden").shape == (*shape, 16)


def test_a_softmax_over_the_vocabulary_is_no_attention() -> None:
    model = Decoder(probabilities=True).eval()
    with record(model) as recording:
        model(IDS.repeat(2, 1))
    assert recording.sites(kind="attention") == ("blocks.0.attn", "blocks.1.attn")
    assert recording.sites(kind="hidden") == ("blocks.0", "blocks.1")


def test_a_mask_with_an_offset_reads_back() -> None:
    model = made("decoder")
    with torch.no_grad(), record(model) as recording:
        model(IDS[:1], torch.ones(5, 5).triu().bool())
    found = recording.attention("blocks.0.attn", head=0).values
    assert found.shape == (5, 5)
    np.testing.assert_allclose(found, np.triu(found))
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)


def test_what_a_hook_added_meanwhile_puts_in_place_is_what_is_kept() -> None:
    model = made("decoder")
    with torch.no_grad(), record(model, kinds=["hidden"]) as recording:
        handle = model.blocks[0].register_forward_hook(lambda module, args, out: out * 0 + 7)
        model(IDS)
        handle.remove()
    assert (recording.entry("blocks.0", "hidden").load() == 7).all()
    assert not model.blocks[0]._forward_hooks


def test_a_dynamically_quantised_model_is_seen() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(made("decoder"), {nn.Linear})
    with torch.no_grad(), record(model) as recording:
        model(IDS)
    assert recording.sites(kind="attention") == ("blocks.0.attn", "blocks.1.attn")
    assert recording.sites(kind="hidden") == ("blocks.0", "blocks.1")


def test_lazy_layers_are_seen_at_their_first_run() -> None:
    model = nn.Sequential(nn.LazyLinear(3))
    with record(model) as recording:
        model(X)
    assert recording.entry("0", "weight").shape == (3, 4)


@pytest.mark.parametrize("way", ["not called", "compiled", "direct forward", "meta"])
def test_nothing_is_never_silent(way: str) -> None:
    model = mlp()
    run: dict[str, Callable[[], Any]] = {
        "not called": lambda: None,
        "compiled": lambda: torch.compile(model, backend="eager")(X),
        "direct forward": lambda: model.get_submodule("0").forward(X),
        "meta": lambda: model.to("meta")(X.to("meta")),
    }
    with record(model) as recording:
        run[way]()
    assert len(recording) == 0
    reasons = {item.reason for item in recording.missing}
    wanted = (
        "the meta device, which computes no values" if way == "meta" else "did not run inside the with block"
    )
    assert any(wanted in reason for reason in reasons)
    assert wanted in repr(recording)


REFUSED: dict[str, tuple[Callable[[], Any], type[GenvizError], str]] = {
    "compiled": (lambda: torch.compile(mlp()), CaptureError, "is compiled by torch.compile, whose code"),
    "scripted": (lambda: torch.jit.trace(mlp(), X), CaptureError, "is TorchScript, which runs"),
    "empty": (nn.Sequential, CaptureError, "nothing to record in Sequential: it has no"),
    "nothing": (dict, CaptureError, "attaches to a torch.nn.Module, or to a dict"),
    "a function": (lambda: max, CaptureError, "got builtin_function_or_method: pass the"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_seen_is_refused_before_the_run(name: str) -> None:
    build, kind, text = REFUSED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = build()
    with pytest.raises(kind, match=re.escape(text)):
        record(model).__enter__()


WRONG: dict[str, tuple[dict[str, Any], type[GenvizError], str]] = {
    "site": ({"sites": ["blocks.9"]}, UnknownSite, "no site 'blocks.9': this model has tok, pos, "),
    "family": ({"family": "diffusion"}, CaptureError, "no family 'diffusion': the families are tr"),
    "option": ({"colour": 1}, CaptureError, "no option 'colour': its further options are"),
    "labels": ({"labels": [1]}, CaptureError, 'got list: write labels={"class": [...]}'),
    "few tokens": ({"tokens": ["a"] * 2}, TokenMismatch, "tokens= is for 1 samples, but the model was run"),
    "short tokens": ({"tokens": [["a"]] * 2}, TokenMismatch, "has 1 tokens, but the model was given 5"),
    "many tokens": ({"tokens": [["a"] * 9] * 2}, TokenMismatch, "has 9 tokens, but the model was given 5"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_named(name: str) -> None:
    options, kind, text = WRONG[name]
    model = made("decoder")

    def captured() -> None:
        with record(model, **options):
            model(IDS)

    with pytest.raises(kind, match=re.escape(text)):
        captured()
