"""Integrated gradients against an integral by hand and Captum's layers; occlusion against the model."""

import sys
from typing import Any

import numpy as np
import pytest
import torch

from genviz.errors import LiveError
from tests.live.small_models import IDS, Identity, given_to, live_of, logits_of, model_of


class Marked(Identity):
    mask_id, unk_id, pad_id = 30, 31, 0


@pytest.mark.parametrize(
    "kind", ["gpt", "positions first", "translator", "gpt2", "llama", "bert", "albert", "t5"]
)
def test_the_parts_sum_to_the_change_of_the_logit(kind: str) -> None:
    ids, target = given_to(kind)
    found = live_of(kind).input_attribution(ids, position=2, word=7, target_text=target)
    with torch.no_grad():
        own = float(logits_of(kind, model_of(kind))[2, 7])
    assert found["logit"] == pytest.approx(own, abs=1e-5)
    change = found["logit"] - found["baseline_logit"]
    assert found["integrated_gradients"].sum() + found["gap"] == pytest.approx(change, abs=1e-6)
    assert abs(found["gap"]) < 0.02 * max(abs(change), 0.1)
    assert len(found["words"]) == len(found["integrated_gradients"]) == len(found["occlusion"])
    if target is not None:
        assert found["sides"].count("target_tokens") == len(target)
        assert found["kept"].nonzero()[0].tolist() == [len(ids)]  # the mark that begins an answer


def integral_by_hand(model: Any, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Riemann's middle sum of the gradient along the line, times the line."""
    total = torch.zeros_like(end)
    for step in range(200):
        at = (start + (step + 0.5) / 200 * (end - start)).requires_grad_()
        x = at + model.position_embedding(torch.arange(len(IDS)))
        for block in model.blocks:
            x = block(x)
        total += torch.autograd.grad(model.head(model.norm(x))[0, 3, 9], at)[0]
    return (total / 200 * (end - start)).sum(-1)[0].detach()


def test_integrated_gradients_are_the_integral() -> None:
    live, model = live_of("gpt"), model_of("gpt")
    found = live.input_attribution(IDS, position=3, word=9, baseline="zero")
    end = model.token_embedding(torch.tensor([IDS])).detach()
    expected = integral_by_hand(model, torch.zeros_like(end), end)
    np.testing.assert_allclose(found["integrated_gradients"], expected, atol=1e-4)
    assert found["baseline"] == "a vector of zeros"
    assert not found["integrated_gradients"][4:].any()  # what comes later is not looked at


def test_captum_s_layer_attribution_says_the_same() -> None:
    from captum.attr import LayerIntegratedGradients

    live = live_of("gpt")
    live.source.tokenizer = Marked()
    found = live.input_attribution(IDS, position=5, word=2)
    assert found["baseline"] == "the token w30"
    model = model_of("gpt")
    layer = LayerIntegratedGradients(lambda ids: model(ids)[:, 5, 2], model.token_embedding)
    parts = layer.attribute(torch.tensor([IDS]), torch.full((1, len(IDS)), 30), n_steps=found["steps"])
    np.testing.assert_allclose(found["integrated_gradients"], parts[0].sum(-1).detach(), atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt", "positions first", "translator", "llama"])
def test_occlusion_is_the_model_without_the_word(kind: str) -> None:
    live, model = live_of(kind), model_of(kind)
    live.source.tokenizer = live.target.tokenizer = Marked()
    ids, target = given_to(kind)
    found = live.input_attribution(ids, position=3, word=4, baseline="unk", target_text=target)
    for at in range(len(ids)):
        changed = [*ids[:at], 31, *ids[at + 1 :]]
        with torch.no_grad():
            arguments = [torch.tensor([each]) for each in (changed, target) if each is not None]
            out = model(*arguments)
            other = (out.logits if hasattr(out, "logits") else out)[0, 3, 4]
        assert found["occlusion"][at] == pytest.approx(found["logit"] - float(other), abs=1e-5)


def test_without_captum_occlusion_still_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    found = live_of("gpt").input_attribution(IDS)
    assert found["integrated_gradients"] is None
    assert found["missing"] == (
        "integrated gradients needs the optional extra 'explain': pip install 'genviz[explain]'"
    )
    assert np.abs(found["occlusion"]).max() > 0


def test_wrong_arguments_are_said() -> None:
    live = live_of("gpt")
    with pytest.raises(
        LiveError, match="baseline='mask': this tokenizer has no such token; baseline='zero' always"
    ):
        live.input_attribution(IDS, baseline="mask")
    with pytest.raises(LiveError, match="baseline='noise': choose auto, mask, unk, pad, mean, zero"):
        live.input_attribution(IDS, baseline="noise")
    with pytest.raises(LiveError, match="no position 6: the text has positions 0 … 5"):
        live.input_attribution(IDS, position=6)


def test_one_token_and_nothing_left_behind() -> None:
    live = live_of("t5")
    before = {name: each.clone() for name, each in live.modules[""].state_dict().items()}
    found = live.input_attribution([5], target_text=[1])
    assert len(found["words"]) == 2
    model = live.modules[""]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
